// States that an optimizer keeps beside weights and gradients.
#pragma once

namespace fivefold {

// Where the FP32 value of a weight lives: beside the 16-bit one (Megatron, ZeRO), as the weight
// itself, which is narrowed when it is gathered (FSDP with mixed precision), or nowhere.
enum class MasterWeights { kBeside, kIsWeight, kNone };

// Adam: two moments; Muon: one. 4 bytes a value in FP32, 2 in BF16, 1 in 8-bit Adam (arXiv
// 2110.02861).
struct OptimizerState {
  double moments = 2;
  double moment_bytes = 4;
  MasterWeights master = MasterWeights::kBeside;

  double weight_bytes() const { return master == MasterWeights::kIsWeight ? 4 : 2; }
  double state_bytes() const {
    return moments * moment_bytes + (master == MasterWeights::kBeside ? 4 : 0);
  }
  bool operator==(const OptimizerState&) const = default;
};

inline constexpr OptimizerState kMuon{.moments = 1};

}  // namespace fivefold
