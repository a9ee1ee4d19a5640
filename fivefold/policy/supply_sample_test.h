// A small book of one or two vendors whose numbers the tests choose.
#pragma once

#include <string>

#include "fivefold/policy/supply_data.h"

namespace fivefold {

struct SmallBook {
  std::string wafers = "1000", yield = "0.5", lead = "0", packaging = "1000000";
  std::string memory = "100000000", stacks = "4", dies = "1", pack_yield = "1";
  std::string share_a = "0.6", share_b = "0.3", modules = "1", bank = "0";
  std::string more;  // points of wafers, further keys

  // Nothing varies: facts without a range, and a spread of zero.
  std::string text() const;
};

inline CatalogFile file_of(const std::string& text) {
  return {"book.yaml", text, 0};
}

}  // namespace fivefold
