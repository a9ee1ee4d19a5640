// `fivefold fabric`: the links of a machine of the catalog, or of a user's topology.
#include <charconv>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/commands.h"
#include "fivefold/report/fabric_view.h"

namespace fivefold::app {
namespace {

struct Options {
  std::string system;  // "SYSTEM" or "SYSTEM:N"
  std::string file;
  std::string svg;
  bool separate_planes = false;
  bool no_peers = false;
  Clos clos;
  std::vector<std::string> failed;       // "3-4"
  std::vector<std::string> lost_planes;  // "1:2"
  int from = 0, to = 0;
  std::string routing = "adaptive";
};

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

Result<std::vector<Fault>> faults_of(const Options& options) {
  std::vector<Fault> faults;
  for (const std::string& text : options.failed) {
    const auto ends = two_numbers(text, '-');
    if (!ends)
      return fail(fmt::format("'{}' is no link", text), "two nodes, for example --fail 0-1");
    faults.push_back({.from = ends->first, .to = ends->second});
  }
  for (const std::string& text : options.lost_planes) {
    const auto lost = two_numbers(text, ':');
    if (!lost || lost->second < 1) {
      return fail(fmt::format("'{}' is no level with its lost planes", text),
                  "for example --lost-planes 1:2, two planes of level 1");
    }
    faults.push_back({.level = lost->first, .planes = lost->second});
  }
  return faults;
}

struct Wanted {
  std::string system;
  int count = 1;
};

Result<Wanted> parse_system(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return Wanted{text, 1};
  int count = 0;
  const char* const last = text.data() + text.size();
  const auto [end, code] = std::from_chars(text.data() + colon + 1, last, count);
  if (code != std::errc() || end != last || count < 1 || count > 1'000'000) {
    return fail(fmt::format("'{}' is no number of systems", text.substr(colon + 1)),
                "for example dgx_h100_8:16");
  }
  return Wanted{text.substr(0, colon), count};
}

// Vendors' libraries know latencies of their fabrics that the catalog does not.
std::string library_of(const Catalog& catalog, const System& system) {
  for (const Stack* stack : catalog.stacks()) {
    if (stack->id.starts_with("comm/") && stack->vendor == system.chip->vendor) return stack->id;
  }
  return "comm/generic";
}

Result<Topology> of_catalog(const Catalog& catalog, const Options& options) {
  const auto wanted = parse_system(options.system);
  if (!wanted) return fail(wanted.error());
  const auto system = catalog.system(wanted->system);
  if (!system) return fail(system.error());
  const auto stack = catalog.stack(library_of(catalog, **system));
  if (!stack) return fail(stack.error());
  const double chips = double((*system)->chips) * wanted->count;
  if (chips * (*system)->chip->devices_per_chip > 4e6) {
    return fail(fmt::format("{} x {} are {:.3g} chips", wanted->count, (*system)->id, chips),
                "at most four million devices");
  }
  const auto machine = build_machine(**system, int(chips), **stack);
  if (!machine) return fail(machine.error());
  GraphOptions graph_options{.separate_planes = options.separate_planes};
  if (options.no_peers) graph_options.peer_to_peer = false;
  if (options.clos.leaf > 0) graph_options.scale_out = options.clos;
  auto faults = faults_of(options);
  if (!faults) return fail(faults.error());
  graph_options.faults = *std::move(faults);
  Topology topology;
  topology.name =
      wanted->count == 1 ? (*system)->name : fmt::format("{} x {}", wanted->count, (*system)->name);
  topology.plan = plan_of(*machine, graph_options);
  auto graph = build_graph(*topology.plan, options.separate_planes);
  if (!graph) return fail(graph.error());
  topology.graph = *std::move(graph);
  return topology;
}

Result<Topology> topology_of(const Catalog& catalog, const Options& options) {
  if (options.system.empty() == options.file.empty()) {
    return fail("name a system of the catalog, or a file with --file", "one of the two");
  }
  if (options.file.empty()) return of_catalog(catalog, options);
  if (options.clos.leaf > 0 || options.no_peers || !options.failed.empty() ||
      !options.lost_planes.empty()) {
    return fail("a file states its own leaves, peers and faults", "docs/fabrics.md shows how");
  }
  return load_topology(options.file, options.separate_planes);
}

void run_show(const Options& options, Context& context) {
  const auto catalog = context.load();
  if (!catalog) return context.refuse(catalog.error());
  auto topology = topology_of(*catalog, options);
  if (!topology) return context.refuse(topology.error());
  const auto view = view_fabric(*catalog, *std::move(topology));
  if (!view) return context.refuse(view.error());
  if (!options.svg.empty()) {
    if (const auto written = write_file(options.svg, to_svg(*view)); !written) {
      return context.refuse(written.error());
    }
  }
  print(context.json ? to_json(*view) : context.csv ? to_csv(*view) : to_text(*view));
}

void run_route(const Options& options, Context& context) {
  const auto catalog = context.load();
  if (!catalog) return context.refuse(catalog.error());
  RouteView route{.from = options.from, .to = options.to};
  std::vector<std::string> known;
  bool found = false;
  for (const Routing routing :
       {Routing::kAdaptive, Routing::kDeterministic, Routing::kEcmp, Routing::kAllPath}) {
    known.emplace_back(name(routing));
    if (name(routing) == options.routing) route.routing = routing, found = true;
  }
  if (!found) {
    return context.refuse(make_error(fmt::format("unknown routing '{}'", options.routing),
                                     fmt::format("known: {}", fmt::join(known, ", "))));
  }
  const auto topology = topology_of(*catalog, options);
  if (!topology) return context.refuse(topology.error());
  const Graph& graph = topology->graph;
  for (const int end : {route.from, route.to}) {
    if (end >= 0 && end < graph.devices) continue;
    return context.refuse(make_error(fmt::format("device {} is outside of {}", end, topology->name),
                                     fmt::format("its devices are 0 to {}", graph.devices - 1)));
  }
  Router router(graph, route.routing);
  if (!router.route(route.from, route.to, 0, route.hops)) {
    return context.refuse(
        make_error(fmt::format("{} and {} are not joined: no way leads from one to the other",
                               node_name(graph, route.from), node_name(graph, route.to))));
  }
  print(context.json  ? to_json(graph, route)
        : context.csv ? to_csv(graph, route)
                      : to_text(graph, route));
}

void add_fabric_options(CLI::App& command, const std::shared_ptr<Options>& options) {
  command.add_option("--file", options->file, "A topology of your own (docs/fabrics.md)")
      ->type_name("FILE");
  command.add_flag("--separate-planes", options->separate_planes,
                   "Each parallel switch for itself");
  command
      .add_option("--leaf", options->clos.leaf,
                  "The network between systems has leaves of so many devices")
      ->check(CLI::Range(1, 1000000));
  command.add_flag("--rails", options->clos.rails, "A leaf takes devices of one place in a system");
  command.add_option("--spines", options->clos.spines, "Parallel spines")
      ->check(CLI::Range(1, 100000));
  command
      .add_option("--oversubscription", options->clos.oversubscription, "At the leaf: down over up")
      ->check(CLI::Range(1.0, 1000.0));
  command.add_flag("--no-p2p", options->no_peers, "PCIe switches turn no traffic");
  command.add_option("--fail", options->failed, "A link that is down: A-B")->type_name("A-B");
  command.add_option("--lost-planes", options->lost_planes, "Planes of a level that are down")
      ->type_name("LEVEL:PLANES");
}

}  // namespace

void add_fabric_command(CLI::App& app, Context& context) {
  CLI::App* fabric = app.add_subcommand("fabric", "Links, switches and optics of a machine");
  fabric->require_subcommand(1);
  const auto options = std::make_shared<Options>();
  CLI::App* show = fabric->add_subcommand(
      "show", "Levels, bisection, diameter, price and power of links and optics");
  show->add_option("SYSTEM", options->system, "Of the catalog, or SYSTEM:N for N of them");
  show->add_option("--svg", options->svg, "Draw it into this file")->type_name("FILE");
  add_fabric_options(*show, options);
  show->callback([options, &context] { run_show(*options, context); });

  const auto ends = std::make_shared<Options>();
  CLI::App* route = fabric->add_subcommand("route", "The way between two devices, link by link");
  route->add_option("SYSTEM", ends->system, "Of the catalog, or SYSTEM:N for N of them");
  route->add_option("--from", ends->from, "Device that sends")->required();
  route->add_option("--to", ends->to, "Device that receives")->required();
  route->add_option("--routing", ends->routing, "adaptive, deterministic, ecmp or all-path");
  add_fabric_options(*route, ends);
  route->callback([ends, &context] { run_route(*ends, context); });
}

}  // namespace fivefold::app
