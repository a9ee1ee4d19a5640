// What one kernel family reaches on one device: the facts of a stack, resolved once.
//
// Families are those of workload/op.h. A family may have a variant whose kernel differs; what a
// stack does not give of a variant is that of its family:
//   moe_exchanged              grouped products behind an expert exchange of low latency (decode)
//   moe_exchanged_prefill      the same behind one of high throughput
//   gemm_batched               many small products at once (the absorbed projections of MLA);
//                              large ones run as plain products do
//   attention_..._converted,   attention that computes in another format than its cache is kept in
//   mla_..._converted
//   quantise                   values into a narrower format, with their scales
//   mla_prefill_absorbed,      prefill over MLA's compressed cache, and where that is in another
//   mla_prefill_absorbed_converted  format
//   linear_attention_step      a recurrent state updated token after token, as in decode
//   linear_convolution,        the convolution before it, over many tokens and over one
//   linear_convolution_step
//   moe_mixed                  experts of 4 bit under activations of 8
//   attention_module_step,     what a module of dense latent attention takes beside its products
//   attention_module_indexed   and core (attention_module: in prefill): in decode; in the prefill
//                              of a sparse model over few tokens
//   sparse_attention_...       DSA in decode (..._step) and over a cache of another format
//                              (..._converted, ..._step_converted)
//   compressed_attention_step, DeepSeek-V4's attention over keys of 4 tokens in decode, of 128
//   heavy_attention,           tokens, and those in decode
//   heavy_attention_step
// Names in a stack's YAML:
//   compute_fraction    sustained arithmetic over the dense peak, inside full tiles (clock under
//                       power limit, issue gaps, scale handling of the format)
//   compute_per_clock   instead, on chips of the architecture it was fitted on: sustained
//                       operations of one core in a clock cycle. What holds a kernel below its
//                       peak (issue, scale handling, power) does not shrink with a chip's matrix
//                       units: H20 has a seventh of H100's and reaches nearly all of it
//   most_of_peak        that is reached where compute_per_clock does not bind
//   memory_fraction     sustained DRAM bandwidth over nominal, for long transfers
//   launch              from the call to the first instruction, in a graph or stream that is busy
//   fill                of one tile or work unit: pipeline prologue and epilogue
//   launch_cycles,      instead of launch and fill: in clock cycles, as latencies on chip are, so
//   fill_cycles         that they carry over to a chip of another clock
//   feed                bytes that the on-chip network brings to one core in a clock cycle
//   drag                what a product's operations take besides, whatever its format: share of
//                       their time at the chip's BF16 peak (issue, scales, power: rates grow by
//                       less than peaks where formats get narrower)
//   tile_m              rows of the smallest tile of the matrix unit (decode kernels pad to it)
//   tile_n, widest      columns of the smallest tile of a product, and the most of either extent
//   passes              times that a fused block of experts moves the rows of its tokens through
//                       memory beside the products: sorting, activation, sum
//   split               parts that K is split into at most (1: the kernel does not split)
//   unit_rows           rows (queries times heads) of the work unit of an attention kernel
//   together            query heads over one KV head that an attention kernel takes in one unit;
//                       where there are more, each is a unit of its own
//   parts               cores that the cache of one sequence and KV head is split over at most
//   exponentials        scores of a query and a key that a core exponentiates in a clock cycle,
//                       beside the products; 0: they cost nothing
//   masked              share of the work outside a window that is done all the same
//   residual            text of a correction over the shape (residual.h); "flat" takes away one
//                       that an earlier entry brought
//   host                seconds that the host needs to issue one kernel of a module: where they
//                       are not in a graph, no module takes less than all of its calls
//   each                seconds of each sequence, where a module takes them one after the other
//   scores              rate of an indexer's scores over that of the core
//   gather              times that an indexer's keys cross memory until they are scored
//   tables              times that the list of a module's cached tokens, 4 bytes each, does
//   cores               where the chip's data sheet names none: work units that run at once
//   clock               where the data sheet names none
#pragma once

#include <array>
#include <cmath>
#include <map>
#include <memory>
#include <vector>

#include "fivefold/kernel/kernel.h"
#include "fivefold/kernel/residual.h"

namespace fivefold {

enum class Variant : std::uint8_t { kPlain, kOther, kThird, kFourth };
inline constexpr int kVariantCount = 4;
// "moe_exchanged"; empty where a family has none.
std::string_view variant_name(Family family, Variant variant = Variant::kOther);
Variant variant_of(const LinearCore& linear);
Variant variant_of(const MoeBlock& moe);
Variant variant_of(const ModuleRest& rest);
Family family_of(const ModuleRest& rest);

// Which of its family's kernels serves an operator.
struct ServedBy {
  Variant variant = Variant::kPlain;
  Format a = Format::kBf16, b = Format::kBf16;  // of the product
  // The kernel is that of the narrower operand: weights that are upcast have kernels of their own.
  Format format() const { return bytes_per_value(a) < bytes_per_value(b) ? a : b; }
};
ServedBy served_by(const Shape& shape);

// As a stack gives them, relative to the chip; unset: what the constructor of a stack left open.
struct KernelFacts {
  double compute_fraction = NAN, memory_fraction = NAN, launch = NAN;
  double compute_per_clock = 0, most_of_peak = 0.95;
  double fill = 0, launch_cycles = 0, fill_cycles = 0;
  double drag = 0;
  double feed = 64, tile_m = 16, tile_n = 64, widest = 256, split = 16, passes = 1;
  double unit_rows = 128, together = 1024, parts = 64, masked = 0;
  double host = 0, each = 0, scores = 1, gather = 1, tables = 0;
  double exponentials = 0;
};
struct NamedFact {
  std::string_view name;
  double KernelFacts::*value;
};
std::span<const NamedFact> kernel_facts();

// The same on a device.
struct FamilyParameters {
  double compute_rate = 0;  // operations a second of one core, sustained; until a product is known
                            // (with_peak), per operation a second of the device's peak
  double issue_rate = 0;    // the same where the kernel, not the matrix unit, sets it; 0: not known
  double most_rate = 0;     // of the peak, where issue_rate does not bind
  double drag = 0;          // seconds of one core for an operation, besides
  double memory_rate = 0;   // bytes a second of the device, sustained
  double feed_rate = 0;     // bytes a second into one core
  double launch = 0;        // s
  double fill = 0;          // s
  double tile_m = 16, tile_n = 64, widest = 256;
  double split = 16;
  double passes = 1;
  double unit_rows = 128, together = 1024, parts = 64, masked = 0;
  double host = 0, each = 0;  // s
  double scores = 1, gather = 1, tables = 0;
  double score_time = 0;  // s of one core, for each query and key
  double cache = 0;       // bytes that the device's last cache holds; 0: not known
  const Residual* residual = nullptr;
};

// Those of a product whose peak is known, in operations a second of the device.
FamilyParameters with_peak(FamilyParameters p, double peak);

struct KernelModel::Parameters {
  using Formats = std::array<FamilyParameters, kFormatCount>;

