// `fivefold collective`: what nccl-tests would print on a machine of the catalog.
#include <cmath>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "fivefold/base/unit_text.h"
#include "fivefold/collective/collective.h"

namespace fivefold::app {
namespace {

struct Options {
  std::string system;
  std::string op = "all_reduce";
  std::string stack;
  int ranks = 0;
  int stride = 1;
  std::string begin = "8";
  std::string end = "128M";
  double factor = 2;
};

constexpr std::array<Collective, 6> kAll = {Collective::kAllReduce,     Collective::kAllGather,
                                            Collective::kReduceScatter, Collective::kAllToAll,
                                            Collective::kBroadcast,     Collective::kSendRecv};

Result<Collective> collective_named(const std::string& text) {
  std::vector<std::string> known;
  for (const Collective collective : kAll) {
    if (name(collective) == text) return collective;
    known.emplace_back(name(collective));
  }
  return fail(fmt::format("unknown operation '{}'", text), did_you_mean(text, known));
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
    return fail(fmt::format("'{}' is not a message size", text), "for example 8, 64K, 128M or 1G");
  }
  return value;
}

std::string library_for(const Catalog& catalog, const System& system) {
  const std::string& vendor = system.chip->vendor;
  for (const Stack* stack : catalog.stacks()) {
    if (stack->id.starts_with("comm/") && stack->vendor == vendor) return stack->id;
  }
  return "comm/generic";
}

struct Line {
  double bytes = 0;
  double count = 0;  // of float32 values, as nccl-tests counts
  CollectiveTime time;
  double algbw = 0, busbw = 0;  // GB/s
  std::string level;
};

double bus_share(Collective collective, int ranks) {
  const double others = (ranks - 1.0) / ranks;
  switch (collective) {
    case Collective::kAllReduce:
      return 2 * others;
    case Collective::kBroadcast:
    case Collective::kSendRecv:
      return 1;
    default:
      return others;
  }
}

struct Sweep {
  std::string title;
  std::vector<Line> lines;
};

Result<Sweep> sweep(const Catalog& catalog, const Options& options) {
  const auto collective = collective_named(options.op);
  if (!collective) return fail(collective.error());
  const auto system = catalog.system(options.system);
  if (!system) return fail(system.error());
  const auto begin = parse_size(options.begin);
  if (!begin) return fail(begin.error());
  const auto end = parse_size(options.end);
  if (!end) return fail(end.error());
  if (*end < *begin) return fail("the largest size is below the smallest", "-b 8 -e 128M");
  if (!(options.factor > 1)) return fail("the factor between sizes must be above 1", "-f 2");
  const auto stack =
      catalog.stack(options.stack.empty() ? library_for(catalog, **system) : options.stack);
  if (!stack) return fail(stack.error());
  const int ranks = options.ranks > 0 ? options.ranks : (*system)->devices();
  if (options.stride < 1) return fail("the stride between ranks must be at least 1");
  const int per_chip = (*system)->chip->devices_per_chip;
  if (double(ranks) * options.stride > 1e7) return fail("more than ten million ranks");
  const auto machine =
      build_machine(**system, (ranks * options.stride + per_chip - 1) / per_chip, **stack);
  if (!machine) return fail(machine.error());
  const Group group = make_group(*machine, ranks, options.stride);
  Sweep result;
  result.title = fmt::format("# {} on {} ranks of {} ({}), {}\n", options.op, ranks,
                             (*system)->name, (*system)->chip->name, (*stack)->name);
  for (double bytes = *begin; bytes <= *end * (1 + 1e-9); bytes *= options.factor) {
    Line line{.bytes = bytes,
              .count = bytes / 4,
              .time = collective_time(*machine, *collective, group, Bytes(bytes)),
              .level = {}};
    const double seconds = line.time.time.value();
    line.algbw = seconds > 0 ? bytes / seconds / 1e9 : 0;
    line.busbw = line.algbw * bus_share(*collective, ranks);
    if (!machine->levels.empty())
      line.level = machine->levels[std::size_t(line.time.bottleneck)].name;
    result.lines.push_back(std::move(line));
  }
  return result;
}

std::string as_text(const Sweep& sweep) {
  std::string text = sweep.title;
  text +=
      fmt::format("#{:>14} {:>14} {:>12} {:>10} {:>10}  {:<12} {}\n", "size (B)", "count (fp32)",
                  "time (us)", "algbw GB/s", "busbw GB/s", "algorithm", "slowest level");
  for (const Line& line : sweep.lines) {
    text += fmt::format(" {:>14.0f} {:>14.0f} {:>12.2f} {:>10.2f} {:>10.2f}  {:<12} {}\n",
                        line.bytes, line.count, line.time.time.value() * 1e6, line.algbw,
                        line.busbw, name(line.time.algorithm), line.level);
  }
  return text;
}

std::string as_csv(const Sweep& sweep) {
  std::string text = "bytes,time_us,latency_us,algbw_GBps,busbw_GBps,algorithm\n";
  for (const Line& line : sweep.lines) {
    text += fmt::format("{:.0f},{},{},{},{},{}\n", line.bytes, line.time.time.value() * 1e6,
                        line.time.latency.value() * 1e6, line.algbw, line.busbw,
                        name(line.time.algorithm));
  }
  return text;
}

std::string as_json(const Sweep& sweep) {
  nlohmann::ordered_json lines = nlohmann::ordered_json::array();
  for (const Line& line : sweep.lines) {
    lines.push_back({{"bytes", line.bytes},
                     {"time_us", line.time.time.value() * 1e6},
                     {"latency_us", line.time.latency.value() * 1e6},
                     {"algbw_GBps", line.algbw},
                     {"busbw_GBps", line.busbw},
                     {"algorithm", std::string(name(line.time.algorithm))},
                     {"slowest_level", line.level}});
  }
  return lines.dump(2) + "\n";
}

void run(const Options& options, Context& context) {
  const auto catalog = context.load();
  if (!catalog) return context.refuse(catalog.error());
  const auto result = sweep(*catalog, options);
  if (!result) return context.refuse(result.error());
  if (context.json) return print(as_json(*result));
  print(context.csv ? as_csv(*result) : as_text(*result));
}

}  // namespace

void add_collective_command(CLI::App& app, Context& context) {
  const auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("collective", "Time of a collective operation, as nccl-tests prints it");
  command->add_option("SYSTEM", options->system, "Of the catalog")->required();
  command->add_option("--op", options->op,
                      "all_reduce, all_gather, reduce_scatter, all_to_all, broadcast or send_recv");
  command->add_option("--ranks", options->ranks, "Devices that take part; default: one system")
      ->check(CLI::Range(1, 10000000));
  command->add_option("--stride", options->stride, "From one rank of the group to the next");
  command->add_option("--stack", options->stack, "Collective library; default: the vendor's");
  command->add_option("-b", options->begin, "Smallest message");
  command->add_option("-e", options->end, "Largest message");
  command->add_option("-f", options->factor, "From one size to the next");
  command->callback([options, &context] { run(*options, context); });
}

}  // namespace fivefold::app
