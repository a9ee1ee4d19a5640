#include "fivefold/kernel/fit.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "fivefold/base/nelder_mead.h"

namespace fivefold {
namespace {

constexpr std::size_t kMostSamples =
    2000;  // that the mechanism is fitted on; the residual takes all
constexpr std::size_t kCoarseSamples = 300, kMostSearched = 8, kFinalists = 3;
constexpr double kSmoothSecond = 0.1, kSmoothFirst = 0.03, kSmoothZero = 1e-3;
constexpr double kLeastDeviation = 0.02;  // errors below it weigh alike
constexpr int kReweightings = 4;
constexpr double kMostResidual = 1.5;
// Of a correction that chips of several architectures share, the part that a further one is given:
// some of it is how their libraries choose kernels, which does not carry over.
constexpr double kCarriedOver = 0.5;

// Of the format in which the device computes it.
double peak_of(const Device& device, const Shape& shape) {
  const ServedBy served = served_by(shape);
  return device.peak_for(computed_in(device, served.a, served.b)).value();
}

std::size_t architectures_of(std::span<const KernelSample> samples) {
  std::set<std::string_view> names;
  for (const KernelSample& sample : samples) names.insert(sample.device->architecture);
  return names.size();
}

double seconds_of(const KernelFacts& facts, const KernelSample& sample) {
  const Device& device = *sample.device;
  const FamilyParameters p = with_peak(on_device(facts, device, device.cores, device.clock.value()),
                                       peak_of(device, sample.shape));
  return mechanism(p, device.cores, sample.shape).time.value();
}

// At most so many, spread evenly, so that all parts of a table are seen.
std::vector<KernelSample> spread(std::span<const KernelSample> samples, std::size_t most) {
  const std::size_t step = (samples.size() + most - 1) / most;
  std::vector<KernelSample> few;
  for (std::size_t i = 0; i < samples.size(); i += step) few.push_back(samples[i]);
  return few;
}

// Samples of each chip in equal number, so that none counts for more because it was measured more
// often.
std::vector<KernelSample> thinned(std::span<const KernelSample> samples) {
  std::map<std::string_view, std::vector<KernelSample>> chips;
  for (const KernelSample& sample : samples) chips[sample.device->chip].push_back(sample);
  const std::size_t each = std::max<std::size_t>(kMostSamples / chips.size(), 1);
  std::vector<KernelSample> few;
  for (const auto& [chip, all] : chips) {
    const std::vector<KernelSample> part = spread(all, each);
    few.insert(few.end(), part.begin(), part.end());
  }
  return few;
}

// --- the mechanism ---

// Of a row's error, at most kMostCounted counts: a chip whose library runs a kernel of another kind
// cannot spoil what the others agree on.
constexpr double kMostCounted = 0.5;

struct Search {
  std::vector<FittedFact> facts;  // that lie between bounds
  KernelFacts fixed;
  double per_clock = 0;  // what compute_fraction is a fraction of on one architecture
  std::span<const KernelSample> samples;

