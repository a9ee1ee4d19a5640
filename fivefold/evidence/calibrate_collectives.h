// Fits the parameters of communication libraries (fabric/library.h) to measured collectives, and
// says how well they predict rows and chips that the fit did not see.
//
// A layer is one kind of traffic of one library on one fabric: (comm/nccl, hopper/switch,
// all_gather). It takes the rows whose group has that fabric outermost. Libraries that extend
// another, and networks outside a fabric, are fitted after those they rest on. Where a library was
// measured on several chips of one architecture, each chip with rows enough has its own layer over
// the shared one. Facts that people wrote for a more specific fabric stay as they are. A fifth of
// the shapes is held out of every fit (is_held_out).
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "fivefold/evidence/collective_rows.h"

namespace fivefold {

struct CollectiveLayer {
  std::string stack;    // "comm/nccl"
  std::string fabric;   // "hopper/switch", or "gb200_gpu/switch" of one chip
  std::string traffic;  // "all_gather"
  std::vector<std::pair<std::string_view, double>> values;  // of fitted_link_facts, coherent units
  int rows = 0, held_rows = 0;
  double error = 0, held_error = 0, held_bias = 0;  // mean |predicted/measured - 1|, mean ln
  std::set<std::string> chips;
  std::set<std::tuple<std::string, std::string, std::string>> data;  // source, family, chip
};

struct CollectiveLayers {
  std::vector<CollectiveLayer> layers;
  std::vector<std::string> too_few;    // with their rows
  std::map<std::string, int> refused;  // reason -> rows
};

// `source`: facts that name it are taken for an earlier fit's, and left out of account.
Result<CollectiveLayers> fit_collectives(const Catalog& catalog,
                                         const std::vector<std::string>& paths,
                                         std::string_view source,
                                         const std::function<void(double)>& progress = {});

// Rows predicted chip by chip with parameters that were fitted without that chip. Where no chip of
// its architecture is left, those of the nearest generation stand in: rates as shares of nominal
// bandwidth, latencies in cycles.
Result<Evidence> validate_collectives_without_chip(
    const Catalog& catalog, const std::vector<std::string>& paths, std::string_view source,
    const std::function<void(double)>& progress = {});

// A stack file with each layer in the piece of its stack that holds what was fitted.
std::string collective_yaml(const CollectiveLayers& fitted, const std::string& source);

// A parameter that may be fitted.
struct LinkFact {
  std::string_view name, unit;  // unit as YAML has it, empty: a fraction
  double scale = 1;             // of the unit
  double low = 0, high = 0;     // coherent units
  double typical = 0;           // where rows leave it open, the fit stays near it
  double (*access)(LinkParameters&, const double*);  // sets if not null; returns the value
};
// In blocks that a search takes one after the other: each protocol's rows depend on its own.
using LinkBlock = std::vector<const LinkFact*>;
std::vector<LinkBlock> blocks_of(std::string_view stack, std::string_view fabric,
                                 std::string_view traffic, bool in_network);

// The source that facts of the shipped fit name.
inline constexpr std::string_view kCollectivesSource = "FIT-COLLECTIVES";

}  // namespace fivefold
