#include "fivefold/policy/fleet_accounts.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "fivefold/base/random.h"
#include "fivefold/reliability/failures.h"

namespace fivefold {
namespace {

constexpr double kHoursOfYear = 8760;

enum Metric { kChips, kFlops, kBandwidth, kTokens, kRuns, kMetrics };
enum Origin { kDomestic, kForeign, kOrigins };

// One kind of chip of one origin, as it is supplied and held.
struct Holding {
  const ChipWork* work = nullptr;
  Origin origin = kDomestic;
  double price = 0;                        // USD, 0: not known
  double loss = 0;                         // failures a year of a chip, of which some are final
  const Fact* stock = nullptr;             // before the first year
  std::vector<std::vector<double>> added;  // by year and draw
};

// From the triangle over low, value and high, by its inverse distribution.
double triangular(const Fact& fact, double u) {
  const double low = fact.low.value_or(fact.number), high = fact.high.value_or(fact.number);
  if (!(high > low)) return fact.number;
  const double rise = (fact.number - low) / (high - low);
  return u < rise ? low + std::sqrt(u * (high - low) * (fact.number - low))
                  : high - std::sqrt((1 - u) * (high - low) * (high - fact.number));
}

double amount(const ChipWork& work, Metric metric) {
  switch (metric) {
    case kChips:
      return 1;
    case kFlops:
      return work.flops;
    case kBandwidth:
      return work.bandwidth;
    case kTokens:
      return work.tokens_per_day.value_or(0);
    default:
      return work.runs_per_year.value_or(0);
  }
}

// Failures a year of a chip and its memory.
double failures_a_year(const Catalog& catalog, const Chip& chip) {
  const auto rates = failure_rates(catalog, chip, {.chips = 1, .memory = chip.memory_capacity});
  if (!rates) return 0;
  double rate = 0;
  for (const ComponentRate& part : rates->parts) {
    if (part.component == Component::kChip || part.component == Component::kMemory) {
      rate += part.rate.value();
    }
  }
  return rate * 3600 * kHoursOfYear;
}

// Each once, in the order of use.
template <class Item>
void note(std::vector<Item>& used, const Item& item) {
  if (std::find(used.begin(), used.end(), item) == used.end()) used.push_back(item);
}

// Money asked for in a year: stated, or between the years that are.
std::optional<Ranged> demand_of(const Catalog& catalog, int year, std::vector<const Fact*>& used) {
  std::map<int, const Fact*> stated;
  for (const Fact* fact : catalog.economics()) {
    if (!fact->path.starts_with("demand.") || !fact->is_number() || fact->dim != Usd::kDim)
      continue;
    int of = 0;
    const char* end = fact->path.data() + fact->path.size();
    if (std::from_chars(end - 4, end, of).ptr == end) stated.emplace(of, fact);
  }
  const auto ranged = [](const Fact& fact) {
    return Ranged{fact.number, fact.lowest(), fact.highest()};
  };
  const auto above = stated.lower_bound(year);
  if (above == stated.end()) return {};
  note(used, above->second);
  if (above->first == year) return ranged(*above->second);
  if (above == stated.begin()) return {};
  const auto below = std::prev(above);
  note(used, below->second);
  const double share = double(year - below->first) / (above->first - below->first);
  const Ranged a = ranged(*below->second), b = ranged(*above->second);
  const auto mix = [&](double x, double y) { return x + (y - x) * share; };
  return Ranged{mix(a.value, b.value), mix(a.low, b.low), mix(a.high, b.high)};
}

class Accounts {
 public:
  Accounts(const Catalog& catalog, const SupplyResult& supply, Gap& gap)
      : catalog_(catalog), supply_(supply), gap_(gap), years_(supply.years.size()) {}

  // Every product of the supply, and what stood before it.
  void gather(const std::map<std::string, const ChipWork*>& works) {
    double unknown = 0, all = 0;
    for (std::size_t v = 0; v < supply_.vendors.size(); ++v) {
      const VendorSupply& vendor = supply_.vendors[v];
      for (std::size_t p = 0; p < vendor.products.size(); ++p) {
        const auto work = works.find(vendor.products[p].chip);
        Holding holding = held(work != works.end() ? work->second : nullptr,
                               vendor.origin == "CN" ? kDomestic : kForeign);
        for (std::size_t y = 0; y < years_; ++y) holding.added.push_back(added(v, p, y));
        for (const auto& year : holding.added) {
          for (const double chips : year) {
            all += chips;
            if (holding.work == nullptr || !holding.work->tokens_per_day) unknown += chips;
          }
        }
        holdings_.push_back(std::move(holding));
      }
    }
    gap_.chips_without_work = all > 0 ? unknown / all : 0;
    add_stocks(works);
    price_the_unpriced();
  }

