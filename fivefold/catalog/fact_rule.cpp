#include "fivefold/catalog/fact_rule.h"

#include <algorithm>
#include <span>

namespace fivefold {
namespace {

using Kind = FactRule::Kind;

constexpr Dim kCount{};
constexpr Dim kBytes = Bytes::kDim;
constexpr Dim kBandwidth = BytesPerSecond::kDim;
constexpr Dim kRate = OpsPerSecond::kDim;
constexpr Dim kPower = Watts::kDim;
constexpr Dim kMoney = Usd::kDim;
constexpr Dim kTime = Seconds::kDim;
constexpr Dim kClock = Hertz::kDim;

constexpr FactRule number(std::string_view path, Dim dim, double least, double most) {
  return {path, Kind::kNumber, dim, least, most};
}
constexpr FactRule text(std::string_view path) {
  return {path, Kind::kText, {}, 0, 0};
}
constexpr FactRule yes_no(std::string_view path) {
  return {path, Kind::kBool, {}, 0, 0};
}
constexpr FactRule any(std::string_view path) {
  return {path, Kind::kAny, {}, 0, 0};
}

constexpr FactRule remark(std::string_view path) {
  return {path, Kind::kRemark, {}, 0, 0};
}

// Ranges span from a 2010s part to several generations ahead.
constexpr FactRule kChipRules[] = {
    number("peak_dense.fp64", kRate, 1e10, 1e15),
    number("peak_dense.fp32", kRate, 1e11, 1e16),
    number("peak_dense.tf32", kRate, 1e12, 1e17),
    number("peak_dense.bf16", kRate, 1e12, 1e17),
    number("peak_dense.fp16", kRate, 1e12, 1e17),
    number("peak_dense.fp8", kRate, 1e12, 1e18),
    number("peak_dense.int8", kRate, 1e12, 1e18),
    number("peak_dense.int4", kRate, 1e12, 1e18),
    number("peak_dense.fp6", kRate, 1e12, 1e18),
    number("peak_dense.fp4", kRate, 1e12, 1e18),
    number("vector_peak.*", kRate, 1e10, 1e16),
    yes_no("formats.*"),
    text("memory.type"),
    number("memory.capacity", kBytes, 1e9, 1e13),
    number("memory.bandwidth", kBandwidth, 1e10, 1e14),
    number("memory.stacks", kCount, 1, 64),
    number("on_chip.l1_per_core", kBytes, 1e3, 1e9),
    number("on_chip.l1_smem_per_core", kBytes, 1e3, 1e9),
    number("on_chip.scratch_per_vector_core", kBytes, 1e3, 1e9),
    number("on_chip.l2", kBytes, 1e5, 1e11),
    number("on_chip.l2_bandwidth", kBandwidth, 1e10, 1e15),
    any("on_chip.l2_bandwidth_per_clock"),
    number("on_chip.llc", kBytes, 1e5, 1e11),
    number("on_chip.sram", kBytes, 1e5, 1e12),
    number("on_chip.die_to_die", kBandwidth, 1e9, 1e14),
    number("on_chip.die_to_die_per_direction", kBandwidth, 1e9, 1e14),
    number("on_chip.iod_link", kBandwidth, 1e9, 1e14),
    number("clock", kClock, 1e8, 1e10),
    text("cores.kind"),
    number("cores.count", kCount, 1, 1e6),
    any("cores.*"),
    text("scale_up.name"),
    number("scale_up.bandwidth_per_direction", kBandwidth, 1e9, 1e14),
    number("scale_up.link", kBandwidth, 1e8, 1e13),
    number("scale_up.links", kCount, 1, 4096),
    number("scale_out", kBandwidth, 1e8, 1e13),
    number("tdp", kPower, 1, 2e4),
    number("price", kMoney, 10, 1e7),
    text("pcie"),
    any("host_link"),
    number("bridge", kBandwidth, 1e9, 1e13),
    text("release"),
    text("process"),
    number("dies", kCount, 1, 256),
    number("die_area", kCount, 1, 1e5),
    text("software"),
    text("export"),
    yes_no("data_center"),
    any("offload"),
    any("per_device.**"),
    any("achieved_gemm.*"),
    any("achieved.*"),
    any("yield_note"),
    any("mtbf"),
    remark("variants"),
    remark("note"),
};

constexpr FactRule kSystemRules[] = {
    number("scale_out.per_chip", kBandwidth, 1e8, 1e13),
    text("scale_out.name"),
    number("power", kPower, 10, 1e10),
    number("price", kMoney, 100, 1e12),
    number("racks", kCount, 0.01, 1e6),
    number("nodes", kCount, 1, 1e6),
    any("cables"),
    text("cooling"),
    number("pue", kCount, 1, 5),
    number("latency", kTime, 1e-8, 1),
    any("fabric_per_chip.*"),
    any("optics.*"),
    any("host.*"),
    any("rack.*"),
    any("sku.*"),
    any("switches.*"),
    any("vpc_plane"),
    any("lane"),
    any("npu_lanes"),
    any("cpu_lanes"),
    any("lrs_lanes"),
    any("hrs_lanes"),
    any("release"),
    any("software"),
    any("claims.**"),
    any("measurements.**"),
    remark("measurements_of"),
    remark("built_of"),
    remark("variants"),
    remark("counting"),
    remark("caution"),
    remark("note"),
};

constexpr FactRule kLevelRules[] = {
    number("bandwidth", kBandwidth, 1e8, 1e14),
    number("latency", kTime, 1e-9, 1e-2),
    number("oversubscription", kCount, 1, 100),
    number("link", kBandwidth, 1e8, 1e14),
    any("switches"),
    any("planes"),
    yes_no("peer_to_peer"),
    text("medium"),
    number("module", kBandwidth, 1e8, 1e13),
    number("optical_share", kCount, 0, 1),
    any("bisection"),
    any("largest_job"),
    any("per_pair_of_racks"),
    remark("links"),
    remark("direct_neighbours"),
    remark("cables"),
    remark("topology_note"),
    remark("pair_bandwidth_note"),
    remark("dims_source"),
    remark("note_unit"),
    remark("note"),
};

constexpr FactRule kGenericRules[] = {any("**")};

std::span<const FactRule> rules_of(Scope scope) {
  switch (scope) {
    case Scope::kChip:
      return kChipRules;
    case Scope::kSystem:
      return kSystemRules;
    case Scope::kLevel:
      return kLevelRules;
    case Scope::kGeneric:
      break;
  }
  return kGenericRules;
}

bool matches(std::string_view pattern, std::string_view path) {
  if (pattern.ends_with("**")) return path.starts_with(pattern.substr(0, pattern.size() - 2));
  if (!pattern.ends_with('*')) return pattern == path;
  const std::string_view stem = pattern.substr(0, pattern.size() - 1);
  return path.starts_with(stem) && path.size() > stem.size() &&
         path.find('.', stem.size()) == std::string_view::npos;
}

}  // namespace

const FactRule* rule_for(Scope scope, std::string_view path) {
  for (const FactRule& rule : rules_of(scope)) {
    if (matches(rule.path, path)) return &rule;
  }
  return nullptr;
}

std::vector<std::string> names_under(Scope scope, std::string_view group) {
  std::vector<std::string> names;
  for (const FactRule& rule : rules_of(scope)) {
    std::string_view rest = rule.path;
    if (!group.empty()) {
      if (!rest.starts_with(group) || rest.size() <= group.size() || rest[group.size()] != '.')
        continue;
      rest.remove_prefix(group.size() + 1);
    }
    const std::string name(rest.substr(0, rest.find('.')));
    if (!name.starts_with('*') && std::find(names.begin(), names.end(), name) == names.end()) {
      names.push_back(name);
    }
  }
  return names;
}

bool is_group(Scope scope, std::string_view path) {
  return std::any_of(rules_of(scope).begin(), rules_of(scope).end(), [&](const FactRule& rule) {
    if (rule.path.ends_with("**") && matches(rule.path, path)) return true;
    return rule.path.size() > path.size() && rule.path.starts_with(path) &&
           rule.path[path.size()] == '.';
  });
}

}  // namespace fivefold
