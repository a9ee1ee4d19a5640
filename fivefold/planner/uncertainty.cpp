#include "fivefold/planner/uncertainty.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include <fmt/format.h>

#include "fivefold/base/parallel.h"
#include "fivefold/base/random.h"
#include "fivefold/base/statistics.h"
#include "fivefold/economics/economics.h"
#include "fivefold/training/parameters.h"

namespace fivefold {
namespace {

constexpr double kLeastCorrelation =
    0.3;  // below it, 200 draws of some hundred facts cannot tell it from chance
constexpr std::size_t kMostInfluences = 6;

using Values = std::map<std::string, double>;

std::string key_of(const Fact& fact) {
  return fmt::format("{} {}:{}", fact.owner, fact.path, fact.place.line);
}

double draw(const Fact& fact, std::uint64_t seed, std::uint64_t sample) {
  const double low = fact.lowest(), high = fact.highest();
  if (!(low < high)) return fact.number;
  Random random(seed, key_of(fact), sample);
  const double share = random.uniform();
  return share < 0.5 ? low + (fact.number - low) * 2 * share
                     : fact.number + (high - fact.number) * (2 * share - 1);
}

void add_money_and_energy(Values& values, const std::string& phase, const Catalog& catalog,
                          const System& system, const Load& load, double rate) {
  if (rate <= 0) return;
  if (const auto power = power_under_load(catalog, system, load)) {
    values[phase + ".energy"] = energy_per_token(power->value, rate).value();
  }
  if (const auto cost = running_cost(catalog, system, load, Site{})) {
    values[phase + ".cost"] = cost_per_million_tokens(cost->total(), rate).value();
  }
}

void add_serving(Values& values, const Catalog& catalog, const System& system,
                 const SystemAnswer& answer, const Question& question) {
  const auto stacks = stacks_for(catalog, *system.chip, answer.chosen_stack);
  if (!stacks) return;
  const auto machine = build_machine(system, system.chips, stacks->serving);
  if (!machine) return;
  const auto kernels = KernelModel::make(machine->device, stacks->serving);
  if (!kernels) return;
  const ServingModel serving(*machine, *answer.model, *kernels, answer.bench->precision);
  const auto instances = [&](const ServingLayout& layout) {
    return system.devices() / layout.devices();
  };
  if (answer.best_decode != nullptr) {
    const ServingLayout& layout = answer.best_decode->layout;
    const auto estimate = serving.best_decode(question.serving, layout);
    const double rate = estimate ? instances(layout) * estimate->tokens_per_second : 0;
    values["decode.system"] = rate;
    values["decode.per_chip"] = rate / system.chips;
    if (estimate)
      add_money_and_energy(values, "decode", catalog, system, load_of(estimate->parts), rate);
  }
  if (answer.best_prefill != nullptr) {
    const ServingLayout& layout = answer.best_prefill->layout;
    const auto estimate =
        serving.prefill(question.serving, layout, answer.best_prefill->estimate.tokens_per_batch);
    const double rate = estimate ? instances(layout) * estimate->tokens_per_second : 0;
    values["prefill.system"] = rate;
    values["prefill.per_chip"] = rate / system.chips;
    if (estimate)
      add_money_and_energy(values, "prefill", catalog, system, load_of(estimate->parts), rate);
  }
}

void add_training(Values& values, const Catalog& catalog, const System& system,
                  const SystemAnswer& answer, TrainingJob job) {
  if (!answer.training) return;
  job.format = answer.training_format;
  const auto stacks = stacks_for(catalog, *system.chip, answer.chosen_stack);
  if (!stacks) return;
  const Stack& stack = stacks->training;
  const auto machine = build_machine(system, answer.training_systems * system.chips, stack);
  if (!machine) return;
  const auto kernels = KernelModel::make(machine->device, stack);
  if (!kernels) return;
  const auto estimate = TrainingModel(*machine, *answer.model, *kernels)
                            .estimate(job, answer.training->layout, false);
  if (!estimate) return;
  const double rate = estimate->tokens_per_second / answer.training_systems;
  values["training.step"] = estimate->step.value();
  values["training.rate"] = rate;
  values["training.mfu"] = estimate->mfu;
  add_money_and_energy(values, "training", catalog, system,
                       {.compute = std::min(1.0, estimate->mfu)}, rate);
}

// Facts with a range that this side can feel: of its chip, system and stacks, and prices.
std::vector<Fact> moving_facts(const Catalog& catalog, const SystemAnswer& answer) {
  std::vector<Fact> facts;
  std::set<std::string> seen;
  const auto take = [&](const Fact& fact, const std::string& label) {
    if (!fact.is_number() || !(fact.lowest() < fact.highest())) return;
    if (!seen.insert(key_of(fact)).second) return;
    facts.push_back(fact);
    facts.back().text = label;
  };
  for (const Fact& fact : answer.system->chip->facts.all) take(fact, fact.path);
  for (const Fact& fact : answer.system->facts.all) take(fact, fact.path);
  for (const SystemLevel& level : answer.system->levels) {
    for (const Fact& fact : level.facts.all) take(fact, level.name + " " + fact.path);
  }
  for (const Stack* stack : {answer.stack.get(), answer.training_stack.get()}) {
    for (const StackEntry& entry : stack->entries) {
      for (const Fact& fact : entry.parameters->all)
        take(fact, fmt::format("{} {}", entry.family, fact.path));
    }
  }
  for (const Fact* fact : catalog.economics()) take(*fact, fact->path);
  return facts;
}

std::vector<double> ranks(const std::vector<double>& values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  std::vector<double> result(values.size());
  for (std::size_t i = 0; i < order.size();) {
    std::size_t last = i;
    while (last + 1 < order.size() && values[order[last + 1]] == values[order[i]]) ++last;
    for (std::size_t j = i; j <= last; ++j)
      result[order[j]] = static_cast<double>(i + last) / 2;  // ties share
    i = last + 1;
  }
  return result;
}

// Spearman's: the correlation of ranks.
double rank_correlation(const std::vector<double>& a, const std::vector<double>& b) {
  const double middle = static_cast<double>(a.size() - 1) / 2;
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += (a[i] - middle) * (b[i] - middle);
    aa += (a[i] - middle) * (a[i] - middle);
    bb += (b[i] - middle) * (b[i] - middle);
  }
  return aa > 0 && bb > 0 ? ab / std::sqrt(aa * bb) : 0;
}

}  // namespace

