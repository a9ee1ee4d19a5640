// Statements about chips and systems that the catalog's figures decide: S24, and S25 with what a
// real load needs.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "fivefold/article/items.h"

namespace fivefold {
namespace {

constexpr const char* kAscend = "ascend_910c";
constexpr const char* kBlackwell = "gb200_gpu";
constexpr const char* kCloudMatrix = "cloudmatrix384";
constexpr const char* kRack = "gb200_nvl72";

// The same fact of both chips.
struct Pair {
  const Fact* ascend = nullptr;
  const Fact* blackwell = nullptr;
};
Result<Pair> pair_of(const Catalog& catalog, std::string_view of_ascend,
                     std::string_view of_blackwell) {
  const auto ascend = chip_number(catalog, kAscend, of_ascend);
  if (!ascend) return tl::unexpected(ascend.error());
  const auto blackwell = chip_number(catalog, kBlackwell, of_blackwell);
  if (!blackwell) return tl::unexpected(blackwell.error());
  return Pair{*ascend, *blackwell};
}

// "About a third": a third is nearer than a half or a quarter when the reciprocal rounds to three.
bool is_third(double ratio) {
  return std::lround(1 / ratio) == 3;
}

// S24: one Ascend does about a third of what the Nvidia processor does.
Result<Finding> third_of_a_chip(const Workbench& bench) {
  struct Row {
    const char* name;
    const char* of_ascend;
    const char* of_blackwell;
  };
  // The 910C knows no FP8 and no FP4: there its INT8 stands against them.
  constexpr Row kRows[] = {{"compute", "peak_dense.bf16", "peak_dense.bf16"},
                           {"memory", "memory.capacity", "memory.capacity"},
                           {"bandwidth", "memory.bandwidth", "memory.bandwidth"},
                           {"fp8", "peak_dense.int8", "peak_dense.fp8"},
                           {"fp4", "peak_dense.int8", "peak_dense.fp4"}};
  Finding finding;
  for (const Row& row : kRows) {
    const auto pair = pair_of(bench.catalog, row.of_ascend, row.of_blackwell);
    if (!pair) return tl::unexpected(pair.error());
    finding.values.push_back(ratio_of(row.name, *pair->ascend, *pair->blackwell, 2));
    add_sources(finding, *pair->ascend);
    add_sources(finding, *pair->blackwell);
  }
  const ArticleValue& compute = finding.values.front();
  const bool ends = is_third(*compute.low) && is_third(*compute.high);
  finding.verdict = !is_third(compute.value) ? Verdict::kContradicted
                    : ends                   ? Verdict::kSupported
                                             : Verdict::kDepends;
  finding.commands = {"fivefold claims --explain C02"};
  return finding;
}

// Chips needed to reach so many of the other's by one figure: the next whole one.
ArticleValue chips_for(std::string name, int of_other, const Fact& other, const Fact& own) {
  ArticleValue value =
      count_value(std::move(name), std::ceil(of_other * other.number / own.number));
  value.low = std::ceil(of_other * other.lowest() / own.highest());
  value.high = std::ceil(of_other * other.highest() / own.lowest());
  return value;
}

// Chips that the other system's power feeds, each with its share of the whole system's.
ArticleValue chips_at_power(const System& cloud, const Fact& own, const Fact& other) {
  ArticleValue value =
      count_value("at_power", std::floor(other.number / (own.number / cloud.chips)));
  value.low = std::floor(other.lowest() / (own.highest() / cloud.chips));
  value.high = std::floor(other.highest() / (own.lowest() / cloud.chips));
  return value;
}

// What a real load needs of them: DeepSeek-R1, with the range of the uncertain facts.
Result<void> add_workload_parity(const Workbench& bench, Finding& finding) {
  const auto& comparison = bench.comparison();
  if (!comparison) return fail(comparison.error());
  for (const ParityLine& line : comparison->parity) {
    const bool decode = line.id == "parity.decode";
    if ((!decode && line.id != "parity.training") || !line.chips) continue;
    ArticleValue value = count_value(decode ? "for_decode" : "for_training", *line.chips);
    if (line.low && line.high) {
      value.low = *line.low;
      value.high = *line.high;
    }
    finding.values.push_back(std::move(value));
  }
  return {};
}

// S25: the lead comes from linking five times as many chips.
Result<Finding> five_times(const Workbench& bench) {
  const Catalog& catalog = bench.catalog;
  const auto cloud = catalog.system(kCloudMatrix);
  if (!cloud) return tl::unexpected(cloud.error());
  const auto rack = catalog.system(kRack);
  if (!rack) return tl::unexpected(rack.error());
  const double times = double((*cloud)->chips) / (*rack)->chips;

  Finding finding;
  finding.values = {count_value("cloud_chips", (*cloud)->chips),
                    count_value("rack_chips", (*rack)->chips),
                    {"times", times, {}, {}, 3, ""}};
  bool slower = true, ahead = true;
  for (const auto& [name, path] :
       {std::pair{"for_compute", "peak_dense.bf16"}, std::pair{"for_bandwidth", "memory.bandwidth"},
        std::pair{"for_memory", "memory.capacity"}}) {
    const auto pair = pair_of(catalog, path, path);
    if (!pair) return tl::unexpected(pair.error());
    const ArticleValue needed = chips_for(name, (*rack)->chips, *pair->blackwell, *pair->ascend);
    slower &= needed.value > (*rack)->chips;
    ahead &= needed.value <= (*cloud)->chips;
    finding.values.push_back(needed);
    if (std::string_view(name) != "for_compute") continue;
    finding.values.push_back(ratio_of("lead", *pair->ascend, *pair->blackwell, 3, times));
    add_sources(finding, *pair->ascend);
    add_sources(finding, *pair->blackwell);
  }
  const auto own_power = system_number(catalog, kCloudMatrix, "power");
  if (!own_power) return tl::unexpected(own_power.error());
  const auto other_power = system_number(catalog, kRack, "power");
  if (!other_power) return tl::unexpected(other_power.error());
  finding.values.push_back(chips_at_power(**cloud, **own_power, **other_power));
  add_sources(finding, **own_power);
  add_sources(finding, **other_power);

  if (const auto added = add_workload_parity(bench, finding); !added) return fail(added.error());

  const bool five = std::lround(times) == 5;
  finding.verdict = !five || !slower ? Verdict::kContradicted
                    : ahead          ? Verdict::kSupported
                                     : Verdict::kDepends;
  finding.commands = {
      "fivefold claims --explain C03",
      "fivefold compare cloudmatrix384 gb200-nvl72 --model deepseek-ai/DeepSeek-R1"};
  return finding;
}

}  // namespace

void add_system_items(ItemTable& table) {
  table["S24"] = third_of_a_chip;
  table["S25"] = five_times;
}

}  // namespace fivefold
