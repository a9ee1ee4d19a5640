// What one system does for one model: its best serving and training, and how many chips of another
// system do the same.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "fivefold/catalog/catalog.h"
#include "fivefold/economics/economics.h"
#include "fivefold/planner/search.h"
#include "fivefold/planner/training_search.h"

namespace fivefold {

struct Question {
  ServingWorkload serving;
  TrainingJob training;
  bool with_training = true;
  int samples = 0;  // draws of the uncertain facts for the intervals; 0: no intervals
  std::uint64_t seed = 1;
  bool ranges_in_text = false;  // of computed lines; they are in the values in any case
  // Stacks of the left and of the right system; empty: the defaults of the chip's vendor.
  std::string stack, stack_vs;
};

// The models behind an answer live beside it: they point to each other.
struct Bench {
  Machine machine;
  Precision precision;  // of serving
  KernelModel kernels;
  ServingModel serving;
};

struct SystemAnswer {
  const System* system = nullptr;
  std::string chosen_stack;                     // that the user named; empty: the default
  std::unique_ptr<const Stack> stack;           // kernels, library and engine that serve
  std::unique_ptr<const Stack> training_stack;  // those that train
  const Model* model = nullptr;
  std::unique_ptr<const Bench> bench;
  std::vector<DecodePlan> decode;  // best of each instance size
  std::vector<PrefillPlan> prefill;
  const DecodePlan* best_decode = nullptr;  // of the whole system; null: nothing fits
  const PrefillPlan* best_prefill = nullptr;
  double decode_rate = 0;   // tokens/s if the whole system decodes
  double prefill_rate = 0;  // tokens/s if the whole system prefills
  // The whole system split so that prefill feeds decode: requests a second, and the share that
  // prefills.
  double requests_per_second = 0;
  double prefill_share = 0;
  // Training on the fewest whole systems that hold the model with its optimizer.
  std::optional<TrainingPlan> training;
  int training_systems = 0;
  Format training_format = Format::kBf16;
  std::string training_refusal;
  SearchReport decode_search, prefill_search, training_search;
};

// What serves and what trains on a chip under a named stack, or under the defaults of its vendor.
// An unknown name is an error that carries the nearest.
struct ChipStacks {
  Stack serving, training;
};
Result<ChipStacks> stacks_for(const Catalog& catalog, const Chip& chip, std::string_view stack);

Result<SystemAnswer> answer_for(const Catalog& catalog, const System& system, const Model& model,
                                const Question& question, std::string_view stack = {});

// The fewest chips whose best use reaches `tokens_per_second`; instances stay within one system. 0:
// never, since nothing fits.
int chips_to_decode(const SystemAnswer& answer, double tokens_per_second);
int chips_to_prefill(const SystemAnswer& answer, double tokens_per_second);

struct TrainingParity {
  int chips = 0;
  TrainingPlan plan;
};
// The fewest chips (in whole nodes) that train as many tokens a second on the same batch. Fails if
// even `most_chips` do not.
Result<TrainingParity> chips_to_train(const System& system, const Stack& stack, const Model& model,
                                      const TrainingJob& job, double tokens_per_second,
                                      int most_chips);

// Shares of a step that arithmetic and memory traffic take: what power follows.
Load load_of(const StepParts& parts);

// FP8 where the chip computes in it, else BF16.
Format training_format(const Device& device);

}  // namespace fivefold
