// `fivefold fabric`: the links of a machine of the catalog, or of a user's topology.
#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/commands.h"
#include "app/machine_args.h"
#include "fivefold/report/fabric_view.h"

namespace fivefold::app {
namespace {

struct Options {
  std::string system;  // "SYSTEM" or "SYSTEM:N"
  std::string file;
  std::string svg;
  FabricArgs fabric;
  int from = 0, to = 0;
  std::string routing = "adaptive";
};

Result<Topology> of_catalog(const Catalog& catalog, const Options& options) {
  const auto wanted = parse_system(options.system);
  if (!wanted) return fail(wanted.error());
  const auto system = catalog.system(wanted->system);
  if (!system) return fail(system.error());
  // Vendors' libraries know latencies of their fabrics that the catalog does not.
  const auto stack = catalog.stack(library_for(catalog, **system));
  const int count = std::max(1, wanted->count);
  if (!stack) return fail(stack.error());
  const double chips = double((*system)->chips) * count;
  if (chips * (*system)->chip->devices_per_chip > 4e6) {
    return fail(fmt::format("{} x {} are {:.3g} chips", count, (*system)->id, chips),
                "at most four million devices");
  }
  const auto machine = build_machine(**system, int(chips), **stack);
  if (!machine) return fail(machine.error());
  const auto graph_options = app::graph_options(options.fabric);
  if (!graph_options) return fail(graph_options.error());
  Topology topology;
  topology.name = count == 1 ? (*system)->name : fmt::format("{} x {}", count, (*system)->name);
  topology.plan = plan_of(*machine, *graph_options);
  auto graph = build_graph(*topology.plan, options.fabric.separate_planes);
  if (!graph) return fail(graph.error());
  topology.graph = *std::move(graph);
  return topology;
}

Result<Topology> topology_of(const Catalog& catalog, const Options& options) {
  if (options.system.empty() == options.file.empty()) {
    return fail("name a system of the catalog, or a file with --file", "one of the two");
  }
  if (options.file.empty()) return of_catalog(catalog, options);
  if (options.fabric.any()) {
    return fail("a file states its own leaves, peers and faults", "docs/fabrics.md shows how");
  }
  return load_topology(options.file, options.fabric.separate_planes);
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
  const auto routing = routing_named(options.routing);
  if (!routing) return context.refuse(routing.error());
  RouteView route{.from = options.from, .to = options.to, .routing = *routing};
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
  add_fabric_args(command, options->fabric);
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
