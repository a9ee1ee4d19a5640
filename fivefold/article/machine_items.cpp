// Statements that put two machines side by side: S22b and S23.
#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "fivefold/article/supply_parts.h"
#include "fivefold/reliability/failures.h"

namespace fivefold {
namespace {

const Line* line_of(const Comparison& comparison, std::string_view id) {
  for (const Section& section : comparison.sections) {
    for (const Line& line : section.lines) {
      if (line.id == id) return &line;
    }
  }
  return nullptr;
}

// Left over right, each end against the other's.
std::optional<ArticleValue> ratio_of_line(const Line& line, std::string name) {
  const auto ratio = line.ratio();
  if (!ratio) return {};
  ArticleValue value{.name = std::move(name), .value = *ratio, .digits = 3, .unit = ""};
  const Side &left = line.left, &right = line.right;
  if (left.low || right.low) {
    const double low = left.low.value_or(*left.value), high = left.high.value_or(*left.value);
    value.low = low / right.high.value_or(*right.value);
    value.high = high / right.low.value_or(*right.value);
  }
  return value;
}

struct Shown {
  const char* line;
  const char* name;
};
constexpr std::array kShown = {Shown{"peak.bf16", "bf16"},
                               Shown{"memory.capacity", "capacity"},
                               Shown{"memory.bandwidth", "bandwidth"},
                               Shown{"scale_up", "links"},
                               Shown{"decode.system", "decode"},
                               Shown{"training.rate", "training"},
                               Shown{"power", "power"},
                               Shown{"power.per_flop", "power_per_flop"},
                               Shown{"decode.energy", "energy"},
                               Shown{"price", "price"}};

Result<Finding> ahead_on_some_metrics(const Workbench& bench) {  // S23
  const auto& comparison = bench.comparison();
  if (!comparison) return fail(comparison.error());
  Finding finding;
  int ahead = 0, behind = 0;
  for (const Shown& shown : kShown) {
    const Line* line = line_of(*comparison, shown.line);
    if (line == nullptr) continue;
    auto ratio = ratio_of_line(*line, shown.name);
    if (!ratio) continue;
    const bool better = line->more_is_better ? ratio->value > 1 : ratio->value < 1;
    (better ? ahead : behind) += 1;
    finding.values.push_back(*std::move(ratio));
  }
  finding.values.push_back(count_value("ahead", ahead));
  finding.values.push_back(count_value("behind", behind));
  finding.values.push_back(count_value("ahead_of", ahead + behind));
  finding.verdict = ahead > 0 ? Verdict::kSupported : Verdict::kContradicted;
  finding.says = ahead > 0 && behind == 0 ? "all" : "";
  finding.sources = comparison->source_ids;
  finding.commands = {"fivefold compare cloudmatrix384 gb200-nvl72 --model deepseek-ai/DeepSeek-R1",
                      "fivefold claims"};
  return finding;
}

// What is printed of a system as a whole; zero where it is not published.
struct Totals {
  double chips, fp4, fp8, memory, bandwidth, links;
};
Totals totals_of(const System& system) {
  const Chip& chip = *system.chip;
  const double n = system.chips;
  return {n,
          n * std::max(chip.peak(Format::kNvFp4), chip.peak(Format::kMxFp4)).value(),
          n * chip.peak(Format::kFp8).value(),
          n * chip.memory_capacity.value(),
          n * chip.memory_bandwidth.value(),
          n * chip.scale_up_bandwidth.value()};
}

void add_ratio(Finding& finding, std::string name, double above, double below, int& ahead,
               int& behind) {
  if (!(above > 0) || !(below > 0)) return;
  finding.values.push_back(
      {.name = std::move(name), .value = above / below, .digits = 3, .unit = ""});
  (above > below ? ahead : behind) += 1;
}

Result<Finding> strongest_in_the_world(const Workbench& bench) {  // S22b
  const auto ours = bench.catalog.system("atlas_950_superpod_8192");
  const auto theirs = bench.catalog.system("vera_rubin_nvl144");
  if (!ours) return fail(ours.error());
  if (!theirs) return fail(theirs.error());
  const Totals a = totals_of(**ours), b = totals_of(**theirs);
  Finding finding;
  int ahead = 0, behind = 0;
  add_ratio(finding, "fp4", a.fp4, b.fp4, ahead, behind);
  add_ratio(finding, "fp8", a.fp8, b.fp8, ahead, behind);
  add_ratio(finding, "memory", a.memory, b.memory, ahead, behind);
  add_ratio(finding, "bandwidth", a.bandwidth, b.bandwidth, ahead, behind);
  add_ratio(finding, "links", a.links, b.links, ahead, behind);
  int unused = 0;
  add_ratio(finding, "chips", a.chips, b.chips, unused, unused);
  add_ratio(finding, "chip_fp4", a.fp4 / a.chips, b.fp4 / b.chips, unused, unused);
  add_ratio(finding, "chip_bandwidth", a.bandwidth / a.chips, b.bandwidth / b.chips, unused,
            unused);

  // What the first of that generation reached of its own announcement: the card as sold stands
  // beside the roadmap's figure.
  for (const auto& [name, path] : {std::pair{"reached_compute", "peak_dense.fp4"},
                                   std::pair{"reached_bandwidth", "memory.bandwidth"}}) {
    const auto fact = chip_number(bench.catalog, "ascend_950pr", path);
    if (!fact) return fail(fact.error());
    finding.values.push_back(
        {.name = name, .value = (*fact)->lowest() / (*fact)->number, .digits = 2, .unit = ""});
    add_sources(finding, **fact);
  }

  // Failures of the whole, if parts fail as Nvidia's do.
  const auto failures = [&](const System& system) {
    const auto rates = failure_rates(
        bench.catalog, *system.chip,
        {.chips = double(system.chips), .memory = system.chips * system.chip->memory_capacity});
    return rates ? rates->mtbf().value() / 3600 : 0;
  };
  finding.values.push_back({.name = "mtbf", .value = failures(**ours), .digits = 2, .unit = "h"});

  const auto& supply = bench.supply();
  if (!supply) return fail(supply.error());
  const auto huawei = vendor_of(*supply, "huawei");
  if (!huawei) return fail(huawei.error());
  const SupplyPeriod& last = (*huawei)->years.back();
  finding.values.push_back(drawn("pods", last.chips, 1 / a.chips, 2, ""));
  finding.values.push_back(date_value("year", last.label));
  // By totals of a pod against a rack it is; the article's "strongest" leaves open which.
  finding.verdict = ahead > 0 && behind == 0 ? Verdict::kDepends : Verdict::kContradicted;
  finding.commands = {
      "fivefold catalog show atlas_950_superpod_8192",
      "fivefold reliability atlas-950-superpod-8192 --against vera-rubin-nvl144:57"};
  return finding;
}

}  // namespace

void add_machine_items(ItemTable& table) {
  table["S22b"] = strongest_in_the_world;
  table["S23"] = ahead_on_some_metrics;
}

}  // namespace fivefold
