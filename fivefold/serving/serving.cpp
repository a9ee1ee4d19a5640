#include "fivefold/serving/serving.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "fivefold/serving/passes.h"

namespace fivefold {
namespace {

using serving::check_batch;
using serving::check_workload;
using serving::decode_estimate;
using serving::Instance;
using serving::prefill_estimate;

double milliseconds(Seconds time) {
  return time.value() * 1e3;
}

// The largest whole batch in [1, most] that holds the limit, by false position: step time is close
// to linear in the batch, so that few evaluations are needed. `fits` holds the limit, `over` does
// not.
DecodeEstimate search_batch(const Instance& in, const ServingWorkload& workload,
                            const ServingMemory& memory, DecodeEstimate fits, DecodeEstimate over) {
  constexpr double kCloseEnough = 0.998;
  const double limit = workload.tpot_limit.value();
  for (bool halve = false; over.batch - fits.batch > 1; halve = !halve) {
    if (fits.tpot.value() > kCloseEnough * limit) break;
    const double slope = (over.tpot - fits.tpot).value() / (over.batch - fits.batch);
    const double straight = fits.batch + (limit - fits.tpot.value()) / slope;
    const double middle = halve ? (fits.batch + over.batch) / 2 : straight;
    const double batch = std::clamp(std::floor(middle), fits.batch + 1, over.batch - 1);
    DecodeEstimate tried = decode_estimate(in, workload, memory, batch);
    (tried.tpot <= workload.tpot_limit ? fits : over) = tried;
  }
  return fits;
}

}  // namespace

ServingModel::ServingModel(const Machine& machine, const Model& model, const KernelModel& kernels,
                           const Precision& precision)
    : setting_(std::make_shared<const serving::Setting>(
          serving::make_setting(machine, model, kernels, precision,
                                engine_parameters(kernels.stack(), machine.device)))) {}

const EngineParameters& ServingModel::engine() const {
  return setting_->engine;
}

Result<ServingMemory> ServingModel::memory(const ServingWorkload& workload,
                                           const ServingLayout& layout) const {
  const auto in = serving::make_instance(*setting_, layout);
  if (!in) return fail(in.error());
  return serving::memory_of(*in, workload);
}

Result<PrefillEstimate> ServingModel::prefill(const ServingWorkload& workload,
                                              const ServingLayout& layout,
                                              double tokens_per_device) const {
  const auto in = serving::make_instance(*setting_, layout);
  if (!in) return fail(in.error());
  if (auto valid = check_workload(setting_->model, workload); !valid) return fail(valid.error());
  if (tokens_per_device <= 0) return fail("a batch must hold at least one token");
  ServingWorkload prompt = workload;
  prompt.output = 0;
  prompt.draft_tokens = 0;
  const ServingMemory memory = serving::memory_of(*in, prompt);
  const double sequences =
      std::max(1.0, tokens_per_device * layout.tp / std::max(1.0, workload.input));
  if (auto fits = check_batch(*in, memory, sequences); !fits) return fail(fits.error());
  return prefill_estimate(*in, prompt, memory, tokens_per_device);
}

Result<DecodeEstimate> ServingModel::decode(const ServingWorkload& workload,
                                            const ServingLayout& layout, double batch) const {
  const auto in = serving::make_instance(*setting_, layout);
  if (!in) return fail(in.error());
  if (auto valid = check_workload(setting_->model, workload); !valid) return fail(valid.error());
  if (batch <= 0) return fail("a batch must hold a sequence");
  const ServingMemory memory = serving::memory_of(*in, workload);
  if (auto fits = check_batch(*in, memory, batch); !fits) return fail(fits.error());
  return decode_estimate(*in, workload, memory, batch);
}

Result<DecodeEstimate> ServingModel::best_decode(const ServingWorkload& workload,
                                                 const ServingLayout& layout) const {
  // Beyond this the step time per sequence no longer falls: every weight has been read once for
  // thousands of tokens.
  constexpr double kLargestBatch = 8192;
  const auto in = serving::make_instance(*setting_, layout);
  if (!in) return fail(in.error());
  if (auto valid = check_workload(setting_->model, workload); !valid) return fail(valid.error());
  const ServingMemory memory = serving::memory_of(*in, workload);
  if (auto fits = check_batch(*in, memory, 1); !fits) return fail(fits.error());
  const double most = std::floor(std::min(memory.max_sequences, kLargestBatch));
  const DecodeEstimate largest = decode_estimate(*in, workload, memory, most);
  if (workload.tpot_limit <= Seconds(0) || largest.tpot <= workload.tpot_limit) return largest;
  const DecodeEstimate one = decode_estimate(*in, workload, memory, 1);
  if (one.tpot > workload.tpot_limit) {
    return fail(fmt::format(
        "too slow: one sequence takes {:.1f} ms a token, {:.1f} ms over the limit of {:.1f} ms",
        milliseconds(one.tpot), milliseconds(one.tpot - workload.tpot_limit),
        milliseconds(workload.tpot_limit)));
  }
  return search_batch(*in, workload, memory, one, largest);
}

}  // namespace fivefold
