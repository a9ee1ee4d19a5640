// Stacks as the files state them; the form is described in stack.h.
#pragma once

#include <string>
#include <vector>

#include "fivefold/catalog/fact_reader.h"
#include "fivefold/catalog/stack.h"

namespace fivefold {

struct RawStack {
  Stack stack;
  Place place;
  std::vector<std::string> extends;  // those named later win over those named earlier
  Place extends_place;
};

void read_stacks(const yaml::Node& list, const FactReader& reader, std::vector<RawStack>& into);
// An overlay's stack of a known id: its entries come after the others, so they win.
void lay_over(RawStack& below, RawStack above);
// Stacks in their order with the entries of those that they extend first.
std::vector<Stack> resolve_stacks(const std::vector<RawStack>& raw, std::vector<Problem>& problems);

}  // namespace fivefold