  // x in [0, 1]: where between the bounds, by logarithm.
  KernelFacts at(const std::vector<double>& x) const {
    KernelFacts result = fixed;
    for (std::size_t i = 0; i < facts.size(); ++i) {
      const double low = std::log(facts[i].low), high = std::log(facts[i].high);
      result.*facts[i].value = std::exp(low + std::clamp(x[i], 0.0, 1.0) * (high - low));
    }
    result.compute_per_clock = result.compute_fraction * per_clock;
    return result;
  }
  double error(const std::vector<double>& x) const {
    const KernelFacts candidate = at(x);
    double sum = 0, outside = 0;
    for (const KernelSample& sample : samples) {
      const double off = std::abs(std::log(seconds_of(candidate, sample) / sample.seconds));
      sum += off / (1 + off / kMostCounted);
    }
    for (const double place : x) outside += std::max(0.0, std::abs(place - 0.5) - 0.5);
    return sum / double(samples.size()) + outside;
  }
};

// Operations of a core in a clock cycle at peak, if the samples are of one architecture: the most
// of its chips; else 0.
double most_per_clock(std::span<const KernelSample> samples) {
  double most = 0;
  for (const KernelSample& sample : samples) {
    const Device& device = *sample.device;
    if (device.architecture != samples.front().device->architecture) return 0;
    most = std::max(most, peak_of(device, sample.shape) / device.cores / device.clock.value());
  }
  return most;
}

// To four digits, as a stack file holds it.
double rounded(double value) {
  if (value <= 0) return value;
  const double unit = std::pow(10.0, std::floor(std::log10(value)) - 3);
  return std::round(value / unit) * unit;
}

// The best from the first `starts` starts of its parameters.
Vertex search_from(const Search& search, std::size_t starts) {
  Vertex best{{}, INFINITY};
  for (std::size_t s = 0; s < starts; ++s) {
    std::vector<double> start;
    for (const FittedFact& fact : search.facts) {
      const double from = fact.starts[std::min(s, fact.starts.size() - 1)];
      start.push_back(std::log(from / fact.low) / std::log(fact.high / fact.low));
    }
    Vertex found = nelder_mead([&](const std::vector<double>& x) { return search.error(x); },
                               std::move(start), 60 * int(search.facts.size()));
    if (found.error < best.error) best = std::move(found);
  }
  return best;
}

// One search for each combination of the parameters that are chosen.
std::vector<Search> choices_of(const Search& search, const std::vector<FittedFact>& chosen) {
  std::vector<Search> choices = {search};
  for (const FittedFact& fact : chosen) {
    std::vector<Search> more;
    for (const Search& choice : choices) {
      for (const double value : fact.starts) {
        more.push_back(choice);
        more.back().fixed.*fact.value = value;
      }
    }
    choices = std::move(more);
  }
  return choices;
}

// The choices that fit best where every sample is not asked.
std::vector<Search> promising(std::vector<Search> choices) {
  if (choices.size() <= kMostSearched) return choices;
  std::vector<std::pair<double, std::size_t>> ranks;
  const std::vector<KernelSample> few = spread(choices.front().samples, kCoarseSamples);
  for (std::size_t i = 0; i < choices.size(); ++i) {
    Search quick = choices[i];
    quick.samples = few;
    ranks.emplace_back(search_from(quick, 1).error, i);
  }
  std::sort(ranks.begin(), ranks.end());
  std::vector<Search> best;
  for (std::size_t i = 0; i < kFinalists; ++i) best.push_back(choices[ranks[i].second]);
  return best;
}

KernelFacts fit_mechanism(Family family, std::span<const KernelSample> samples,
                          bool formats_differ) {
  const std::vector<KernelSample> few = thinned(samples);
  Search search;
  search.samples = few;
  search.per_clock = formats_differ ? 0 : most_per_clock(few);
  search.fixed.most_of_peak = 1;
  search.fixed.launch = 0;  // latencies are fitted in cycles
  std::vector<FittedFact> chosen;
  for (FittedFact& fact : fitted_facts(family, formats_differ)) {
    (fact.chosen ? chosen : search.facts).push_back(std::move(fact));
  }
  KernelFacts best;
  double least = INFINITY;
  for (const Search& choice : promising(choices_of(search, chosen))) {
    const Vertex found = search_from(choice, 2);
    if (found.error >= least) continue;
    least = found.error;
    best = choice.at(found.x);
    for (const FittedFact& fact : search.facts) best.*fact.value = rounded(best.*fact.value);
    best.compute_per_clock = rounded(best.compute_fraction * search.per_clock);
  }
  return best;
}

// --- the correction ---

struct Row {
  std::vector<std::uint32_t> place;
  std::vector<float> share;
};

// Differences along one axis of one term: rows of the penalty.
struct Difference {
  std::uint32_t at[3];
  double weight[3];
};

void add_differences(const Term& term, std::uint32_t offset, std::vector<Difference>& into) {
  std::array<std::size_t, 3> strides{};
  std::size_t stride = 1;
  for (int d = term.dims - 1; d >= 0; --d) {
    strides[d] = stride;
    stride *= term.axes[d].knots.size();
  }
  for (std::size_t i = 0; i < term.size(); ++i) {
    for (int d = 0; d < term.dims; ++d) {
      const auto& knots = term.axes[d].knots;
      const std::size_t k = i / strides[d] % knots.size();
      const auto at = [&](std::size_t steps) {
        return static_cast<std::uint32_t>(offset + i + steps * strides[d]);
      };
      if (k + 1 < knots.size()) {
        const double w = std::sqrt(kSmoothFirst / (knots[k + 1] - knots[k]));
        into.push_back({{at(0), at(1), at(1)}, {-w, w, 0}});
      }
      if (k + 2 < knots.size()) {
        const double w = std::sqrt(kSmoothSecond);
        const double a = w / (knots[k + 1] - knots[k]), b = w / (knots[k + 2] - knots[k + 1]);
        into.push_back({{at(0), at(1), at(2)}, {a, -a - b, b}});
      }
    }
  }
}

struct System {
  std::vector<Row> rows;
  std::vector<double> target, weight;
  std::vector<Difference> differences;

