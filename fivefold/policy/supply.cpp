// Many futures: the draws, and what is counted over them.
#include "fivefold/policy/supply.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "fivefold/base/parallel.h"
#include "fivefold/policy/supply_count.h"
#include "fivefold/policy/supply_question.h"

namespace fivefold {
namespace {

std::vector<Binding> bindings_of(const Choice& limits) {
  std::array<double, kLimits> counts{};
  for (const std::uint8_t limit : limits) ++counts[limit];
  std::vector<Binding> bindings;
  for (std::size_t l = 0; l < kLimits; ++l) {
    if (counts[l] > 0)
      bindings.push_back({std::string(name(SupplyLimit(l))), counts[l] / double(limits.size())});
  }
  std::stable_sort(bindings.begin(), bindings.end(), [](const Binding& a, const Binding& b) {
    return a.probability > b.probability;
  });
  return bindings;
}

std::vector<SupplyPeriod> periods_of(const std::vector<SupplySpan>& spans, const SupplyTally& tally,
                                     bool years) {
  std::vector<SupplyPeriod> periods;
  for (std::size_t p = 0; p < spans.size(); ++p) {
    if ((spans[p].year != 0) != years) continue;
    periods.push_back({spans[p].label, quantiles_of(tally.chips[p]), quantiles_of(tally.dies[p]),
                       bindings_of(tally.limit[p])});
  }
  return periods;
}

void add_growth(const std::vector<SupplySpan>& spans, const SupplyTally& domestic,
                SupplyResult& result) {
  for (std::size_t p = 0; p + 1 < spans.size(); ++p) {
    if (spans[p].year == 0) continue;
    const PerSample& before = domestic.chips[p];
    const PerSample& after = domestic.chips[p + 1];
    SupplyResult::Growth growth{spans[p].year, spans[p + 1].year, {}, 0};
    PerSample factors;
    double threefold = 0;
    for (std::size_t i = 0; i < before.size(); ++i) {
      if (!(before[i] > 0)) continue;
      factors.push_back(after[i] / before[i]);
      threefold += factors.back() >= 3 ? 1 : 0;
    }
    if (factors.empty()) continue;
    growth.probability_of_three = threefold / double(factors.size());
    growth.factor = quantiles_of(std::move(factors));
    result.domestic_growth.push_back(growth);
  }
}

// The facts that a vendor rests on, once each; `views` hold those that were known.
class FactList {
 public:
  FactList(const std::vector<SeriesView>& views, VendorSupply& vendor)
      : views_(views), vendor_(vendor) {}
  void add(int series) {
    if (series < 0 || std::find(seen_.begin(), seen_.end(), series) != seen_.end()) return;
    seen_.push_back(series);
    for (const SeriesKnot& knot : views_[std::size_t(series)].knots) add(knot.point->fact);
  }
  void add(const Fact& fact) {
    vendor_.facts.push_back(&fact);
    const bool assumed =
        std::find(fact.sources.begin(), fact.sources.end(), "assumption") != fact.sources.end();
    if (assumed) vendor_.assumptions.push_back(fact.path);
  }

