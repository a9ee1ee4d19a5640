// Which parameters the mechanism of each family has, and where their values can lie.
#include "fivefold/kernel/fit.h"

namespace fivefold {
namespace {

const FittedFact kCompute{
    "compute_fraction", &KernelFacts::compute_fraction, 0.02, 1.0, {0.7, 0.3}};
const FittedFact kMemory{"memory_fraction", &KernelFacts::memory_fraction, 0.1, 1.0, {0.8, 0.5}};
const FittedFact kLaunch{"launch_cycles", &KernelFacts::launch_cycles, 500, 4e5, {5e3, 3e4}};
const FittedFact kFill{"fill_cycles", &KernelFacts::fill_cycles, 20, 4e4, {2e3, 5e3}};
const FittedFact kFeed{"feed", &KernelFacts::feed, 4, 512, {48, 128}};
const FittedFact kSplit{"split", &KernelFacts::split, 1, 16, {1, 16}, true};
const FittedFact kRows{"tile_m", &KernelFacts::tile_m, 16, 64, {16, 64}, true};

}  // namespace

std::vector<FittedFact> fitted_facts(Family family) {
  switch (family) {
    case Family::kGemm:
      return {kCompute, kMemory, kLaunch, kFill, kFeed, kSplit};
    case Family::kMoe:
      return {kCompute, kMemory, kLaunch, kFill, kFeed};
    case Family::kAttentionPrefill:
    case Family::kMlaPrefill:
    case Family::kEncoderAttention:
      return {kCompute, kMemory, kLaunch, kFill};
    case Family::kAttentionDecode:
    case Family::kMlaDecode:
    case Family::kSparseAttention:
      return {kCompute, kMemory, kLaunch, kFill, kFeed, kRows};
    case Family::kLinearAttention:
      return {kCompute, kMemory, kLaunch, kFill};
    case Family::kMemoryBound:
      return {kMemory, kLaunch};
    case Family::kAttentionModule:
      return {};
  }
  return {};
}

}  // namespace fivefold
