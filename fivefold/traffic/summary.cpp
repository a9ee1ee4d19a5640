#include <algorithm>
#include <cmath>

#include "fivefold/base/statistics.h"
#include "fivefold/traffic/traffic.h"

namespace fivefold {
namespace {

double gap_cv(const RequestLoad& load) {
  const double count = double(load.requests.size()) - 1;
  if (count < 1 || load.span() <= 0) return 0;
  const double usual = load.span() / count;
  double squares = 0;
  for (std::size_t i = 1; i < load.requests.size(); ++i) {
    const double off = load.requests[i].arrival - load.requests[i - 1].arrival - usual;
    squares += off * off;
  }
  return std::sqrt(squares / count) / usual;
}

std::optional<double> reuse_of(const RequestLoad& load) {
  if (load.block_tokens == 0 || load.block_ids.empty()) return std::nullopt;
  std::vector<bool> seen(*std::max_element(load.block_ids.begin(), load.block_ids.end()) + 1u);
  std::size_t again = 0;
  std::size_t all = 0;
  for (const Request& request : load.requests) {
    for (const std::uint32_t id : load.blocks_of(request)) {
      again += seen[id] ? 1 : 0;
      seen[id] = true;
      ++all;
    }
  }
  return all > 0 ? std::optional(double(again) / double(all)) : std::nullopt;
}

}  // namespace

LoadSummary summarise(const RequestLoad& load) {
  LoadSummary summary;
  summary.requests = load.requests.size();
  if (load.requests.empty()) return summary;
  summary.span = load.span();
  // By gaps: a request more than there are gaps would make short loads look faster.
  if (summary.span > 0) summary.rate = double(load.requests.size() - 1) / summary.span;
  summary.gap_cv = gap_cv(load);
  std::vector<double> input;
  std::vector<double> output;
  for (const Request& request : load.requests) {
    input.push_back(request.input);
    output.push_back(request.output);
  }
  std::sort(input.begin(), input.end());
  std::sort(output.begin(), output.end());
  summary.input_mean = mean(input);
  summary.output_mean = mean(output);
  summary.input_p50 = quantile(input, 0.5);
  summary.input_p99 = quantile(input, 0.99);
  summary.input_max = input.back();
  summary.output_p50 = quantile(output, 0.5);
  summary.output_p99 = quantile(output, 0.99);
  summary.output_max = output.back();
  summary.reuse = reuse_of(load);
  return summary;
}

}  // namespace fivefold