 private:
  const std::vector<SeriesView>& views_;
  VendorSupply& vendor_;
  std::vector<int> seen_;
};

void add_facts(const SupplyBook::Data& data, const std::vector<SeriesView>& views,
               const SupplyVendor& vendor, VendorSupply& into) {
  FactList list(views, into);
  for (const SupplyWafers& wafers : vendor.wafers) {
    const SupplyNode& node = data.nodes[std::size_t(wafers.node)];
    for (const int series : {node.wafers, node.yield, wafers.share}) list.add(series);
  }
  for (const SupplyVendorDie& die : vendor.dies) {
    const SupplyDie& made = data.dies[std::size_t(die.die)];
    for (const int series : {made.gross, made.yield, die.share}) list.add(series);
    if (std::find(made.sources.begin(), made.sources.end(), "assumption") != made.sources.end())
      into.assumptions.push_back("size of die " + made.id);
    for (const int series : die.bank) list.add(series);
    for (const SupplyProduct& product : die.products) {
      for (const int series : {product.mix, product.stacks, product.packaging_yield})
        list.add(series);
      if (product.memory < 0) continue;
      for (const int series : data.pools[std::size_t(product.memory)].from) list.add(series);
    }
  }
  for (const SupplyImport& import : vendor.imports) list.add(import.amount);
  if (!vendor.dies.empty()) {
    for (const int series : {data.packaging, data.lead, data.place_in_span}) list.add(series);
  }
  for (const auto* spread : {&data.spread_high, &data.spread_medium, &data.spread_low})
    list.add(**spread);
}

void add_products(const SupplySimulation& sim, const SupplyCounts& counts, std::size_t vendor,
                  VendorSupply& into) {
  const std::vector<SupplyLine> lines = supply_lines(sim.data);
  for (std::size_t l = 0; l < lines.size(); ++l) {
    if (std::size_t(lines[l].vendor) != vendor) continue;
    VendorSupply::Product product{lines[l].chip, lines[l].name, {}, {}};
    for (std::size_t p = 0; p < sim.spans.size(); ++p)
      (sim.spans[p].year == 0 ? product.quarters : product.years)
          .push_back(quantiles_of(counts.lines[l][p]));
    into.products.push_back(std::move(product));
  }
}

SupplyResult result_of(const SupplySimulation& sim, SupplyCounts counts,
                       const SupplyQuestion& question) {
  SupplyResult result;
  result.question = question;
  for (const SupplySpan& span : sim.spans) {
    if (span.year != 0) result.years.push_back(span.year);
  }
  const std::size_t first_year = sim.spans.size() - result.years.size();
  const auto years_of = [&](std::vector<PerSample>& periods) {
    const auto first = periods.begin() + std::ptrdiff_t(first_year);
    return std::vector<PerSample>(std::make_move_iterator(first),
                                  std::make_move_iterator(periods.end()));
  };
  result.domestic_quarters = periods_of(sim.spans, counts.domestic, false);
  result.domestic_years = periods_of(sim.spans, counts.domestic, true);
  result.total_years = periods_of(sim.spans, counts.total, true);
  add_growth(sim.spans, counts.domestic, result);
  result.vendors.resize(sim.asked.size());
  parallel_for(sim.asked.size(), [&](std::size_t a) {
    const SupplyVendor& vendor = sim.data.vendors[sim.asked[a]];
    VendorSupply& made = result.vendors[a];
    made.id = vendor.id;
    made.name = vendor.name;
    made.origin = vendor.origin;
    made.quarters = periods_of(sim.spans, counts.vendors[a], false);
    made.years = periods_of(sim.spans, counts.vendors[a], true);
    add_products(sim, counts, sim.asked[a], made);
    add_facts(sim.data, sim.views, vendor, made);
  });
  for (SupplyTally& tally : counts.vendors) {
    result.draws.push_back(years_of(tally.chips));
    result.die_draws.push_back(years_of(tally.dies));
  }
  result.domestic_draws = years_of(counts.domestic.chips);
  return result;
}

}  // namespace

Result<SupplyBook> SupplyBook::read(const std::vector<CatalogFile>& files) {
  auto data = read_supply(files);
  if (!data) return fail(data.error());
  SupplyBook book;
  book.data_ = std::make_shared<const Data>(*std::move(data));
  return book;
}

Result<SupplyBook> SupplyBook::load(const Catalog& catalog) {
  std::vector<CatalogFile> files;
  for (const CatalogFile* file : catalog.files_with("supply")) files.push_back(*file);
  auto book = read(files);
  if (!book) return book;
  if (const auto sane = check_names(catalog, book->data()); !sane) return fail(sane.error());
  return book;
}

std::vector<std::string> SupplyBook::vendors() const {
  std::vector<std::string> ids;
  for (const SupplyVendor& vendor : data_->vendors) ids.push_back(vendor.id);
  return ids;
}

Result<const Fact*> SupplyBook::published(std::string_view id) const {
  std::vector<std::string> known;
  for (const SupplyCheck& check : data_->checks) {
    if (check.fact.path == id) return &check.fact;
    known.push_back(check.fact.path);
  }
  return fail(fmt::format("no published total is called '{}'", id), did_you_mean(id, known));
}

Result<SupplyResult> simulate_supply(const SupplyBook& book, const SupplyQuestion& question,
                                     const std::function<void(double)>& progress) {
  const SupplyBook::Data& data = book.data();
  if (const auto sane = check_question(data, question); !sane) return fail(sane.error());
  const auto asked = asked_vendors(book, question.vendors);
  if (!asked) return fail(asked.error());
  const int quarters = quarters_between(data.start, question.to) + 1;
  std::vector<SeriesView> views = views_of(data, question.known_by, quarters);
  if (const auto known = check_known(data, question, views); !known) return fail(known.error());
  if (const auto scaled = scale_views(data, question.scaled, quarters, views); !scaled)
    return fail(scaled.error());
  const auto samples = std::size_t(question.samples);
  const std::vector<PerSample> draws = stratified(views, samples, question.seed);
  const std::vector<SupplySpan> spans = supply_spans(data, question);
  const SupplySimulation sim{data, views, draws, spans, *asked, quarters};
  return result_of(sim, count_futures(sim, samples, progress), question);
}

}  // namespace fivefold
