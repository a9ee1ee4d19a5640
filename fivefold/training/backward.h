// What the backward pass asks of a device for one forward operator.
#pragma once

#include "fivefold/workload/op.h"

namespace fivefold {

// Operators that compute the gradients of one forward operator: at most the gradient of the input,
// of the weight, and the narrowing of what enters them.
using BackwardOps = InlineVector<Op, 4>;
struct BackwardRule {
  bool weight_gradient = true;  // false: the weight is frozen
  Format activations = Format::kBf16;
};
BackwardOps backward_ops(const Op& forward, const BackwardRule& rule);

// Products and activation of the experts of one device on the rows that came to it: one product of
// each weight for all of them, forward. Their gradients are those of any product.
using ExpertOps = InlineVector<Op, 4>;
ExpertOps expert_ops(const MoeBlock& experts, Format activations);

// Of attention: time of the backward pass over time of the forward pass, of FlashAttention-2.
double attention_backward_ratio();

// Attention whose scores are written to memory: products, softmax and dropout one after the other
// (Megatron-LM before FlashAttention). Forward and backward.
using UnfusedOps = InlineVector<Op, 8>;
UnfusedOps unfused_attention(const AttentionCore& attention, bool dropout);
UnfusedOps unfused_attention_backward(const AttentionCore& attention, bool dropout);

}  // namespace fivefold
