// MoE dispatch and combine rows: operator tables of DeepEP, published tables, and collective
// tables.
#include <cmath>
#include <optional>
#include <regex>

#include <fmt/format.h>

#include "fivefold/evidence/collective_rows.h"

namespace fivefold {
namespace {

// One exchange as a publisher describes it.
struct Exchange {
  std::string op;  // "dispatch" or "combine"
  bool low_latency = false;
  int ranks = 8;
  double tokens = 0, hidden = 0, topk = 0, experts = 0, sms = 0, nodes_limit = 0;
  std::string format;         // "FP8", "BF16", "INT8"
  bool only_network = false;  // copies inside a node go over the network too (first DeepEP release)
  bool cann = false;
};

// Of one token on the wire: FP8 with an FP32 scale for 128 values, INT8 with its scales (CANN pads
// a token to 7.5 KB, arXiv 2506.12708 section 4.2.1), or BF16.
double token_bytes(const Exchange& exchange) {
  if (exchange.format == "FP8") return exchange.hidden * (1 + 4.0 / 128);
  if (exchange.format == "INT8")
    return exchange.hidden + (exchange.cann ? 512 : exchange.hidden / 64);
  return exchange.hidden * 2;
}

double distinct(double places, double choices) {
  return places * (1 - std::pow(1 - 1 / places, choices));
}

// Bytes as the libraries count them for their bandwidths: each copy in low-latency mode; else once
// for each distinct device, or for each distinct node where several nodes take part and tokens are
// forwarded; the sender's own device or node counts too.
double counted_bytes(const Exchange& exchange, int node) {
  const double bytes = exchange.tokens * token_bytes(exchange);
  if (exchange.low_latency) return bytes * exchange.topk;
  const bool nodes = node > 0 && exchange.ranks > node;
  double places = nodes ? exchange.ranks / double(node) : exchange.ranks;
  if (nodes && exchange.nodes_limit > 0) places = std::min(places, exchange.nodes_limit);
  return bytes * distinct(places, exchange.topk);
}

// Devices of one node where a library forwards tokens inside nodes; 0 where it sends directly.
int forwarding_node(const Machine& machine) {
  int node = 0;
  for (std::size_t i = 1; i < machine.levels.size(); ++i) {
    if (machine.levels[i].link[Traffic::kMoeDispatch].exchange.forwards) {
      node = machine.levels[i - 1].size;
    }
  }
  return node;
}

// The machine and group that an exchange ran on.
Result<void> place(MachineCache& machines, const Chip& chip, const Exchange& exchange,
                   const std::string& library, CollectiveCase& row) {
  auto machine = machines.machine(chip, exchange.ranks, library);
  if (!machine) return fail(std::move(machine.error()));
  int stride = 1;
  if (exchange.only_network) {
    stride = (*machine)->system->devices();
    machine = machines.servers(chip, exchange.ranks * stride, library);
    if (!machine) return fail(std::move(machine.error()));
  }
  row.machine = *machine;
  row.group = make_group(**machine, exchange.ranks, stride);
  row.exchange = {.tokens = exchange.tokens,
                  .topk = exchange.topk,
                  .nodes_limit = exchange.nodes_limit,
                  .bytes_per_token = Bytes(token_bytes(exchange)),
                  .low_latency = exchange.low_latency,
                  .experts = exchange.experts,
                  .sms = exchange.sms,
                  .combine = exchange.op == "combine"};
  return {};
}

// Completes a case from a measured time in microseconds or a bandwidth in GB/s.
CollectiveCase finish(MachineCache& machines, const Chip& chip, const Exchange& exchange,
                      CollectiveCase row, std::optional<double> time_us,
                      std::optional<double> bandwidth, std::string_view data,
                      const std::string& shape) {
  row.family = "moe_" + exchange.op;
  row.data = data;
  row.shape = shape;
  row.prediction.chip = chip.id;
  row.prediction.family =
      sized_family(row.family, exchange.tokens * exchange.topk * token_bytes(exchange));
  const std::string library = library_of(machines.catalog(), chip, data);
  const auto placed = place(machines, chip, exchange, library, row);
  if (!placed) return refuse_row(std::move(row), placed.error().problems.front().what);
  set_calibrated(row, **machines.catalog().stack(library));
  if (!time_us && bandwidth && *bandwidth > 0) {
    time_us = counted_bytes(exchange, forwarding_node(*row.machine)) / (*bandwidth * 1e9) * 1e6;
  }
  if (!time_us) return refuse_row(std::move(row), "no measured time");
  row.prediction.measured = *time_us;
  return row;
}

}  // namespace

Result<CollectiveCases> read_deepep_table(MachineCache& machines, const CsvTable& table) {
  const bool low_latency = table.column("dispatch_avg_t_us") >= 0;
  const std::string time_column = low_latency ? "avg_t_us" : "transmit_us";
  const auto complete =
      need_columns(table, {"node_num", "hidden_size", "num_token", "num_topk", "num_experts",
                           "dispatch_" + time_column, "combine_" + time_column});
  if (!complete) return fail(complete.error());
  const std::string stem = file_stem(table.file);
  const std::string chip_name = stem.substr(0, stem.find("__"));
  const auto chip = machines.catalog().chip(chip_name);
  CollectiveCases cases;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    for (const std::string op : {"dispatch", "combine"}) {
      CollectiveCase start = start_case(table, row, "moe_" + op, chip_name);
      if (!chip) {
        cases.push_back(refuse_row(std::move(start), "chip is not in the catalog"));
        continue;
      }
      Exchange exchange;
      exchange.op = op;
      exchange.low_latency = low_latency;
      const std::pair<const char*, double*> columns[] = {{"num_token", &exchange.tokens},
                                                         {"hidden_size", &exchange.hidden},
                                                         {"num_topk", &exchange.topk},
                                                         {"num_experts", &exchange.experts}};
      for (const auto& [column, value] : columns) {
        const auto number = needed_number(table, row, column);
        if (!number) return fail(number.error());
        *value = *number;
      }
      exchange.sms = table.number(row, op + "_sms").value_or(0);
      exchange.ranks = int(8 * table.number(row, "node_num").value_or(1));
      exchange.format = op == "dispatch" ? "FP8" : "BF16";
      std::string shape = fmt::format("moe_{}|{}|{}|{}|{}", op, table.at(row, "num_token"),
                                      table.at(row, "hidden_size"), table.at(row, "num_topk"),
                                      table.at(row, "num_experts"));
      if (!low_latency) shape += fmt::format("|{}", table.at(row, op + "_sms"));
      cases.push_back(finish(machines, **chip, exchange, std::move(start),
                             table.number(row, op + "_" + time_column), std::nullopt, stem, shape));
    }
  }
  return cases;
}

