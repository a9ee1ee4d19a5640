#include "fivefold/economics/economics.h"

#include <algorithm>

#include <fmt/format.h>

namespace fivefold {
namespace {

constexpr double kSecondsPerYear = 365.25 * 86400;

void use(std::vector<const Fact*>& facts, const Fact* fact) {
  if (fact != nullptr) facts.push_back(fact);
}

Result<const Fact*> number(const Catalog& catalog, std::string_view id) {
  const auto fact = catalog.economics(id);
  if (!fact) return fact;
  if (!(*fact)->is_number()) return fail(fmt::format("'{}' is not a number", id));
  return fact;
}

// Every fact of the list, or the first error.
Result<std::vector<const Fact*>> numbers(const Catalog& catalog,
                                         std::initializer_list<std::string_view> ids) {
  std::vector<const Fact*> facts;
  for (const std::string_view id : ids) {
    auto fact = number(catalog, id);
    if (!fact) return fail(std::move(fact.error()));
    facts.push_back(*fact);
  }
  return facts;
}

double kilowatts(Watts power) {
  return power.value() / 1e3;
}

}  // namespace

Result<Grounded<Watts>> power_at_full_load(const Catalog& catalog, const System& system) {
  Grounded<Watts> power;
  if (system.power > Watts(0)) {
    power.value = system.power;
    power.formula = fmt::format("{:.1f} kW as published, all in", kilowatts(system.power));
    use(power.facts, system.facts.find("power"));
    return power;
  }
  if (system.chip->tdp <= Watts(0)) {
    return fail(fmt::format("neither the power of {} nor the TDP of {} is published", system.name,
                            system.chip->name));
  }
  auto rest = number(catalog, "power.rest");
  if (!rest) return fail(std::move(rest.error()));
  power.value = system.chips * system.chip->tdp * (1 + (*rest)->number);
  power.formula = fmt::format("{} chips x {:.0f} W x (1 + {:.2f})", system.chips,
                              system.chip->tdp.value(), (*rest)->number);
  use(power.facts, system.chip->facts.find("tdp"));
  use(power.facts, *rest);
  return power;
}

Result<Grounded<Watts>> power_under_load(const Catalog& catalog, const System& system,
                                         const Load& load) {
  auto full = power_at_full_load(catalog, system);
  if (!full || system.chip->tdp <= Watts(0)) return full;
  const auto shares = numbers(catalog, {"power.idle", "power.compute", "power.memory"});
  if (!shares) return fail(shares.error());
  const double idle = (*shares)[0]->number;
  const double compute = (*shares)[1]->number * std::clamp(load.compute, 0.0, 1.0);
  const double memory = (*shares)[2]->number * std::clamp(load.memory, 0.0, 1.0);
  const double activity = std::min(1.0, idle + compute + memory);
  // A published power below the chips' own TDP is a limit on the chips.
  const Watts chips = std::min(full->value, system.chips * system.chip->tdp);
  const Watts rest = full->value - chips;
  Grounded<Watts> power = std::move(*full);
  power.value = rest + activity * chips;
  power.formula = fmt::format(
      "{:.1f} kW around the chips + {:.1f} kW of chips x min(1, {:.2f} idle + {:.2f} arithmetic + "
      "{:.2f} memory)",
      kilowatts(rest), kilowatts(chips), idle, compute, memory);
  use(power.facts, system.chip->facts.find("tdp"));
  power.facts.insert(power.facts.end(), shares->begin(), shares->end());
  return power;
}

Result<Grounded<Usd>> price_of(const Catalog& catalog, const System& system) {
  Grounded<Usd> price;
  if (system.price > Usd(0)) {
    price.value = system.price;
    price.formula = fmt::format("{:.0f} USD as published", system.price.value());
    use(price.facts, system.facts.find("price"));
    return price;
  }
  if (system.chip->price <= Usd(0)) {
    return fail(fmt::format("neither the price of {} nor that of {} is published", system.name,
                            system.chip->name));
  }
  auto rest = number(catalog, "capex.rest");
  if (!rest) return fail(std::move(rest.error()));
  price.value = system.chips * system.chip->price * (1 + (*rest)->number);
  price.formula = fmt::format("{} chips x {:.0f} USD x (1 + {:.2f})", system.chips,
                              system.chip->price.value(), (*rest)->number);
  use(price.facts, system.chip->facts.find("price"));
  use(price.facts, *rest);
  return price;
}

Result<RunningCost> running_cost(const Catalog& catalog, const System& system, const Load& load,
                                 const Site& site) {
  auto power = power_under_load(catalog, system, load);
  if (!power) return fail(std::move(power.error()));
  auto price = price_of(catalog, system);
  if (!price) return fail(std::move(price.error()));
  const auto facts =
      numbers(catalog, {site.electricity, site.pue, "capex.lifetime", "capex.utilisation"});
  if (!facts) return fail(facts.error());
  const Fact &electricity = *(*facts)[0], &pue = *(*facts)[1], &life = *(*facts)[2],
             &use_share = *(*facts)[3];

  RunningCost cost;
  cost.energy.value =
      power->value * pue.number * Quantity<Dim{.joule = -1, .usd = 1}>(electricity.number);
  cost.energy.formula =
      fmt::format("{:.1f} kW x PUE {:.2f} x {:.3f} USD/kWh", kilowatts(power->value), pue.number,
                  electricity.number * 3.6e6);
  cost.energy.facts = {&electricity, &pue};
  cost.writeoff.value = price->value / Seconds(life.number * kSecondsPerYear * use_share.number);
  cost.writeoff.formula = fmt::format("{} / ({:.1f} years x {:.0f}% loaded)", price->formula,
                                      life.number, 100 * use_share.number);
  cost.writeoff.facts = price->facts;
  cost.writeoff.facts.insert(cost.writeoff.facts.end(), {&life, &use_share});
  cost.power = std::move(*power);
  return cost;
}

Result<Grounded<UsdPerSecond>> rental_cost(const Catalog& catalog, const System& system,
                                           std::string_view region) {
  const std::string& chip = system.chip->id;
  const auto fact =
      number(catalog, fmt::format("rent.{}.{}", chip.substr(0, chip.find('_')), region));
  if (!fact || (*fact)->dim != UsdPerSecond::kDim) {
    return fail(fmt::format("no rental price of {} is known", system.chip->name),
                "state one, for example '2.5 USD/h' for each chip");
  }
  Grounded<UsdPerSecond> cost;
  cost.value = UsdPerSecond(system.chips * (*fact)->number);
  cost.formula = fmt::format("{} chips x {:.2f} USD/h", system.chips, (*fact)->number * 3600);
  cost.facts = {*fact};
  return cost;
}

Joules energy_per_token(Watts power, double tokens_per_second) {
  return Joules(power.value() / tokens_per_second);
}

Usd cost_per_million_tokens(UsdPerSecond cost, double tokens_per_second) {
  return Usd(1e6 * cost.value() / tokens_per_second);
}

Usd cost_of_step(UsdPerSecond cost, double systems, Seconds step) {
  return systems * cost * step;
}

}  // namespace fivefold
