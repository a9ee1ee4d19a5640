// All-reduce, all-gather, reduce-scatter, all-to-all and point-to-point rows, of collective tables
// and of operator tables.
#include <algorithm>
#include <optional>
#include <regex>

#include <fmt/format.h>

#include "fivefold/evidence/collective_rows.h"

namespace fivefold {
namespace {

std::optional<Collective> collective_from(std::string_view name) {
  if (name == "all_reduce") return Collective::kAllReduce;
  if (name == "all_gather") return Collective::kAllGather;
  if (name == "reduce_scatter") return Collective::kReduceScatter;
  if (name == "all_to_all" || name == "alltoall") return Collective::kAllToAll;
  if (name == "broadcast") return Collective::kBroadcast;
  if (name == "send_recv") return Collective::kSendRecv;
  return std::nullopt;
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// Seconds of a row: measured, or from the bandwidth that was printed instead.
std::optional<double> measured_time(const CsvTable& table, std::size_t row, Collective collective,
                                    double ranks, double bytes) {
  if (const auto time = table.number(row, "time_us")) return *time * 1e-6;
  if (const auto algbw = table.number(row, "algbw_GBps"); algbw && *algbw > 0) {
    return bytes / (*algbw * 1e9);
  }
  const auto busbw = table.number(row, "busbw_GBps");
  if (!busbw || *busbw <= 0) return std::nullopt;
  const double share = (ranks - 1) / ranks;
  return bytes * (collective == Collective::kAllReduce ? 2 * share : share) / (*busbw * 1e9);
}

void remove_in_network(Machine& machine) {
  for (Level& level : machine.levels) {
    for (LinkParameters& link : level.link.of) link.in_network_efficiency = 0;
  }
}

struct Placement {
  Machine machine;
  int stride = 1;
};

// A row that states the rate of its network cards is predicted with that rate.
void set_network_rate(Machine& machine, std::string_view fabric) {
  static const std::regex kRate(R"((\d+) ?Gb/s per [GN]PU)");
  std::cmatch rate;
  if (machine.systems <= 1 || !std::regex_search(fabric.begin(), fabric.end(), rate, kRate)) return;
  machine.levels.back().bandwidth = BytesPerSecond(std::stod(rate[1]) * 1e9 / 8);
}

// Where a row's ranks sat. One rank a server, or a transfer over the RDMA network inside one
// server, puts each rank into a server of its own; a pair that sends and receives sits on two
// chips, also where a chip is two devices.
Result<Placement> place(MachineCache& machines, const CsvTable& table, std::size_t row,
                        const Chip& chip, int ranks, const std::string& stack) {
  const auto per_node = table.number(row, "ranks_per_node");
  const bool network = contains(table.at(row, "fabric"), "RoCE") && ranks == 2;
  const bool spread = per_node && *per_node == 1 && ranks > 1;
  const bool pair = table.at(row, "collective") == "send_recv";
  int stride = pair ? chip.devices_per_chip : 1;
  if (network || spread) {
    const auto one = machines.servers(chip, 1, stack);
    if (!one) return fail(one.error());
    stride = (*one)->system->devices();
  }
  const auto machine = network ? machines.servers(chip, stride * ranks, stack)
                               : machines.machine(chip, stride * ranks, stack);
  if (!machine) return fail(machine.error());
  Placement placement{**machine, stride};
  set_network_rate(placement.machine, table.at(row, "fabric"));
  if (table.at(row, "algorithm") == "Ring") remove_in_network(placement.machine);
  return placement;
}

Result<Prediction> predict_row(MachineCache& machines, const CsvTable& table, std::size_t row) {
  const std::string name(table.at(row, "collective"));
  const std::string chip_name(table.at(row, "chip"));
  Prediction prediction = start_row(table, row, name, chip_name);
  const auto chip = machines.catalog().chip(chip_name);
  if (!chip) return refuse_row(std::move(prediction), "chip is not in the catalog");
  prediction.chip = (*chip)->id;
  if (name == "moe_dispatch" || name == "moe_combine") {
    return predict_moe_row(machines, table, row, **chip);
  }
  const auto collective = collective_from(name);
  if (!collective) return refuse_row(std::move(prediction), "not a collective operation");
  if (contains(table.at(row, "algorithm"), "host")) {
    return refuse_row(std::move(prediction), "transfer between host and device");
  }
  const auto bytes = table.number(row, "bytes");
  if (!bytes) return refuse_row(std::move(prediction), "size of the message is not published");
  prediction.family = sized_family(name, *bytes);
  const auto ranks = needed_number(table, row, "ranks");
  if (!ranks) return fail(ranks.error());
  const auto measured = measured_time(table, row, *collective, *ranks, *bytes);
  if (!measured) return refuse_row(std::move(prediction), "no measured time");
  const std::string library = library_of(**chip);
  const auto placed = place(machines, table, row, **chip, int(*ranks), library);
  if (!placed) return refuse_row(std::move(prediction), placed.error().problems.front().what);
  const std::string shape =
      fmt::format("{}|{}|{}", name, table.at(row, "ranks"), table.at(row, "bytes"));
  set_calibrated(prediction, **machines.catalog().stack(library), table.at(row, "group"), name,
                 shape);
  const Group group = make_group(placed->machine, int(*ranks), placed->stride);
  const CollectiveTime time = collective_time(placed->machine, *collective, group, Bytes(*bytes));
  prediction.measured = *measured * 1e6;
  prediction.predicted = time.time.value() * 1e6;
  return prediction;
}

// Operator tables name their chip and stack in the file name:
// "<chip>__<stack>-<version>__<family>".
std::string library_of_source(std::string_view kernel_source) {
  if (kernel_source == "SGLang_CustomAllReduce_eager") return "comm/sglang-eager";
  if (contains(kernel_source, "SGLang") || contains(kernel_source, "vLLM")) return "comm/sglang";
  if (kernel_source == "TRTLLM") return "comm/trtllm";
  return "";
}

double element_bytes(std::string_view type) {
  if (type == "float" || type == "float32" || type == "int32") return 4;
  if (type == "int8" || type == "fp8" || type == "uint8") return 1;
  return 2;  // half, bfloat16
}

Result<Prediction> predict_operator(MachineCache& machines, const CsvTable& table, std::size_t row,
                                    const std::string& stem) {
  const std::string name(table.at(row, "op_name"));
  const std::string chip_name = stem.substr(0, stem.find("__"));
  Prediction prediction = start_row(table, row, name, chip_name);
  const auto chip = machines.catalog().chip(chip_name);
  if (!chip) return refuse_row(std::move(prediction), "chip is not in the catalog");
  prediction.chip = (*chip)->id;
  const auto collective = collective_from(name);
  if (!collective) return refuse_row(std::move(prediction), "not a collective operation");
  const auto elements = needed_number(table, row, "message_size");
  const auto ranks = needed_number(table, row, "num_gpus");
  const auto latency = needed_number(table, row, "latency");
  for (const auto* value : {&elements, &ranks, &latency}) {
    if (!*value) return fail(value->error());
  }
  const std::string_view type =
      table.at(row, table.column("nccl_dtype") >= 0 ? "nccl_dtype" : "allreduce_dtype");
  const double bytes = *elements * element_bytes(type);
  prediction.family = sized_family(std::string(fivefold::name(*collective)), bytes);
  std::string library = library_of_source(table.at(row, "kernel_source"));
  if (library.empty()) library = library_of(**chip);
  const auto machine = machines.machine(**chip, int(*ranks), library);
  if (!machine) return refuse_row(std::move(prediction), machine.error().problems.front().what);
  const std::string family(fivefold::name(*collective));
  set_calibrated(prediction, **machines.catalog().stack(library), stem, family,
                 fmt::format("{}|{:.0f}|{:.0f}", family, *ranks, bytes));
  const Group group = make_group(**machine, int(*ranks), 1);
  prediction.measured = *latency * 1e3;
  prediction.predicted =
      collective_time(**machine, *collective, group, Bytes(bytes)).time.value() * 1e6;
  return prediction;
}

Predictions refuse_all(const CsvTable& table, const std::string& family,
                       const std::string& reason) {
  Predictions predictions;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    const std::string chip(table.at(row, "chip"));
    predictions.push_back(refuse_row(start_row(table, row, family, chip), reason));
  }
  return predictions;
}

template <class Predict>
Result<Predictions> predict_each(const CsvTable& table, Predict predict) {
  Predictions predictions;
  Error error;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    auto prediction = predict(row);
    if (prediction) {
      predictions.push_back(*std::move(prediction));
    } else {
      error.problems.push_back(prediction.error().problems.front());
    }
  }
  if (!error.problems.empty()) return fail(std::move(error));
  return predictions;
}

}  // namespace

