// A published serving point whose layout stands in prose, written out as data
// (catalog/deployments): which rows it stands for, on what machine, cut how.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fivefold/evidence/serving_case.h"

namespace fivefold {

struct Deployment {
  enum class Phase { kPrefill, kDecode, kMixed };
  std::vector<std::string> rows;
  ServingSetup setup;
  ServingLayout layout;
  ServingWorkload workload;  // without lengths where the row gives them
  Phase phase = Phase::kDecode;
  std::optional<double> input, output;
  std::optional<double> tokens;  // prefill: per device in a batch
  std::optional<double>
      batch;  // decode: per attention group; empty: the largest within the TPOT limit
  std::optional<double> concurrency;  // mixed; empty: what memory holds
  Place place;
};

Result<std::vector<Deployment>> load_deployments();
Result<std::vector<Deployment>> read_deployments(const std::string& file, std::string_view text);

}  // namespace fivefold
