// Operators with shapes: what a layer asks one device to do. Shapes are per device, after sharding.
//
// An operation is one multiply or one add: C[m,n] = A[m,k] B[k,n] takes 2 m n k.
#pragma once

#include <cstdint>
#include <string_view>
#include <variant>

#include "fivefold/base/inline_vector.h"
#include "fivefold/base/units.h"
#include "fivefold/catalog/format.h"

namespace fivefold {

// C[m,n] = A[m,k] B[k,n], `batch` times with different B.
struct Gemm {
  double m = 0, n = 0, k = 0;
  double batch = 1;
  Format a = Format::kBf16;  // activations; what the matrix unit computes in follows from a and b
  Format b = Format::kBf16;  // weights
  Format out = Format::kBf16;
  // The call takes activations in BF16 and puts them into format `a` first, with a kernel of its
  // own, as engines do before each product of narrow formats.
  bool quantises = false;
};

// The routed experts of one device: up (and gate), activation, down.
struct MoeBlock {
  double tokens =
      0;  // entering this device's experts, before top-k (of the whole EP group if ep > 1)
  double hidden = 0;
  double width = 0;          // of an expert, on this device (after tensor cutting)
  double experts = 0;        // of the model
  double local_experts = 0;  // held by this device
  double topk = 0;
  bool gated = true;
  double imbalance = 1;  // busiest device's share of tokens over the mean
  double power_law = 0;  // 0: balanced; else the exponent of the spread over experts
  Format a = Format::kBf16;
  Format b = Format::kBf16;
  // Expected (token, expert) pairs that this device computes, busiest device.
  // Tokens were dispatched to the devices that hold their experts, so that only those are here;
  // otherwise all pairs pass through the block and those of absent experts are skipped.
  bool exchanged = false;
  bool step = false;  // of decode: the exchange is the one of low latency, its rows are padded
  // Experts take tokens in turn, so that none is left out: what benchmarks call balanced. Real
  // tokens choose for themselves.
  bool even = false;
  // Of a token that chose any expert of this device all top-k rows are computed, those of experts
  // that are elsewhere with the weights of one that is here.
  bool absent_rows = false;
  double routed_pairs() const { return tokens * topk * local_experts / experts * imbalance; }
};

// softmax(Q K^T) V. Prefill: q_len > 1. Decode: q_len 1 (or 1 + drafts).
struct AttentionCore {
  double batch = 0;
  double q_len = 0;   // new tokens of each sequence
  double kv_len = 0;  // tokens attended to in all, the new ones included
  double heads = 0, kv_heads = 0;
  double qk_dim = 0, v_dim = 0;
  double window = 0;  // 0: full
  bool causal = true;
  Format compute = Format::kBf16;
  Format cache = Format::kBf16;
  bool resident = false;  // as of LinearCore
};

// MLA over the compressed cache (absorbed): every head reads the same kv_rank + rope_dim values a
// token.
struct MlaCore {
  double batch = 0;
  double q_len = 0;
  double kv_len = 0;
  double heads = 0;
  double kv_rank = 0, rope_dim = 0;
  Format compute = Format::kBf16;
  Format cache = Format::kBf16;
  bool resident = false;  // as of LinearCore
};

// Attention with a recurrent state runs as two kernels: a short convolution over the tokens of each
// channel, then the rule that updates the state and reads it.
enum class LinearPart : std::uint8_t { kRule, kConvolution };

struct LinearCore {
  double batch = 0, q_len = 0;
  double k_heads = 0, v_heads = 0, k_dim = 0, v_dim = 0, conv = 0;
  bool delta_rule = true;  // gated delta net; false: Mamba-2
  LinearPart part = LinearPart::kRule;
  bool step = false;  // token after token, as in decode; otherwise in chunks of tokens
  // Its operands may still be in the cache of the chip, as they are when a benchmark repeats one
  // operator. Between the layers of a model weights pass through that cache.
  bool resident = false;
};

// Norms, rotary, activation, router top-k, quantise, residual, optimizer: bytes moved.
struct Streaming {
  Bytes read;
  Bytes written;
  Ops ops;
  double launches = 1;
  bool quantise = false;  // values into a narrower format with scales: a kernel of its own
  Bytes between;          // written by one launch and read by the next, both counted
};

// What a module of latent attention runs beside its products, as engines time it: norms, rotary
// embedding and cache; if sparse, the indexer's scores of every key, the choice of the best and the
// core over those chosen, all heads on one key whose first values are the value too.
// DSA: DeepSeek-V3.2, arXiv 2512.02556 section 2.1, I[t,s] = sum_j w[t,j] ReLU(q[t,j] k[s]).
// DeepSeek-V4 keeps one key of `ratio` tokens: few, of which the indexer chooses, or very few and
// all of them, and beside either a window of single tokens.
enum class ModuleKind : std::uint8_t { kDense, kDenseIndexed, kSparse, kCompressed, kHeavy };

struct ModuleRest {
  ModuleKind kind = ModuleKind::kDense;
  double batch = 0, q_len = 0, kv_len = 0;
  double hidden = 0;
  double heads = 0;
  double key_dim = 0, value_dim = 0;
  double seen = 0;  // keys that a query attends to; 0: the core is an operator of its own
  double index_heads = 0, index_dim = 0;
  double index_keys = 0;   // that a query scores, on average
  double index_cache = 0;  // keys of a sequence
  Bytes moved;             // by pointwise kernels
  double calls = 1;        // kernels of the whole module that the host issues
  bool step = false;       // of decode
  Format compute = Format::kBf16, cache = Format::kBf16;
  Format index = Format::kBf16, products = Format::kBf16;
  // Time of the module's products, which only who times them knows: kernels of a module are issued
  // by one host, which may be slower than all of them.
  Seconds beside;
};

using Shape =
    std::variant<Streaming, Gemm, MoeBlock, AttentionCore, MlaCore, LinearCore, ModuleRest>;

// Kernel families, as measurements and stacks name them.
enum class Family : std::uint8_t {
  kGemm,
  kMoe,
  kAttentionPrefill,
  kAttentionDecode,
  kMlaPrefill,
  kMlaDecode,
  kAttentionModule,
  kLinearAttention,
  kSparseAttention,
  kEncoderAttention,
  kMemoryBound,
  kCompressedAttention,
};
inline constexpr int kFamilyCount = 12;
std::string_view name(Family family);

struct Op {
  std::string_view name;  // "q_b_proj"; static text
  Family family = Family::kMemoryBound;
  Shape shape;
  double repeat = 1;  // runs one after the other
};

inline constexpr std::size_t kMaxLayerOps = 40;
using OpList = InlineVector<Op, kMaxLayerOps>;

// What no machine can avoid: arithmetic, and bytes that must cross the memory interface once.
struct Work {
  Ops ops;
  Bytes weights;
  Bytes activations;  // read and written, caches included
  Format compute = Format::kBf16;
};
Work work(const Shape& shape);

}  // namespace fivefold
