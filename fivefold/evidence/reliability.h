// Published figures of runs and clusters: interruptions, mean times to failure, goodput.
#pragma once

#include "fivefold/evidence/evidence.h"

namespace fivefold {

// Families: `reliability` (rates and times between failures), `goodput_bound` (shares of time that
// are published as "more than": the difference is no error, and a prediction below it is one).
// Rows that the catalog's rates were derived from are `calibrated`, and so are projections that
// their source made from such a rate. Machines of the rows are taken as the cluster of the Llama 3
// paper in smaller or larger.
Predictions predict_reliability(const Catalog& catalog, const CsvTable& table);

}  // namespace fivefold
