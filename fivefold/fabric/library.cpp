#include "fivefold/fabric/library.h"

#include <optional>
#include <vector>

namespace fivefold {
namespace {

// The names that an entry's `architecture` may carry to apply, the most specific first.
std::vector<std::string> scopes(const System& system, const std::string& fabric) {
  const std::string kind = fabric.substr(fabric.find('/') + 1);
  std::vector<std::string> names = {system.id + "/" + kind};
  if (system.chip != nullptr) names.push_back(system.chip->id + "/" + kind);
  names.push_back(fabric);
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
            found_.push_back(&entry->parameters);
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

 private:
  std::vector<const Facts*> found_;
};

// Without a fitted step the hardware's own latency stands for it.
LinkParameters read_parameters(const Lookup& lookup, Seconds latency) {
  LinkParameters link;
  link.efficiency = lookup.get("efficiency", 1.0);
  const Seconds base(lookup.get("base", 0.0));
  const Seconds step(lookup.get("step", latency.value()));
  link.protocols[0] = {1.0, base, step};
  link.protocols[1] = {lookup.get("ll_share", 0.0), Seconds(lookup.get("ll_base", base.value())),
                       Seconds(lookup.get("ll_step", step.value()))};
  link.protocols[2] = {lookup.get("ll128_share", 0.0),
                       Seconds(lookup.get("ll128_base", base.value())),
                       Seconds(lookup.get("ll128_step", step.value()))};
  link.half_size = Bytes(lookup.get("half_size", 0.0));
  link.tree_share = lookup.get("tree_share", 0.0);
  link.direct = {lookup.get("direct_share", 0.0), Seconds(lookup.get("direct_base", base.value())),
                 Seconds(lookup.get("direct_step", step.value()))};
  link.in_network_efficiency = lookup.get("in_network_efficiency", 0.0);
  link.in_network_base = Seconds(lookup.get("in_network_base", base.value()));
  link.forwards = lookup.get("forwards", 0.0) > 0;
  link.token_latency = Seconds(lookup.get("token_latency", 0.0));
  return link;
}

constexpr std::array<Traffic, kTrafficCount> kAllTraffic = {
    Traffic::kAllReduce, Traffic::kAllGather, Traffic::kReduceScatter, Traffic::kAllToAll,
    Traffic::kBroadcast, Traffic::kSendRecv,  Traffic::kMoeDispatch,   Traffic::kMoeCombine};

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
  const std::vector<std::string> names = scopes(system, fabric);
  LinkTable table;
  for (const Traffic traffic : kAllTraffic) {
    const Lookup lookup(stack, names, name(traffic));
    table.of[static_cast<std::size_t>(traffic)] = read_parameters(lookup, latency);
  }
  return table;
}

std::optional<double> link_parameter(const Stack& stack, const System& system,
                                     const std::string& fabric, std::string_view parameter) {
  return Lookup(stack, scopes(system, fabric), "*").get(parameter);
}

}  // namespace fivefold
