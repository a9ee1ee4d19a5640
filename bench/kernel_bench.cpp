// One operator's time: what every estimate is a sum of some hundred of. The sketch: a product tries
// nine tiles with up to five splits of K, at some nanoseconds each, so a few hundred; attention is
// one formula, so tens.
#include <benchmark/benchmark.h>

#include "bench/subject.h"

namespace fivefold {
namespace {

// The first extent changes each time, so that nothing is worked out once.
template <class Extents>
void time_shape(benchmark::State& state, Family family, Extents shape, double Extents::*extent) {
  const Subject s = subject("dgx_h100_8", 8, "llama3.1-70b");
  const double least = shape.*extent;
  for (auto _ : state) {
    shape.*extent = shape.*extent >= 2 * least ? least : shape.*extent + 1;
    auto time = s.kernels.time(family, shape);
    benchmark::DoNotOptimize(time);
  }
}

void gemm_small(benchmark::State& state) {
  time_shape(state, Family::kGemm, Gemm{.m = 16, .n = 7168, .k = 2048}, &Gemm::m);
}
BENCHMARK(gemm_small)->Name("kernel/gemm_decode");

void gemm_large(benchmark::State& state) {
  time_shape(state, Family::kGemm, Gemm{.m = 8192, .n = 8192, .k = 8192}, &Gemm::m);
}
BENCHMARK(gemm_large)->Name("kernel/gemm_prefill");

void experts(benchmark::State& state) {
  time_shape(state, Family::kMoe,
             MoeBlock{.tokens = 4096,
                      .hidden = 7168,
                      .width = 2048,
                      .experts = 256,
                      .local_experts = 8,
                      .topk = 8,
                      .exchanged = true},
             &MoeBlock::tokens);
}
BENCHMARK(experts)->Name("kernel/moe");

void mla(benchmark::State& state) {
  time_shape(
      state, Family::kMlaDecode,
      MlaCore{
          .batch = 64, .q_len = 1, .kv_len = 4096, .heads = 128, .kv_rank = 512, .rope_dim = 64},
      &MlaCore::kv_len);
}
BENCHMARK(mla)->Name("kernel/mla_decode");

void prefill(benchmark::State& state) {
  time_shape(state, Family::kAttentionPrefill,
             AttentionCore{.batch = 4,
                           .q_len = 4096,
                           .kv_len = 4096,
                           .heads = 64,
                           .kv_heads = 8,
                           .qk_dim = 128,
                           .v_dim = 128},
             &AttentionCore::kv_len);
}
BENCHMARK(prefill)->Name("kernel/attention_prefill");

}  // namespace
}  // namespace fivefold
