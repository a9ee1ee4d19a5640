#include "fivefold/fabric/library.h"

#include <limits>
#include <optional>
#include <vector>

namespace fivefold {
namespace {

// The fabric that the stack takes for a relative of this one, or empty.
std::string relative_of(const Stack& stack, const std::string& fabric) {
  for (auto entry = stack.entries.rbegin(); entry != stack.entries.rend(); ++entry) {
    if (entry->architecture != fabric) continue;
    const Fact* like = entry->parameters->find("like");
    if (like != nullptr && like->kind == Fact::Kind::kText) return like->text;
  }
  return {};
}

// The names that an entry's `architecture` may carry to apply, the most specific first.
std::vector<std::string> scopes(const Stack& stack, const System& system,
                                const std::string& fabric) {
  const std::string kind = fabric.substr(fabric.find('/') + 1);
  std::vector<std::string> names = {system.id + "/" + kind};
  if (system.chip != nullptr) names.push_back(system.chip->id + "/" + kind);
  names.push_back(fabric);
  if (std::string relative = relative_of(stack, fabric); !relative.empty()) {
    names.push_back(std::move(relative));
  }
  names.push_back(kind);
  names.push_back("*");
  return names;
}

// One kind of traffic's view of a stack: its entries that apply, the most specific first.
class Lookup {
 public:
  Lookup(const Stack& stack, const std::vector<std::string>& names, std::string_view family) {
    for (const std::string& scope : names) {
      for (const std::string_view wanted : {family, std::string_view("*")}) {
        for (auto entry = stack.entries.rbegin(); entry != stack.entries.rend(); ++entry) {
          if (entry->architecture == scope && entry->family == wanted)
            found_.push_back(&*entry->parameters);
        }
      }
    }
  }
  std::optional<double> get(std::string_view parameter) const {
    for (const Facts* facts : found_) {
      const Fact* fact = facts->find(parameter);
      if (fact != nullptr && fact->is_number()) return fact->number;
    }
    return std::nullopt;
  }
  double get(std::string_view parameter, double otherwise) const {
    return get(parameter).value_or(otherwise);
  }
  std::string_view text(std::string_view parameter) const {
    for (const Facts* facts : found_) {
      const Fact* fact = facts->find(parameter);
      if (fact != nullptr && fact->kind == Fact::Kind::kText) return fact->text;
    }
    return {};
  }

