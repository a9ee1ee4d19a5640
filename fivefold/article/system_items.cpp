// Statements about chips and systems that the catalog's figures alone decide: S22b (in part), S24,
// S25.
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

  const bool five = std::lround(times) == 5;
  finding.verdict = !five || !slower ? Verdict::kContradicted
                    : ahead          ? Verdict::kSupported
                                     : Verdict::kDepends;
  finding.commands = {"fivefold claims --explain C03",
                      "fivefold compare cloudmatrix384 gb200_nvl72 --model deepseek-v3"};
  return finding;
}

// What the card of March 2026 has of what the roadmap of September 2025 announced for its chip.
Result<ArticleValue> kept(const Catalog& catalog, std::string name, std::string_view path) {
  constexpr std::string_view kAsSold = "ATLAS350";
  const auto announced = chip_number(catalog, "ascend_950pr", path);
  if (!announced) return tl::unexpected(announced.error());
  for (const OtherValue& other : (*announced)->also) {
    if (std::find(other.sources.begin(), other.sources.end(), kAsSold) == other.sources.end()) {
      continue;
    }
    return ArticleValue{std::move(name), other.value / (*announced)->number, {}, {}, 2, ""};
  }
  return fail(fmt::format("ascend_950pr {}: no value of {}", path, kAsSold),
              "state it under `also`", (*announced)->place);
}

// S22b: the new pods are the strongest in the world. They were plans; one of their chips is sold.
Result<Finding> strongest(const Workbench& bench) {
  const auto compute = kept(bench.catalog, "compute", "peak_dense.fp4");
  if (!compute) return tl::unexpected(compute.error());
  const auto bandwidth = kept(bench.catalog, "bandwidth", "memory.bandwidth");
  if (!bandwidth) return tl::unexpected(bandwidth.error());
  Finding finding;
  finding.verdict = Verdict::kDepends;
  finding.values = {*compute, *bandwidth};
  finding.sources = {"ATLAS350", "HW-RM1"};
  finding.commands = {"fivefold catalog show ascend_950pr"};
  return finding;
}

}  // namespace

void add_system_items(ItemTable& table) {
  table["S22b"] = strongest;
  table["S24"] = third_of_a_chip;
  table["S25"] = five_times;
}

}  // namespace fivefold
