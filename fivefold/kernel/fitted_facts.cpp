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
const FittedFact kDrag{"drag", &KernelFacts::drag, 1e-3, 0.5, {0.2, 0.05}};
// CUTLASS kernels for scaled formats have 128 x 128 tiles alone on some architectures, or from 64.
const FittedFact kTileM{"tile_m", &KernelFacts::tile_m, 16, 128, {16, 64, 128}, true};
const FittedFact kTileN{"tile_n", &KernelFacts::tile_n, 64, 128, {64, 128}, true};
const FittedFact kWidest{"widest", &KernelFacts::widest, 128, 256, {128, 256}, true};
const FittedFact kPasses{"passes", &KernelFacts::passes, 0.05, 20, {1, 5}};
const FittedFact kRows{"tile_m", &KernelFacts::tile_m, 16, 64, {16, 64}, true};
const FittedFact kParts{"parts", &KernelFacts::parts, 1, 256, {8, 64}};
const FittedFact kQueries{"unit_rows", &KernelFacts::unit_rows, 64, 128, {64, 128}, true};
// TensorRT-LLM and Triton take 16 or 32 query heads in a unit of decode, others all that share
// keys.
const FittedFact kUnitHeads{"unit_rows", &KernelFacts::unit_rows, 16, 128, {16, 128}, true};
const FittedFact kPacked{"together", &KernelFacts::together, 1, 1024, {1, 1024}, true};
// The most that decode kernels of TensorRT-LLM take before they fall back to a head at a time.
const FittedFact kTogether{"together", &KernelFacts::together, 32, 1024, {32, 1024}, true};
// The exponential units of Nvidia's cores take 16 in a clock cycle since 2017; what a kernel
// computes on the matrix unit meanwhile, or by polynomials instead, makes it more.
const FittedFact kExponentials{"exponentials", &KernelFacts::exponentials, 2, 400, {20, 60}};
const FittedFact kMasked{"masked", &KernelFacts::masked, 1e-3, 1, {0.03, 0.5}};
// With 128 heads time alone cannot tell arithmetic from the network that brings keys to a core. The
// best of Hopper's kernels reaches 0.67 of peak (FlashMLA), its network 64 bytes a clock and core;
// both bounds leave room for other chips.
const FittedFact kMlaCompute{
    "compute_fraction", &KernelFacts::compute_fraction, 0.02, 0.8, {0.6, 0.3}};
const FittedFact kMlaFeed{"feed", &KernelFacts::feed, 4, 128, {40, 16}};
const FittedFact kMlaHeads{"unit_rows", &KernelFacts::unit_rows, 16, 128, {16, 64, 128}, true};
// SGLang converts all of an FP8 cache before each step on Hopper.
const FittedFact kMlaMemory{
    "memory_fraction", &KernelFacts::memory_fraction, 0.05, 1.0, {0.8, 0.3}};

// Modules: many short kernels behind each other, and on chips that nobody wrote a kernel for, a
// core made of others.
const FittedFact kModuleCompute{
    "compute_fraction", &KernelFacts::compute_fraction, 1e-3, 1.0, {0.3, 0.05}};
const FittedFact kModuleMemory{
    "memory_fraction", &KernelFacts::memory_fraction, 0.01, 1.0, {0.6, 0.2}};
const FittedFact kModuleCall{"launch", &KernelFacts::launch, 1e-6, 3e-3, {2e-5, 1e-4}};
const FittedFact kHost{"host", &KernelFacts::host, 1e-7, 3e-4, {2e-6, 3e-5}};
const FittedFact kEach{"each", &KernelFacts::each, 1e-9, 1e-2, {1e-7, 1e-5}};
const FittedFact kGather{"gather", &KernelFacts::gather, 1, 500, {2, 30}};
const FittedFact kTables{"tables", &KernelFacts::tables, 0.1, 5000, {1, 300}};
const FittedFact kScores{"scores", &KernelFacts::scores, 0.05, 20, {1, 3}};
const FittedFact kSelection{"passes", &KernelFacts::passes, 0.05, 50, {1, 5}};

std::vector<FittedFact> facts_of(Family family) {
  switch (family) {
    case Family::kGemm:
      return {kCompute, kMemory, kLaunch, kFill, kFeed, kSplit, kTileM, kTileN, kWidest};
    case Family::kMoe:
      return {kCompute, kMemory, kLaunch, kFill, kFeed, kPasses};
    case Family::kAttentionPrefill:
      return {kCompute, kStream, kLaunch, kFill, kExponentials, kMasked, kQueries, kPacked};
    case Family::kMlaPrefill:
    case Family::kEncoderAttention:
      return {kCompute, kStream, kLaunch, kFill, kExponentials, kQueries};
    case Family::kAttentionDecode:
      return {kCompute, kStream, kLaunch, kFill, kFeed, kParts, kRows, kUnitHeads, kTogether};
    case Family::kMlaDecode:
      return {kMlaCompute, kMlaMemory, kLaunch, kFill, kMlaFeed, kParts, kRows, kMlaHeads};
    case Family::kSparseAttention:
    case Family::kCompressedAttention:
      return {kModuleCompute, kModuleMemory, kModuleCall, kHost,   kFill,      kFeed,
              kEach,          kScores,       kGather,     kTables, kSelection, kRows};
    case Family::kLinearAttention:
      return {kChunks, kStream, kCall, kFill, kFeed};
    case Family::kMemoryBound:
      return {kStream, kLaunch, kFeed};
    case Family::kAttentionModule:
      return {kModuleMemory, kModuleCall, kHost};
  }
  return {};
}

}  // namespace

std::vector<FittedFact> fitted_facts(Family family, bool formats_differ) {
  std::vector<FittedFact> facts = facts_of(family);
  const bool product = family == Family::kGemm || family == Family::kMoe;
  if (formats_differ && product) facts.push_back(kDrag);
  return facts;
}

}  // namespace fivefold
