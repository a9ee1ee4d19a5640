// Power under load, price, and what a token or a training step costs.
//
// The published all-in power of a system is the ceiling; of it, TDP is what chips take at full load
// and the rest (host, network, fans) runs whatever the load. A chip takes
//   TDP x (idle + compute x u_c + memory x u_m), at most TDP,
// with u_c and u_m the shares of time that arithmetic and memory traffic take at the rate kernels
// sustain. Cost is straight-line write-off of the system over its life, while it is loaded, plus
// energy at the wall (system power x PUE). Staff, building and capital cost are not in it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fivefold/catalog/catalog.h"

namespace fivefold {

using UsdPerSecond = Quantity<Dim{.second = -1, .usd = 1}>;

// Shares of a step's time, from 0 to 1.
struct Load {
  double compute = 0;
  double memory = 0;
};

// A value, the formula it follows from, and the facts in it. Pointers live as long as the catalog.
template <class T>
struct Grounded {
  T value{};
  std::string formula;
  std::vector<const Fact*> facts;
};

// Where a machine stands: which price of electricity and which PUE hold. One site for all sides, so
// that a comparison is of machines, unless a caller moves one.
struct Site {
  std::string electricity = "elec.us.avg";
  std::string pue = "pue.liquid";
};

// Of the system at the plug, without the site's PUE.
Result<Grounded<Watts>> power_under_load(const Catalog& catalog, const System& system,
                                         const Load& load);
// The published all-in power; else chips at TDP and the assumed share around them.
Result<Grounded<Watts>> power_at_full_load(const Catalog& catalog, const System& system);
// The published price; else that of its chips and the assumed share around them. Fails if neither
// is known.
Result<Grounded<Usd>> price_of(const Catalog& catalog, const System& system);

struct RunningCost {
  Grounded<Watts> power;            // of the system at the plug
  Grounded<UsdPerSecond> energy;    // power x PUE x price of electricity
  Grounded<UsdPerSecond> writeoff;  // price / (lifetime x utilisation)
  UsdPerSecond total() const { return energy.value + writeoff.value; }
};
// While the system carries this load.
Result<RunningCost> running_cost(const Catalog& catalog, const System& system, const Load& load,
                                 const Site& site);

// Of a system rented by the hour, electricity and building included: the price that the catalog has
// for its chip, `rent.FAMILY.REGION` with FAMILY the chip's id up to its first '_'
// ("rent.h100.us"). Fails if there is none.
Result<Grounded<UsdPerSecond>> rental_cost(const Catalog& catalog, const System& system,
                                           std::string_view region = "us");

// Energy at the plug of one token, and money for a million, at tokens/s of the whole system.
Joules energy_per_token(Watts power, double tokens_per_second);
Usd cost_per_million_tokens(UsdPerSecond cost, double tokens_per_second);
// Of `systems` for the duration of a step.
Usd cost_of_step(UsdPerSecond cost, double systems, Seconds step);

}  // namespace fivefold
