// What a machine is worth in the units that people buy compute for: tokens of a model served within
// a limit, and training runs. By the planner's estimates, not by peaks.
#pragma once

#include <optional>
#include <string_view>

#include "fivefold/planner/serving_plan.h"
#include "fivefold/planner/training_search.h"

namespace fivefold {

struct Service {
  const Model* model = nullptr;
  ServingWorkload workload;
  Slo slo;  // of the means
};
struct Served {
  int chips = 0;
  ServingPlan plan;  // loop.tokens_per_second: output tokens of the whole machine
  std::optional<Watts> power;
  std::optional<UsdPerSecond> usd;  // of running it
  double per_chip() const { return plan.per_chip; }
  double tokens_per_day() const { return plan.loop.tokens_per_second * 86400; }
};
// The best plan of `plan serve` under the chip's default stack. Fails if none holds the limits.
Result<Served> best_service(const Catalog& catalog, const System& system, int chips,
                            const Service& service);

struct TrainingTask {
  const Model* model = nullptr;
  TrainingJob job;    // its format is chosen by the chip: FP8 where it computes in it, else BF16
  double tokens = 0;  // of a run
};
struct Trained {
  int chips = 0;
  TrainingPlan plan;
  double tokens_per_second() const { return plan.estimate.tokens_per_second; }
};
// The fastest layout of `plan train`. Fails if nothing fits.
Result<Trained> best_training(const Catalog& catalog, const System& system, int chips,
                              const TrainingTask& task);
// Runs of `task` in a year of 365 days without failures, of one chip in a machine of that size.
double runs_per_chip_year(const Trained& trained, const TrainingTask& task);

// What the questions about fleets ask unless said otherwise (catalog/policy/fleet.yaml): the model,
// prompts and answers, the limit; the model and the tokens of a run.
Result<Service> usual_service(const Catalog& catalog);
Result<TrainingTask> usual_training(const Catalog& catalog);

// The machine by which a chip is judged: a part of such a system.
struct ReferenceMachine {
  const System* system = nullptr;
  int serving_chips = 0, training_chips = 0;
};
// Stated in the catalog (key `fleet`), else 32 chips for serving and 1,024 for training of the
// smallest system of the chip. Fails if the chip is in no system.
Result<ReferenceMachine> reference_machine(const Catalog& catalog, const Chip& chip);

}  // namespace fivefold
