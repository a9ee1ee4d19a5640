// What a benchmark's own scripts say of the runs behind rows that do not say it themselves.
#pragma once

#include <string>
#include <vector>

#include "fivefold/evidence/serving_case.h"

namespace fivefold {

struct ServingRun {
  ServingWorkload workload;  // lengths as they are drawn, on average
  std::string cache;         // format of the KV cache; empty: as the model is served
};

// Of a row of closed loops with these nominal lengths.
ServingRun serving_run(const CsvTable& table, std::size_t row, double input, double output);

// No engine is quicker for a sequence because it serves four times as many: rows whose time per
// token is well below that of few requests, all else equal, are of a run that did something else.
std::vector<bool> contradicted_rows(const CsvTable& table);

// Whether a row's own times (ms) ask for more arithmetic than serving reaches (half of the peak in
// the best rows of these tables): its prompts were not computed, but found in a cache.
bool exceeds_arithmetic(const ServingRig& rig, const ServingWorkload& load, double devices,
                        double requests, double ttft, double tpot);

}  // namespace fivefold
