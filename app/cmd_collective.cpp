// `fivefold collective`: what nccl-tests would print on a machine of the catalog, by the closed
// form and, with --simulate, by flows on the machine's links.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <optional>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "app/machine_args.h"
#include "fivefold/base/random.h"
#include "fivefold/base/unit_text.h"
#include "fivefold/collective/simulate.h"
#include "fivefold/replay/network.h"
#include "fivefold/report/trace.h"

namespace fivefold::app {
namespace {

struct Options {
  std::string op;
  std::string system;
  std::string network;
  std::string sizes = "8:128M";
  std::string stack;
  std::string algorithm;
  std::string placement = "linear";
  std::string routing = "adaptive";
  std::string trace;
  std::string links;
  FabricArgs fabric;
  int ranks = 0;
  int stride = 1;
  bool simulate = false;
  bool concurrent = false;
  bool no_fold = false;
  // MoE exchanges; sizes are then tokens of a rank.
  MoeExchange exchange{.topk = 8, .experts = 256};
  MoeRouting drawn;
  double hidden = 7168;
  std::string format;
};

constexpr std::array<Collective, 7> kAll = {Collective::kAllReduce,     Collective::kAllGather,
                                            Collective::kReduceScatter, Collective::kAllToAll,
                                            Collective::kBroadcast,     Collective::kReduce,
                                            Collective::kSendRecv};

// One of the operations of kAll, or a MoE exchange.
struct Op {
  std::string name;
  std::optional<Collective> collective;
  bool combine = false;
};

Result<Op> op_named(const std::string& text) {
  std::vector<std::string> known = {"moe_dispatch", "moe_combine"};
  if (text == known[0] || text == known[1]) return Op{text, std::nullopt, text == known[1]};
  for (const Collective collective : kAll) {
    if (name(collective) == text) return Op{text, collective, false};
    known.emplace_back(name(collective));
  }
  const std::string near = did_you_mean(text, known);
  return fail(fmt::format("unknown operation '{}'", text),
              near.empty() ? fmt::format("known: {}", fmt::join(known, ", ")) : near);
}

// Sizes as nccl-tests takes them: 8, 64K, 128M, 1G, powers of 1024.
Result<double> parse_size(const std::string& text) {
  static const std::string kLetters = "KMGT";
  std::size_t used = 0;
  double value = 0;
  try {
    value = std::stod(text, &used);
  } catch (const std::exception&) {
    used = 0;
  }
  std::string_view suffix = std::string_view(text).substr(used);
  if (used > 0 && suffix.size() == 1) {
    const auto power = kLetters.find(char(std::toupper(suffix.front())));
    if (power != std::string::npos) {
      value *= std::pow(1024.0, double(power + 1));
      suffix = {};
    }
  }
  if (used == 0 || !suffix.empty() || !(value > 0) || value > 1e15) {
    return fail(fmt::format("'{}' is not a message size", text),
                "for example 8, 64K, 128M or 1G, at most 1e15 bytes");
  }
  return value;
}

// "8:128M", "8:128M:4" (factor), or one size.
Result<std::vector<double>> sizes_of(const std::string& text) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == ':') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  if (parts.size() > 3) return fail(fmt::format("'{}' are no sizes", text), "--sizes 8:8G:2");
  const auto begin = parse_size(parts[0]);
  if (!begin) return fail(begin.error());
  const auto end = parse_size(parts.size() > 1 ? parts[1] : parts[0]);
  if (!end) return fail(end.error());
  if (*end < *begin) return fail("the largest size is below the smallest", "--sizes 8:8G");
  double factor = 2;
  if (parts.size() > 2) {
    const auto given = parse_size(parts[2]);
    if (!given || !(*given >= 1.01)) {
      return fail(fmt::format("'{}' is no factor between sizes", parts[2]), "--sizes 8:8G:2");
    }
    factor = *given;
  }
  std::vector<double> sizes;
  for (double size = *begin; size <= *end * (1 + 1e-9); size *= factor) sizes.push_back(size);
  return sizes;
}

Result<std::optional<Algorithm>> algorithm_named(const std::string& text) {
  if (text.empty() || text == "auto") return std::optional<Algorithm>();
  std::vector<std::string> known;
  for (const AlgorithmInfo& info : all_algorithms()) {
    if (name(info.algorithm) == text) return std::optional(info.algorithm);
    known.emplace_back(name(info.algorithm));
  }
  return fail(fmt::format("unknown algorithm '{}'", text),
              fmt::format("known: {}", fmt::join(known, ", ")));
}

