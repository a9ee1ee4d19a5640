#include "fivefold/planner/answer.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "fivefold/planner/bench.h"
#include "fivefold/training/parameters.h"

namespace fivefold {
namespace {

constexpr int kMostTrainingSystems = 64;

// Instances that `devices` hold, when none may cross from one system to the next.
int instances(int devices, int size, int system_devices) {
  if (size > system_devices) return devices / size;
  return (devices / system_devices) * (system_devices / size) + (devices % system_devices) / size;
}

template <class Plan>
double rate(const std::vector<Plan>& plans, int devices, int system_devices) {
  double most = 0;
  for (const Plan& plan : plans) {
    const int count = instances(devices, plan.layout.devices(), system_devices);
    most = std::max(most, count * plan.estimate.tokens_per_second);
  }
  return most;
}

// The rate never falls when devices are added, so the smallest count is found by bisection.
template <class Plan>
int chips_for(const std::vector<Plan>& plans, double tokens_per_second, const System& system) {
  if (plans.empty() || tokens_per_second <= 0) return 0;
  const int per_chip = system.chip->devices_per_chip;
  const auto enough = [&](int chips) {
    return rate(plans, chips * per_chip, system.devices()) >= tokens_per_second;
  };
  int high = 1;
  while (!enough(high)) high *= 2;
  int low = high / 2;
  while (high - low > 1) {
    const int middle = low + (high - low) / 2;
    (enough(middle) ? high : low) = middle;
  }
  return high;
}

void plan_serving(SystemAnswer& answer, const ServingWorkload& workload) {
  const Bench& bench = *answer.bench;
  const int devices = answer.system->devices();
  answer.decode = decode_plans(bench.serving, bench.machine, *answer.model, workload, devices,
                               answer.decode_search);
  answer.prefill = prefill_plans(bench.serving, bench.machine, *answer.model, workload, devices,
                                 answer.prefill_search);
  answer.best_decode = best_use(answer.decode, devices);
  answer.best_prefill = best_use(answer.prefill, devices);
  answer.decode_rate = throughput(answer.decode, devices);
  answer.prefill_rate = throughput(answer.prefill, devices);
  if (answer.decode_rate <= 0 || answer.prefill_rate <= 0) return;
  // A request costs input/prefill_rate + output/decode_rate of the system's time.
  const double prefill_time = workload.input / answer.prefill_rate;
  const double decode_time = workload.output / answer.decode_rate;
  answer.requests_per_second = 1 / (prefill_time + decode_time);
  answer.prefill_share = prefill_time / (prefill_time + decode_time);
}

Result<TrainingPlan> train(const System& system, const Stack& stack, const Model& model,
                           const TrainingJob& job, int chips, SearchReport& report) {
  const auto bench = training_bench(system, chips, model, stack);
  if (!bench) return tl::unexpected(bench.error());
  auto found = search_training(bench->training, *bench->machine, model, as_megatron_core(job), 1);
  if (!found) return tl::unexpected(found.error());
  report.evaluated += found->layouts - found->too_slow;
  report.refused += found->too_large;
  return std::move(found->best.front());
}

void plan_training(SystemAnswer& answer, TrainingJob job) {
  job.format = answer.training_format;
  for (int systems = 1; systems <= kMostTrainingSystems; systems *= 2) {
    auto plan = train(*answer.system, *answer.training_stack, *answer.model, job,
                      systems * answer.system->chips, answer.training_search);
    if (plan) {
      answer.training = std::move(*plan);
      answer.training_systems = systems;
      return;
    }
    answer.training_refusal = to_text(plan.error());
  }
}

}  // namespace

Load load_of(const StepParts& parts) {
  const Seconds step = parts.total();
  if (step <= Seconds(0)) return {};
  return {.compute = std::min(1.0, parts.arithmetic / step),
          .memory = std::min(1.0, parts.traffic / step)};
}

Format training_format(const Device& device) {
  return device.peak_for(Format::kFp8) > OpsPerSecond(0) ? Format::kFp8 : Format::kBf16;
}

Result<ChipStacks> stacks_for(const Catalog& catalog, const Chip& chip, std::string_view stack) {
  if (stack.empty()) {
    return ChipStacks{with_engine(catalog, catalog.default_stack(chip), chip),
                      training_stack(catalog, chip, default_framework(chip))};
  }
  const auto named = catalog.stack(stack);
  if (!named) return tl::unexpected(named.error());
  return ChipStacks{with_engine(catalog, **named, chip), with_framework(catalog, **named, default_framework(chip))};
}

Result<SystemAnswer> answer_for(const Catalog& catalog, const System& system, const Model& model,
                                const Question& question, std::string_view stack) {
  auto stacks = stacks_for(catalog, *system.chip, stack);
  if (!stacks) return tl::unexpected(stacks.error());
  SystemAnswer answer;
  answer.system = &system;
  answer.chosen_stack = stack;
  answer.stack = std::make_unique<const Stack>(std::move(stacks->serving));
  answer.training_stack = std::make_unique<const Stack>(std::move(stacks->training));
  auto machine = build_machine(system, system.chips, *answer.stack);
  if (!machine) return tl::unexpected(machine.error());
  auto kernels = KernelModel::make(machine->device, *answer.stack);
  if (!kernels) return tl::unexpected(kernels.error());

  answer.model = &model;
  const Precision precision = serving_precision(model, machine->device);
  auto bench = std::unique_ptr<Bench>(
      new Bench{*machine, precision, *kernels, ServingModel(*machine, model, *kernels, precision)});
  bench->serving = ServingModel(bench->machine, model, bench->kernels, precision);
  answer.bench = std::move(bench);
  answer.training_format = training_format(answer.bench->machine.device);
  plan_serving(answer, question.serving);
  if (question.with_training) plan_training(answer, question.training);
  return answer;
}

int chips_to_decode(const SystemAnswer& answer, double tokens_per_second) {
  return chips_for(answer.decode, tokens_per_second, *answer.system);
}

int chips_to_prefill(const SystemAnswer& answer, double tokens_per_second) {
  return chips_for(answer.prefill, tokens_per_second, *answer.system);
}

Result<TrainingParity> chips_to_train(const System& system, const Stack& stack, const Model& model,
                                      const TrainingJob& job, double tokens_per_second,
                                      int most_chips) {
  // Whole nodes: the largest level of at most 16 devices.
  int node = system.chip->devices_per_chip;
  for (const SystemLevel& level : system.levels) {
    if (level.size <= 16) node = std::max(node, level.size);
  }
  const int step = std::max(1, node / system.chip->devices_per_chip);
  SearchReport report;
  Result<TrainingPlan> last =
      fail(fmt::format("{} chips do not train {} tokens/s", most_chips, tokens_per_second));
  const auto enough = [&](int chips) {
    last = train(system, stack, model, job, chips, report);
    return last && last->estimate.tokens_per_second >= tokens_per_second;
  };
  // Divisibility makes the rate uneven in the count, so bracket by doubling and then walk up in
  // nodes.
  int high = step;
  while (!enough(high)) {
    if (high >= most_chips)
      return tl::unexpected(
          last ? make_error(fmt::format("{} chips of {} train {:.0f} tokens/s, fewer than {:.0f}",
                                        high, system.id, last->estimate.tokens_per_second,
                                        tokens_per_second))
               : last.error());
    high = std::min(high * 2, most_chips);
  }
  const int stride = std::max(step, high / 2 / step / 24 * step);
  for (int chips = high / 2 + stride; chips < high; chips += stride) {
    if (enough(chips)) {
      high = chips;
      break;
    }
  }
  if (!enough(high)) return tl::unexpected(last.error());
  return TrainingParity{high, *last};
}

}  // namespace fivefold