  void count() {
    const Fact& life = **catalog_.economics("fleet.life");
    const Fact& permanent = **catalog_.economics("fleet.permanent");
    gap_.facts.insert(gap_.facts.end(), {&life, &permanent});
    const std::size_t samples = std::size_t(supply_.question.samples);
    std::vector<YearDraws> draws(years_, YearDraws(samples));
    for (std::size_t s = 0; s < samples; ++s) {
      Random random(supply_.question.seed, "fleet", s);
      const int years_of_life = std::max(1, int(std::lround(triangular(life, random.uniform()))));
      const double final_share = triangular(permanent, random.uniform());
      for (const Holding& holding : holdings_) {
        const double initial =
            holding.stock != nullptr ? triangular(*holding.stock, random.uniform()) : 0;
        add_holding(holding, initial, years_of_life, holding.loss * final_share, s, draws);
      }
      add_demand(random.uniform(), s, draws);
    }
    for (std::size_t y = 0; y < years_; ++y) gap_.years.push_back(year_of(y, draws[y]));
  }

 private:
  struct YearDraws {
    explicit YearDraws(std::size_t samples) {
      for (auto& origin : added) origin.assign(kMetrics, std::vector<double>(samples));
      for (auto& origin : installed) origin.assign(kMetrics, std::vector<double>(samples));
      for (auto& origin : money) origin.assign(samples, 0);
      shortage.assign(samples, 0);
    }
    std::array<std::vector<std::vector<double>>, kOrigins> added, installed;  // by metric and draw
    std::array<std::vector<double>, kOrigins> money;
    std::vector<double> shortage;
    std::optional<Ranged> demand;
  };

  Holding held(const ChipWork* work, Origin origin) const {
    Holding holding{.work = work, .origin = origin};
    if (work == nullptr) return holding;
    holding.price = work->chip->price.value();
    holding.loss = failures_a_year(catalog_, *work->chip);
    return holding;
  }

  // A vendor's chips of a year by its products, as they are on average.
  std::vector<double> added(std::size_t vendor, std::size_t product, std::size_t year) const {
    const auto& products = supply_.vendors[vendor].products;
    double all = 0;
    for (const auto& other : products) all += other.years[year].mean;
    const double share = all > 0 ? products[product].years[year].mean / all : 0;
    std::vector<double> chips = supply_.draws[vendor][year];
    for (double& count : chips) count *= share;
    return chips;
  }

  void add_stocks(const std::map<std::string, const ChipWork*>& works) {
    for (const Fact* fact : catalog_.economics()) {
      const bool domestic = fact->path.starts_with("stock.domestic.");
      if (!domestic && !fact->path.starts_with("stock.foreign.")) continue;
      const auto work = works.find(fact->path.substr(fact->path.rfind('.') + 1));
      if (work == works.end()) continue;
      Holding holding = held(work->second, domestic ? kDomestic : kForeign);
      holding.stock = fact;
      holding.added.assign(years_, std::vector<double>(std::size_t(supply_.question.samples)));
      gap_.facts.push_back(fact);
      holdings_.push_back(std::move(holding));
    }
  }

  // Where no price is known, that of the origin's priced chips by memory bandwidth, which small
  // and large cards differ in; by the chip where that is not known either.
  void price_the_unpriced() {
    for (const Origin origin : {kDomestic, kForeign}) {
      double price = 0, bandwidth = 0;
      int known = 0;
      for (const Holding& holding : holdings_) {
        if (holding.origin != origin || !(holding.price > 0)) continue;
        if (!(holding.work->bandwidth > 0)) continue;
        price += holding.price;
        bandwidth += holding.work->bandwidth;
        ++known;
      }
      if (known == 0) continue;
      std::vector<std::string> unpriced;
      for (Holding& holding : holdings_) {
        if (holding.origin != origin || holding.price > 0) continue;
        const double rate = holding.work != nullptr ? holding.work->bandwidth : 0;
        holding.price = rate > 0 ? price / bandwidth * rate : price / known;
        if (holding.work != nullptr) note(unpriced, holding.work->chip->id);
      }
      if (unpriced.empty()) continue;
      gap_.assumptions.push_back(
          fmt::format("no price is known of {}: {:.2f} USD for a GB/s of memory, as {} chips cost "
                      "that have one",
                      fmt::join(unpriced, ", "), price / bandwidth * 1e9,
                      origin == kDomestic ? "domestic" : "foreign"));
    }
  }

