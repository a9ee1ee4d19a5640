// `fivefold replay`: Chakra execution traces on a machine of the catalog or a network of one's own.
#include <algorithm>
#include <cmath>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "app/machine_args.h"
#include "fivefold/base/text.h"
#include "fivefold/replay/network.h"
#include "fivefold/replay/replay.h"
#include "fivefold/report/table.h"
#include "fivefold/report/trace.h"

namespace fivefold::app {
namespace {

constexpr int kLinksShown = 8;           // counters of a timeline
constexpr std::size_t kRanksShown = 16;  // lines of the table for people

struct Options {
  std::string prefix;
  std::string system;
  std::string network;
  std::string stack, kernels;
  std::string groups;
  std::string trace;
  std::string routing = "adaptive";
  int ranks = 0;
  int copies = 0;
  bool recorded = false;
  bool model = false;
};

// What the traces run on.
struct Place {
  Machine machine;
  Graph graph;
  std::optional<KernelModel> kernels;
  std::string name;
  std::vector<std::string> assumed;
};

Result<void> set_kernels(const Catalog& catalog, const System& system, const Options& options,
                         Place& place) {
  const auto stack = options.kernels.empty() ? &catalog.default_stack(*system.chip)
                                             : catalog.stack(options.kernels);
  if (!stack) return fail(stack.error());
  auto kernels = KernelModel::make(system.chip->device, **stack);
  if (!kernels) {
    if (options.model) return fail(std::move(kernels.error()));
    return {};  // only traces without recorded times need it; these will say so
  }
  place.kernels = *std::move(kernels);
  return {};
}

Result<Place> place_of_system(const Catalog& catalog, const System& system, int count, int ranks,
                              const Options& options) {
  const auto stack =
      catalog.stack(options.stack.empty() ? library_for(catalog, system) : options.stack);
  if (!stack) return fail(stack.error());
  const int per_chip = std::max(1, system.chip->devices_per_chip);
  const double chips =
      count > 0 ? double(count) * system.chips : std::ceil(double(ranks) / double(per_chip));
  if (chips * per_chip > 1e7) return fail("more than ten million devices");
  if (chips * per_chip < ranks) {
    return fail(fmt::format("{} ranks on {} devices", ranks, chips * per_chip),
                fmt::format("--system {}:{}", system.id,
                            std::ceil(double(ranks) / double(system.devices()))));
  }
  auto machine = build_machine(system, int(chips), **stack);
  if (!machine) return fail(std::move(machine.error()));
  const FabricPlan plan = plan_of(*machine);
  auto graph = build_graph(plan);
  if (!graph) return fail(std::move(graph.error()));
  Place place{*std::move(machine), *std::move(graph), {}, {}, plan.assumed};
  place.name = fmt::format("{} devices of {} ({}), {}", place.graph.devices, system.name,
                           system.chip->name, (*stack)->name);
  return place;
}

Result<Place> find_place(const Catalog& catalog, int ranks, const Options& options) {
  if (options.system.empty() && options.network.empty()) {
    return fail("nothing to run on", "--system S of the catalog, or --network FILE");
  }
  const System* system = nullptr;
  int count = 0;
  if (!options.system.empty()) {
    const auto named = parse_system(options.system);
    if (!named) return fail(named.error());
    const auto found = catalog.system(named->system);
    if (!found) return fail(found.error());
    system = *found;
    count = named->count;
  }
  Result<Place> place;
  if (options.network.empty()) {
    place = place_of_system(catalog, *system, count, ranks, options);
  } else {
    auto topology = load_topology(options.network);
    if (!topology) return fail(std::move(topology.error()));
    place = Place{machine_of(*topology), {}, {}, {}, {}};
    place->name = fmt::format("{} devices of {} ({})", topology->graph.devices, topology->name,
                              topology->form);
    if (topology->plan) place->assumed = topology->plan->assumed;
    place->graph = std::move(topology->graph);
  }
  if (!place || system == nullptr) return place;
  auto set = set_kernels(catalog, *system, options, *place);
  if (!set) return fail(std::move(set.error()));
  return place;
}

struct Answer {
  std::vector<Trace> traces;
  Place place;
  Replay replay;
};

std::string link_name(const Place& place, std::int32_t link) {
  const Link& named = place.graph.links[std::size_t(link)];
  return fmt::format("{} to {}", node_name(place.graph, named.from),
                     node_name(place.graph, named.to));
}

std::string level_name(const Place& place, std::size_t level) {
  return place.machine.levels[level].name;
}

Result<ReplayOptions> replay_options(const Options& options) {
  ReplayOptions result{.copies = options.copies};
  result.times = options.recorded ? ComputeTimes::kRecorded
                 : options.model  ? ComputeTimes::kModel
                                  : ComputeTimes::kEither;
  const auto routing = routing_named(options.routing);
  if (!routing) return fail(routing.error());
  result.routing = *routing;
  if (!options.groups.empty()) {
    auto groups = load_groups(options.groups);
    if (!groups) return fail(std::move(groups.error()));
    result.groups = *std::move(groups);
  }
  result.spans = !options.trace.empty();
  result.watched = result.spans ? kLinksShown : 0;
  result.progress = progress_bar();
  return result;
}

Result<Answer> answer_of(const Catalog& catalog, const Options& options) {
  auto settings = replay_options(options);
  if (!settings) return fail(std::move(settings.error()));
  auto traces = load_traces(options.prefix, options.copies > 0 ? 0 : options.ranks);
  if (!traces) return fail(std::move(traces.error()));
  if (options.copies > 0 && traces->size() > 1) traces->resize(1);
  const int ranks = options.copies > 0 ? options.copies : int(traces->size());
  auto place = find_place(catalog, ranks, options);
  if (!place) return fail(std::move(place.error()));
  if (options.model && !place->kernels) {
    return fail("there is no chip to model", "--system S names the machine whose chip computes");
  }
  auto result = replay(place->machine, place->graph, *traces,
                       place->kernels ? &*place->kernels : nullptr, *settings);
  if (settings->progress) settings->progress(1);
  if (!result) return fail(std::move(result.error()));
  return Answer{*std::move(traces), *std::move(place), *std::move(result)};
}

std::vector<std::string> notes_of(const Answer& answer) {
  const Replay& replay = answer.replay;
  std::vector<std::string> notes;
  std::vector<std::string> versions;
  for (const Trace& trace : answer.traces) {
    const std::string version = trace.version.empty() ? "not stated" : trace.version;
    if (std::find(versions.begin(), versions.end(), version) == versions.end()) {
      versions.push_back(version);
    }
  }
  std::sort(versions.begin(), versions.end());
  notes.push_back(fmt::format("{} nodes on {} ranks, Chakra schema {}; {} collectives, {} messages",
                              replay.nodes, replay.ranks.size(), fmt::join(versions, ", "),
                              replay.collectives, replay.messages));
  std::string times = fmt::format("computing and memory: {} nodes as recorded", replay.recorded);
  if (replay.modelled > 0) times += fmt::format(", {} by the kernel model", replay.modelled);
  if (replay.untimed > 0)
    times += fmt::format(", {} have neither and take no time", replay.untimed);
  notes.push_back(std::move(times));
  if (replay.alone > 0) {
    notes.push_back(fmt::format("{} collectives of one rank take no time", replay.alone));
  }
  if (replay.call_trees) {
    notes.push_back(fmt::format(
        "ctrl_deps of PyTorch traces are the tree of calls and not waited for; {} nodes that they "
        "name were dropped by the converter",
        replay.dropped_parents));
  }
  if (replay.folded_to > 0) {
    notes.push_back(fmt::format("all ranks do the same: {} of them simulated", replay.folded_to));
  }
  for (const std::string& assumed : answer.place.assumed) notes.push_back("assumed: " + assumed);
  return notes;
}

std::vector<TableCell> cells(std::string rank, const RankTime& time) {
  std::vector<TableCell> row = {std::move(rank)};
  for (const Seconds value : {time.total, time.compute, time.memory, time.host, time.communication,
                              time.exposed, time.idle}) {
    row.emplace_back(value.value() * 1e6, fmt::format("{:.2f}", value.value() * 1e6));
  }
  return row;
}

Table table_of(const Answer& answer, bool all) {
  const std::vector<RankTime>& ranks = answer.replay.ranks;
  Table table;
  table.title = answer.place.name;
  table.columns = {{.heading = "rank", .align = Align::kRight}};
  for (const auto& [heading, key] : {std::pair{"total us", "total_us"},
                                     {"compute us", "compute_us"},
                                     {"memory us", "memory_us"},
                                     {"host us", "host_us"},
                                     {"comm us", "communication_us"},
                                     {"exposed us", "exposed_us"},
                                     {"idle us", "idle_us"}}) {
    table.columns.push_back({.heading = heading, .align = Align::kRight, .key = key});
  }
  const std::size_t shown = all || ranks.size() <= kRanksShown ? ranks.size() : kRanksShown - 1;
  for (std::size_t rank = 0; rank < shown; ++rank) {
    table.add(cells(fmt::format("{}", rank), ranks[rank]));
  }
  if (shown < ranks.size()) {
    const auto slowest =
        std::max_element(ranks.begin(), ranks.end(),
                         [](const RankTime& a, const RankTime& b) { return a.total < b.total; });
    table.add(cells(fmt::format("{} (last)", slowest - ranks.begin()), *slowest));
    table.notes.push_back(
        fmt::format("{} more ranks: --csv and --json have all", ranks.size() - shown));
  }
  return table;
}

std::string as_text(const Answer& answer) {
  const Replay& replay = answer.replay;
  Table table = table_of(answer, false);
  if (replay.busiest_link >= 0) {
    table.notes.push_back(fmt::format("busiest link: {}, in use {} of the time",
                                      link_name(answer.place, replay.busiest_link),
                                      format_percent(replay.busiest)));
  }
  for (std::size_t level = 0; level < replay.levels.size(); ++level) {
    if (replay.levels[level].bytes == 0) continue;
    table.notes.push_back(fmt::format("{}: {} on its links, the busiest in use {} of the time",
                                      level_name(answer.place, level),
                                      format_quantity(Bytes(replay.levels[level].bytes)),
                                      format_percent(replay.levels[level].busiest)));
  }
  for (std::string& note : notes_of(answer)) table.notes.push_back(std::move(note));
  return fmt::format("The last rank ends after {:.3f} us.\n\n{}", replay.time.value() * 1e6,
                     to_text(table));
}

std::string as_json(const Answer& answer) {
  const Replay& replay = answer.replay;
  using nlohmann::ordered_json;
  ordered_json ranks = ordered_json::array(), levels = ordered_json::array();
  for (const RankTime& time : replay.ranks) {
    ranks.push_back({{"rank", ranks.size()},
                     {"total_us", time.total.value() * 1e6},
                     {"compute_us", time.compute.value() * 1e6},
                     {"memory_us", time.memory.value() * 1e6},
                     {"host_us", time.host.value() * 1e6},
                     {"communication_us", time.communication.value() * 1e6},
                     {"exposed_us", time.exposed.value() * 1e6},
                     {"idle_us", time.idle.value() * 1e6}});
  }
  for (std::size_t level = 0; level < replay.levels.size(); ++level) {
    levels.push_back({{"level", level_name(answer.place, level)},
                      {"bytes", replay.levels[level].bytes},
                      {"busiest_share", replay.levels[level].busiest}});
  }
  ordered_json link = nullptr;
  if (replay.busiest_link >= 0) {
    link = {{"link", link_name(answer.place, replay.busiest_link)}, {"share", replay.busiest}};
  }
  const ordered_json all = {{"machine", answer.place.name},
                            {"time_us", replay.time.value() * 1e6},
                            {"ranks", ranks},
                            {"levels", levels},
                            {"busiest_link", link},
                            {"nodes", replay.nodes},
                            {"recorded", replay.recorded},
                            {"modelled", replay.modelled},
                            {"untimed", replay.untimed},
                            {"collectives", replay.collectives},
                            {"messages", replay.messages},
                            {"notes", notes_of(answer)}};
  return all.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

TraceView view_of(const Answer& answer) {
  TraceView view;
  for (const Stream stream :
       {Stream::kCompute, Stream::kMemory, Stream::kHost, Stream::kCommunication}) {
    view.tracks.emplace_back(name(stream));
  }
  for (const ReplaySpan& span : answer.replay.spans) {
    const Trace& trace = answer.traces[std::size_t(span.rank) % answer.traces.size()];
    const TraceNode& node = trace.nodes[std::size_t(span.node)];
    TraceSpan shown{.process = span.rank,
                    .track = int(span.stream),
                    .name = node.name,
                    .category = std::string(name(node.type)),
                    .begin = span.begin,
                    .end = span.end,
                    .details = {{"id", fmt::format("{}", node.id)}}};
    if (node.comm_size) shown.details.emplace_back("bytes", fmt::format("{}", *node.comm_size));
    view.spans.push_back(std::move(shown));
  }
  for (const LinkSample& sample : answer.replay.samples) {
    const Link& link = answer.place.graph.links[std::size_t(sample.link)];
    view.counters.push_back({link_name(answer.place, sample.link) + " (share in use)", sample.time,
                             sample.rate / link.bandwidth.value()});
  }
  return view;
}

void run(const Options& options, Context& context) {
  const auto catalog = context.load();
  if (!catalog) return context.refuse(catalog.error());
  const auto answer = answer_of(*catalog, options);
  if (!answer) return context.refuse(answer.error());
  if (!options.trace.empty()) {
    const auto written = write_file(options.trace, to_chrome_trace(view_of(*answer)));
    if (!written) return context.refuse(written.error());
  }
  if (context.json) return print(as_json(*answer));
  print(context.csv ? to_csv(table_of(*answer, true)) : as_text(*answer));
}

}  // namespace

void add_replay_command(CLI::App& app, Context& context) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "replay", "Run Chakra execution traces on a machine: exposed communication of each rank");
  command->footer(
      "For example:\n"
      "  fivefold replay examples/traces/step --system dgx_h100_8 --trace step.json\n"
      "  fivefold replay examples/traces/step --network examples/traces/ring4.yml");
  command->add_option("TRACE_PREFIX", options->prefix, "Of the files PREFIX.<rank>.et")->required();
  command->add_option("--system", options->system,
                      "Of the catalog; S:N for N whole systems, else as many devices as ranks");
  command->add_option("--network", options->network,
                      "File of a fabric: ASTRA-sim network YAML or another known form");
  command->add_option("--stack", options->stack, "Collective library; default: the vendor's");
  command->add_option("--kernels", options->kernels,
                      "Software stack that computes; default: the chip's");
  command->add_option("--ranks", options->ranks, "So many traces must be there")
      ->check(CLI::Range(1, 10000000));
  command->add_option("--copies", options->copies, "So many ranks all run the trace of rank 0")
      ->check(CLI::Range(1, 10000000));
  command->add_option("--groups", options->groups, "JSON file of process groups: {\"0\": [0, 1]}");
  command->add_option("--routing", options->routing, "adaptive, deterministic, ecmp or all-path");
  auto* recorded =
      command->add_flag("--recorded", options->recorded, "Computing only as it was recorded");
  command
      ->add_flag("--model", options->model, "Computing by the kernel model where a node has work")
      ->excludes(recorded);
  command->add_option("--trace", options->trace, "Write a timeline for ui.perfetto.dev")
      ->type_name("FILE");
  command->callback([options, &context] { run(*options, context); });
}

}  // namespace fivefold::app