Result<CollectiveCases> read_ep_published(MachineCache& machines, const CsvTable& table) {
  const auto complete =
      need_columns(table, {"chip", "lib", "mode", "op", "ep", "tokens_per_rank", "hidden", "topk",
                           "experts", "dtype", "metric", "value", "fabric", "notes"});
  if (!complete) return fail(complete.error());
  CollectiveCases cases;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    const std::string op(table.at(row, "op"));
    CollectiveCase start = start_case(table, row, "moe_" + op, std::string(table.at(row, "chip")));
    const auto chip = machines.catalog().chip(table.at(row, "chip"));
    if (!chip) {
      cases.push_back(refuse_row(std::move(start), "chip is not in the catalog"));
      continue;
    }
    Exchange exchange;
    exchange.op = op;
    exchange.low_latency = table.at(row, "mode") == "low-latency";
    double ranks = 0;
    const std::pair<const char*, double*> columns[] = {{"ep", &ranks},
                                                       {"tokens_per_rank", &exchange.tokens},
                                                       {"hidden", &exchange.hidden},
                                                       {"topk", &exchange.topk},
                                                       {"experts", &exchange.experts}};
    for (const auto& [column, value] : columns) {
      const auto number = needed_number(table, row, column);
      if (!number) return fail(number.error());
      *value = *number;
    }
    exchange.ranks = int(ranks);
    exchange.format = table.at(row, "dtype");
    exchange.cann = table.at(row, "lib").find("CANN") != std::string_view::npos;
    exchange.only_network = table.at(row, "fabric").find("pure RDMA") != std::string_view::npos;
    if (table.at(row, "notes").find("group-limited top-4") != std::string_view::npos) {
      exchange.nodes_limit = 4;
    }
    const std::string shape =
        fmt::format("moe_{}|{}|{}|{}|{}|{}|{}|{}", op, table.at(row, "mode"), table.at(row, "ep"),
                    table.at(row, "tokens_per_rank"), table.at(row, "hidden"),
                    table.at(row, "topk"), table.at(row, "experts"), table.at(row, "dtype"));
    const auto value = table.number(row, "value");
    const bool latency = table.at(row, "metric") == "latency";
    cases.push_back(finish(machines, **chip, exchange, std::move(start),
                           latency ? value : std::nullopt, latency ? std::nullopt : value,
                           file_stem(table.file), shape));
  }
  return cases;
}

Result<CollectiveCase> read_moe_row(MachineCache& machines, const CsvTable& table, std::size_t row,
                                    const Chip& chip) {
  const std::string collective(table.at(row, "collective"));
  CollectiveCase start = start_case(table, row, collective, chip.id);
  static const std::regex kMeaning(
      R"((\d+) tokens per rank x (\d+) hidden, top-(\d+), (\w+)(, top-(\d+) groups)?)");
  const std::string meaning(table.at(row, "bytes_meaning"));
  std::smatch parts;
  if (!std::regex_match(meaning, parts, kMeaning)) {
    return refuse_row(std::move(start), "tokens and formats are not published");
  }
  const auto ranks = needed_number(table, row, "ranks");
  if (!ranks) return fail(ranks.error());
  const Exchange exchange{.op = collective.substr(4),
                          .low_latency = table.at(row, "algorithm") == "low_latency",
                          .ranks = int(*ranks),
                          .tokens = std::stod(parts[1]),
                          .hidden = std::stod(parts[2]),
                          .topk = std::stod(parts[3]),
                          .experts = 256,  // all sources of this form use DeepSeek-V3's
                          .nodes_limit = parts[6].matched ? std::stod(parts[6]) : 0.0,
                          .format = parts[4]};
  const std::string shape = fmt::format("{}|{}|{}|{}", collective, table.at(row, "algorithm"),
                                        table.at(row, "ranks"), meaning);
  return finish(machines, chip, exchange, std::move(start), table.number(row, "time_us"),
                table.number(row, "algbw_GBps"), table.at(row, "group"), shape);
}

}  // namespace fivefold
