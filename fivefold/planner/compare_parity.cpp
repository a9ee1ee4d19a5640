#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "fivefold/planner/compare_parts.h"

namespace fivefold {
namespace {

struct PeakLine {
  const char* id;
  const char* label;
  const char* path;
  const char* unit;
  bool of_system = false;  // the fact is of the whole system and is shared out over its chips
  bool budget = false;     // how many fit in it, rather than how many reach it
};

constexpr PeakLine kPeakLines[] = {
    {"parity.peak.bf16", "dense BF16 compute", "peak_dense.bf16", "FLOP/s"},
    {"parity.memory.capacity", "HBM capacity", "memory.capacity", "B"},
    {"parity.memory.bandwidth", "HBM bandwidth", "memory.bandwidth", "B/s"},
    {"parity.scale_up", "scale-up bandwidth", "scale_up.bandwidth_per_direction", "B/s"},
    {"parity.power", "chips that run on its power", "power", "W", true, true},
    {"parity.price", "chips that its price buys", "price", "USD", true, true},
};

// Counts that are whole but for rounding stay whole.
int count_of(double exact, bool budget) {
  const double nearest = std::round(exact);
  if (std::abs(exact - nearest) < 1e-9 * std::max(1.0, nearest)) return static_cast<int>(nearest);
  return static_cast<int>(budget ? std::floor(exact) : std::ceil(exact));
}

// Left chips that equal the right system, for given values of the two facts.
int needed(const PeakLine& line, const Sides& sides, double left, double right) {
  if (line.of_system) return count_of(right / (left / sides.left.system->chips), line.budget);
  return count_of(right * sides.right.system->chips / left, line.budget);
}

std::optional<double> value_from(const Fact& fact, const std::string& source) {
  for (const OtherValue& other : fact.also) {
    if (std::find(other.sources.begin(), other.sources.end(), source) != other.sources.end())
      return other.value;
  }
  return std::nullopt;
}

// "231 with SEMI-CM384": what the count becomes with the inputs of each source that disagrees.
std::string by_other_sources(const PeakLine& line, const Sides& sides, const Fact& left,
                             const Fact& right, int chips) {
  std::set<std::string> sources;
  for (const Fact* fact : {&left, &right}) {
    for (const OtherValue& other : fact->also)
      sources.insert(other.sources.begin(), other.sources.end());
  }
  std::string text;
  for (const std::string& source : sources) {
    const int count = needed(line, sides, value_from(left, source).value_or(left.number),
                             value_from(right, source).value_or(right.number));
    if (count != chips)
      text += fmt::format("{}{} with {}", text.empty() ? "" : "; ", count, source);
  }
  return text;
}

ParityLine peak_parity(const PeakLine& line, const Sides& sides) {
  ParityLine parity{.id = line.id, .label = line.label, .budget = line.budget};
  const Facts& left_facts =
      line.of_system ? sides.left.system->facts : sides.left.system->chip->facts;
  const Facts& right_facts =
      line.of_system ? sides.right.system->facts : sides.right.system->chip->facts;
  const Fact* left = left_facts.find(line.path);
  const Fact* right = right_facts.find(line.path);
  if (left == nullptr || right == nullptr || !left->is_number() || !right->is_number() ||
      left->number <= 0) {
    parity.note = "not published for both";
    parity.why.statement = fmt::format("{}: {}", line.label, parity.note);
    return parity;
  }
  const int chips = needed(line, sides, left->number, right->number);
  parity.chips = chips;
  const int low = needed(line, sides, left->highest(), right->lowest());
  const int high = needed(line, sides, left->lowest(), right->highest());
  if (low != high) {
    parity.low = low;
    parity.high = high;
  }
  parity.note = by_other_sources(line, sides, *left, *right, chips);
  const std::string formula =
      line.of_system ? fmt::format("{} / ({} / {} chips)", show(right->number, line.unit),
                                   show(left->number, line.unit), sides.left.system->chips)
                     : fmt::format("{} chips x {} / {}", sides.right.system->chips,
                                   show(right->number, line.unit), show(left->number, line.unit));
  parity.why = {fmt::format("{}: {} chips of {} for one {}", line.label, chips,
                            sides.left.system->chip->name, sides.right.system->name),
                formula + (line.budget ? ", whole chips that fit" : ", rounded up to whole chips"),
                {},
                {*left, *right}};
  return parity;
}

std::string rate(double tokens) {
  return fmt::format("{:.0f} tokens/s", tokens);
}

template <class Plan>
ParityLine serving_parity(const char* id, const char* label, const Sides& sides, int chips,
                          double target, const Plan* right_plan,
                          const std::vector<Plan>& left_plans) {
  ParityLine parity{.id = id, .label = label};
  if (target <= 0 || chips == 0) {
    parity.note = target <= 0 ? "the right system cannot run it" : "no instance of the left fits";
    parity.why.statement = fmt::format("{}: {}", label, parity.note);
    return parity;
  }
  parity.chips = chips;
  const System& left = *sides.left.system;
  const Plan* plan = nullptr;
  double most = 0;
  for (const Plan& candidate : left_plans) {
    const int count = chips * left.chip->devices_per_chip / candidate.layout.devices();
    if (count * candidate.estimate.tokens_per_second > most) {
      most = count * candidate.estimate.tokens_per_second;
      plan = &candidate;
    }
  }
  if (plan == nullptr) return parity;
  const int count = chips * left.chip->devices_per_chip / plan->layout.devices();
  parity.note =
      fmt::format("{} instance{} of {}", count, count == 1 ? "" : "s", describe(plan->layout));
  parity.why = {fmt::format("{}: {} chips of {} reach the {} of one {}", label, chips,
                            left.chip->name, rate(target), sides.right.system->name),
                fmt::format("{} x {} = {}, the fewest whole chips that reach {}", count,
                            rate(plan->estimate.tokens_per_second), rate(most), rate(target)),
                {{fmt::format("{} runs {}", sides.right.system->name, describe(right_plan->layout)),
                  {},
                  {},
                  {}}},
                {}};
  return parity;
}

ParityLine training_parity(const Sides& sides) {
  ParityLine parity{.id = "parity.training", .label = "training step"};
  const SystemAnswer& right = sides.right;
  if (!right.training) {
    parity.note = "the right system cannot train it";
    parity.why.statement = right.training_refusal;
    return parity;
  }
  TrainingJob job = sides.question.training;
  job.format = sides.left.training_format;
  const double target = right.training->estimate.tokens_per_second / right.training_systems;
  constexpr int kMost = 16384;
  const auto found = chips_to_train(*sides.left.system, *sides.left.training_stack, sides.model,
                                    job, target, kMost);
  if (!found) {
    parity.note = to_text(found.error());
    parity.why.statement = parity.note;
    return parity;
  }
  parity.chips = found->chips;
  parity.note = describe(found->plan.layout);
  parity.why = {fmt::format("training: {} chips of {} reach the {} of one {}", found->chips,
                            sides.left.system->chip->name, rate(target), right.system->name),
                fmt::format("{} in {} with {}; batch {} x {} tokens",
                            rate(found->plan.estimate.tokens_per_second), name(job.format),
                            describe(found->plan.layout), job.global_batch, job.seq_len),
                {},
                {}};
  return parity;
}

}  // namespace

std::vector<ParityLine> parity_lines(const Sides& sides) {
  std::vector<ParityLine> lines;
  for (const PeakLine& line : kPeakLines) lines.push_back(peak_parity(line, sides));
  lines.push_back(serving_parity("parity.prefill", "prefill of the model", sides,
                                 chips_to_prefill(sides.left, sides.right.prefill_rate),
                                 sides.right.prefill_rate, sides.right.best_prefill,
                                 sides.left.prefill));
  lines.push_back(serving_parity("parity.decode", "decode of the model", sides,
                                 chips_to_decode(sides.left, sides.right.decode_rate),
                                 sides.right.decode_rate, sides.right.best_decode,
                                 sides.left.decode));
  if (sides.question.with_training) lines.push_back(training_parity(sides));
  return lines;
}

}  // namespace fivefold
