// Published claims, recomputed. A claim is data (catalog/claims/*.yaml): what was said, by whom,
// and a formula over facts of the catalog. It is computed twice: with the inputs of the source that
// made the claim, and with the catalog's own first choice; where the two differ, the inputs that
// disagree are named.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fivefold/catalog/catalog.h"
#include "fivefold/catalog/explanation.h"

namespace fivefold {

enum class ClaimVerdict { kCloses, kDiffers, kOpen };
std::string_view name(ClaimVerdict verdict);

struct Claim {
  std::string id;                                       // "C03"
  std::string heading;                                  // of the group it stands in
  std::string text;                                     // "dense BF16 of the system"
  std::string said;                                     // as published: "1.7x"
  double published = 0;                                 // in `unit`
  std::optional<double> published_low, published_high;  // of a claim made as a range
  std::string unit;                                     // "x", "PFLOPS", "chips", ...
  std::vector<std::string> sources;
  std::string formula;              // empty: the inputs were not published
  std::vector<std::string> prefer;  // the claim's own sources, for inputs on which sources disagree
  std::string note;
  std::vector<Fact> inputs;  // numbers of the claim that are not facts of a chip or system
  Place place;
};

struct ClaimResult {
  Claim claim;
  std::optional<double> computed;      // with the inputs that the claim's source used
  std::optional<double> with_catalog;  // with the catalog's first choice of each input
  double difference = 0;               // computed / published - 1
  ClaimVerdict verdict = ClaimVerdict::kOpen;
  std::vector<std::string> reasons;  // which input explains a difference
  Explanation why;
};

Result<std::vector<Claim>> load_claims();
Result<std::vector<Claim>> read_claims(const std::string& file, std::string_view text);
// Agreement: within 5% of what was published, or within its range.
Result<ClaimResult> recompute(const Catalog& catalog, const Claim& claim);

}  // namespace fivefold
