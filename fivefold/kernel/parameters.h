// What one kernel family reaches on one device: the facts of a stack, resolved once.
//
// Families are those of workload/op.h, and "moe_exchanged" for the grouped products behind an
// expert exchange (where a stack does not tell them from "moe", they take its values). Names in a
// stack's YAML:
//   compute_fraction    sustained arithmetic over the dense peak, inside full tiles (clock under
//   power
//                       limit, issue gaps, scale handling of the format)
//   memory_fraction     sustained DRAM bandwidth over nominal, for long transfers
//   launch              from the call to the first instruction, in a graph or stream that is busy
//   fill                of one tile or work unit: pipeline prologue and epilogue
//   feed                bytes that the on-chip network brings to one core in a clock cycle
//   tile_m              rows of the smallest tile of the matrix unit (decode kernels pad to it)
//   convert             of attention over a cache in another format than it computes in: the kernel
//   before it
//                       that converts queries and new keys
//   split               parts that K is split into at most (1: the kernel does not split)
//   cores               where the chip's data sheet names none: work units that run at once
//   clock               where the data sheet names none
#pragma once

#include <array>

#include "fivefold/kernel/kernel.h"

namespace fivefold {

struct FamilyParameters {
  double compute_rate = 0;  // operations a second of one core, sustained; until a product is known,
                            // per operation a second of the device's peak
  double memory_rate = 0;   // bytes a second of the device, sustained
  double feed_rate = 0;     // bytes a second into one core
  double launch = 0;        // s
  double fill = 0;          // s
  double convert = 0;       // s
  double tile_m = 16;
  double split = 16;
};

struct KernelModel::Parameters {
  double cores = 1;
  std::array<std::array<FamilyParameters, kFormatCount>, kFamilyCount> families{};
  std::array<FamilyParameters, kFormatCount>
      exchanged{};  // experts behind a dispatch: family "moe_exchanged"
  std::array<std::array<Format, kFormatCount>, kFormatCount> compute_formats{};  // by a, b
  std::array<double, kFormatCount> peaks{};                                      // of the device

  const FamilyParameters& of(Family family, Format format) const {
    return families[static_cast<std::size_t>(family)][static_cast<std::size_t>(format)];
  }
  // A product of a and b: the kernel is that of the narrower operand (weights that are upcast have
  // kernels of their own), the rate that of the format which the matrix unit computes in.
  FamilyParameters product(const std::array<FamilyParameters, kFormatCount>& kernels, Format a,
                           Format b) const {
    FamilyParameters p =
        kernels[static_cast<std::size_t>(bytes_per_value(a) < bytes_per_value(b) ? a : b)];
    const Format compute =
        compute_formats[static_cast<std::size_t>(a)][static_cast<std::size_t>(b)];
    p.compute_rate *= peaks[static_cast<std::size_t>(compute)];
    return p;
  }
  FamilyParameters product(Family family, Format a, Format b) const {
    return product(families[static_cast<std::size_t>(family)], a, b);
  }
};

Result<KernelModel::Parameters> resolve_parameters(const Device& device, const Stack& stack);

// Kernel models: seconds of one launch. Each is monotone in every extent of its shape.
KernelTime gemm_time(const FamilyParameters& p, double cores, const Gemm& gemm);
KernelTime moe_time(const FamilyParameters& p, const FamilyParameters& streaming, double cores,
                    const MoeBlock& moe);
KernelTime attention_time(const FamilyParameters& p, double cores, const AttentionCore& attention);
KernelTime mla_time(const FamilyParameters& p, double cores, const MlaCore& mla);
KernelTime linear_time(const FamilyParameters& p, double cores, const LinearCore& linear);
KernelTime streaming_time(const FamilyParameters& p, const Streaming& streaming);

// max(a, b) rounded at the corner, where neither resource is idle: (a^3 + b^3)^(1/3) is at most 26%
// above.
double overlapped(double a, double b);
Limit limit_of(double compute, double memory, double overhead);

}  // namespace fivefold
