// A published serving point whose layout stands in prose, written out as data
// (catalog/deployments): which rows it stands for, on what machine, cut how.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fivefold/evidence/full_load.h"
#include "fivefold/evidence/serving_case.h"

namespace fivefold {

struct Deployment {
  // kFull: requests never run out. kPools: prefill on instances of its own. kLoad: the layout is
  // not published, the load is (published_load.cpp).
  enum class Phase { kPrefill, kDecode, kMixed, kFull, kPools, kLoad };
  std::vector<std::string> rows;  // ids; a trailing * stands for any rest
  std::string refused;            // why these rows are not predicted; nothing else is then given
  ServingSetup setup;
  ServingLayout layout;
  ServingWorkload workload;  // without lengths where the row gives them
  EngineLimits limits;
  Phase phase = Phase::kDecode;
  std::optional<double> input, output;
  std::optional<double> tokens;  // prefill: per device in a batch
  std::optional<double>
      batch;  // decode: per attention group; empty: the largest within the TPOT limit
  std::optional<double> concurrency;  // mixed, pools
  ServingLayout prefill_layout;       // pools
  double instances = 1, prefill_instances = 1;
  std::vector<Deployment> against;  // none, or what the row compares with
  bool calibrates = false;          // a parameter of a stack was set on these rows
  Place place;
};

Result<std::vector<Deployment>> load_deployments();
Result<std::vector<Deployment>> read_deployments(const std::string& file, std::string_view text);

// The deployment that names the row: by its whole id, else by the longest pattern; null if none
// does.
const Deployment* deployment_of(const std::vector<Deployment>& deployments, std::string_view id);

}  // namespace fivefold