Result<Predictions> predict_collectives(const Catalog& catalog, const CsvTable& table) {
  MachineCache machines(catalog);
  if (table.column("ratio_of_peak_busbw") >= 0) {
    return refuse_all(table, "busbw_ratio", "share of a bandwidth of an unnamed chip");
  }
  if (table.column("quantity") >= 0) {
    return refuse_all(table, "link", "property of a link, not an operation");
  }
  if (table.column("num_topk") >= 0) return predict_deepep_table(machines, table);
  if (table.column("ep") >= 0) return predict_ep_published(machines, table);
  if (table.column("op_name") >= 0) {
    const auto complete =
        need_columns(table, {"kernel_source", "num_gpus", "message_size", "latency"});
    if (!complete) return fail(complete.error());
    const std::string stem = file_stem(table.file);
    return predict_each(
        table, [&](std::size_t row) { return predict_operator(machines, table, row, stem); });
  }
  const auto complete = need_columns(
      table, {"chip", "fabric", "ranks", "ranks_per_node", "collective", "algorithm", "bytes",
              "bytes_meaning", "time_us", "algbw_GBps", "busbw_GBps", "library", "group"});
  if (!complete) return fail(complete.error());
  return predict_each(table, [&](std::size_t row) { return predict_row(machines, table, row); });
}

}  // namespace fivefold
