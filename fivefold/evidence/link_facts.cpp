// Which parameters of a library are fitted on which fabric.
#include "fivefold/evidence/calibrate_collectives.h"

namespace fivefold {
namespace {

constexpr double kMicro = 1e-6, kGiga = 1e9;

template <class Quantity>
double access(Quantity& field, const double* value) {
  if (value != nullptr) field = Quantity(*value);
  return field.value();
}
double access(double& field, const double* value) {
  if (value != nullptr) field = *value;
  return field;
}

#define FIVEFOLD_FIELD(field) \
  [](LinkParameters& link, const double* value) { return access(link.field, value); }

constexpr LinkFact kFacts[] = {
    {"efficiency", "", 1, 0.05, 1, 0.75, FIVEFOLD_FIELD(efficiency)},
    {"copy_share", "", 1, 0.2, 20, 2, FIVEFOLD_FIELD(copy_share)},
    {"base", "us", kMicro, 0.3e-6, 200e-6, 8.4e-6, FIVEFOLD_FIELD(protocols[0].base)},
    {"step", "us", kMicro, 0.01e-6, 60e-6, 3.4e-6, FIVEFOLD_FIELD(protocols[0].step)},
    {"fill", "", 1, 0.05, 8, 1, FIVEFOLD_FIELD(protocols[0].fill)},
    {"fill_bytes", "B", 1, 16e3, 64e6, 1e6, FIVEFOLD_FIELD(protocols[0].fill_bytes)},
    {"ll_share", "", 1, 0.01, 0.6, 0.25, FIVEFOLD_FIELD(protocols[1].share)},
    {"ll_base", "us", kMicro, 0.3e-6, 60e-6, 6.6e-6, FIVEFOLD_FIELD(protocols[1].base)},
    {"ll_step", "us", kMicro, 0.01e-6, 30e-6, 0.6e-6, FIVEFOLD_FIELD(protocols[1].step)},
    {"ll_fill", "", 1, 0.02, 10, 0.3, FIVEFOLD_FIELD(protocols[1].fill)},
    {"ll_fill_bytes", "B", 1, 1e3, 512e3, 4096, FIVEFOLD_FIELD(protocols[1].fill_bytes)},
    {"ll128_share", "", 1, 0.05, 0.98, 0.9, FIVEFOLD_FIELD(protocols[2].share)},
    {"ll128_base", "us", kMicro, 0.3e-6, 100e-6, 14e-6, FIVEFOLD_FIELD(protocols[2].base)},
    {"ll128_step", "us", kMicro, 0.01e-6, 40e-6, 1.9e-6, FIVEFOLD_FIELD(protocols[2].step)},
    {"ll128_fill", "", 1, 0.02, 6, 0.3, FIVEFOLD_FIELD(protocols[2].fill)},
    {"ll128_fill_bytes", "B", 1, 4e3, 4e6, 128e3, FIVEFOLD_FIELD(protocols[2].fill_bytes)},
    {"tree_share", "", 1, 0.2, 1, 0.8, FIVEFOLD_FIELD(tree_share)},
    {"in_network_efficiency", "", 1, 0.1, 1, 0.6, FIVEFOLD_FIELD(in_network_efficiency)},
    {"in_network_base", "us", kMicro, 5e-6, 600e-6, 28e-6, FIVEFOLD_FIELD(in_network_base)},
    {"in_network_fill", "", 1, 0.05, 6, 1, FIVEFOLD_FIELD(in_network_fill)},
    {"in_network_fill_bytes", "B", 1, 1e6, 256e6, 16e6, FIVEFOLD_FIELD(in_network_fill_bytes)},
    {"one_shot_efficiency", "", 1, 0.05, 1, 0.7, FIVEFOLD_FIELD(direct.one_shot_efficiency)},
    {"one_shot_base", "us", kMicro, 0.5e-6, 50e-6, 4e-6, FIVEFOLD_FIELD(direct.one_shot_base)},
    {"one_shot_step", "us", kMicro, 0.005e-6, 2e-6, 0.1e-6, FIVEFOLD_FIELD(direct.step)},
    {"two_shot_efficiency", "", 1, 0.05, 1, 0.7, FIVEFOLD_FIELD(direct.two_shot_efficiency)},
    {"two_shot_base", "us", kMicro, 0.5e-6, 60e-6, 8e-6, FIVEFOLD_FIELD(direct.two_shot_base)},
    {"host_time", "us", kMicro, 2e-6, 200e-6, 30e-6, FIVEFOLD_FIELD(host_time)},
    {"host_each", "us", kMicro, 0.5e-6, 30e-6, 5e-6, FIVEFOLD_FIELD(host_each)},
    {"staging_rate", "GB/s", kGiga, 50e9, 20e12, 1.5e12, FIVEFOLD_FIELD(staging_rate)},
    {"fill_rate", "GB/s", kGiga, 0.05e9, 50e9, 2e9, FIVEFOLD_FIELD(exchange.fill_rate)},
    {"sm_rate", "GB/s", kGiga, 1e9, 200e9, 20e9, FIVEFOLD_FIELD(exchange.sm_rate)},
    {"sm_token", "us", kMicro, 0.001e-6, 3e-6, 0.1e-6, FIVEFOLD_FIELD(exchange.sm_token)},
    {"expert_base", "us", kMicro, 0.0001e-6, 1e-6, 0.01e-6, FIVEFOLD_FIELD(exchange.expert_base)},
    {"expert_rate", "GB/s", kGiga, 1e9, 2e12, 60e9, FIVEFOLD_FIELD(exchange.expert_rate)},
};
#undef FIVEFOLD_FIELD

LinkBlock block(std::initializer_list<std::string_view> names) {
  LinkBlock result;
  for (const std::string_view name : names) {
    for (const LinkFact& fact : kFacts) {
      if (fact.name == name) result.push_back(&fact);
    }
  }
  return result;
}

std::vector<LinkBlock> exchange_blocks(std::string_view fabric, std::string_view traffic) {
  if (!fabric.ends_with("/switch") || fabric.starts_with("ascend"))
    return {block({"base", "step", "efficiency"})};
  if (traffic.ends_with("_ll"))
    return {block({"base", "expert_base", "efficiency", "expert_rate"})};
  return {block({"base", "fill_rate", "efficiency", "sm_rate", "sm_token"})};
}

// Rings and exchanges under NCCL's three protocols.
std::vector<LinkBlock> protocol_blocks(std::string_view fabric, std::string_view traffic) {
  if (traffic == "all_to_all") {
    return {block({"efficiency", "copy_share", "base", "step", "fill", "fill_bytes"}),
            block({"ll_base", "ll_step", "ll_fill"})};
  }
  if (traffic == "send_recv") return {block({"efficiency", "base", "step"})};
  if (fabric.ends_with("/scale_out")) {
    return {block({"efficiency", "base", "step"}),
            block({"ll_share", "ll_base", "ll_step", "ll_fill", "ll_fill_bytes"}),
            block({"ll128_share", "ll128_base", "ll128_step", "ll128_fill", "ll128_fill_bytes",
                   "tree_share"})};
  }
  return {block({"efficiency", "copy_share", "base", "step"}),
          block({"ll_share", "ll_base", "ll_step", "ll_fill", "ll_fill_bytes"}),
          block({"ll128_share", "ll128_base", "ll128_step"})};
}

}  // namespace

std::vector<LinkBlock> blocks_of(std::string_view stack, std::string_view fabric,
                                 std::string_view traffic, bool in_network) {
  if (traffic.starts_with("moe_")) return exchange_blocks(fabric, traffic);
  if (stack == "comm/hccl" || stack == "comm/rccl") return {block({"efficiency", "base", "step"})};
  if (stack == "comm/sglang-eager") return {block({"host_time"}), block({"staging_rate"})};
  if (stack == "comm/nccl-eager") return {block({"host_each"})};
  std::vector<LinkBlock> blocks;
  const bool pcie = !fabric.ends_with("/switch") && !fabric.ends_with("/scale_out");
  if (stack == "comm/trtllm" || stack == "comm/sglang") {
    blocks = {block({"one_shot_efficiency", "one_shot_base", "one_shot_step"})};
    if (stack == "comm/sglang") blocks.push_back(block({"two_shot_efficiency", "two_shot_base"}));
    if (!pcie) return blocks;
    if (fabric.ends_with("/host")) blocks.clear();
  }
  const std::vector<LinkBlock> protocols = protocol_blocks(fabric, traffic);
  blocks.insert(blocks.end(), protocols.begin(), protocols.end());
  if (in_network && traffic == "all_reduce") {
    blocks.push_back(block(
        {"in_network_efficiency", "in_network_base", "in_network_fill", "in_network_fill_bytes"}));
  }
  if (stack.starts_with("comm/nccl-2.") && fabric.ends_with("/switch"))
    blocks.push_back(block({"host_each"}));
  return blocks;
}

}  // namespace fivefold
