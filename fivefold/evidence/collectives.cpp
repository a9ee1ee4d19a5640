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
  return bytes * bus_share(collective, ranks) / (*busbw * 1e9);
}

// The rate of its network cards, if a row states it.
BytesPerSecond network_rate(std::string_view fabric) {
  static const std::regex kRate(R"((\d+) ?Gb/s per [GN]PU)");
  std::cmatch rate;
  if (!std::regex_search(fabric.begin(), fabric.end(), rate, kRate)) return {};
  return BytesPerSecond(std::stod(rate[1]) * 1e9 / 8);
}

struct Placement {
  const Machine* machine = nullptr;
  int stride = 1;
};

// Where a row's ranks sat. One rank a server, or a transfer over the RDMA network inside one
// server, puts each rank into a server of its own; a pair that sends and receives sits on two
// chips, also where a chip is two devices.
Result<Placement> place(MachineCache& machines, const CsvTable& table, std::size_t row,
                        const Chip& chip, int ranks, const std::string& stack) {
  const auto per_node = table.number(row, "ranks_per_node");
  const bool network = contains(table.at(row, "fabric"), "RoCE") && ranks == 2;
  const bool spread = per_node && *per_node == 1 && ranks > 1;
  const bool pair = table.at(row, "collective") == "send_recv";
  const BytesPerSecond rate = network_rate(table.at(row, "fabric"));
  int stride = pair ? chip.devices_per_chip : 1;
  if (network || spread) {
    const auto one = machines.servers(chip, 1, stack);
    if (!one) return fail(one.error());
    stride = (*one)->system->devices();
  }
  const auto machine = network ? machines.servers(chip, stride * ranks, stack, rate)
                               : machines.machine(chip, stride * ranks, stack, rate);
  if (!machine) return fail(machine.error());
  return Placement{*machine, stride};
}

// Rows that were run with one algorithm alone.
CollectiveOptions options_of(std::string_view algorithm) {
  CollectiveOptions options;
  if (algorithm == "Ring") options.forced = Algorithm::kRing;
  if (algorithm == "NVLS") options.forced = Algorithm::kInNetwork;
  return options;
}

