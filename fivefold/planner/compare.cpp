#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include <fmt/format.h>

#include "fivefold/base/statistics.h"
#include "fivefold/planner/compare_parts.h"
#include "fivefold/planner/uncertainty.h"

namespace fivefold {
namespace {

void add_sources(std::set<std::string>& ids, const Explanation& why) {
  for (const Fact& fact : why.facts) {
    ids.insert(fact.sources.begin(), fact.sources.end());
    for (const OtherValue& other : fact.also)
      ids.insert(other.sources.begin(), other.sources.end());
  }
  for (const Explanation& part : why.parts) add_sources(ids, part);
}

void add_assumptions(std::vector<Fact>& found, const Explanation& why) {
  for (const Fact& fact : why.facts) {
    const bool known = std::any_of(found.begin(), found.end(), [&](const Fact& other) {
      return other.owner == fact.owner && other.path == fact.path && other.place == fact.place;
    });
    if (fact.reading == "assumption" && !known) found.push_back(fact);
  }
  for (const Explanation& part : why.parts) add_assumptions(found, part);
}

void gather_basis(Comparison& comparison) {
  std::set<std::string> ids;
  const auto take = [&](const Explanation& why) {
    add_sources(ids, why);
    add_assumptions(comparison.assumptions, why);
  };
  for (const Section& section : comparison.sections) {
    for (const Line& line : section.lines) {
      take(line.left.why);
      take(line.right.why);
    }
  }
  for (const ParityLine& line : comparison.parity) take(line.why);
  comparison.source_ids.assign(ids.begin(), ids.end());
}

Fabric picture_of(const System& system) {
  Fabric fabric{system.name, {}};
  for (const SystemLevel& level : system.levels) {
    fabric.levels.push_back({level.name, level.size, level.bandwidth.value()});
  }
  if (system.scale_out_per_device > BytesPerSecond(0)) {
    fabric.levels.push_back(
        {"scale-out: " + system.scale_out_name, 0, system.scale_out_per_device.value()});
  }
  return fabric;
}

// The best decoding at limits from fast for each user to much for each chip.
std::vector<ParetoPoint> pareto(const SystemAnswer& answer, ServingWorkload workload) {
  std::vector<ParetoPoint> points;
  for (const double milliseconds : {10.0, 15.0, 20.0, 30.0, 50.0, 75.0, 100.0, 150.0}) {
    workload.tpot_limit = Seconds(milliseconds * 1e-3);
    SearchReport report;
    const auto plans = decode_plans(answer.bench->serving, answer.bench->machine, *answer.model,
                                    workload, answer.system->devices(), report);
    const DecodePlan* plan = best_use(plans, answer.system->devices());
    if (plan == nullptr) continue;
    points.push_back({1 / plan->estimate.tpot.value(),
                      throughput(plans, answer.system->devices()) / answer.system->chips,
                      describe(*plan)});
  }
  return points;
}

using Intervals = std::map<std::string, Interval>;

// The value as `show` writes it, without its unit.
std::string bare(double value, const std::string& unit) {
  std::string text = show(value, unit);
  for (const std::string& suffix :
       {" " + unit, unit.substr(std::min(unit.size(), std::size_t{3}))}) {
    if (suffix.size() > 1 && text.ends_with(suffix)) text.resize(text.size() - suffix.size());
  }
  return text;
}

void add_interval(Side& side, const Line& line, const Intervals& intervals, bool in_text) {
  const auto found = intervals.find(line.id);
  if (!side.value || found == intervals.end()) return;
  const Interval& interval = found->second;
  side.low = interval.low;
  side.high = interval.high;
  if (in_text) {
    side.text +=
        fmt::format(" ({} to {})", bare(interval.low, line.unit), bare(interval.high, line.unit));
  }
  Explanation part{fmt::format("90% of {} draws of the uncertain facts lie between {} and {}",
                               interval.draws.size(), show(interval.low, line.unit),
                               show(interval.high, line.unit)),
                   {},
                   {},
                   {}};
  for (const Influence& influence : interval.influences) {
    part.parts.push_back({fmt::format("moved by {} (rank correlation {:+.2f})", influence.fact,
                                      influence.correlation),
                          {},
                          {},
                          {}});
  }
  side.why.parts.push_back(std::move(part));
}

// Left chips that reach the right's rate, draw by draw: the rate of a chip on the left against the
// system's.
void add_interval(ParityLine& parity, const char* line, const Intervals& left,
                  const Intervals& right, int left_chips) {
  const auto ours = left.find(line), theirs = right.find(line);
  if (!parity.chips || ours == left.end() || theirs == right.end()) return;
  std::vector<double> chips;
  for (std::size_t i = 0; i < ours->second.draws.size(); ++i) {
    const double per_chip = ours->second.draws[i] / left_chips;
    if (per_chip > 0) chips.push_back(theirs->second.draws[i] / per_chip);
  }
  if (chips.empty()) return;
  parity.low = std::min(*parity.chips, static_cast<int>(std::ceil(quantile(chips, 0.05))));
  parity.high = std::max(*parity.chips, static_cast<int>(std::ceil(quantile(chips, 0.95))));
}

void add_uncertainty(Comparison& comparison, const Sides& sides) {
  const Question& question = sides.question;
  const Intervals left =
      intervals_of(sides.catalog, sides.left, question, question.samples, question.seed);
  const Intervals right =
      intervals_of(sides.catalog, sides.right, question, question.samples, question.seed);
  for (Section& section : comparison.sections) {
    for (Line& line : section.lines) {
      add_interval(line.left, line, left, question.ranges_in_text);
      add_interval(line.right, line, right, question.ranges_in_text);
    }
  }
  for (ParityLine& parity : comparison.parity) {
    for (const auto& [id, line] : {std::pair{"parity.decode", "decode.system"},
                                   {"parity.prefill", "prefill.system"},
                                   {"parity.training", "training.rate"}}) {
      if (parity.id == id) add_interval(parity, line, left, right, sides.left.system->chips);
    }
  }
  comparison.notes.push_back(
      fmt::format("Ranges of computed lines hold 90% of {} draws of every fact within what its "
                  "sources and fits leave open.",
                  question.samples));
}

const ParityLine* find_parity(const Comparison& comparison, std::string_view id) {
  for (const ParityLine& line : comparison.parity) {
    if (line.id == id) return &line;
  }
  return nullptr;
}

std::string short_name(std::string_view name) {
  return std::string(name.substr(0, name.find(" (")));
}

// The answer in words, for someone who never heard of the program.
std::string headline(const Comparison& comparison) {
  const std::string left = short_name(comparison.left_name),
                    right = short_name(comparison.right_name);
  std::string text = fmt::format("One {} links {} chips where one {} has {}. ", left,
                                 comparison.left_chips, right, comparison.right_chips);
  if (const ParityLine* compute = find_parity(comparison, "parity.peak.bf16");
      compute && compute->chips) {
    text += fmt::format("On paper {} of those chips equal the other system's dense BF16 compute",
                        *compute->chips);
  }
  if (const ParityLine* decode = find_parity(comparison, "parity.decode");
      decode && decode->chips) {
    text += fmt::format("; to write the answers of {} as fast, it takes {}", comparison.model_id,
                        *decode->chips);
    if (decode->low && decode->high)
      text += fmt::format(" ({} to {}, as far as is known)", *decode->low, *decode->high);
  }
  if (const ParityLine* power = find_parity(comparison, "parity.power"); power && power->chips) {
    text += fmt::format("; the power of one {} would run {} of them", right, *power->chips);
  }
  return text + ".";
}

}  // namespace

std::optional<double> Line::ratio() const {
  if (!left.value || !right.value || *right.value == 0) return std::nullopt;
  return *left.value / *right.value;
}

Result<Comparison> compare(const Catalog& catalog, const System& left, const System& right,
                           const Model& model, const Question& question) {
  auto left_answer = answer_for(catalog, left, model, question, question.stack);
  if (!left_answer) return tl::unexpected(left_answer.error());
  auto right_answer = answer_for(catalog, right, model, question, question.stack_vs);
  if (!right_answer) return tl::unexpected(right_answer.error());
  const Sides sides{catalog, *left_answer, *right_answer, model, question};

  Comparison comparison;
  comparison.title = fmt::format("{} against {}", left.name, right.name);
  comparison.subtitle = fmt::format("{}: {:.0f} tokens in, {:.0f} out, TPOT at most {:.0f} ms",
                                    model.id, question.serving.input, question.serving.output,
                                    question.serving.tpot_limit.value() * 1e3);
  for (const SystemAnswer* side : {&*left_answer, &*right_answer}) {
    if (side->chosen_stack.empty()) continue;
    comparison.subtitle +=
        fmt::format("; {} under {} ({})", side->system->name, side->stack->name, side->stack->id);
  }
  comparison.left_name = left.name;
  comparison.right_name = right.name;
  comparison.left_id = left.id;
  comparison.right_id = right.id;
  comparison.model_id = model.id;
  comparison.left_chips = left.chips;
  comparison.right_chips = right.chips;
  comparison.sections = hardware_sections(sides);
  comparison.sections.push_back(model_section(sides));
  comparison.sections.push_back(prefill_section(sides));
  comparison.sections.push_back(decode_section(sides));
  if (question.with_training) comparison.sections.push_back(training_section(sides));
  comparison.parity = parity_lines(sides);
  comparison.times = time_bars(sides);
  comparison.left_pareto = pareto(*left_answer, question.serving);
  comparison.right_pareto = pareto(*right_answer, question.serving);
  comparison.fabrics = {picture_of(left), picture_of(right)};
  comparison.notes = reading_notes(sides);
  if (question.samples > 0) add_uncertainty(comparison, sides);
  comparison.headline = headline(comparison);
  gather_basis(comparison);
  return comparison;
}

Result<std::vector<Explanation>> explain(const Comparison& comparison, std::string_view line_id) {
  std::vector<std::string> ids;
  for (const Section& section : comparison.sections) {
    for (const Line& line : section.lines) {
      if (line.id == line_id) return std::vector<Explanation>{line.left.why, line.right.why};
      ids.push_back(line.id);
    }
  }
  for (const ParityLine& line : comparison.parity) {
    if (line.id == line_id) return std::vector<Explanation>{line.why};
    ids.push_back(line.id);
  }
  std::string hint = did_you_mean(line_id, ids);
  if (hint.empty()) hint = fmt::format("the lines are {}", fmt::join(ids, ", "));
  return fail(fmt::format("there is no line '{}' to explain", line_id), hint);
}

}  // namespace fivefold
