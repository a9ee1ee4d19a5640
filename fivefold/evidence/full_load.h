// An instance whose requests never run out: each sequence that ends makes room for the next prompt,
// so that every step of the engine decodes a full batch and takes in as many prompt tokens as
// sequences end (throughput tables under maximum load, MLPerf).
#pragma once

#include "fivefold/serving/serving.h"

namespace fivefold {

inline constexpr double kNoStream = 1e9;  // stream_interval of benchmarks without clients

struct EngineLimits {
  double sequences = 0;        // of an attention group at once; 0: what memory holds
  double batch_tokens = 8192;  // of a step: prompts in chunks and sequences that decode
  bool grows = false;  // cache is taken as a sequence grows, not for its whole length at once
};

struct FullLoad {
  double batch = 0;  // sequences that decode, per attention group
  Seconds step;      // with its share of the prompts
  Seconds decode;    // without them
  Seconds tpot;
  double tokens_per_second = 0;  // output, of the instance
};

// At this many sequences for each attention group; fewer decode where prompts would not leave them
// room in a step.
Result<FullLoad> load_at(const ServingModel& serving, const ServingWorkload& workload,
                         const ServingLayout& layout, const EngineLimits& limits, double batch);
// At as many as memory and limits hold.
Result<FullLoad> full_load(const ServingModel& serving, const ServingWorkload& workload,
                           const ServingLayout& layout, const EngineLimits& limits);
// The most whose 99th percentiles hold the TTFT and TPOT limits when requests arrive independently:
// sequences in flight, and the prompts that interrupt one of them, follow Poisson's law; prompts
// wait for each other as in M/D/1.
Result<FullLoad> load_within_limits(const ServingModel& serving, const ServingWorkload& workload,
                                    const ServingLayout& layout, const EngineLimits& limits);

}  // namespace fivefold
