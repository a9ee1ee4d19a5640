#include "fivefold/policy/supply_count.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "fivefold/base/parallel.h"
#include "fivefold/base/random.h"
#include "fivefold/base/statistics.h"

namespace fivefold {
namespace {

constexpr std::size_t kBatches = 20;

std::uint8_t largest(const std::array<double, kLimits>& votes) {
  return std::uint8_t(std::max_element(votes.begin(), votes.end()) - votes.begin());
}

void count_group(const SupplyFuture& future, const SupplySimulation& sim,
                 const std::vector<std::size_t>& members, std::size_t sample, SupplyTally& into) {
  for (std::size_t p = 0; p < sim.spans.size(); ++p) {
    VendorQuarter sum;
    for (int q = sim.spans[p].first; q <= sim.spans[p].last; ++q) {
      for (const std::size_t v : members) {
        const VendorQuarter& one = future.vendor(q, v);
        sum.chips += one.chips;
        sum.dies += one.dies;
        for (std::size_t l = 0; l < kLimits; ++l) sum.votes[l] += one.votes[l];
      }
    }
    into.chips[p][sample] = sum.chips;
    into.dies[p][sample] = sum.dies;
    // Of several vendors: what limits those that make chips themselves.
    if (members.size() > 1) sum.votes[std::size_t(SupplyLimit::kImports)] = 0;
    into.limit[p][sample] = largest(sum.votes);
  }
}

void play(const SupplySimulation& sim, std::size_t begin, std::size_t end, SupplyCounts& counts) {
  SupplyFuture future(sim.data, sim.views, sim.quarters);
  std::vector<double> u(sim.views.size());
  std::vector<std::size_t> domestic, all;
  for (std::size_t v = 0; v < sim.data.vendors.size(); ++v) {
    all.push_back(v);
    if (sim.data.vendors[v].origin == "CN") domestic.push_back(v);
  }
  for (std::size_t i = begin; i < end; ++i) {
    for (std::size_t s = 0; s < u.size(); ++s) u[s] = sim.draws[s][i];
    future.run(u);
    for (std::size_t a = 0; a < sim.asked.size(); ++a)
      count_group(future, sim, {sim.asked[a]}, i, counts.vendors[a]);
    count_group(future, sim, domestic, i, counts.domestic);
    count_group(future, sim, all, i, counts.total);
    for (std::size_t l = 0; l < counts.lines.size(); ++l) {
      for (std::size_t p = 0; p < counts.lines[l].size(); ++p) {
        double sum = 0;
        for (int q = sim.spans[p].first; q <= sim.spans[p].last; ++q) sum += future.line(q, l);
        counts.lines[l][p][i] = sum;
      }
    }
  }
}

}  // namespace

SupplyCounts count_futures(const SupplySimulation& sim, std::size_t samples,
                           const std::function<void(double)>& progress) {
  SupplyCounts counts;
  const std::size_t periods = sim.spans.size();
  counts.vendors.resize(sim.asked.size());
  for (SupplyTally& tally : counts.vendors) tally.resize(periods, samples);
  counts.domestic.resize(periods, samples);
  counts.total.resize(periods, samples);
  for (const SupplyLine& line : supply_lines(sim.data)) {
    const bool shown =
        std::find(sim.asked.begin(), sim.asked.end(), std::size_t(line.vendor)) != sim.asked.end();
    counts.lines.emplace_back(shown ? periods : 0, PerSample(samples));
  }
  constexpr std::size_t kPieces = 16;  // of a batch, whatever the number of threads
  for (std::size_t b = 0; b < kBatches; ++b) {
    const std::size_t from = samples * b / kBatches, to = samples * (b + 1) / kBatches;
    parallel_for(kPieces, [&](std::size_t piece) {
      const std::size_t begin = from + (to - from) * piece / kPieces;
      const std::size_t end = from + (to - from) * (piece + 1) / kPieces;
      if (begin < end) play(sim, begin, end, counts);
    });
    if (progress) progress(double(b + 1) / kBatches);
  }
  return counts;
}

std::vector<SupplySpan> supply_spans(const SupplyBook::Data& data, const SupplyQuestion& question) {
  std::vector<SupplySpan> spans;
  const int first = quarters_between(data.start, question.from);
  const int last = quarters_between(data.start, question.to);
  for (int q = first; q <= last; ++q) spans.push_back({q, q, to_text(data.start + q), 0});
  for (int q = first; q + 3 <= last; ++q) {
    const Quarter quarter = data.start + q;
    if (quarter.quarter == 1)
      spans.push_back({q, q + 3, fmt::format("{}", quarter.year), quarter.year});
  }
  return spans;
}

std::vector<PerSample> stratified(const std::vector<SeriesView>& views, std::size_t samples,
                                  std::uint64_t seed) {
  std::vector<PerSample> draws(views.size());
  parallel_for(views.size(), [&](std::size_t s) {
    if (!views[s].known()) {
      draws[s].assign(samples, 0.5);
      return;
    }
    Random random(seed, "supply " + views[s].series->id);
    PerSample& column = draws[s];
    column.resize(samples);
    for (std::size_t i = 0; i < samples; ++i)
      column[i] = (double(i) + random.uniform()) / double(samples);
    for (std::size_t i = samples; i > 1; --i)
      std::swap(column[i - 1], column[random.below(std::uint32_t(i))]);
  });
  return draws;
}

Quantiles quantiles_of(PerSample values) {
  std::sort(values.begin(), values.end());
  const auto at = [&](double share) { return sorted_quantile(values, share); };
  return {at(0.05), at(0.25), at(0.5), at(0.75), at(0.95), mean(values)};
}

}  // namespace fivefold