// Devices of the ranks: "linear" (first, first + stride, ...), "random" or "random:SEED", or a list
// as "0,8,16-23".
Result<Ranks> placed(const std::string& text, int ranks, int stride, int devices) {
  if (text == "linear") return strided_ranks(0, ranks, stride);
  if (text == "random" || text.starts_with("random:")) {
    const std::uint64_t seed = text.size() > 7 ? std::strtoull(text.c_str() + 7, nullptr, 10) : 1;
    Ranks all(std::size_t(devices), 0);
    std::iota(all.begin(), all.end(), 0);
    Random random(seed, "placement of ranks");
    for (std::size_t i = all.size() - 1; i > 0; --i) {
      std::swap(all[i], all[random.below(std::uint32_t(i + 1))]);
    }
    all.resize(std::size_t(ranks));
    return all;
  }
  Ranks list;
  std::size_t at = 0;
  const auto number = [&]() -> std::optional<int> {
    int value = 0;
    const auto [end, code] = std::from_chars(text.data() + at, text.data() + text.size(), value);
    if (code != std::errc()) return std::nullopt;
    at = std::size_t(end - text.data());
    return value;
  };
  while (at < text.size()) {
    const auto first = number();
    std::optional<int> last = first;
    if (first && at < text.size() && text[at] == '-') {
      ++at;
      last = number();
    }
    if (!first || !last || *last < *first || *last - *first > 1'000'000 ||
        (at < text.size() && text[at] != ',')) {
      return fail(fmt::format("'{}' is no placement", text),
                  "linear, random:SEED, or devices as 0,8,16-23");
    }
    for (int device = *first; device <= *last; ++device) list.push_back(device);
    ++at;
  }
  return list;
}

bool is_list(const std::string& placement) {
  return placement != "linear" && !placement.starts_with("random");
}

// Everything that the sizes have in common.
struct Setting {
  Op op;
  Machine machine;
  std::string name, system, library;  // for people; ids of the catalog, empty for a file
  Group shape;
  std::vector<Ranks> groups;
  std::optional<Graph> graph;  // only where flows are asked for
  CollectiveOptions choice;
  FlowOptions flows;
  MoeExchange exchange;  // but for its tokens
};

Result<double> token_bytes(const Options& options, bool combine) {
  const std::string format = options.format.empty() ? (combine ? "bf16" : "fp8") : options.format;
  // FP8 with an FP32 scale for 128 values, INT8 with an FP32 scale for a token.
  if (format == "fp8") return options.hidden * (1 + 4.0 / 128);
  if (format == "int8") return options.hidden + 4;
  if (format == "bf16" || format == "fp16") return options.hidden * 2;
  return fail(fmt::format("unknown format '{}'", format), "fp8, int8, bf16 or fp16");
}

bool wants_flows(const Options& options) {
  return options.simulate || options.concurrent || options.placement != "linear" ||
         !options.trace.empty() || !options.links.empty() || options.fabric.any() ||
         options.routing != "adaptive";
}

// All groups of this shape that the machine holds: of each block of ranks x stride devices, one for
// each place within the stride.
std::vector<Ranks> all_groups(const Machine& machine, int ranks, int stride) {
  std::vector<Ranks> groups;
  const int block = ranks * stride;
  for (int start = 0; start + block <= machine.devices; start += block) {
    for (int place = 0; place < stride; ++place) {
      groups.push_back(strided_ranks(start + place, ranks, stride));
    }
  }
  return groups;
}

Result<void> set_flows(const Options& options, int ranks, Setting& setting) {
  const auto graph_options = app::graph_options(options.fabric);
  if (!graph_options) return fail(graph_options.error());
  GraphOptions wanted = *graph_options;
  const auto routing = routing_named(options.routing);
  if (!routing) return fail(routing.error());
  // One way for each flow needs the switches that there are.
  if (*routing == Routing::kDeterministic || *routing == Routing::kEcmp)
    wanted.separate_planes = true;
  if (!setting.graph) {
    auto graph = build_graph(setting.machine, wanted);
    if (!graph) return fail(std::move(graph.error()));
    setting.graph = *std::move(graph);
  }
  setting.flows.routing = *routing;
  setting.flows.choice = setting.choice;
  setting.flows.fold = !options.no_fold && options.trace.empty();
  auto first = placed(options.placement, ranks, options.stride, setting.graph->devices);
  if (!first) return fail(std::move(first.error()));
  if (int(first->size()) != ranks) {
    return fail(fmt::format("a placement of {} devices for {} ranks", first->size(), ranks),
                fmt::format("--ranks {}", first->size()));
  }
  setting.groups = {*std::move(first)};
  if (options.placement != "linear")
    setting.shape = group_of(setting.machine, setting.groups.front());
  if (options.concurrent) {
    if (options.placement != "linear")
      return fail("--concurrent runs the groups of a linear placement");
    setting.groups = all_groups(setting.machine, ranks, options.stride);
  }
  return {};
}

