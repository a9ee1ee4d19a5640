#include "fivefold/policy/supply_checks.h"

#include <algorithm>
#include <cmath>

#include "fivefold/base/statistics.h"
#include "fivefold/policy/supply_count.h"

namespace fivefold {
namespace {

constexpr double kMostTimes = 16;

const Fact* fact_of(const SupplyBook::Data& data, std::string_view id) {
  for (const SupplySeries& series : data.series) {
    for (const SupplyPoint& point : series.points) {
      if (point.fact.path == id) return &point.fact;
    }
  }
  for (const SupplyCheck& check : data.checks) {
    if (check.fact.path == id) return &check.fact;
  }
  return nullptr;
}

// A user's book may lack any of them: then the line is left out.
class Arithmetic {
 public:
  explicit Arithmetic(const SupplyBook::Data& data) : data_(data) {}
  double operator[](std::string_view id) {
    const Fact* fact = fact_of(data_, id);
    if (!fact) whole_ = false;
    return fact ? fact->number : 0;
  }
  void add(std::string what, double computed, double published, double tolerance) {
    if (whole_) lines.push_back({std::move(what), computed, published, tolerance});
    whole_ = true;
  }
  std::vector<SupplyArithmetic> lines;

 private:
  const SupplyBook::Data& data_;
  bool whole_ = true;
};

std::vector<SupplyArithmetic> arithmetic_of(const SupplyBook::Data& data) {
  Arithmetic of(data);
  const auto die = std::find_if(data.dies.begin(), data.dies.end(),
                                [](const SupplyDie& d) { return d.id == "ascend_910b"; });
  if (die != data.dies.end()) {
    of.add("dies of the 910B on a wafer, by formula",
           gross_dies(die->width, die->height, data.wafer), of["dpw.910b.published"], 0.05);
    of.add("the same, whole dies counted", placed_dies(die->width, die->height, data.wafer),
           of["dpw.910b.published"], 0.05);
  }
  of.add("all HBM stacks over those of a 910C, against 1.6M",
         (of["hbm.before"] + of["hbm.rush"]) / of["stacks.910c.chip"], 1.6e6, 0.03);
  const double wafers = 12 * of["smic.ai_wpm.2025"] * of["dpw.910b.published"];
  of.add("good dies of 7,000 wafers a month in 2025, against Bloomberg",
         wafers * of["yield.smic.2025e"], of["huawei.2025.dies.bbg"], 0.2);
  of.add("good dies of 13,000 wafers a month in 2026, against Bloomberg",
         12 * of["smic.ai_wpm.2026"] * of["dpw.910b.published"] * of["yield.smic.2025e"],
         of["huawei.2026.dies.plan"], 0.2);
  of.add("IDC: Nvidia, AMD and Chinese vendors, against all",
         of["idc.2025.nvidia"] + of["idc.2025.amd"] + of["idc.2025.domestic"], of["idc.2025.total"],
         0.01);
  const double dies = of["huawei.2025.dies.bbg"], mix = of["mix.910c.2025"];
  of.add("chips of 1.0M dies with 300k 910C, against IDC", dies * (mix / 2 + 1 - mix),
         of["huawei.2025.idc"], 0.2);
  return std::move(of.lines);
}

// Both lists belong to one set of futures.
std::vector<double> ratio(const std::vector<double>& part, const std::vector<double>& whole) {
  std::vector<double> shares(part.size());
  for (std::size_t i = 0; i < part.size(); ++i) shares[i] = whole[i] > 0 ? part[i] / whole[i] : 0;
  return shares;
}

std::vector<double> summed(const std::vector<std::vector<std::vector<double>>>& draws,
                           std::size_t year, const std::vector<VendorSupply>& vendors,
                           std::string_view of) {
  std::vector<double> sum(draws.front()[year].size(), 0);
  for (std::size_t v = 0; v < vendors.size(); ++v) {
    if (of != "all" && of != vendors[v].origin && of != vendors[v].id) continue;
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += draws[v][year][i];
  }
  return sum;
}

SupplyComparison compared(const SupplyCheck& check, std::vector<double> values) {
  SupplyComparison made;
  made.id = check.fact.path;
  made.what = check.what;
  made.of = check.of;
  made.counts = check.counts;
  made.year = check.year;
  made.published = check.fact.number;
  made.low = check.fact.low;
  made.high = check.fact.high;
  made.input = check.input;
  made.sources = check.fact.sources;
  made.confidence = check.fact.confidence;
  made.as_of = to_text(check.as_of.last);
  made.note = check.fact.note;
  double below = 0;
  for (const double value : values) below += value < made.published ? 1 : 0;
  made.quantile = below / double(values.size());
  made.model = quantiles_of(std::move(values));
  return made;
}

Result<SupplyResult::Growth> growth_2026(const SupplyBook& book, SupplyQuestion question,
                                         const std::vector<std::string>& kinds, double times) {
  // Memory of 2026 is mostly what came before: all of it is multiplied.
  for (const std::string& kind : kinds) {
    SupplyQuestion::Scale scale{kind, times};
    if (kind != "hbm") scale.from = Quarter{2026, 1};
    question.scaled.push_back(std::move(scale));
  }
  const auto result = simulate_supply(book, question);
  if (!result) return fail(result.error());
  if (result->domestic_growth.empty())
    return fail("nothing is made in China in 2025: there is no growth to look at");
  return result->domestic_growth.front();
}

// Bisection on a scale of ratios; the probability grows with every kind.
Result<Tripling::Need> need_of(const SupplyBook& book, const SupplyQuestion& question,
                               std::vector<std::string> kinds) {
  Tripling::Need need{std::move(kinds), {}, kMostTimes, 0};
  const auto at_most = growth_2026(book, question, need.kinds, kMostTimes);
  if (!at_most) return fail(at_most.error());
  need.probability = at_most->probability_of_three;
  if (need.probability < 0.5) return need;
  double low = 0, high = std::log(kMostTimes);
  for (int i = 0; i < 9; ++i) {
    const double mid = (low + high) / 2;
    const auto growth = growth_2026(book, question, need.kinds, std::exp(mid));
    if (!growth) return fail(growth.error());
    if (growth->probability_of_three < 0.5) {
      low = mid;
    } else {
      high = mid;
      need.probability = growth->probability_of_three;
    }
  }
  need.times = std::exp(high);
  return need;
}

}  // namespace

bool SupplyArithmetic::closes() const {
  return std::abs(computed - published) <= tolerance * published;
}

Result<SupplyChecks> check_supply(const SupplyBook& book, const SupplyQuestion& question,
                                  const std::function<void(double)>& progress) {
  SupplyQuestion asked = question;
  asked.vendors.clear();
  int first = 9999, last = 0;
  for (const SupplyCheck& check : book.data().checks) {
    first = std::min(first, check.year);
    last = std::max(last, check.year);
  }
  SupplyChecks checks;
  checks.arithmetic = arithmetic_of(book.data());
  if (last == 0) return checks;
  asked.from = {first, 1};
  asked.to = {last, 4};
  const auto result = simulate_supply(book, asked, progress);
  if (!result) return fail(result.error());
  for (const SupplyCheck& check : book.data().checks) {
    const auto year = std::size_t(check.year - first);
    const auto& draws = check.counts == "dies" ? result->die_draws : result->draws;
    std::vector<double> values = summed(draws, year, result->vendors, check.of);
    if (check.counts == "share")
      values = ratio(values, summed(draws, year, result->vendors, "all"));
    checks.totals.push_back(compared(check, std::move(values)));
  }
  return checks;
}

Result<Tripling> examine_tripling(const SupplyBook& book, const SupplyQuestion& question,
                                  const std::function<void(double)>& progress) {
  SupplyQuestion asked = question;
  asked.vendors.clear();
  asked.from = {2025, 1};
  asked.to = {2026, 4};
  const auto growth = growth_2026(book, asked, {}, 1);
  if (!growth) return fail(growth.error());
  Tripling tripling{growth->factor, growth->probability_of_three, {}};
  const std::vector<std::vector<std::string>> sets = {{"wafers"},
                                                      {"yield"},
                                                      {"hbm"},
                                                      {"packaging"},
                                                      {"wafers", "yield"},
                                                      {"hbm", "packaging"},
                                                      {"wafers", "yield", "hbm", "packaging"}};
  for (const auto& kinds : sets) {
    auto need = need_of(book, asked, kinds);
    if (!need) return fail(need.error());
    tripling.needs.push_back(*std::move(need));
    if (progress) progress(double(tripling.needs.size()) / double(sets.size()));
  }
  return tripling;
}

}  // namespace fivefold
