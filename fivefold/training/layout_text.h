// Layouts as people write them: "tp=8,pp=16,dp=128,ep=64,mb=2,schedule=dualpipe,recompute=full".
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "fivefold/training/training.h"

namespace fivefold {

// Of enumerations, as they are written and printed.
std::string_view name(Schedule schedule);
// Of a layout: "selective", "full:3", "layernorm+moe_act".
std::string recompute_text(const TrainingLayout& layout);

// What a text says of a layout. `dp` is what the devices leave if it is not said: 0.
// Keys: tp pp dp ep cp vpp etp mb zero shard sp first last recompute schedule order; recompute is
// none, selective, full, full:N (layers of each part of the model), ops, or modules of
// Megatron-Core joined by + (layernorm+moe_act). Sequence
// parallelism is on where tp is above 1 unless sp=0; vpp above 1 means the interleaved schedule.
// Fails on an unknown or repeated key and on a value that is no whole number, naming it.
Result<TrainingLayout> parse_layout(std::string_view text);

// The same form, what is not at its default alone; tp, pp and dp always.
std::string to_text(const TrainingLayout& layout);

}  // namespace fivefold