// How many ranks are wanted, and how many devices hold them.
struct Wanted {
  int ranks = 0;
  double devices = 0;
};

// `held`: devices of what was named; `may_grow`: more of it may be taken.
Result<Wanted> wanted_ranks(const Options& options, double held, bool may_grow) {
  const double needed = options.ranks > 0 ? double(options.ranks) * options.stride : held;
  if (std::max(held, needed) > 1e7) return fail("more than ten million devices");
  if (needed > held && !may_grow) {
    return fail(
        fmt::format("{} ranks, {} apart, on {} devices", options.ranks, options.stride, held),
        fmt::format("at most {}", std::floor(held / options.stride)));
  }
  Wanted wanted{options.ranks > 0 ? options.ranks : int(held / options.stride), needed};
  if (options.ranks == 0 && is_list(options.placement)) {
    const auto listed = placed(options.placement, 0, 1, 0);
    if (!listed) return fail(listed.error());
    wanted.ranks = int(listed->size());
  }
  return wanted;
}

// A machine of the catalog; returns the ranks.
Result<int> set_system(const Catalog& catalog, const Options& options, Setting& setting) {
  const auto named = parse_system(options.system);
  if (!named) return fail(named.error());
  const auto system = catalog.system(named->system);
  if (!system) return fail(system.error());
  const auto stack =
      catalog.stack(options.stack.empty() ? library_for(catalog, **system) : options.stack);
  if (!stack) return fail(stack.error());
  const double held = double((*system)->devices()) * std::max(1, named->count);
  const auto wanted = wanted_ranks(options, held, named->count == 0);
  if (!wanted) return fail(wanted.error());
  // Without a count, as many systems as the ranks need, and of one only what they use; on links all
  // of it, since ranks may lie anywhere.
  const bool whole = named->count > 0 || wants_flows(options);
  const double devices = whole ? std::max(held, wanted->devices) : wanted->devices;
  const int per_chip = (*system)->chip->devices_per_chip;
  auto machine = build_machine(**system, int(std::ceil(devices / per_chip)), **stack);
  if (!machine) return fail(std::move(machine.error()));
  setting.machine = *std::move(machine);
  const double systems = setting.machine.systems;
  setting.name = fmt::format("{}{} ({}), {}", systems > 1 ? fmt::format("{:g} x ", systems) : "",
                             (*system)->name, (*system)->chip->name, (*stack)->name);
  setting.system = (*system)->id;
  setting.library = (*stack)->id;
  return wanted->ranks;
}

// A fabric of the user's own, without a library; returns the ranks.
Result<int> set_network(const Options& options, Setting& setting) {
  if (!options.system.empty() || !options.stack.empty() || options.fabric.any()) {
    return fail("a file states its own machine", "--network FILE without --system and its options");
  }
  auto topology = load_topology(options.network);
  if (!topology) return fail(std::move(topology.error()));
  const auto wanted = wanted_ranks(options, topology->graph.devices, false);
  if (!wanted) return fail(wanted.error());
  setting.machine = machine_of(*topology);
  setting.name = fmt::format("{} ({}), no library", topology->name, topology->form);
  setting.graph = std::move(topology->graph);
  return wanted->ranks;
}

