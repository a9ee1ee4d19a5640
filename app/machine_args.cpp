#include "app/machine_args.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "fivefold/catalog/catalog.h"

namespace fivefold::app {
namespace {

std::optional<std::pair<int, int>> two_numbers(std::string_view text, char between) {
  const std::size_t at = text.find(between);
  if (at == std::string_view::npos) return std::nullopt;
  int values[2] = {};
  const std::string_view parts[2] = {text.substr(0, at), text.substr(at + 1)};
  for (int i = 0; i < 2; ++i) {
    const char* const last = parts[i].data() + parts[i].size();
    const auto [end, code] = std::from_chars(parts[i].data(), last, values[i]);
    if (code != std::errc() || end != last || values[i] < 0) return std::nullopt;
  }
  return std::pair(values[0], values[1]);
}

Result<std::vector<Fault>> faults_of(const FabricArgs& args) {
  std::vector<Fault> faults;
  for (const std::string& text : args.failed) {
    const auto ends = two_numbers(text, '-');
    if (!ends)
      return fail(fmt::format("'{}' is no link", text), "two nodes, for example --fail 0-1");
    faults.push_back({.from = ends->first, .to = ends->second});
  }
  for (const std::string& text : args.lost_planes) {
    const auto lost = two_numbers(text, ':');
    if (!lost || lost->second < 1) {
      return fail(fmt::format("'{}' is no level with its lost planes", text),
                  "for example --lost-planes 1:2, two planes of level 1");
    }
    faults.push_back({.level = lost->first, .planes = lost->second});
  }
  return faults;
}

}  // namespace

Result<SystemCount> parse_system(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return SystemCount{text, 0};
  SystemCount result{text.substr(0, colon), 0};
  const char* const last = text.data() + text.size();
  const auto [end, code] = std::from_chars(text.data() + colon + 1, last, result.count);
  if (code != std::errc() || end != last || result.count < 1 || result.count > 1'000'000) {
    return fail(fmt::format("'{}' is no number of systems", text.substr(colon + 1)),
                fmt::format("for example {}:16", result.system));
  }
  return result;
}

Result<ChosenSystem> choose_system(const Catalog& catalog, const std::string& text, int chips) {
  const auto count = parse_system(text);
  if (!count) return fail(count.error());
  const auto system = catalog.system(count->system);
  if (!system) return fail(system.error());
  const int all = (*system)->chips * std::max(1, count->count);
  if (chips > all) {
    return fail(fmt::format("{} chips are more than the {} of {}", chips, all, text),
                fmt::format("name more systems, for example {}:{}", count->system,
                            (chips + (*system)->chips - 1) / (*system)->chips));
  }
  return ChosenSystem{*system, chips > 0 ? chips : all};
}

std::string library_for(const Catalog& catalog, const System& system) {
  for (const Stack* stack : catalog.stacks()) {
    if (stack->id.starts_with("comm/") && stack->vendor == system.chip->vendor) return stack->id;
  }
  return "comm/generic";
}

Result<Routing> routing_named(const std::string& text) {
  std::vector<std::string> known;
  for (const Routing routing :
       {Routing::kAdaptive, Routing::kDeterministic, Routing::kEcmp, Routing::kAllPath}) {
    if (name(routing) == text) return routing;
    known.emplace_back(name(routing));
  }
  return fail(fmt::format("unknown routing '{}'", text),
              fmt::format("known: {}", fmt::join(known, ", ")));
}

void add_fabric_args(CLI::App& command, FabricArgs& args) {
  command.add_flag("--separate-planes", args.separate_planes, "Each parallel switch for itself");
  command
      .add_option("--leaf", args.clos.leaf,
                  "The network between systems has leaves of so many devices")
      ->check(CLI::Range(1, 1000000));
  command.add_flag("--rails", args.clos.rails, "A leaf takes devices of one place in a system");
  command.add_option("--spines", args.clos.spines, "Parallel spines")->check(CLI::Range(1, 100000));
  command.add_option("--oversubscription", args.clos.oversubscription, "At the leaf: down over up")
      ->check(CLI::Range(1.0, 1000.0));
  command.add_flag("--no-p2p", args.no_peers, "PCIe switches turn no traffic");
  command.add_option("--fail", args.failed, "A link that is down: A-B")->type_name("A-B");
  command.add_option("--lost-planes", args.lost_planes, "Planes of a level that are down")
      ->type_name("LEVEL:PLANES");
}

Result<GraphOptions> graph_options(const FabricArgs& args) {
  GraphOptions options{.separate_planes = args.separate_planes};
  if (args.no_peers) options.peer_to_peer = false;
  if (args.clos.leaf > 0) options.scale_out = args.clos;
  auto faults = faults_of(args);
  if (!faults) return fail(faults.error());
  options.faults = *std::move(faults);
  return options;
}

}  // namespace fivefold::app
