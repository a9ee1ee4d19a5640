// Which parameters the mechanism of each family has, and where their values can lie.
#include "fivefold/kernel/fit.h"

namespace fivefold {
namespace {

const FittedFact kCompute{
    "compute_fraction", &KernelFacts::compute_fraction, 0.02, 1.0, {0.7, 0.3}};
const FittedFact kMemory{"memory_fraction", &KernelFacts::memory_fraction, 0.1, 1.0, {0.8, 0.5}};
const FittedFact kLaunch{"launch_cycles", &KernelFacts::launch_cycles, 500, 4e5, {5e3, 3e4}};
// Where chips of any clock take about as long: a few kernels behind each other, most of it drain.
const FittedFact kCall{"launch", &KernelFacts::launch, 2e-7, 1e-4, {3e-6, 2e-5}};
const FittedFact kFill{"fill_cycles", &KernelFacts::fill_cycles, 20, 4e4, {2e3, 5e3}};
const FittedFact kFeed{"feed", &KernelFacts::feed, 4, 512, {48, 128}};
// Chunks of linear attention wait for bytes, so that times say little of their arithmetic.
const FittedFact kChunks{"compute_fraction", &KernelFacts::compute_fraction, 0.3, 1.0, {0.5, 0.8}};
// Few rows of these tables are long enough to say what DRAM sustains: published streams reach 0.55
// to 0.93 of nominal.
const FittedFact kStream{"memory_fraction", &KernelFacts::memory_fraction, 0.55, 1.0, {0.85, 0.7}};
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
      return {kChunks, kStream, kCall, kFill, kFeed};
    case Family::kMemoryBound:
      return {kStream, kLaunch, kFeed};
    case Family::kAttentionModule:
      return {};
  }
  return {};
}

}  // namespace fivefold