Result<Setting> setting_of(const Catalog& catalog, const Options& options) {
  Setting setting;
  auto op = op_named(options.op);
  if (!op) return fail(std::move(op.error()));
  setting.op = *std::move(op);
  if (options.system.empty() && options.network.empty()) {
    return fail("nothing to run on", "--system S of the catalog, or --network FILE");
  }
  const auto ranks = options.network.empty() ? set_system(catalog, options, setting)
                                             : set_network(options, setting);
  if (!ranks) return fail(ranks.error());
  setting.shape = make_group(setting.machine, *ranks, options.stride);
  const auto algorithm = algorithm_named(options.algorithm);
  if (!algorithm) return fail(algorithm.error());
  setting.choice.forced = *algorithm;
  if (!setting.op.collective) {
    if (setting.choice.forced) return fail("a MoE exchange has no choice of algorithms");
    if (options.concurrent) return fail("--concurrent is for collectives, not for MoE exchanges");
    const auto bytes = token_bytes(options, setting.op.combine);
    if (!bytes) return fail(bytes.error());
    setting.exchange = options.exchange;
    setting.exchange.bytes_per_token = Bytes(*bytes);
    setting.exchange.combine = setting.op.combine;
  }
  if (setting.graph || wants_flows(options)) {
    auto set = set_flows(options, *ranks, setting);
    if (!set) return fail(std::move(set.error()));
  }
  return setting;
}

struct Line {
  double bytes = 0;
  double count = 0;  // of float32 values as nccl-tests counts, or tokens
  CollectiveTime time;
  double algbw = 0, busbw = 0;  // GB/s, of the closed form
  std::string level;
  std::optional<SimulatedCollective> flows;
};

Result<Line> line_of(const Setting& setting, double size, const MoeRouting& drawn,
                     const std::function<void(double)>& progress) {
  Line line{.bytes = size, .count = size / 4};
  MoeExchange exchange = setting.exchange;
  if (setting.op.collective) {
    const auto plan = plan_collective(setting.machine, *setting.op.collective, setting.shape,
                                      Bytes(size), setting.choice);
    if (!plan) return fail(plan.error());
    line.time = time_of(*plan);
  } else {
    exchange.tokens = size;
    line.count = size;
    line.bytes = size * exchange.topk * exchange.bytes_per_token.value();
    line.time = moe_exchange_time(setting.machine, setting.shape, exchange);
  }
  const double seconds = line.time.time.value();
  line.algbw = seconds > 0 ? line.bytes / seconds / 1e9 : 0;
  line.busbw = line.algbw *
               (setting.op.collective ? bus_share(*setting.op.collective, setting.shape.size) : 1);
  if (!setting.machine.levels.empty())
    line.level = setting.machine.levels[std::size_t(line.time.bottleneck)].name;
  if (!setting.graph) return line;
  FlowOptions options = setting.flows;
  options.progress = progress;
  auto flows = setting.op.collective
                   ? simulate_collective(setting.machine, *setting.graph, *setting.op.collective,
                                         setting.shape, setting.groups, Bytes(size), options)
                   : simulate_moe_exchange(setting.machine, *setting.graph, setting.shape,
                                           setting.groups.front(), exchange, drawn, options);
  if (!flows) return fail(std::move(flows.error()));
  line.flows = *std::move(flows);
  return line;
}

std::string link_name(const Graph& graph, std::int32_t link) {
  if (link < 0) return "-";
  const Link& named = graph.links[std::size_t(link)];
  return fmt::format("{} to {}", node_name(graph, named.from), node_name(graph, named.to));
}

std::string protocol_name(const Line& line) {
  static constexpr std::array<std::string_view, kProtocolCount> kNames = {"Simple", "LL", "LL128"};
  return std::string(kNames[std::size_t(line.time.protocol)]);
}

std::string as_text(const Setting& setting, const std::vector<Line>& lines) {
  std::string text =
      fmt::format("# {} on {} ranks of {}\n", setting.op.name, setting.shape.size, setting.name);
  if (setting.groups.size() > 1)
    text += fmt::format("# {} such groups at once\n", setting.groups.size());
  const bool flows = setting.graph.has_value();
  text +=
      fmt::format("#{:>14} {:>14} {:>12} {:>9} {:>9}", "size (B)",
                  setting.op.collective ? "count (fp32)" : "tokens", "time (us)", "algbw", "busbw");
  if (flows) text += fmt::format(" {:>12} {:>7}", "flows (us)", "ratio");
  text += fmt::format("  {:<16} {:<7} {}\n", "algorithm", "proto",
                      flows ? "busiest link" : "slowest level");
  for (const Line& line : lines) {
    const double seconds = line.time.time.value();
    text += fmt::format(" {:>14.0f} {:>14.0f} {:>12.2f} {:>9.2f} {:>9.2f}", line.bytes, line.count,
                        seconds * 1e6, line.algbw, line.busbw);
    if (line.flows) {
      const double simulated = line.flows->time.time.value();
      text += fmt::format(" {:>12.2f} {:>7.3f}", simulated * 1e6, simulated / seconds);
    }
    const std::string where =
        line.flows
            ? fmt::format("{} ({})", link_name(*setting.graph, line.flows->busiest_link),
                          setting.machine.levels[std::size_t(line.flows->time.bottleneck)].name)
            : line.level;
    text +=
        fmt::format("  {:<16} {:<7} {}\n", name(line.time.algorithm), protocol_name(line), where);
  }
  text += "# algbw and busbw in GB/s (10^9 bytes) of time, the closed form";
  text += flows ? "; ratio: flows on the links over it\n" : "\n";
  return text;
}