std::map<std::string, Interval> intervals_of(const Catalog& catalog, const SystemAnswer& answer,
                                             const Question& question, int samples,
                                             std::uint64_t seed) {
  const std::size_t count = static_cast<std::size_t>(samples);
  std::vector<Values> drawn(count);
  parallel_for(count, [&](std::size_t i) {
    const Catalog sampled =
        catalog.with_values([&](const Fact& fact) { return draw(fact, seed, i); });
    const auto system = sampled.system(answer.system->id);
    if (!system) return;
    add_serving(drawn[i], sampled, **system, answer, question);
    add_training(drawn[i], sampled, **system, answer, question.training);
  });

  std::vector<std::pair<std::string, std::vector<double>>> facts;
  for (const Fact& fact : moving_facts(catalog, answer)) {
    std::vector<double> values(count);
    for (std::size_t i = 0; i < count; ++i) values[i] = draw(fact, seed, i);
    facts.emplace_back(fmt::format("{}: {}", fact.owner, fact.text), ranks(values));
  }

  std::map<std::string, Interval> intervals;
  for (const auto& [line, first] : drawn.front()) {
    Interval interval;
    for (const Values& values : drawn) {
      const auto found = values.find(line);
      interval.draws.push_back(found == values.end() ? 0 : found->second);
    }
    interval.low = quantile(interval.draws, 0.05);
    interval.high = quantile(interval.draws, 0.95);
    const std::vector<double> order = ranks(interval.draws);
    for (const auto& [name, values] : facts) {
      const double correlation = rank_correlation(values, order);
      if (std::abs(correlation) >= kLeastCorrelation)
        interval.influences.push_back({name, correlation});
    }
    std::stable_sort(interval.influences.begin(), interval.influences.end(),
                     [](const Influence& a, const Influence& b) {
                       return std::abs(a.correlation) > std::abs(b.correlation);
                     });
    if (interval.influences.size() > kMostInfluences) interval.influences.resize(kMostInfluences);
    intervals[line] = std::move(interval);
  }
  return intervals;
}

}  // namespace fivefold
