// Loads from distributions, and loads from loads.
#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "fivefold/base/text.h"
#include "fivefold/traffic/gaps.h"
#include "fivefold/traffic/traffic.h"

namespace fivefold {
namespace {

constexpr double kMostTokens = std::numeric_limits<std::int32_t>::max();

std::int32_t tokens(double value) {
  return std::int32_t(std::clamp(std::round(value), 1.0, kMostTokens));
}

std::int32_t drawn_length(const Lengths& lengths, double nominal, double cv, Random& random) {
  switch (lengths.kind) {
    case Lengths::Kind::kFixed:
    case Lengths::Kind::kTrace:
      break;
    case Lengths::Kind::kUniform: {
      const std::int32_t least = tokens(std::floor(nominal * lengths.spread));
      const std::int32_t most = std::max(tokens(nominal), least);
      return least + std::int32_t(random.below(std::uint32_t(most - least) + 1));
    }
    case Lengths::Kind::kLognormal: {
      const double variance = std::log1p(cv * cv);
      return tokens(random.lognormal(nominal * std::exp(-variance / 2), std::sqrt(variance)));
    }
  }
  return tokens(nominal);
}

std::string name_of(const Lengths& lengths) {
  std::string means = fmt::format("{:g} in, {:g} out", lengths.input, lengths.output);
  switch (lengths.kind) {
    case Lengths::Kind::kFixed:
      return means;
    case Lengths::Kind::kUniform:
      return fmt::format("up to {}, from {} of it", means, format_percent(lengths.spread));
    case Lengths::Kind::kLognormal:
      return fmt::format("lognormal, means {}", means);
    case Lengths::Kind::kTrace:
      break;
  }
  return fmt::format("lengths of {}", lengths.trace->name);
}

}  // namespace

RequestLoad draw_closed(const Lengths& lengths, std::size_t count, std::uint64_t seed) {
  RequestLoad load;
  load.name = name_of(lengths);
  load.requests.resize(count);
  Random input(seed, "load input");
  Random output(seed, "load output");
  const RequestLoad* trace = lengths.kind == Lengths::Kind::kTrace ? lengths.trace : nullptr;
  assert(trace == nullptr || !trace->requests.empty());
  for (Request& request : load.requests) {
    if (trace != nullptr) {
      const Request& like = trace->requests[input.below(std::uint32_t(trace->requests.size()))];
      request.input = like.input;
      request.output = like.output;
      request.images = like.images;
    } else {
      request.input = drawn_length(lengths, lengths.input, lengths.input_cv, input);
      request.output = drawn_length(lengths, lengths.output, lengths.output_cv, output);
    }
  }
  return load;
}

RequestLoad draw_load(const Lengths& lengths, const Arrivals& arrivals, std::size_t count,
                      std::uint64_t seed) {
  assert(arrivals.rate > 0 && arrivals.cv >= 0);
  RequestLoad load = draw_closed(lengths, count, seed);
  load.name += fmt::format(", {:g}/s, gaps of cv {:g}", arrivals.rate, arrivals.cv);
  const Gaps gaps = Gaps::with_cv(1 / arrivals.rate, arrivals.cv);
  Random random(seed, "load gaps");
  double at = 0;
  for (Request& request : load.requests) {
    request.arrival = at;
    at += gaps.next(random);
  }
  return load;
}

RequestLoad repeated(const RequestLoad& load, int times) {
  assert(times >= 1);
  RequestLoad result = load;
  if (load.requests.empty()) return result;
  const std::size_t count = load.requests.size();
  // A gap of the usual length between the last request and the first one of the next.
  const double period = count > 1 ? load.span() * double(count) / double(count - 1) : 0;
  const auto blocks = std::uint32_t(load.block_ids.size());
  std::uint32_t contents = 0;
  for (const std::uint32_t id : load.block_ids) contents = std::max(contents, id + 1);
  result.requests.reserve(count * std::size_t(times));
  result.block_ids.reserve(std::size_t(blocks) * std::size_t(times));
  for (int i = 1; i < times; ++i) {
    for (const std::uint32_t id : load.block_ids) {
      result.block_ids.push_back(id + contents * std::uint32_t(i));
    }
    for (Request request : load.requests) {
      request.arrival += period * i;
      request.first_block += blocks * std::uint32_t(i);
      result.requests.push_back(request);
    }
  }
  if (times > 1) result.name = fmt::format("{}, {} times", load.name, times);
  return result;
}

RequestLoad scaled(RequestLoad load, double factor) {
  assert(factor > 0);
  for (Request& request : load.requests) request.arrival /= factor;
  if (factor != 1) load.name += fmt::format(", rate x {:g}", factor);
  return load;
}

}  // namespace fivefold