std::string as_csv(const std::vector<Line>& lines) {
  std::string text =
      "bytes,count,time_us,latency_us,algbw_GBps,busbw_GBps,algorithm,protocol,flows_us\n";
  for (const Line& line : lines) {
    text += fmt::format("{:.0f},{:.0f},{},{},{},{},{},{},{}\n", line.bytes, line.count,
                        line.time.time.value() * 1e6, line.time.latency.value() * 1e6, line.algbw,
                        line.busbw, name(line.time.algorithm), protocol_name(line),
                        line.flows ? fmt::format("{}", line.flows->time.time.value() * 1e6) : "");
  }
  return text;
}

nlohmann::ordered_json flows_json(const Setting& setting, const SimulatedCollective& flows) {
  nlohmann::ordered_json levels = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < flows.levels.size(); ++i) {
    levels.push_back({{"level", setting.machine.levels[i].name},
                      {"bytes", std::round(flows.levels[i].bytes)},
                      {"busiest_link_share", flows.levels[i].busiest}});
  }
  return {{"time_us", flows.time.time.value() * 1e6},
          {"flows", flows.flows},
          {"simulated_tasks", flows.schedule.tasks.size()},
          {"folded_to_devices", flows.folded_to},
          {"busiest_link", link_name(*setting.graph, flows.busiest_link)},
          {"levels", levels}};
}

std::string as_json(const Setting& setting, const std::vector<Line>& lines) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const Line& line : lines) {
    nlohmann::ordered_json row = {{"bytes", line.bytes},
                                  {"count", line.count},
                                  {"time_us", line.time.time.value() * 1e6},
                                  {"latency_us", line.time.latency.value() * 1e6},
                                  {"algbw_GBps", line.algbw},
                                  {"busbw_GBps", line.busbw},
                                  {"algorithm", std::string(name(line.time.algorithm))},
                                  {"protocol", protocol_name(line)},
                                  {"slowest_level", line.level}};
    if (line.flows) row["simulated"] = flows_json(setting, *line.flows);
    rows.push_back(std::move(row));
  }
  const nlohmann::ordered_json answer = {
      {"operation", setting.op.name},
      {"system", setting.system},
      {"systems", setting.machine.systems},
      {"ranks", setting.shape.size},
      {"groups", std::max<std::size_t>(1, setting.groups.size())},
      {"stack", setting.library},
      {"lines", rows}};
  return answer.dump(2) + "\n";
}

// What each link carried in the last line's flows; folded links stand for their images.
std::string links_csv(const Graph& graph, const SimulatedCollective& flows) {
  std::string text = "from,to,level,bandwidth_GBps,bytes\n";
  for (std::size_t i = 0; i < flows.link_bytes.size(); ++i) {
    if (flows.link_bytes[i] == 0) continue;
    const Link& link = graph.links[i];
    text +=
        fmt::format("{},{},{},{},{:.0f}\n", node_name(graph, link.from), node_name(graph, link.to),
                    link.level, link.bandwidth.value() / 1e9, flows.link_bytes[i]);
  }
  return text;
}

