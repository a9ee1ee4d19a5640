#include "fivefold/training/recompute.h"

#include <array>
#include <variant>

namespace fivefold {
namespace {

struct Named {
  std::string_view name;
  Module module;
};

constexpr std::array kModuleNames = {Named{"layernorm", Module::kNorms},
                                     Named{"mla_up_proj", Module::kMlaUp},
                                     Named{"moe_act", Module::kExpertActivation},
                                     Named{"mlp", Module::kFfn},
                                     Named{"moe", Module::kExperts},
                                     Named{"shared_experts", Module::kShared}};

constexpr std::array kOpModules = {Named{"attention_norm", Module::kNorms},
                                   Named{"ffn_norm", Module::kNorms},
                                   Named{"q_b_proj", Module::kMlaUp},
                                   Named{"kv_b_proj", Module::kMlaUp},
                                   Named{"ffn_up", Module::kFfn},
                                   Named{"ffn_activation", Module::kFfn},
                                   Named{"ffn_down", Module::kFfn},
                                   Named{"router", Module::kExperts},
                                   Named{"router_topk", Module::kExperts},
                                   Named{"expert_quantise", Module::kExperts},
                                   Named{"expert_up", Module::kExperts},
                                   Named{"expert_activation", Module::kExperts},
                                   Named{"expert_down", Module::kExperts},
                                   Named{"shared_up", Module::kShared},
                                   Named{"shared_activation", Module::kShared},
                                   Named{"shared_down", Module::kShared}};

template <std::size_t kCount>
std::optional<Module> find(const std::array<Named, kCount>& names, std::string_view name) {
  for (const Named& named : names) {
    if (named.name == name) return named.module;
  }
  return std::nullopt;
}

}  // namespace

std::optional<Module> module_named(std::string_view name) {
  return find(kModuleNames, name);
}

std::optional<Module> module_of(std::string_view op) {
  return find(kOpModules, op);
}

double share_again(const Op& op, const Attention& attention, bool gated) {
  if (std::holds_alternative<AttentionCore>(op.shape) ||
      std::holds_alternative<MlaCore>(op.shape)) {
    return 0;
  }
  if (!std::holds_alternative<Gemm>(op.shape)) return 1;
  // Grouped products are none of those that are kept.
  if (op.name == "o_proj" || op.name == "expert_up" || op.name == "expert_down") return 1;
  if (op.name == "ffn_up") return gated ? 0.5 : 0;
  if (op.name == "ffn_down") return gated ? 0 : 1;
  const auto* gqa = std::get_if<GqaAttention>(&attention);
  if (op.name == "qkv_proj" && gqa != nullptr) {
    return gqa->kv_heads / (gqa->heads + 2.0 * gqa->kv_heads);
  }
  return 0.5;
}

}  // namespace fivefold