Result<CollectiveCase> read_row(MachineCache& machines, const CsvTable& table, std::size_t row) {
  const std::string name(table.at(row, "collective"));
  const std::string chip_name(table.at(row, "chip"));
  CollectiveCase result = start_case(table, row, name, chip_name);
  const auto chip = machines.catalog().chip(chip_name);
  if (!chip) return refuse_row(std::move(result), "chip is not in the catalog");
  result.prediction.chip = (*chip)->id;
  if (name == "moe_dispatch" || name == "moe_combine") {
    return read_moe_row(machines, table, row, **chip);
  }
  result.collective = collective_from(name);
  if (!result.collective) return refuse_row(std::move(result), "not a collective operation");
  if (contains(table.at(row, "algorithm"), "host")) {
    return refuse_row(std::move(result), "transfer between host and device");
  }
  const auto bytes = table.number(row, "bytes");
  if (!bytes) return refuse_row(std::move(result), "size of the message is not published");
  result.bytes = Bytes(*bytes);
  result.prediction.family = sized_family(name, *bytes);
  const auto ranks = needed_number(table, row, "ranks");
  if (!ranks) return fail(ranks.error());
  const auto measured = measured_time(table, row, *result.collective, *ranks, *bytes);
  if (!measured) return refuse_row(std::move(result), "no measured time");
  result.prediction.measured = *measured * 1e6;
  result.data = table.at(row, "group");
  result.family = fivefold::name(*result.collective);
  result.shape = fmt::format("{}|{}|{}", name, table.at(row, "ranks"), table.at(row, "bytes"));
  const std::string library = library_of(machines.catalog(), **chip, result.data,
                                         table.at(row, "library"), table.at(row, "date"));
  const auto placed = place(machines, table, row, **chip, int(*ranks), library);
  if (!placed) return refuse_row(std::move(result), placed.error().problems.front().what);
  set_calibrated(result, **machines.catalog().stack(library));
  result.machine = placed->machine;
  result.group = make_group(*placed->machine, int(*ranks), placed->stride);
  result.options = options_of(table.at(row, "algorithm"));
  return result;
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

Result<CollectiveCase> read_operator(MachineCache& machines, const CsvTable& table, std::size_t row,
                                     const std::string& stem) {
  const std::string name(table.at(row, "op_name"));
  const std::string chip_name = stem.substr(0, stem.find("__"));
  CollectiveCase result = start_case(table, row, name, chip_name);
  const auto chip = machines.catalog().chip(chip_name);
  if (!chip) return refuse_row(std::move(result), "chip is not in the catalog");
  result.prediction.chip = (*chip)->id;
  result.collective = collective_from(name);
  if (!result.collective) return refuse_row(std::move(result), "not a collective operation");
  const auto elements = needed_number(table, row, "message_size");
  const auto ranks = needed_number(table, row, "num_gpus");
  const auto latency = needed_number(table, row, "latency");
  for (const auto* value : {&elements, &ranks, &latency}) {
    if (!*value) return fail(value->error());
  }
  const std::string_view type =
      table.at(row, table.column("nccl_dtype") >= 0 ? "nccl_dtype" : "allreduce_dtype");
  result.bytes = Bytes(*elements * element_bytes(type));
  result.options.in_network = element_bytes(type) > 1;  // NVLS adds no integers of one byte
  result.family = fivefold::name(*result.collective);
  result.prediction.family = sized_family(result.family, result.bytes.value());
  result.prediction.measured = *latency * 1e3;
  result.data = stem;
  result.shape = fmt::format("{}|{:.0f}|{:.0f}", result.family, *ranks, result.bytes.value());
  std::string library = library_of_source(table.at(row, "kernel_source"));
  if (library.empty()) library = library_of(machines.catalog(), **chip, "", stem);
  const auto machine = machines.machine(**chip, int(*ranks), library);
  if (!machine) return refuse_row(std::move(result), machine.error().problems.front().what);
  set_calibrated(result, **machines.catalog().stack(library));
  result.machine = *machine;
  result.group = make_group(**machine, int(*ranks), 1);
  return result;
}

CollectiveCases refuse_all(const CsvTable& table, const std::string& family,
                           const std::string& reason) {
  CollectiveCases cases;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    const std::string chip(table.at(row, "chip"));
    cases.push_back(refuse_row(start_case(table, row, family, chip), reason));
  }
  return cases;
}

template <class Read>
Result<CollectiveCases> read_each(const CsvTable& table, Read read) {
  CollectiveCases cases;
  Error error;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    auto one = read(row);
    if (one) {
      cases.push_back(*std::move(one));
    } else {
      error.problems.push_back(one.error().problems.front());
    }
  }
  if (!error.problems.empty()) return fail(std::move(error));
  return cases;
}

}  // namespace

Result<CollectiveCases> read_collective_cases(MachineCache& machines, const CsvTable& table) {
  if (table.column("ratio_of_peak_busbw") >= 0) {
    return refuse_all(table, "busbw_ratio", "share of a bandwidth of an unnamed chip");
  }
  if (table.column("quantity") >= 0) {
    return refuse_all(table, "link", "property of a link, not an operation");
  }
  if (table.column("num_topk") >= 0) return read_deepep_table(machines, table);
  if (table.column("ep") >= 0) return read_ep_published(machines, table);
  if (table.column("op_name") >= 0) {
    const auto complete =
        need_columns(table, {"kernel_source", "num_gpus", "message_size", "latency"});
    if (!complete) return fail(complete.error());
    const std::string stem = file_stem(table.file);
    return read_each(table,
                     [&](std::size_t row) { return read_operator(machines, table, row, stem); });
  }
  const auto complete = need_columns(
      table, {"chip", "fabric", "ranks", "ranks_per_node", "collective", "algorithm", "bytes",
              "bytes_meaning", "time_us", "algbw_GBps", "busbw_GBps", "library", "group"});
  if (!complete) return fail(complete.error());
  return read_each(table, [&](std::size_t row) { return read_row(machines, table, row); });
}

Result<Predictions> predict_collectives(const Catalog& catalog, const CsvTable& table) {
  MachineCache machines(catalog);
  return read_collective_cases(machines, table).map(predict_cases);
}

}  // namespace fivefold
