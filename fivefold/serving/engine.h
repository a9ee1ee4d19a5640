// How a serving engine schedules, as data: what vLLM, SGLang, TensorRT-LLM or an Ascend engine does
// by default stands in the catalog (stacks "engine/...", family "scheduler").
#pragma once

#include <string_view>

#include "fivefold/serving/serving.h"

namespace fivefold {

// Who waits longest, who matters most (Request::priority), or whose tenant was served least (the
// virtual token counter of Sheng et al., OSDI 2024, algorithm 2; prompt tokens weigh 1, output 2).
enum class QueueOrder : std::uint8_t { kArrival, kPriority, kFair };
std::string_view name(QueueOrder order);
Result<QueueOrder> queue_order_named(std::string_view text);

struct EnginePolicy {
  int max_sequences = 256;     // running at once in an attention group
  int max_step_tokens = 8192;  // prompt and decode tokens of a step, an attention group
  bool mixes = true;           // prompts ride in decode steps; else steps of prompts go first
  int page_tokens = 16;        // the cache is handed out in pages (vLLM: blocks)
  bool prefix_cache = true;    // finished prompts stay until their pages are needed
  // A request starts if its prompt and this share of what all may still generate fit: 0 as vLLM
  // (which takes pages back when it erred), 1 as TensorRT-LLM (which never does).
  double reserve = 0;
  double watermark = 0;  // share of the pages that a new request leaves free
  bool swaps = false;    // a victim's cache goes to the host; else it is computed again
  BytesPerSecond swap_rate{25e9};
  QueueOrder order = QueueOrder::kArrival;

  // Memory: of what the driver shows, this share is the engine's; weights, the activations of the
  // largest step and what runtime, communication buffers and graphs take are not for the cache.
  double memory_share = 0.9;
  double visible_share = 0.985;  // of the nominal memory, which is sold in GiB
  Bytes runtime{1e9};
};
EnginePolicy engine_policy(const Stack& stack, const Device& device);

// Where the engine's parameters were fitted, and how far predictions of TPOT are to be trusted
// there and elsewhere (relative, either way).
struct FittedRange {
  bool chip = false;  // runs of this chip were fitted
  double input_low = 0, input_high = 0, output_low = 0, output_high = 0;  // tokens
  double band = 0, band_outside = 0;
};
FittedRange fitted_range(const Stack& stack, const Device& device);

// What an instance may hold, as its engine counts it when it starts.
struct CacheCapacity {
  Bytes visible;  // memory of the device that the driver shows
  Bytes weights, activations, runtime;
  Bytes cache;  // what is left
  Bytes per_token, per_sequence;
  double tokens = 0;  // of an attention group, whole pages; 1e12 for a model without cache
};
// Fails with the amount missing if nothing is left.
Result<CacheCapacity> cache_capacity(const ServingModel& serving, const ServingLayout& layout,
                                     const EnginePolicy& policy, int draft_tokens = 0);

}  // namespace fivefold
