// What a benchmark's own scripts say of the runs behind rows that do not say it themselves.
#pragma once

#include "fivefold/evidence/evidence.h"
#include "fivefold/serving/serving.h"

namespace fivefold {

struct ServingRun {
  ServingWorkload workload;  // lengths as they are drawn, on average
  std::string cache;         // format of the KV cache; empty: as the model is served
};

// Of a row of closed loops with these nominal lengths.
ServingRun serving_run(const CsvTable& table, std::size_t row, double input, double output);

}  // namespace fivefold
