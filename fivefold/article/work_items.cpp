// Statements about what domestic chips do beside Nvidia's: S02, S09, S16, S17, S27 and S30. By
// work, tokens and training runs, not by peaks.
#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "fivefold/article/supply_parts.h"
#include "fivefold/planner/bench.h"

namespace fivefold {
namespace {

constexpr const char* kServeCommand =
    "fivefold plan serve --model deepseek-ai/DeepSeek-R1 --system cloudmatrix384 --slo tpot=50ms";

// Output tokens/s a chip of the usual service; zero if no layout holds the limit.
double serving_rate(const Workbench& bench, std::string_view chip) {
  const auto served = bench.served(chip);
  return served ? served->per_chip() : 0;
}

// --- S02, S09 ------------------------------------------------------------------------------------

// Chips of Huawei by quarter, each counted as so many 910C by what it serves.
std::vector<std::pair<std::string, double>> equivalents(const Workbench& bench,
                                                        const VendorSupply& huawei,
                                                        double of_910c) {
  std::vector<std::pair<std::string, double>> quarters;
  for (std::size_t q = 0; q < huawei.quarters.size(); ++q) {
    double sum = 0;
    for (const VendorSupply::Product& product : huawei.products) {
      if (product.chip.empty()) continue;
      sum += product.quarters[q].mean * serving_rate(bench, product.chip) / of_910c;
    }
    quarters.emplace_back(huawei.quarters[q].label, sum);
  }
  return quarters;
}

// What one Nvidia chip does, in 910C, and when so many could have been made as the H20 that China
// would have bought (Bernstein's count for 2025).
Result<Finding> is_confidence_justified(const Workbench& bench) {  // S02, S09
  const double own = serving_rate(bench, "ascend_910c");
  if (!(own > 0)) return fail("the service of Ascend 910C cannot be estimated");
  Finding finding;
  double china_parts = 0;  // the most 910C that one of the parts made for China takes
  for (const auto& [name, chip] :
       {std::pair{"per_h20", "h20_96g"}, std::pair{"per_6000d", "rtx_pro_6000d"},
        std::pair{"per_h200", "h200_sxm"}, std::pair{"per_gb200", "gb200_gpu"}}) {
    const double ratio = serving_rate(bench, chip) / own;
    if (!(ratio > 0)) continue;
    finding.values.push_back(plain_value(name, ratio));
    if (std::string_view(chip) != "h200_sxm" && std::string_view(chip) != "gb200_gpu") {
      china_parts = std::max(china_parts, ratio);
    }
  }
  const auto wanted = bench.catalog.economics("nv.h20.2025.cf");
  if (!wanted) return fail(wanted.error());
  add_sources(finding, **wanted);
  const double needed = (*wanted)->number * serving_rate(bench, "h20_96g") / own;
  finding.values.push_back(count_value("h20_wanted", (*wanted)->number));
  finding.values.push_back(count_value("needed", std::round(needed / 1000) * 1000));

  const auto& supply = bench.supply();
  if (!supply) return fail(supply.error());
  const auto huawei = vendor_of(*supply, "huawei");
  if (!huawei) return fail(huawei.error());
  std::string reached;
  double made = 0;
  for (const auto& [label, chips] : equivalents(bench, **huawei, own)) {
    if (label < "2025Q1") continue;
    made += chips;
    if (made >= needed && reached.empty()) reached = label;
  }
  if (!reached.empty()) finding.values.push_back(date_value("reached", reached));
  finding.verdict = Verdict::kDepends;  // the motive itself is not computable
  finding.says = reached.empty() ? "never" : china_parts <= 1 ? "justified" : "partly";
  finding.commands = {kServeCommand, "fivefold supply --vendor huawei"};
  return finding;
}

// --- S16 -----------------------------------------------------------------------------------------

// Sequences of a chip at which it decodes as many tokens/s as the other, both with experts
// quantiles over the whole machine: found by bisection of the sign of the difference.
std::optional<double> crossing(const ServingBench& a, const ServingBench& b, double context) {
  const auto rate = [&](const ServingBench& bench, double per_chip) -> double {
    const int devices = bench.machine->devices;
    const ServingLayout layout{.tp = 1, .dp = devices, .ep = devices, .pp = 1};
    ServingWorkload workload;
    workload.input = context;
    workload.output = 2;
    const double batch = per_chip * bench.machine->chips / devices;
    const auto estimate = bench.serving->decode(workload, layout, batch);
    return estimate ? estimate->tokens_per_second / bench.machine->chips : 0;
  };
  const auto behind = [&](double n) { return rate(a, n) < rate(b, n); };
  double low = 1, high = 512;
  if (!behind(low) || behind(high)) return {};
  while (high / low > 1.02) {
    const double middle = std::sqrt(low * high);
    (behind(middle) ? low : high) = middle;
  }
  return std::sqrt(low * high);
}

Result<ServingBench> whole_machine(const Workbench& bench, std::string_view chip, int chips) {
  const auto entry = bench.catalog.chip(chip);
  if (!entry) return fail(entry.error());
  const auto machine = reference_machine(bench.catalog, **entry);
  if (!machine) return fail(machine.error());
  const auto service = usual_service(bench.catalog);
  if (!service) return fail(service.error());
  return serving_bench(*machine->system, chips, *service->model,
                       with_engine(bench.catalog, bench.catalog.default_stack(**entry), **entry));
}

Result<Finding> do_they_match(const Workbench& bench) {  // S16
  Finding finding;
  int ahead = 0, behind = 0;
  const double h20 = serving_rate(bench, "h20_96g"), card = serving_rate(bench, "rtx_pro_6000d");
  if (!(h20 > 0) || !(card > 0)) return fail("H20 or RTX Pro 6000D cannot be estimated");
  const auto compare_with = [&](std::string name, double rate, double against) {
    if (!(rate > 0)) return;
    finding.values.push_back(plain_value(std::move(name), rate / against));
    (rate >= against ? ahead : behind) += 1;
  };
  for (const auto& [name, chip] : {std::pair{"910c", "ascend_910c"},
                                   std::pair{"910b", "ascend_910b"}, std::pair{"ppu", "thead_ppu"},
                                   std::pair{"p800", "kunlun_p800"}, std::pair{"590", "mlu590"}}) {
    const double rate = serving_rate(bench, chip);
    compare_with(fmt::format("serve_{}_h20", name), rate, h20);
    compare_with(fmt::format("serve_{}_6000d", name), rate, card);
  }
  // Training, and energy of a token served.
  const auto trained = [&](const char* chip) {
    const auto result = bench.trained(chip);
    return result ? result->tokens_per_second() / result->chips : 0;
  };
  if (const double against = trained("h20_96g"); against > 0) {
    compare_with("train_910c_h20", trained("ascend_910c"), against);
    compare_with("train_910b_h20", trained("ascend_910b"), against);
  }
  const auto joules = [&](const char* chip) {
    const auto served = bench.served(chip);
    return served && served->power ? served->power->value() / served->plan.loop.tokens_per_second
                                   : 0;
  };
  if (const double against = joules("h20_96g"); against > 0) {
    finding.values.push_back(plain_value("energy_910c_h20", joules("ascend_910c") / against));
    finding.values.push_back(plain_value("energy_910b_h20", joules("ascend_910b") / against));
  }
  // Where decode turns from the one to the other.
  const auto a = whole_machine(bench, "ascend_910c", 32), b = whole_machine(bench, "h20_96g", 32);
  if (!a) return fail(a.error());
  if (!b) return fail(b.error());
  for (const int context : {1024, 4096, 16384}) {
    if (const auto at = crossing(*a, *b, context)) {
      finding.values.push_back(plain_value(fmt::format("crossing_{}k", context / 1024), *at, 2));
    }
  }
  finding.values.push_back(count_value("ahead", ahead));
  finding.values.push_back(count_value("behind", behind));
  finding.verdict = behind == 0  ? Verdict::kSupported
                    : ahead == 0 ? Verdict::kContradicted
                                 : Verdict::kDepends;
  finding.commands = {kServeCommand,
                      "fivefold plan serve --model deepseek-ai/DeepSeek-R1 --system h20-8:4 --slo "
                      "tpot=50ms"};
  return finding;
}

// --- S17 -----------------------------------------------------------------------------------------

Result<Finding> domestic_makers(const Workbench& bench) {  // S17
  const auto h20 = bench.catalog.chip("h20_96g");
  if (!h20) return fail(h20.error());
  std::set<std::string> vendors;
  int chips = 0, above = 0;
  for (const Chip* chip : bench.catalog.chips()) {
    if (rule_subject(bench.catalog, *chip).maker_country != "CN") continue;
    vendors.insert(chip->vendor);
    ++chips;
    const auto most = std::max(chip->peak(Format::kBf16), chip->peak(Format::kFp16));
    if (most > (*h20)->peak(Format::kBf16)) ++above;
  }
  Finding finding;
  finding.values = {count_value("makers", double(vendors.size())), count_value("chips", chips),
                    count_value("above_h20", above)};
  finding.verdict = vendors.size() > 1 ? Verdict::kSupported : Verdict::kContradicted;
  finding.commands = {"fivefold catalog list chips"};
  return finding;
}

// --- S27, S30 ------------------------------------------------------------------------------------

// A model of the size that Alibaba was said to train on its own chips.
constexpr const char* kSmallModel = "Qwen/Qwen3-8B";
constexpr int kSmallChips = 8;  // one server

double small_training_rate(const Workbench& bench, std::string_view chip) {
  const auto entry = bench.catalog.chip(chip);
  const auto model = bench.catalog.model(kSmallModel);
  if (!entry || !model) return 0;
  const auto machine = reference_machine(bench.catalog, **entry);
  if (!machine) return 0;
  TrainingTask task{.model = *model};
  task.job.global_batch = 512;
  const auto trained = best_training(bench.catalog, *machine->system, kSmallChips, task);
  return trained ? trained->tokens_per_second() / kSmallChips : 0;
}

Result<Finding> own_chips_help(const Workbench& bench) {  // S27, S30
  Finding finding;
  const double h20 = small_training_rate(bench, "h20_96g");
  const double h800 = small_training_rate(bench, "h800_sxm");
  if (!(h20 > 0) || !(h800 > 0)) return fail("H20 or H800 cannot be estimated");
  const auto& book = bench.supply_book();
  if (!book) return fail(book.error());
  double replaced = 0;
  for (const auto& [name, chip, units] :
       {std::tuple{"ppu", "thead_ppu", "idc.2025.thead"},
        std::tuple{"p800", "kunlun_p800", "idc.2025.kunlunxin"}}) {
    const double rate = small_training_rate(bench, chip);
    const auto shipped = book->published(units);
    if (!shipped) return fail(shipped.error());
    add_sources(finding, **shipped);
    if (!(rate > 0)) continue;
    finding.values.push_back(plain_value(fmt::format("train_{}_h20", name), rate / h20));
    finding.values.push_back(plain_value(fmt::format("train_{}_h800", name), rate / h800));
    finding.values.push_back(count_value(fmt::format("units_{}", name), (*shipped)->number));
    replaced += (*shipped)->number * rate / h20;
  }
  const auto nvidia = book->published("idc.2025.nvidia");
  if (!nvidia) return fail(nvidia.error());
  add_sources(finding, **nvidia);
  const double share = replaced / (replaced + (*nvidia)->number);
  finding.values.push_back(count_value("equal_h20", std::round(replaced / 1000) * 1000));
  finding.values.push_back(plain_value("share", share * 100, 2, "%"));
  // "Partly" is right as long as the own chips do some of the work and Nvidia's do more.
  finding.verdict = replaced > 0 && share < 0.5 ? Verdict::kSupported : Verdict::kContradicted;
  finding.commands = {
      fmt::format("fivefold plan train --model {} --system panjiu-al128 --chips 8", kSmallModel)};
  return finding;
}

}  // namespace

void add_work_items(ItemTable& table) {
  table["S02"] = is_confidence_justified;
  table["S09"] = is_confidence_justified;
  table["S16"] = do_they_match;
  table["S17"] = domestic_makers;
  table["S27"] = own_chips_help;
  table["S30"] = own_chips_help;
}

}  // namespace fivefold
