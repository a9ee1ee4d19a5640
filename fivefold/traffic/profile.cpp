// Requests like those of a trace, without the trace.
#include <algorithm>
#include <cmath>
#include <numbers>

#include <fmt/format.h>

#include "fivefold/base/random.h"
#include "fivefold/traffic/gaps.h"
#include "fivefold/traffic/named.h"

namespace fivefold {
namespace {

// Log-linear between levels: lengths of prompts are skewed, and a straight line would make tails
// too heavy.
double quantile_at(const LoadProfile& profile, const std::vector<double>& quantiles, double share) {
  const auto& levels = profile.levels;
  const auto above = std::upper_bound(levels.begin() + 1, levels.end() - 1, share);
  const auto i = std::size_t(above - levels.begin());
  const double part = (share - levels[i - 1]) / (levels[i] - levels[i - 1]);
  return quantiles[i - 1] * std::pow(quantiles[i] / quantiles[i - 1], part);
}

double normal_share(double x) {
  return 0.5 * std::erfc(-x / std::numbers::sqrt2);
}

// A Gaussian copula: this correlation of normals gives that of ranks (Pearson, 1907).
void draw_lengths(const LoadProfile& profile, std::uint64_t seed, std::vector<Request>& requests) {
  const double correlation = 2 * std::sin(std::numbers::pi / 6 * profile.rank_correlation);
  const double rest = std::sqrt(std::max(0.0, 1 - correlation * correlation));
  Random random(seed, "profile lengths");
  for (Request& request : requests) {
    const double x = random.normal();
    const double y = correlation * x + rest * random.normal();
    const auto tokens = [&](const std::vector<double>& quantiles, double at) {
      return std::int32_t(
          std::max(1.0, std::round(quantile_at(profile, quantiles, normal_share(at)))));
    };
    request.input = tokens(profile.input, x);
    request.output = tokens(profile.output, y);
  }
}

// Contents of prompts: some continue an earlier prompt, as the turns of a conversation do, as far
// as both go. The longest of a few is continued while fewer blocks came before than the trace's
// share, any of them otherwise, so that both shares come out.
class Contents {
 public:
  Contents(const NamedLoad& like, std::uint64_t seed, RequestLoad& load)
      : profile_(like.profile),
        share_(like.statistics.reuse.value_or(0)),
        random_(seed, "profile contents"),
        load_(load),
        next_(profile_.common) {}

  void draw() {
    load_.block_tokens = profile_.block_tokens;
    for (std::size_t i = 0; i < load_.requests.size(); ++i) {
      Request& request = load_.requests[i];
      request.first_block = std::uint32_t(load_.block_ids.size());
      request.blocks = std::uint32_t((request.input - 1) / profile_.block_tokens + 1);
      all_ += request.blocks;
      std::uint32_t shared = std::min(profile_.common, request.blocks);
      for (std::uint32_t id = 0; id < shared; ++id) load_.block_ids.push_back(id);
      if (i > 0 && random_.uniform() < profile_.continued) shared = continued(i, shared);
      if (i > 0) again_ += shared;
      for (; shared < request.blocks; ++shared) load_.block_ids.push_back(next_++);
    }
  }

 private:
  // Blocks of request `i` that an earlier prompt has, more than `shared`.
  std::uint32_t continued(std::size_t i, std::uint32_t shared) {
    const Request& request = load_.requests[i];
    const double time = request.arrival - random_.lognormal(profile_.lag, profile_.lag_sigma);
    const auto later = std::lower_bound(load_.requests.begin(), load_.requests.begin() + i, time,
                                        [](const Request& r, double at) { return r.arrival < at; });
    // Before the load began nothing is known: any earlier one then.
    std::size_t first = std::size_t(later - load_.requests.begin());
    if (time < 0) first = random_.below(std::uint32_t(i));
    const bool longest = double(again_) < share_ * double(all_);
    const Request* parent = nullptr;
    std::uint32_t most = shared;
    for (std::size_t j = first; j < std::min(first + kCandidates, i); ++j) {
      if (parent != nullptr && !longest) break;
      const Request& candidate = load_.requests[j];
      const std::uint32_t common = std::min(candidate.blocks, request.blocks);
      if (common <= most) continue;
      most = common;
      parent = &candidate;
    }
    for (; parent != nullptr && shared < most; ++shared) {
      load_.block_ids.push_back(load_.block_ids[parent->first_block + shared]);
    }
    return shared;
  }

  static constexpr std::size_t kCandidates = 32;
  const LoadProfile& profile_;
  double share_;
  Random random_;
  RequestLoad& load_;
  std::uint32_t next_;
  std::size_t all_ = 0;    // blocks
  std::size_t again_ = 0;  // that came before
};

}  // namespace

RequestLoad draw_profile(const NamedLoad& like, std::size_t count, std::uint64_t seed) {
  RequestLoad load;
  load.name = fmt::format("profile:{}", like.id);
  load.requests.resize(count);
  draw_lengths(like.profile, seed, load.requests);
  if (like.statistics.rate > 0) {
    const Gaps gaps = Gaps::with_cv(1 / like.statistics.rate, like.statistics.gap_cv);
    Random random(seed, "profile gaps");
    double at = 0;
    for (Request& request : load.requests) {
      request.arrival = at;
      at += gaps.next(random);
    }
  }
  if (like.profile.block_tokens > 0) Contents(like, seed, load).draw();
  return load;
}

}  // namespace fivefold
