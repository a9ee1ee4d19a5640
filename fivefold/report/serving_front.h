// The plan of a serving search as text, JSON, CSV and a picture: the chosen plan, throughput
// against speed, and the best of other layouts.
#pragma once

#include <string>

#include "fivefold/planner/serving_search.h"

namespace fivefold {

struct ServingFront {
  const ServingSpace& space;  // with a catalog
  const ServingGoal& goal;
  const ServingSearch& search;
};

std::string front_text(const ServingFront& front);
std::string front_json(const ServingFront& front);
// The front alone, a line a plan.
std::string front_csv(const ServingFront& front);
// Output tokens/s a chip against tokens/s a user, as a file of its own.
std::string front_svg(const ServingFront& front);

}  // namespace fivefold
