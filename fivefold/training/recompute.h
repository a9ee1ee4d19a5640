// What of a forward pass is not kept but computed again before the backward pass.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "fivefold/catalog/model.h"
#include "fivefold/workload/op.h"

namespace fivefold {

// Selective: attention scores are computed again where they are stored at all (Korthikanti 2022,
// arXiv 2205.05198 section 5; a fused attention kernel always does so), and `Modules`. Full: only
// layer inputs are kept. Ops: outputs of attention, of reduce-scatters and of every second matrix
// product are kept (torchtitan's selective checkpointing by operator, arXiv 2410.06511).
enum class Recompute : std::uint8_t { kNone, kSelective, kFull, kOps };

// What selective recomputation may run again, as Megatron-Core's --recompute-modules names it:
// layernorm, mla_up_proj, moe_act, mlp, moe, shared_experts (core_attn is always part of it).
enum class Module : std::uint8_t { kNorms, kMlaUp, kExpertActivation, kFfn, kExperts, kShared };
inline constexpr int kModules = 6;

struct Modules {
  std::uint8_t bits = 0;
  constexpr bool has(Module module) const { return (bits >> int(module) & 1) != 0; }
  constexpr Modules with(Module module) const {
    return {std::uint8_t(bits | 1u << unsigned(module))};
  }
  auto operator<=>(const Modules&) const = default;
};
std::optional<Module> module_named(std::string_view name);
std::string_view name(Module module);

// The module that an operator of a layer belongs to (workload/layer.h).
std::optional<Module> module_of(std::string_view op);

// The share of an operator that runs again where outputs of every second product are kept; products
// are counted in the order q, k, v, output, gate, up, down.
double share_again(const Op& op, const Attention& attention, bool gated);

}  // namespace fivefold