 private:
  std::vector<const Facts*> found_;
};

constexpr double kNoLimit = std::numeric_limits<double>::infinity();

DirectKernels read_direct(const Lookup& lookup) {
  return {.one_shot_efficiency = lookup.get("one_shot_efficiency", 0.0),
          .one_shot_base = Seconds(lookup.get("one_shot_base", 0.0)),
          .step = Seconds(lookup.get("one_shot_step", 0.0)),
          .two_shot_efficiency = lookup.get("two_shot_efficiency", 0.0),
          .two_shot_base = Seconds(lookup.get("two_shot_base", 0.0)),
          .largest = Bytes(lookup.get("direct_max", kNoLimit)),
          .most_ranks = lookup.get("direct_ranks", kNoLimit)};
}

ExchangeParameters read_exchange(const Lookup& lookup) {
  return {.fill_rate = BytesPerSecond(lookup.get("fill_rate", 0.0)),
          .expert_base = Seconds(lookup.get("expert_base", 0.0)),
          .expert_rate = BytesPerSecond(lookup.get("expert_rate", 0.0)),
          .sms = lookup.get("sms", 1.0),
          .sm_rate = BytesPerSecond(lookup.get("sm_rate", 0.0)),
          .sm_token = Seconds(lookup.get("sm_token", 0.0)),
          .forwards = lookup.get("forwards", 0.0) > 0};
}

Expectation read_expectation(const Lookup& lookup) {
  return {.nccl = lookup.text("choice") == "nccl",
          .bandwidth = lookup.get("library_bandwidth", 0.0),
          .ll = BytesPerSecond(lookup.get("library_ll", 0.0)),
          .ll_far = BytesPerSecond(lookup.get("library_ll_far", 0.0)),
          .ll128 = BytesPerSecond(lookup.get("library_ll128", 0.0)),
          .in_network = BytesPerSecond(lookup.get("library_in_network", 0.0)),
          .ll_most = Bytes(lookup.get("library_ll_most", 0.0)),
          .network = lookup.get("network", 0.0) > 0};
}

Protocol read_protocol(const Lookup& lookup, const std::string& prefix, const Protocol& other) {
  return {.share = lookup.get(prefix + "share", 0.0),
          .base = Seconds(lookup.get(prefix + "base", other.base.value())),
          .step = Seconds(lookup.get(prefix + "step", other.step.value())),
          .fill = lookup.get(prefix + "fill", 0.0),
          .fill_bytes = Bytes(lookup.get(prefix + "fill_bytes", 0.0))};
}

// Without a fitted step the hardware's own latency stands for it.
LinkParameters read_parameters(const Lookup& lookup, Seconds latency) {
  LinkParameters link;
  link.efficiency = lookup.get("efficiency", 1.0);
  link.copy_share = lookup.get("copy_share", 0.0);
  Protocol& simple = link.protocols[0];
  simple = read_protocol(lookup, "", {.base = Seconds(0), .step = latency});
  simple.share = 1;
  link.protocols[1] = read_protocol(lookup, "ll_", simple);
  link.protocols[2] = read_protocol(lookup, "ll128_", simple);
  link.tree_share = lookup.get("tree_share", 0.0);
  link.chain = lookup.get("chain", 1.0);
  link.hierarchical = lookup.get("hierarchical", 1.0) > 0;
  link.direct = read_direct(lookup);
  link.in_network_efficiency = lookup.get("in_network_efficiency", 0.0);
  link.in_network_base = Seconds(lookup.get("in_network_base", simple.base.value()));
  link.in_network_step = Seconds(lookup.get("in_network_step", 0.0));
  link.in_network_fill = lookup.get("in_network_fill", 0.0);
  link.in_network_fill_bytes = Bytes(lookup.get("in_network_fill_bytes", 0.0));
  link.staging_rate = BytesPerSecond(lookup.get("staging_rate", 0.0));
  link.host_time = Seconds(lookup.get("host_time", 0.0));
  link.host_each = Seconds(lookup.get("host_each", 0.0));
  link.all_path = lookup.get("all_path", 0.0) > 0;
  link.expected = read_expectation(lookup);
  link.exchange = read_exchange(lookup);
  return link;
}

constexpr std::array<Traffic, kTrafficCount> kAllTraffic = {
    Traffic::kAllReduce,     Traffic::kAllGather,   Traffic::kReduceScatter, Traffic::kAllToAll,
    Traffic::kBroadcast,     Traffic::kSendRecv,    Traffic::kMoeDispatch,   Traffic::kMoeCombine,
    Traffic::kMoeDispatchLl, Traffic::kMoeCombineLl};

}  // namespace

std::string_view name(Traffic traffic) {
  switch (traffic) {
    case Traffic::kAllReduce:
      return "all_reduce";
    case Traffic::kAllGather:
      return "all_gather";
    case Traffic::kReduceScatter:
      return "reduce_scatter";
    case Traffic::kAllToAll:
      return "all_to_all";
    case Traffic::kBroadcast:
      return "broadcast";
    case Traffic::kSendRecv:
      return "send_recv";
    case Traffic::kMoeDispatch:
      return "moe_dispatch";
    case Traffic::kMoeCombine:
      return "moe_combine";
    case Traffic::kMoeDispatchLl:
      return "moe_dispatch_ll";
    case Traffic::kMoeCombineLl:
      return "moe_combine_ll";
  }
  return "";
}

std::string_view name(LevelKind kind) {
  switch (kind) {
    case LevelKind::kDirect:
      return "direct";
    case LevelKind::kFullMesh:
      return "full_mesh";
    case LevelKind::kNdFullMesh:
      return "nd_full_mesh";
    case LevelKind::kSwitch:
      return "switch";
    case LevelKind::kClos:
      return "clos";
    case LevelKind::kTorus:
      return "torus";
    case LevelKind::kPcieSwitch:
      return "pcie_switch";
    case LevelKind::kHost:
      return "host";
    case LevelKind::kUnknown:
      return "unknown";
  }
  return "";
}

std::string fabric_key(const Chip& chip, std::string_view kind) {
  return chip.architecture + "/" + std::string(kind);
}

LinkTable link_table(const Stack& stack, const System& system, const std::string& fabric,
                     Seconds latency) {
  const std::vector<std::string> names = scopes(stack, system, fabric);
  LinkTable table;
  for (const Traffic traffic : kAllTraffic) {
    const Lookup lookup(stack, names, name(traffic));
    table.of[static_cast<std::size_t>(traffic)] = read_parameters(lookup, latency);
  }
  return table;
}

std::optional<double> link_parameter(const Stack& stack, const System& system,
                                     const std::string& fabric, std::string_view parameter) {
  return Lookup(stack, scopes(stack, system, fabric), "*").get(parameter);
}

}  // namespace fivefold