void run(const Options& options, Context& context) {
  const auto catalog = context.load();
  if (!catalog) return context.refuse(catalog.error());
  const auto sizes = sizes_of(options.sizes);
  if (!sizes) return context.refuse(sizes.error());
  const auto setting = setting_of(*catalog, options);
  if (!setting) return context.refuse(setting.error());
  const auto progress = progress_bar();
  std::vector<Line> lines;
  for (const double size : *sizes) {
    auto line = line_of(*setting, size, options.drawn, [&](double share) {
      if (progress) progress((double(lines.size()) + share) / double(sizes->size()));
    });
    if (!line) return context.refuse(line.error());
    lines.push_back(*std::move(line));
    // Of the flows only the last line's are kept for files.
    if (lines.size() > 1 && lines[lines.size() - 2].flows) {
      lines[lines.size() - 2].flows->schedule = {};
      lines[lines.size() - 2].flows->timeline = {};
    }
  }
  if (!options.trace.empty()) {
    const auto written = write_file(
        options.trace, to_chrome_trace(transfers_of(*lines.back().flows, *setting->graph)));
    if (!written) return context.refuse(written.error());
  }
  if (!options.links.empty()) {
    const auto written = write_file(options.links, links_csv(*setting->graph, *lines.back().flows));
    if (!written) return context.refuse(written.error());
  }
  if (context.json) return print(as_json(*setting, lines));
  print(context.csv ? as_csv(lines) : as_text(*setting, lines));
}

}  // namespace

void add_collective_command(CLI::App& app, Context& context) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "collective", "Time of a collective operation, as nccl-tests prints it, and on the links");
  command
      ->add_option("OP", options->op,
                   "all_reduce, all_gather, reduce_scatter, all_to_all, broadcast, reduce, "
                   "send_recv, moe_dispatch or moe_combine")
      ->required();
  command->add_option("--system", options->system, "Of the catalog, or SYSTEM:N for N of them");
  command->add_option("--network", options->network, "A topology of your own (docs/fabrics.md)")
      ->type_name("FILE");
  command->add_option("--sizes", options->sizes,
                      "FROM:TO[:FACTOR] in bytes (8, 64K, 8G); of a MoE exchange tokens of a rank");
  command->add_option("--ranks", options->ranks, "Devices that take part; default: all")
      ->check(CLI::Range(1, 10000000));
  command->add_option("--stride", options->stride, "From one rank of the group to the next")
      ->check(CLI::Range(1, 10000000));
  command->add_option("--algorithm", options->algorithm,
                      "Instead of the library's choice: ring, double_tree, hierarchical, ...");
  command->add_option("--stack", options->stack, "Collective library; default: the vendor's");
  command->add_flag("--simulate", options->simulate, "Run the flows on the machine's links too");
  command->add_option("--placement", options->placement,
                      "Devices of the ranks: linear, random:SEED, or 0,8,16-23");
  command->add_flag("--concurrent", options->concurrent,
                    "All groups of this size and stride at once");
  command->add_option("--routing", options->routing, "adaptive, deterministic, ecmp or all-path");
  command->add_flag("--no-fold", options->no_fold, "Simulate every device, symmetric or not");
  command->add_option("--trace", options->trace, "Timeline of the largest size (Chrome, Perfetto)")
      ->type_name("FILE");
  command->add_option("--links", options->links, "What each link carried at the largest size, CSV")
      ->type_name("FILE");
  add_fabric_args(*command, options->fabric);
  command->add_option("--hidden", options->hidden, "MoE: values of a token")
      ->check(CLI::Range(1.0, 1e6));
  command->add_option("--topk", options->exchange.topk, "MoE: experts of a token")
      ->check(CLI::Range(1.0, 1e4));
  command->add_option("--experts", options->exchange.experts, "MoE: of the model")
      ->check(CLI::Range(1.0, 1e6));
  command
      ->add_option("--nodes-limit", options->exchange.nodes_limit,
                   "MoE: a token goes to so many nodes at most")
      ->check(CLI::Range(0.0, 1e6));
  command->add_flag("--low-latency", options->exchange.low_latency, "MoE: the low-latency kernels");
  command->add_option("--format", options->format,
                      "MoE: fp8 (dispatch), int8, bf16 (combine) or fp16");
  command
      ->add_option("--skew", options->drawn.skew,
                   "MoE with --simulate: popularity falls as 1/place^SKEW")
      ->check(CLI::Range(0.0, 10.0));
  command->add_option("--seed", options->drawn.seed, "MoE with --simulate: of the drawn tokens");
  command->footer(
      "Example: fivefold collective all_reduce --system dgx_h100_8:4 --sizes 8:8G\n"
      "         fivefold collective all_to_all --system dgx_h100_8:4 --ranks 8 --stride 4 "
      "--sizes 1M:1G --concurrent");
  command->callback([options, &context] { run(*options, context); });
}

}  // namespace fivefold::app
