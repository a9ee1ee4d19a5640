#include "fivefold/training/backward.h"

#include <algorithm>

namespace fivefold {
namespace {

// FlashAttention-2 (arXiv 2307.08691): the backward pass has 2.5 times the operations (five
// products instead of two) and reaches 63% of the peak where the forward pass reaches 73%.
constexpr double kAttentionBackwardOps = 2.5;
constexpr double kAttentionForwardRate = 0.73;
constexpr double kAttentionBackwardRate = 0.63;
constexpr double kQuantizeOps = 3;
constexpr double kExpertActivationOps = 6;
// The gradient of a pointwise operator reads the incoming gradient and what the forward pass saved
// and writes one gradient: GELU 3 values instead of 2, SwiGLU 5 instead of 3, a norm as many as
// forward and the reductions of its own weights.
constexpr double kStreamingBackward = 1.5;

// Gradients and inputs enter narrow products once along rows and once along columns.
Op narrow_twice(double values, Format from, Format to) {
  return {"grad_quantise", Family::kMemoryBound,
          Streaming{.read = stored(values, from),
                    .written = 2 * stored(values, to),
                    .ops = Ops(2 * kQuantizeOps * values)},
          1};
}

void add_gemm_gradients(BackwardOps& ops, const Op& forward, const Gemm& g,
                        const BackwardRule& rule) {
  const double repeat = forward.repeat;
  if (bytes_per_value(g.a) < bytes_per_value(rule.activations)) {
    Op narrow = narrow_twice(g.batch * g.m * g.n, rule.activations, g.a);
    narrow.repeat = repeat;
    ops.push_back(narrow);
  }
  Gemm input = g;
  input.quantises = false;  // what enters is narrowed above, or was in the forward pass
  input.n = g.k;
  input.k = g.n;
  ops.push_back({"input_gradient", Family::kGemm, input, repeat});
  if (!rule.weight_gradient) return;
  // Accumulated in FP32 (main gradients).
  Gemm weight = input;
  weight.m = g.k;
  weight.n = g.n;
  weight.k = g.m;
  weight.b = g.a;
  weight.out = Format::kFp32;
  ops.push_back({"weight_gradient", Family::kGemm, weight, repeat});
}

// Elements of the score matrix of all sequences and heads.
double score_values(const AttentionCore& a) {
  return a.batch * a.heads * a.q_len * a.kv_len;
}

Op product(std::string_view name, const AttentionCore& a, double m, double n, double k) {
  return {name, Family::kGemm,
          Gemm{.m = m,
               .n = n,
               .k = k,
               .batch = a.batch * a.heads,
               .a = a.compute,
               .b = a.compute,
               .out = a.compute},
          1};
}

Op pointwise(std::string_view name, double values, double read, double written) {
  return {
      name, Family::kMemoryBound,
      Streaming{
          .read = Bytes(read * values), .written = Bytes(written * values), .ops = Ops(4 * values)},
      1};
}

}  // namespace

ExpertOps expert_ops(const MoeBlock& experts, Format activations) {
  const double pairs = experts.routed_pairs(), rows = pairs / experts.local_experts;
  const double up = experts.gated ? 2 * experts.width : experts.width;
  const double act = bytes_per_value(activations);
  Gemm product{.m = rows,
               .n = up,
               .k = experts.hidden,
               .batch = experts.local_experts,
               .a = experts.a,
               .b = experts.b,
               .out = activations,
               .quantises = bytes_per_value(experts.a) < act};
  ExpertOps ops;
  ops.push_back({"expert_up", Family::kGemm, product, 1});
  ops.push_back({"expert_activation", Family::kMemoryBound,
                 Streaming{.read = Bytes(act * pairs * up),
                           .written = Bytes(act * pairs * experts.width),
                           .ops = Ops(kExpertActivationOps * pairs * experts.width)},
                 1});
  product.n = experts.hidden;
  product.k = experts.width;
  ops.push_back({"expert_down", Family::kGemm, product, 1});
  return ops;
}

double attention_backward_ratio() {
  return kAttentionBackwardOps * kAttentionForwardRate / kAttentionBackwardRate;
}

BackwardOps backward_ops(const Op& forward, const BackwardRule& rule) {
  BackwardOps ops;
  if (const auto* gemm = std::get_if<Gemm>(&forward.shape)) {
    add_gemm_gradients(ops, forward, *gemm, rule);
    return ops;
  }
  Op same = forward;
  if (std::holds_alternative<Streaming>(forward.shape)) {
    auto& stream = std::get<Streaming>(same.shape);
    stream.read *= kStreamingBackward;
    stream.written *= kStreamingBackward;
    stream.ops *= kStreamingBackward;
  } else if (std::holds_alternative<LinearCore>(forward.shape)) {
    same.repeat *= 2;
  } else {
    same.repeat *= attention_backward_ratio();
  }
  ops.push_back(same);
  return ops;
}

UnfusedOps unfused_attention(const AttentionCore& a, bool dropout) {
  const double values = score_values(a);
  UnfusedOps ops;
  ops.push_back(product("scores", a, a.q_len, a.kv_len, a.qk_dim));
  ops.push_back(pointwise("softmax", values, 2, 2));
  if (dropout) ops.push_back(pointwise("score_dropout", values, 2, 3));
  ops.push_back(product("values", a, a.q_len, a.v_dim, a.kv_len));
  return ops;
}

UnfusedOps unfused_attention_backward(const AttentionCore& a, bool dropout) {
  const double values = score_values(a);
  UnfusedOps ops;
  ops.push_back(product("score_gradient", a, a.q_len, a.kv_len, a.v_dim));
  ops.push_back(product("v_gradient", a, a.kv_len, a.v_dim, a.q_len));
  if (dropout) ops.push_back(pointwise("score_dropout_gradient", values, 3, 2));
  ops.push_back(pointwise("softmax_gradient", values, 4, 2));
  ops.push_back(product("q_gradient", a, a.q_len, a.qk_dim, a.kv_len));
  ops.push_back(product("k_gradient", a, a.kv_len, a.qk_dim, a.q_len));
  return ops;
}

}  // namespace fivefold
