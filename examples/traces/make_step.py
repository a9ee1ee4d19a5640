#!/usr/bin/env python3
"""Writes step.<rank>.et beside this file: one step of data-parallel training on four ranks.

Three layers forward, three backward; the gradients of a layer are summed over all ranks while the
layer below still computes; then the optimizer. Rank 3 is a tenth slower. Each node has a recorded
time and its work, so that `--recorded` and `--model` both have something to go by.

A trace is protobuf messages behind their lengths, written here by hand: no library is needed.
"""
import pathlib

COMPUTE, COLLECTIVE = 4, 7
ALL_REDUCE = 0


def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out) + bytes([value])


def number(field, value):
    return varint(field << 3) + varint(value)


def chunk(field, data):
    return varint(field << 3 | 2) + varint(len(data)) + data


def attribute(name, field, value):
    return chunk(10, chunk(1, name.encode()) + number(field, value))


def node(id, name, type, needs, micros=0, **attributes):
    body = number(1, id) + chunk(2, name.encode()) + number(3, type)
    if needs:
        body += chunk(5, b"".join(varint(need) for need in needs))
    if micros:
        body += number(7, micros)
    body += attribute("is_cpu_op", 27, 0)  # a bool
    for key, value in attributes.items():
        body += attribute(key, 9, value)  # an int64
    return varint(len(body)) + body


def step(rank):
    slow = 1.1 if rank == 3 else 1
    tokens, width, layers = 4096, 8192, 3
    work = dict(num_ops=2 * tokens * width**2, tensor_size=2 * (width**2 + 2 * tokens * width))
    gradient = 2 * width**2
    metadata = chunk(1, b"0.0.4")
    out = varint(len(metadata)) + metadata
    last, id, sums = [], 0, []
    for layer in range(layers):
        id += 1
        out += node(id, f"forward.{layer}", COMPUTE, last, round(820 * slow), **work)
        last = [id]
    for layer in reversed(range(layers)):
        for part in ("input", "weight"):
            id += 1
            out += node(id, f"backward.{layer}.{part}", COMPUTE, last, round(840 * slow), **work)
            last = [id]
        id += 1
        out += node(id, f"sum.{layer}", COLLECTIVE, last, comm_type=ALL_REDUCE, comm_size=gradient)
        sums.append(id)
    id += 1
    return out + node(id, "optimizer", COMPUTE, last + sums, 600, tensor_size=layers * width**2 * 28)


if __name__ == "__main__":
    for rank in range(4):
        pathlib.Path(__file__).with_name(f"step.{rank}.et").write_bytes(step(rank))
