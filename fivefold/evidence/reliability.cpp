#include "fivefold/evidence/reliability.h"

#include <optional>
#include <string>

#include <fmt/format.h>

#include "fivefold/reliability/assumptions.h"
#include "fivefold/reliability/run.h"

namespace fivefold {
namespace {

constexpr double kHour = 3600, kDay = 86400, kYear = 365.25 * kDay;
constexpr double kChipsPerHost = 8;
constexpr double kBytesPerParameter = 14;  // BF16 weights, FP32 master copy, two moments

// Three stages, copper to the first (arXiv 2407.21783, section 3.3.1), by chips.
PartCounts cluster_of(const Chip& chip, double chips) {
  return {.chips = chips,
          .memory = chips * chip.memory_capacity,
          .hosts = chips / kChipsPerHost,
          .nics = chips,
          .switches = chips * 1188 / 16384,
          .copper_cables = chips,
          .optical_modules = chips * 37450 / 16384};
}

struct Answer {
  double value = 0;  // in the unit of the row
  bool calibrated = false;
  std::string family = "reliability";
};
using Answered = tl::expected<Answer, std::string>;

tl::unexpected<std::string> refused(std::string reason) {
  return tl::unexpected<std::string>(std::move(reason));
}

// What a row is asked of.
struct Row {
  const Catalog& catalog;
  const CsvTable& table;
  std::size_t row;
  const Chip* chip = nullptr;
  FailureRates rates;
  double chips = 0;

