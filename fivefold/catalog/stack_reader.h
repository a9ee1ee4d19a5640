// Stacks as the files state them; the form is described in stack.h.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fivefold/catalog/fact_reader.h"
#include "fivefold/catalog/stack.h"

namespace fivefold {

// Whose entries a stack takes over, and which of its formats stand for which (here, there).
struct LikeStack {
  std::string stack, chip;
  std::vector<std::pair<std::string, std::string>> formats;
  Place place;
};

struct RawStack {
  Stack stack;
  Place place;
  std::vector<std::string> extends;  // those named later win over those named earlier
  Place extends_place;
  std::optional<LikeStack> like;
};

void read_stacks(const yaml::Node& list, const FactReader& reader, std::vector<RawStack>& into);
// An overlay's stack of a known id: its entries come after the others, so they win.
void lay_over(RawStack& below, RawStack above);
// Stacks in their order with the entries of those that they extend first, then of those that they
// are like.
std::vector<Stack> resolve_stacks(const std::vector<RawStack>& raw, const std::vector<Chip>& chips,
                                  std::vector<Problem>& problems);

}  // namespace fivefold