  // (A' W A + D' D + e) x
  std::vector<double> times(const std::vector<double>& x) const {
    std::vector<double> result(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) result[i] = kSmoothZero * x[i];
    for (std::size_t r = 0; r < rows.size(); ++r) {
      const double value = weight[r] * at(rows[r], x);
      for (std::size_t c = 0; c < rows[r].place.size(); ++c)
        result[rows[r].place[c]] += value * rows[r].share[c];
    }
    for (const Difference& d : differences) {
      double value = 0;
      for (int c = 0; c < 3; ++c) value += d.weight[c] * x[d.at[c]];
      for (int c = 0; c < 3; ++c) result[d.at[c]] += value * d.weight[c];
    }
    return result;
  }
  static double at(const Row& row, const std::vector<double>& x) {
    double value = 0;
    for (std::size_t c = 0; c < row.place.size(); ++c) value += row.share[c] * x[row.place[c]];
    return value;
  }
};

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

// Conjugate gradients from x.
void solve(const System& system, std::vector<double>& x) {
  std::vector<double> rest(x.size(), 0.0);
  for (std::size_t r = 0; r < system.rows.size(); ++r) {
    const Row& row = system.rows[r];
    for (std::size_t c = 0; c < row.place.size(); ++c)
      rest[row.place[c]] += system.weight[r] * system.target[r] * row.share[c];
  }
  const double scale = dot(rest, rest);
  const std::vector<double> reached = system.times(x);
  for (std::size_t i = 0; i < x.size(); ++i) rest[i] -= reached[i];
  std::vector<double> direction = rest;
  double left = dot(rest, rest);
  for (int step = 0; step < 200 && left > 1e-9 * scale; ++step) {
    const std::vector<double> image = system.times(direction);
    const double length = left / dot(direction, image);
    for (std::size_t i = 0; i < x.size(); ++i) {
      x[i] += length * direction[i];
      rest[i] -= length * image[i];
    }
    const double next = dot(rest, rest);
    for (std::size_t i = 0; i < x.size(); ++i) direction[i] = rest[i] + next / left * direction[i];
    left = next;
  }
}

Residual fit_residual(Family family, const KernelFacts& facts,
                      std::span<const KernelSample> samples) {
  const std::span<const Term> terms = terms_of(family);
  System system;
  std::size_t size = 0;
  for (const Term& term : terms) {
    add_differences(term, static_cast<std::uint32_t>(size), system.differences);
    size += term.size();
  }
  if (size == 0) return {};
  for (const KernelSample& sample : samples) {
    Features features{};
    features_of(sample.device->cores, sample.shape, features);
    Row row;
    std::uint32_t offset = 0;
    for (const Term& term : terms) {
      const Corners found = corners(term, features);
      for (int c = 0; c < found.count; ++c) {
        row.place.push_back(offset + found.place[c]);
        row.share.push_back(found.share[c]);
      }
      offset += static_cast<std::uint32_t>(term.size());
    }
    system.rows.push_back(std::move(row));
    system.target.push_back(std::clamp(std::log(sample.seconds / seconds_of(facts, sample)),
                                       -kMostResidual, kMostResidual));
  }
  system.weight.assign(system.rows.size(), 1.0);
  std::vector<double> x(size, 0.0);
  for (int round = 0; round < kReweightings; ++round) {
    solve(system, x);
    for (std::size_t r = 0; r < system.rows.size(); ++r) {
      const double off = std::abs(system.target[r] - System::at(system.rows[r], x));
      system.weight[r] = 0.1 / std::max(off, kLeastDeviation);
    }
  }
  if (architectures_of(samples) > 1) {
    for (double& value : x) value *= kCarriedOver;
  }
  // What the stack's text can hold, so that a fit and what was read back are the same.
  const Residual exact(terms, std::vector<float>(x.begin(), x.end()));
  return *Residual::decode(family, exact.encode());
}

}  // namespace

KernelFit fit_kernel(Family family, std::span<const KernelSample> samples, bool formats_differ) {
  KernelFit fit;
  fit.facts = fit_mechanism(family, samples, formats_differ);
  fit.mechanism_error = mean_error(fit, samples);
  if (samples.size() >= kLeastForResidual) fit.residual = fit_residual(family, fit.facts, samples);
  fit.error = mean_error(fit, samples);
  return fit;
}

double fitted_seconds(const KernelFit& fit, const KernelSample& sample) {
  const double seconds = seconds_of(fit.facts, sample);
  if (fit.residual.empty()) return seconds;
  Features features{};
  features_of(sample.device->cores, sample.shape, features);
  return seconds * std::exp(fit.residual.at(features));
}

double mean_error(const KernelFit& fit, std::span<const KernelSample> samples) {
  double sum = 0;
  for (const KernelSample& sample : samples)
    sum += std::abs(fitted_seconds(fit, sample) / sample.seconds - 1);
  return samples.empty() ? 0 : sum / double(samples.size());
}

}  // namespace fivefold