  std::string_view at(std::string_view column) const { return table.at(row, column); }
  bool notes(std::string_view text) const {
    return at("notes").find(text) != std::string_view::npos;
  }
};

// The same source's length of its run, from the row that states it.
std::optional<Seconds> window_of(const Row& row) {
  for (std::size_t i = 0; i < row.table.rows.size(); ++i) {
    const bool same = row.table.at(i, "system") == row.at("system");
    if (!same || row.table.at(i, "quantity") != "window") continue;
    const auto days = row.table.number(i, "value");
    if (days) return Seconds(*days * kDay);
  }
  return std::nullopt;
}

double rate_of(const FailureRates& rates, std::initializer_list<Component> parts) {
  Hertz sum;
  for (const ComponentRate& part : rates.parts) {
    for (const Component wanted : parts) sum += part.component == wanted ? part.rate : Hertz(0);
  }
  return sum.value();
}

Answered by_cause(const Row& row, std::string_view cause) {
  const auto window = window_of(row);
  if (!window) return refused("length of the run not published");
  const auto count = [&](std::initializer_list<Component> parts) {
    return Answer{rate_of(row.rates, parts) * window->value(), true};
  };
  if (cause == "gpu_hbm3") return count({Component::kMemory});
  if (cause == "nic") return count({Component::kNic});
  if (cause == "silent_data_corruption") return count({Component::kSilent});
  if (cause == "power_supply") return count({Component::kPower});
  if (cause == "network_switch_cable")
    return count({Component::kSwitch, Component::kCopper, Component::kOptics});
  return refused("a cause that is one of several in a part");
}

// A run of `parameters` with what the catalog assumes, checkpoints without a pause but the copy.
Answered goodput_of(const Row& row, double parameters) {
  const auto assumed = run_assumptions(row.catalog);
  if (!assumed) return refused(assumed.error().problems.front().what);
  RunPlan plan;
  plan.step = Seconds(10);
  plan.steps = 54 * kDay / 10;
  plan.rates = row.rates;
  // A pipeline and tensor group of 128 devices holds the state once.
  const auto cost =
      checkpoint_cost({.state = Bytes(parameters * kBytesPerParameter),
                       .state_per_device = Bytes(parameters * kBytesPerParameter / 128),
                       .storage = assumed->storage_per_chip * row.chips,
                       .copy = assumed->copy,
                       .pause = assumed->pause});
  if (!cost) return refused(cost.error().problems.front().what);
  plan.checkpoint = *cost;
  plan.detect = assumed->detect;
  plan.restart = assumed->restart;
  plan.stragglers = assumed->stragglers;
  plan.stragglers.hosts = row.chips / kChipsPerHost;
  const auto run = run_estimate(plan);
  if (!run) return refused(run.error().problems.front().what);
  return Answer{run->shares.useful, false, "goodput_bound"};
}

Answered slowdown_of(const Row& row) {
  const auto assumed = run_assumptions(row.catalog);
  if (!assumed) return refused(assumed.error().problems.front().what);
  Stragglers stragglers = assumed->stragglers;
  stragglers.hosts = row.chips / kChipsPerHost;
  return Answer{expected_slowdown(stragglers), true};
}

Answered answer(const Row& row) {
  const std::string_view quantity = row.at("quantity");
  const double total = row.rates.total.value();
  const bool h100 = row.chip->architecture == "hopper";
  if (constexpr std::string_view by = "unexpected interruptions by cause: ";
      quantity.starts_with(by)) {
    return by_cause(row, quantity.substr(by.size()));
  }
  if (quantity == "unexpected_interruptions") {
    const auto window = window_of(row);
    if (!window) return refused("length of the run not published");
    return Answer{total * window->value(), h100};
  }
  if (quantity == "mean time to unexpected interruption") return Answer{1 / total / kHour, h100};
  if (quantity == "job MTTF") return Answer{1 / total / kHour, row.notes("projected")};
  if (quantity == "failure rate") {
    const bool is_source = row.at("system") == "Meta RSC-1";
    return Answer{total * kDay / (row.chips / kChipsPerHost) * 1000, is_source};
  }
  if (quantity == "hardware_share_of_unexpected") {
    return Answer{1 - rate_of(row.rates, {Component::kSoftware}) / total, h100};
  }
  if (quantity == "gpu_share_of_unexpected") {
    return Answer{
        rate_of(row.rates, {Component::kChip, Component::kMemory, Component::kSilent}) / total,
        h100};
  }
  if (quantity == "effective_training_time") return goodput_of(row, 405e9);
  if (quantity == "effective_training_rate") return goodput_of(row, 175e9);
  if (quantity == "mfu_gain_after_straggler_removal") return slowdown_of(row);
  if (quantity == "manual restarts" && row.notes("in 2 months")) {
    return Answer{total * 2 * kYear / 12};
  }
  if (quantity == "window") return refused("given, not predicted");
  if (quantity == "restarts") return refused("length of the run not published");
  if (quantity == "planned_interruptions" || quantity == "total_interruptions") {
    return refused("planned interruptions are decisions, not failures");
  }
  if (quantity == "manual_interventions" || quantity == "auto_handled") {
    return refused("who restarts a run is not modelled");
  }
  if (quantity == "diurnal_throughput_variation") return refused("weather is not modelled");
  if (quantity == "detect_diagnose" || quantity == "recover_from_checkpoint" ||
      quantity == "straggler_machine_share") {
    return refused("taken from there as an assumption of runs");
  }
  return refused(fmt::format("quantity {} is not known", quantity));
}

// UB-Mesh (arXiv 2503.20377) by its own numbers: a cable has two of the million modules.
Answered of_ub_mesh(const CsvTable& table, std::size_t row) {
  if (!table.at(row, "system").ends_with("1M optical modules")) {
    return refused("number of links not published");
  }
  return Answer{5 * kYear / (1e6 / 2) / 60};
}

Answered predict(const Catalog& catalog, const CsvTable& table, std::size_t row, Prediction& p) {
  if (table.at(row, "quantity") == "cluster MTBF if each link has 5 years") {
    return of_ub_mesh(table, row);
  }
  // "A100 class" is an A100.
  auto chip = catalog.chip(p.chip);
  if (!chip) chip = catalog.chip(p.chip.substr(0, p.chip.find(' ')));
  if (!chip) return refused("chip not in the catalog");
  p.chip = (*chip)->id;
  const auto chips = table.number(row, "chips");
  if (!chips) return refused("number of chips not published");
  const auto rates = failure_rates(catalog, **chip, cluster_of(**chip, *chips));
  if (!rates) return refused(rates.error().problems.front().what);
  return answer({catalog, table, row, *chip, *rates, *chips});
}

}  // namespace

Predictions predict_reliability(const Catalog& catalog, const CsvTable& table) {
  Predictions predictions;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    Prediction p;
    p.form = "training";
    p.family = "reliability";
    p.chip = std::string(table.at(row, "chip"));
    p.row = fmt::format("{}:{} {}", file_stem(table.file), table.lines[row], table.at(row, "id"));
    p.unit = std::string(table.at(row, "unit"));
    p.measured = table.number(row, "value").value_or(0);
    if (const Answered found = predict(catalog, table, row, p)) {
      p.predicted = found->value;
      p.calibrated = found->calibrated;
      p.family = found->family;
    } else {
      p.refused = found.error();
    }
    predictions.push_back(std::move(p));
  }
  return predictions;
}

}  // namespace fivefold