  // Chips of one kind through the years of one draw.
  void add_holding(const Holding& holding, double initial, int life, double loss, std::size_t s,
                   std::vector<YearDraws>& draws) const {
    // A stock of all ages retires evenly; a year's chips all at once. Both less what was lost.
    const double survive = std::exp(-loss);
    double old = initial;
    double installed = initial;
    for (std::size_t y = 0; y < years_; ++y) {
      const double now = holding.added[y][s];
      const double leaving = std::min(old, initial / life);
      old -= leaving;
      double retired = leaving * std::pow(survive, double(y + 1));
      if (y >= std::size_t(life)) {
        retired += holding.added[y - std::size_t(life)][s] * std::pow(survive, life);
      }
      installed = std::max(0.0, installed * survive - retired) + now;
      YearDraws& year = draws[y];
      year.money[holding.origin][s] += now * holding.price;
      for (int m = 0; m < kMetrics; ++m) {
        const double each =
            holding.work != nullptr ? amount(*holding.work, Metric(m)) : m == kChips;
        year.added[holding.origin][std::size_t(m)][s] += now * each;
        year.installed[holding.origin][std::size_t(m)][s] += installed * each;
      }
    }
  }

  void add_demand(double u, std::size_t s, std::vector<YearDraws>& draws) {
    for (std::size_t y = 0; y < years_; ++y) {
      YearDraws& year = draws[y];
      if (s == 0) year.demand = demand_of(catalog_, supply_.years[y], gap_.facts);
      if (!year.demand) continue;
      Fact drawn;
      drawn.number = year.demand->value;
      drawn.low = year.demand->low;
      drawn.high = year.demand->high;
      year.shortage[s] = triangular(drawn, u) - year.money[kDomestic][s] - year.money[kForeign][s];
    }
  }

  static Fleet fleet(const std::vector<std::vector<double>>& by_metric) {
    return {quantiles_of(by_metric[kChips]), quantiles_of(by_metric[kFlops]),
            quantiles_of(by_metric[kBandwidth]), quantiles_of(by_metric[kTokens]),
            quantiles_of(by_metric[kRuns])};
  }

  static Quantiles foreign_share(const std::array<std::vector<std::vector<double>>, kOrigins>& of,
                                 Metric metric) {
    std::vector<double> shares = of[kForeign][metric];
    for (std::size_t s = 0; s < shares.size(); ++s) {
      const double all = shares[s] + of[kDomestic][metric][s];
      shares[s] = all > 0 ? shares[s] / all : 0;
    }
    return quantiles_of(std::move(shares));
  }

  GapYear year_of(std::size_t y, const YearDraws& draws) const {
    GapYear year;
    year.year = supply_.years[y];
    year.added_domestic = fleet(draws.added[kDomestic]);
    year.added_foreign = fleet(draws.added[kForeign]);
    year.installed_domestic = fleet(draws.installed[kDomestic]);
    year.installed_foreign = fleet(draws.installed[kForeign]);
    year.reliance_chips = foreign_share(draws.installed, kChips);
    year.reliance_flops = foreign_share(draws.installed, kFlops);
    year.reliance_bandwidth = foreign_share(draws.installed, kBandwidth);
    year.reliance_tokens = foreign_share(draws.installed, kTokens);
    year.reliance_added = foreign_share(draws.added, kChips);
    std::vector<double> supplied = draws.money[kDomestic];
    for (std::size_t s = 0; s < supplied.size(); ++s) supplied[s] += draws.money[kForeign][s];
    year.supplied = quantiles_of(std::move(supplied));
    year.demand = draws.demand;
    if (year.demand) add_shortage(draws, year);
    return year;
  }

  static void add_shortage(const YearDraws& draws, GapYear& year) {
    year.shortage = quantiles_of(draws.shortage);
    std::vector<double> chips, tokens;
    for (std::size_t s = 0; s < draws.shortage.size(); ++s) {
      const double made = draws.added[kDomestic][kChips][s];
      const double money = draws.money[kDomestic][s];
      if (!(made > 0) || !(money > 0)) continue;
      chips.push_back(draws.shortage[s] * made / money);
      tokens.push_back(draws.shortage[s] * draws.added[kDomestic][kTokens][s] / money);
    }
    if (chips.empty()) return;
    year.missing_chips = quantiles_of(std::move(chips));
    year.missing_tokens_per_day = quantiles_of(std::move(tokens));
  }

  const Catalog& catalog_;
  const SupplyResult& supply_;
  Gap& gap_;
  std::size_t years_;
  std::vector<Holding> holdings_;
};

}  // namespace

void count_fleet(const Catalog& catalog, const SupplyResult& supply,
                 const std::map<std::string, const ChipWork*>& works, Gap& gap) {
  Accounts accounts(catalog, supply, gap);
  accounts.gather(works);
  accounts.count();
}

}  // namespace fivefold