  double cores = 1;
  std::array<std::array<Formats, kVariantCount>, kFamilyCount> families{};
  std::array<std::array<Format, kFormatCount>, kFormatCount> compute_formats{};  // by a, b
  std::array<double, kFormatCount> peaks{};                                      // of the device
  std::map<const Fact*, std::unique_ptr<const Residual>> residuals;

  // A product runs at the rate of the format which the matrix unit computes in.
  FamilyParameters product(Family family, const ServedBy& served) const {
    const Formats& kernels =
        families[static_cast<std::size_t>(family)][static_cast<std::size_t>(served.variant)];
    const Format compute =
        compute_formats[static_cast<std::size_t>(served.a)][static_cast<std::size_t>(served.b)];
    return with_peak(kernels[static_cast<std::size_t>(served.format())],
                     peaks[static_cast<std::size_t>(compute)]);
  }
  // Of the kernel that serves this operator.
  FamilyParameters serving(Family family, const Shape& shape) const;
};

// The mechanism alone, without correction.
KernelTime mechanism(const FamilyParameters& p, double cores, const Shape& shape);

// In which format a device computes a product of formats a and b.
Format computed_in(const Device& device, Format a, Format b);

FamilyParameters on_device(const KernelFacts& facts, const Device& device, double cores,
                           double hertz);

Result<KernelModel::Parameters> resolve_parameters(const Device& device, const Stack& stack);
// The facts of a stack behind the parameters of the kernel that serves an operator, the correction
// last. They live as long as the stack.
std::vector<const Fact*> facts_serving(const Device& device, const Stack& stack, Family family,
                                       const Shape& shape);

// Kernel models: seconds of one launch. Each is monotone in every extent of its shape.
KernelTime gemm_time(const FamilyParameters& p, double cores, const Gemm& gemm);
KernelTime moe_time(const FamilyParameters& p, double cores, const MoeBlock& moe);
KernelTime attention_time(const FamilyParameters& p, double cores, const AttentionCore& attention);
KernelTime mla_time(const FamilyParameters& p, double cores, const MlaCore& mla);
KernelTime linear_time(const FamilyParameters& p, double cores, const LinearCore& linear);
KernelTime streaming_time(const FamilyParameters& p, double cores, const Streaming& streaming);
// Of the whole module, what runs beside included.
KernelTime module_time(const FamilyParameters& p, double cores, const ModuleRest& rest);

// Features and terms of the correction (residual.h), beside each mechanism.
void gemm_features(double cores, const Gemm& gemm, Features& features);
void moe_features(double cores, const MoeBlock& moe, Features& features);
void attention_features(double cores, const AttentionCore& attention, Features& features);
void mla_features(double cores, const MlaCore& mla, Features& features);
void linear_features(double cores, const LinearCore& linear, Features& features);
void streaming_features(const Streaming& streaming, Features& features);
void module_features(const ModuleRest& rest, Features& features);
std::span<const Term> gemm_terms();
std::span<const Term> moe_terms();
std::span<const Term> attention_terms(Family family);  // prefill, decode, MLA prefill, encoder
std::span<const Term> mla_terms();
std::span<const Term> linear_terms();
std::span<const Term> streaming_terms();
std::span<const Term> module_terms();

// max(a, b) rounded at the corner, where neither resource is idle: (a^3 + b^3)^(1/3) is at most 26%
// above.
double overlapped(double a, double b);

// Bytes that stream through the cores: from DRAM at its rate, all at the rate of the on-chip
// network. Both queues fill and drain, so that neither is full where they are as long as each
// other: sqrt(a^2 + b^2).
double streamed(const FamilyParameters& p, double cores, double bytes, double dram_bytes);
// Share of `touched` bytes that no longer are in the cache when they are touched again.
double missed(double cache, double touched);

Limit limit_of(double compute, double memory, double overhead);
// Seconds of a core, the mean of all: with the work alone, without prologues, and with nothing
// while the last wave runs on other cores.
struct CoreTime {
  double busy = 0, idle = 0;
};
// The tail limits where cores wait for the last wave longer than for anything else.
Limit limit_with_tail(const KernelTime& time, const CoreTime& cores);
// Arithmetic and memory traffic that overlap after a time in which neither runs, in seconds.
KernelTime overlapped_after(double waiting, double compute, double memory);

}  // namespace fivefold
