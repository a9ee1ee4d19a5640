// ServeGen (arXiv 2505.09999): a service as its clients, each a rate, a spread of gaps and
// histograms of lengths by windows of time.
#pragma once

#include <string>
#include <vector>

#include "fivefold/traffic/archive.h"
#include "fivefold/traffic/traffic.h"

namespace fivefold {

// "chunk-12-trace.csv", whatever folder it lies in.
bool is_servegen_trace(const std::string& name);
// chunk-N-trace.csv: window start s, requests/s, CV of gaps, Gamma or Weibull, its two arguments
// (shape and scale; the rate tells the scale again). chunk-N-dataset.json: by window start,
// "{length: probability, ...}" of input_tokens and output_tokens.
Result<ReadLoad> draw_servegen(const std::vector<PackedFile>& files, const std::string& path,
                               const ReadOptions& options);

}  // namespace fivefold
