// What must hold of any kernel model, over shapes drawn at random but the same each time, and what
// was published about kernels on real chips.
#include "fivefold/kernel/kernel.h"

#include <cmath>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>

#include "fivefold/base/random.h"
#include "fivefold/catalog/catalog.h"

namespace fivefold {
namespace {

const Catalog& catalog() {
  static const Catalog catalog = *Catalog::load();
  return catalog;
}

const Chip& chip(std::string_view name) {
  return **catalog().chip(name);
}

KernelModel model_of(const Device& device, const Stack& stack) {
  auto model = KernelModel::make(device, stack);
  EXPECT_TRUE(model) << to_text(model.error());
  return *model;
}

KernelModel model_of(std::string_view name) {
  return model_of(chip(name).device, catalog().default_stack(chip(name)));
}

// The mechanism alone, without what measurements correct it by.
KernelModel mechanism_of(std::string_view name) {
  static std::vector<std::unique_ptr<Stack>> stacks;
  stacks.push_back(std::make_unique<Stack>(catalog().default_stack(chip(name))));
  for (StackEntry& entry : stacks.back()->entries)
    std::erase_if(entry.parameters.own().all,
                  [](const Fact& fact) { return fact.path == "residual"; });
  return model_of(chip(name).device, *stacks.back());
}

constexpr std::string_view kChips[] = {"h100_sxm", "h20_96g", "ascend_910c", "rtx_pro_6000d",
                                       "b200_sxm"};

// A shape with the family whose kernel runs it, and the format that it is computed in before the
// device has its say.
struct Case {
  Family family;
  Shape shape;
  Format a, b;
};

// From 1 to `most`, each power of two as likely as the next.
double extent(Random& random, double most) {
  return std::floor(std::exp2(random.uniform(0, std::log2(most + 1))));
}

Format one_of(Random& random, std::initializer_list<Format> formats) {
  return formats.begin()[random.below(std::uint32_t(formats.size()))];
}

Case random_gemm(Random& random) {
  const Format a = one_of(
      random, {Format::kBf16, Format::kFp8, Format::kFp8Block, Format::kInt8, Format::kFp16});
  const Format b = one_of(random, {a, a, Format::kInt4, Format::kMxFp4});
  const Gemm gemm{.m = extent(random, 32768),
                  .n = extent(random, 32768),
                  .k = extent(random, 32768),
                  .batch = random.below(4) == 0 ? extent(random, 128) : 1,
                  .a = a,
                  .b = b};
  return {Family::kGemm, gemm, a, b};
}

Case random_moe(Random& random) {
  const Format a = one_of(random, {Format::kBf16, Format::kFp8Block, Format::kInt8});
  const Format b = one_of(random, {a, a, Format::kInt4, Format::kMxFp4});
  const double experts = std::exp2(random.below(6) + 3), ranks = std::exp2(random.below(4));
  const MoeBlock moe{.tokens = extent(random, 65536),
                     .hidden = extent(random, 8192),
                     .width = extent(random, 16384),
                     .experts = experts,
                     .local_experts = experts / ranks,
                     .topk = 1.0 + random.below(8),
                     .gated = random.below(4) != 0,
                     .imbalance = random.below(2) == 0 ? 1 : random.uniform(1, 1.2),
                     .a = a,
                     .b = b,
                     .exchanged = random.below(2) == 0};
  return {Family::kMoe, moe, a, b};
}

Case random_attention(Random& random) {
  const bool decode = random.below(2) == 0;
  const double q_len = decode ? 1.0 + random.below(4) : extent(random, 16384);
  const double kv_heads = extent(random, 16);
  const Format compute = one_of(random, {Format::kBf16, Format::kFp8});
  const AttentionCore core{.batch = extent(random, 256),
                           .q_len = q_len,
                           .kv_len = q_len + extent(random, 65536) - 1,
                           .heads = kv_heads * extent(random, 16),
                           .kv_heads = kv_heads,
                           .qk_dim = random.below(2) == 0 ? 128.0 : 192.0,
                           .v_dim = 128,
                           .window = random.below(4) == 0 ? extent(random, 4096) : 0,
                           .compute = compute,
                           .cache = compute};
  return {decode ? Family::kAttentionDecode : Family::kAttentionPrefill, core, compute, compute};
}

Case random_encoder(Random& random) {
  const double length = extent(random, 8192), heads = extent(random, 64);
  const AttentionCore core{.batch = extent(random, 64),
                           .q_len = length,
                           .kv_len = length,
                           .heads = heads,
                           .kv_heads = heads,
                           .qk_dim = 64,
                           .v_dim = 64,
                           .causal = false};
  return {Family::kEncoderAttention, core, Format::kBf16, Format::kBf16};
}

Case random_mla(Random& random) {
  const double q_len = 1.0 + random.below(4);
  const Format compute = one_of(random, {Format::kBf16, Format::kFp8});
  const MlaCore core{.batch = extent(random, 512),
                     .q_len = q_len,
                     .kv_len = q_len + extent(random, 65536) - 1,
                     .heads = extent(random, 128),
                     .kv_rank = 512,
                     .rope_dim = 64,
                     .compute = compute,
                     .cache = compute};
  return {Family::kMlaDecode, core, compute, compute};
}

Case random_linear(Random& random) {
  const double heads = extent(random, 32);
  const LinearCore core{.batch = extent(random, 128),
                        .q_len = extent(random, 8192),
                        .k_heads = heads,
                        .v_heads = heads * (1 + random.below(2)),
                        .k_dim = 128,
                        .v_dim = 128,
                        .conv = 4,
                        .delta_rule = random.below(2) == 0};
  return {Family::kLinearAttention, core, Format::kBf16, Format::kBf16};
}

Case random_streaming(Random& random) {
  const double values = extent(random, 1e9);
  const Streaming streaming{.read = Bytes(2 * values),
                            .written = Bytes(2 * values * random.uniform()),
                            .ops = Ops(values * random.below(8)),
                            .launches = 1.0 + random.below(3)};
  return {Family::kMemoryBound, streaming, Format::kFp32, Format::kFp32};
}

constexpr Case (*kKinds[])(Random&) = {random_gemm, random_moe,    random_attention, random_encoder,
                                       random_mla,  random_linear, random_streaming};
constexpr int kCasesOfAKind = 600;

void for_each_case(std::string_view purpose,
                   const std::function<void(const Case&, Random&, const std::string&)>& check) {
  for (std::size_t kind = 0; kind < std::size(kKinds); ++kind) {
    for (int i = 0; i < kCasesOfAKind; ++i) {
      Random random(20261123, purpose, kind * kCasesOfAKind + std::uint64_t(i));
      const Case drawn = kKinds[kind](random);
      check(drawn, random, "kind " + std::to_string(kind) + " case " + std::to_string(i));
    }
  }
}

TEST(KernelModel, no_kernel_is_faster_than_the_roofline) {
  for (const std::string_view name : kChips) {
    const KernelModel model = model_of(name);
    for_each_case("roofline", [&](const Case& c, Random&, const std::string& which) {
      const Seconds bound = roofline(model.device(), c.shape, model.compute_format(c.a, c.b));
      const KernelTime time = model.time(c.family, c.shape);
      EXPECT_TRUE(std::isfinite(time.time.value())) << name << " " << which;
      EXPECT_GE(time.time.value(), bound.value() * (1 - 1e-9)) << name << " " << which;
    });
  }
}

// Every extent whose growth gives a kernel more to do, as a step on the shape.
using Step = std::pair<const char*, std::function<void(double)>>;

std::vector<Step> steps_of(Gemm& g) {
  return {{"m", [&](double by) { g.m += by; }},
          {"n", [&](double by) { g.n += by; }},
          {"k", [&](double by) { g.k += by; }},
          // From one product to several another kernel runs.
          {"batch", [&](double by) { g.batch += g.batch > 1 ? by : 0; }}};
}
std::vector<Step> steps_of(MoeBlock& m) {
  return {{"tokens", [&](double by) { m.tokens += by; }},
          {"hidden", [&](double by) { m.hidden += by; }},
          {"width", [&](double by) { m.width += by; }},
          {"topk", [&](double) { m.topk = std::min(m.topk + 1, m.experts); }}};
}
std::vector<Step> steps_of(AttentionCore& a) {
  return {{"batch", [&](double by) { a.batch += by; }},
          {"context",
           [&](double by) {
             a.kv_len += by;
             if (!a.causal) a.q_len += by;
           }},
          {"heads", [&](double by) { a.heads += a.kv_heads * by; }},
          {"heads and their keys", [&](double by) {
             const double group = a.heads / a.kv_heads;
             a.kv_heads += by;
             a.heads = group * a.kv_heads;
           }}};
}
std::vector<Step> steps_of(MlaCore& m) {
  return {{"batch", [&](double by) { m.batch += by; }},
          {"context", [&](double by) { m.kv_len += by; }},
          {"heads", [&](double by) { m.heads += by; }},
          {"drafts", [&](double) {
             m.q_len += 1;
             m.kv_len += 1;
           }}};
}
std::vector<Step> steps_of(LinearCore& l) {
  return {{"batch", [&](double by) { l.batch += by; }},
          {"tokens", [&](double by) { l.q_len += by; }},
          {"heads", [&](double by) {
             const double group = l.v_heads / l.k_heads;
             l.k_heads += by;
             l.v_heads = group * l.k_heads;
           }}};
}
std::vector<Step> steps_of(ModuleRest& m) {
  return {{"batch", [&](double by) { m.batch += by; }},
          {"keys", [&](double by) { m.seen += by; }},
          {"scores", [&](double by) { m.index_keys += by; }}};
}
std::vector<Step> steps_of(Streaming& s) {
  return {{"bytes read", [&](double by) { s.read += Bytes(by); }},
          {"bytes written", [&](double by) { s.written += Bytes(by); }},
          {"launches", [&](double by) { s.launches += by; }}};
}

// Names what grew where the time fell.
std::string what_fell(const KernelModel& model, const Case& c, double by) {
  const double before = model.time(c.family, c.shape).time.value();
  return std::visit(
      [&](const auto& shape) {
        std::string fell;
        for (std::size_t i = 0;; ++i) {
          auto grown = shape;
          const std::vector<Step> steps = steps_of(grown);
          if (i == steps.size()) return fell;
          steps[i].second(by);
          const double after = model.time(c.family, grown).time.value();
          if (after < before * (1 - 1e-9)) {
            fell += std::string(steps[i].first) + " +" + std::to_string(by) + ": " +
                    std::to_string(before * 1e6) + " -> " + std::to_string(after * 1e6) + " us; ";
          }
        }
      },
      c.shape);
}

TEST(KernelModel, more_to_do_never_takes_a_mechanism_less_time) {
  for (const std::string_view name : kChips) {
    const KernelModel model = mechanism_of(name);
    for_each_case("growth", [&](const Case& c, Random& random, const std::string& which) {
      for (const double by : {1.0, extent(random, 64), extent(random, 4096)}) {
        EXPECT_EQ(what_fell(model, c, by), "") << name << " " << which;
      }
    });
  }
}

// What was measured falls where a library changes its kernel, and noise falls too: a correction may
// follow it, by so much where an extent is doubled.
TEST(KernelModel, twice_as_much_to_do_takes_hardly_less_time_as_measured) {
  constexpr double kMostSaved = 0.30, kSeldom = 0.03;
  // B200's come to 3.7%: neighbours in its tables differ by 4 to 7% (docs/accuracy.md). H100's come
  // to 3.1%: DeepGEMM's products just below two waves were measured at half the rate of those above.
  constexpr double kLessSeldom = 0.04;
  for (const std::string_view name : kChips) {
    const KernelModel model = model_of(name);
    int fell = 0, all = 0;
    for_each_case("doubling", [&](const Case& c, Random&, const std::string& which) {
      const auto* gemm = std::get_if<Gemm>(&c.shape);
      if (gemm == nullptr) return;
      const double before = model.time(c.family, *gemm).time.value();
      for (double Gemm::*extent : {&Gemm::m, &Gemm::n, &Gemm::k}) {
        Gemm doubled = *gemm;
        doubled.*extent *= 2;
        const double after = model.time(c.family, doubled).time.value();
        EXPECT_GE(after, before * (1 - kMostSaved)) << name << " " << which;
        fell += after < before * 0.95;
        ++all;
      }
    });
    const bool measured_dips = name == "b200_sxm" || name == "h100_sxm";
    EXPECT_LE(fell, (measured_dips ? kLessSeldom : kSeldom) * all) << name;
  }
}

// Steps of one pass every edge of a tile, a wave or a split.
TEST(KernelModel, edges_of_tiles_and_splits_do_not_make_a_larger_shape_faster) {
  for (const std::string_view name : kChips) {
    const KernelModel model = mechanism_of(name);
    double last_k = 0, last_context = 0, last_new = 0;
    for (int i = 1; i <= 2100; ++i) {
      const double k =
          model.time(Family::kGemm, Gemm{.m = 16, .n = 512, .k = double(i)}).time.value();
      const double context = model
                                 .time(Family::kAttentionDecode, AttentionCore{.batch = 2,
                                                                               .q_len = 1,
                                                                               .kv_len = double(i),
                                                                               .heads = 8,
                                                                               .kv_heads = 2,
                                                                               .qk_dim = 128,
                                                                               .v_dim = 128})
                                 .time.value();
      const double fresh = model
                               .time(Family::kAttentionPrefill, AttentionCore{.batch = 2,
                                                                              .q_len = 8.0 + i,
                                                                              .kv_len = 508.0 + i,
                                                                              .heads = 8,
                                                                              .kv_heads = 8,
                                                                              .qk_dim = 128,
                                                                              .v_dim = 128})
                               .time.value();
      EXPECT_GE(k, last_k * (1 - 1e-9)) << name << " k " << i;
      EXPECT_GE(context, last_context * (1 - 1e-9)) << name << " context " << i;
      EXPECT_GE(fresh, last_new * (1 - 1e-9)) << name << " new tokens " << 8 + i;
      last_k = k;
      last_context = context;
      last_new = fresh;
    }
  }
}

// Beyond eight new tokens another kernel runs. It may save the sum over parts of the cache, which
// is a few microseconds; and one that was fitted apart may be better by a good part, not beyond all
// measure.
TEST(KernelModel, a_ninth_new_token_saves_no_more_than_a_sum_over_parts) {
  for (const std::string_view name : kChips) {
    const KernelModel model = mechanism_of(name);
    for (int i = 0; i < kCasesOfAKind; ++i) {
      Random random(20261123, "ninth", std::uint64_t(i));
      Case drawn = random_attention(random);
      AttentionCore& core = std::get<AttentionCore>(drawn.shape);
      core.kv_len += 8 - core.q_len;
      core.q_len = 8;
      AttentionCore longer = core;
      longer.kv_len += 1;
      longer.q_len += 1;
      EXPECT_GE(model.time(drawn.family, longer).time.value(),
                model.time(drawn.family, core).time.value() / 3)
          << name << " case " << i;
    }
  }
}

TEST(KernelModel, a_better_device_is_never_slower) {
  for (const std::string_view name : kChips) {
    const Stack& stack = catalog().default_stack(chip(name));
    const KernelModel model = model_of(name);
    Device wider = model.device();
    wider.memory_bandwidth *= 1.7;
    Device faster = model.device();
    for (OpsPerSecond& peak : faster.peak) peak *= 1.7;
    const KernelModel with_memory = model_of(wider, stack), with_compute = model_of(faster, stack);
    for_each_case("device", [&](const Case& c, Random&, const std::string& which) {
      const Seconds now = model.time(c.family, c.shape).time;
      EXPECT_LE(with_memory.time(c.family, c.shape).time.value(), now.value() * (1 + 1e-9))
          << name << " " << which;
      EXPECT_LE(with_compute.time(c.family, c.shape).time.value(), now.value() * (1 + 1e-9))
          << name << " " << which;
    });
    const Shape streaming = Streaming{.read = Bytes(1e9), .written = Bytes(1e9)};
    EXPECT_LT(with_memory.time(Family::kMemoryBound, streaming).time.value(),
              model.time(Family::kMemoryBound, streaming).time.value() / 1.4);
    const Shape square = Gemm{.m = 8192, .n = 8192, .k = 8192};
    // Not shorter where the kernel itself, not the matrix unit, sets the rate.
    EXPECT_LE(with_compute.time(Family::kGemm, square).time.value(),
              model.time(Family::kGemm, square).time.value());
  }
}

TEST(KernelModel, an_expert_that_every_token_chooses_is_read_whole) {
  const KernelModel model = model_of("h100_sxm");
  const MoeBlock moe{
      .tokens = 1, .hidden = 4096, .width = 14336, .experts = 8, .local_experts = 8, .topk = 8};
  const double weights = 8 * 3 * 4096.0 * 14336 * 2;
  EXPECT_GE(model.time(Family::kMoe, moe).memory.value(), weights / 3.35e12);
}

// Uneven loads leave fewer experts to read than even ones, so that only the arithmetic is a bound.
TEST(KernelModel, experts_of_uneven_load_compute_all_pairs) {
  for (const std::string_view name : kChips) {
    const KernelModel model = mechanism_of(name);
    for (int i = 0; i < kCasesOfAKind; ++i) {
      Random random(20261123, "uneven", std::uint64_t(i));
      Case drawn = random_moe(random);
      MoeBlock& moe = std::get<MoeBlock>(drawn.shape);
      moe.imbalance = 1;
      moe.power_law = random.below(2) == 0 ? 1.01 : 1.2;
      const OpsPerSecond peak = model.device().peak_for(model.compute_format(drawn.a, drawn.b));
      const Seconds bound = work(moe).ops / peak;
      EXPECT_GE(model.time(drawn.family, moe).compute.value(), bound.value() * (1 - 1e-9))
          << name << " case " << i;
      EXPECT_EQ(what_fell(model, drawn, extent(random, 4096)), "") << name << " case " << i;
    }
  }
}

TEST(KernelModel, repeats_run_one_after_the_other) {
  const KernelModel model = model_of("h20_96g");
  const Gemm gemm{.m = 64, .n = 4096, .k = 4096};
  const KernelTime one = model.time(Family::kGemm, gemm);
  const KernelTime many = model.time(Op{"qkv", Family::kGemm, gemm, 61});
  EXPECT_DOUBLE_EQ(many.time.value(), 61 * one.time.value());
  EXPECT_EQ(many.limit, one.limit);
}

// A token of the cache is 1,152 bytes and takes 2 x 1,088 operations a head: 121 a byte with 64
// heads, 242 with 128. The ridge of an H20 is 148/4.0 = 37 operations a byte, that of an H100
// 989/3.35 = 295 at peak and less at a sustained rate, so that 128 heads lie near it.
TEST(Published, mla_decode_is_bound_by_compute_on_h20_and_up_to_64_heads_by_memory_on_h100) {
  MlaCore core{
      .batch = 128, .q_len = 1, .kv_len = 4096, .heads = 128, .kv_rank = 512, .rope_dim = 64};
  const KernelModel h20 = model_of("h20_96g"), h100 = model_of("h100_sxm");
  EXPECT_EQ(h20.time(Family::kMlaDecode, core).limit, Limit::kCompute);
  const KernelTime near = h100.time(Family::kMlaDecode, core);
  EXPECT_LT(near.compute / near.memory, 2);
  EXPECT_GT(near.compute / near.memory, 0.5);
  core.heads = 64;
  EXPECT_EQ(h20.time(Family::kMlaDecode, core).limit, Limit::kCompute);
  EXPECT_EQ(h100.time(Family::kMlaDecode, core).limit, Limit::kMemory);
}

// CloudMatrix384 paper (arXiv 2506.12708v3), operator tables: about 79% of the die's INT8 rate.
TEST(Published, int8_products_reach_four_fifths_of_a_910c_die) {
  const KernelModel model = model_of("ascend_910c");
  const Gemm gemm{
      .m = 7168, .n = 4096, .k = 4096, .batch = 4, .a = Format::kInt8, .b = Format::kInt8};
  const double peak = model.device().peak_for(Format::kInt8).value();
  const double share =
      4 * 2 * 7168.0 * 4096 * 4096 / model.time(Family::kGemm, gemm).time.value() / peak;
  EXPECT_NEAR(share, 0.79, 0.079);
}

// "Maximum achievable matmul FLOPS" (ml-engineering, accelerator chapter): the best BF16 shape that
// was found, without power capping of our own.
TEST(Published, the_best_shape_reaches_what_was_found_and_never_the_peak) {
  const std::pair<const char*, double> found[] = {{"a100_sxm", 271.2e12}, {"h100_sxm", 794.5e12}};
  for (const auto& [name, published] : found) {
    const KernelModel model = model_of(name);
    const double peak = model.device().peak_for(Format::kBf16).value();
    double best = 0;
    for (double m = 1024; m <= 16384; m += 1024) {
      for (double n = 1024; n <= 16384; n += 1024) {
        for (const double k : {2048.0, 4096.0, 8192.0, 16384.0}) {
          const double time = model.time(Family::kGemm, Gemm{.m = m, .n = n, .k = k}).time.value();
          best = std::max(best, 2 * m * n * k / time);
        }
      }
    }
    EXPECT_LT(best, peak) << name;
    EXPECT_NEAR(best, published, 0.15 * published) << name;
  }
}

TEST(KernelModel, four_bit_weights_save_bytes_and_not_arithmetic) {
  const KernelModel model = model_of("h100_sxm");
  EXPECT_EQ(model.compute_format(Format::kBf16, Format::kInt4), Format::kBf16);
  const Gemm large{.m = 8192, .n = 8192, .k = 8192, .b = Format::kInt4};
  const double ops = 2 * 8192.0 * 8192 * 8192;
  EXPECT_GE(model.time(Family::kGemm, large).time.value(),
            ops / model.device().peak_for(Format::kBf16).value());
  const Gemm thin{.m = 1, .n = 16384, .k = 16384, .b = Format::kInt4};
  Gemm whole = thin;
  whole.b = Format::kBf16;
  EXPECT_LT(model.time(Family::kGemm, thin).memory.value(),
            model.time(Family::kGemm, whole).memory.value() / 2.5);
}

TEST(KernelModel, what_a_chip_lacks_is_computed_in_bf16) {
  const KernelModel ampere = model_of("a100_sxm"), hopper = model_of("h100_sxm");
  for (const Format format : {Format::kFp8, Format::kFp8Block, Format::kNvFp4, Format::kMxFp4}) {
    EXPECT_EQ(ampere.compute_format(format, format), Format::kBf16) << name(format);
  }
  EXPECT_EQ(ampere.compute_format(Format::kInt8, Format::kInt8), Format::kInt8);
  const Format block = hopper.compute_format(Format::kFp8Block, Format::kFp8Block);
  EXPECT_EQ(hopper.device().peak_for(block), hopper.device().peak_for(Format::kFp8));
  EXPECT_EQ(hopper.compute_format(Format::kFp8, Format::kMxFp4), Format::kFp8);
  const Gemm gemm{.m = 8192, .n = 8192, .k = 8192, .a = Format::kFp8, .b = Format::kFp8};
  EXPECT_GE(ampere.time(Family::kGemm, gemm).time.value(), 2 * std::pow(8192.0, 3) / 312e12);
}

std::string refusal(Device device) {
  const auto model = KernelModel::make(device, **catalog().stack("generic"));
  EXPECT_FALSE(model);
  return model ? "" : to_text(model.error());
}

TEST(KernelModel, a_device_without_the_figures_needed_is_refused_by_name) {
  using ::testing::AllOf;
  using ::testing::HasSubstr;
  Device device = chip("h20_96g").device;
  Device dark = device;
  dark.memory_bandwidth = BytesPerSecond(0);
  EXPECT_THAT(refusal(dark), AllOf(HasSubstr("h20_96g"), HasSubstr("memory bandwidth")));
  Device idle = device;
  idle.peak = {};
  EXPECT_THAT(refusal(idle), AllOf(HasSubstr("h20_96g"), HasSubstr("BF16")));
}

TEST(KernelModel, a_stack_without_parameters_says_which_are_missing) {
  using ::testing::HasSubstr;
  Stack empty;
  empty.id = "bare";
  const auto model = KernelModel::make(chip("h20_96g").device, empty);
  ASSERT_FALSE(model);
  EXPECT_THAT(to_text(model.error()), HasSubstr("'bare'"));
}

TEST(KernelModel, every_chip_is_predicted_or_refused_with_a_reason) {
  int predicted = 0;
  for (const Chip* each : catalog().chips()) {
    const auto model = KernelModel::make(each->device, catalog().default_stack(*each));
    if (!model) {
      EXPECT_THAT(to_text(model.error()), ::testing::HasSubstr(each->id));
      continue;
    }
    ++predicted;
    const Gemm gemm{.m = 4096, .n = 4096, .k = 4096};
    EXPECT_GT(model->time(Family::kGemm, gemm).time.value(), 0) << each->id;
  }
  EXPECT_GT(predicted, 20);
}

// DeepSeek-V4's output in 16 groups: as many plain products, one after the other, are no bound that
// a kernel for small ones may miss by much.
TEST(KernelModel, large_products_at_once_take_no_longer_than_the_same_arithmetic_in_one) {
  const KernelModel model = model_of("b200_sxm");
  Gemm grouped{.m = 8192, .n = 1024, .k = 4096, .batch = 16};
  for (Format format : {Format::kBf16, Format::kFp8Block}) {
    grouped.a = grouped.b = format;
    Gemm one = grouped;
    one.batch = 1;
    one.n *= grouped.batch;
    EXPECT_LT(model.time(Family::kGemm, grouped).time, 1.3 * model.time(Family::kGemm, one).time);
  }
}

// Ascend 910C has no FP8: weights are put into BF16 on the way, activations stay as they came.
TEST(KernelModel, activations_are_narrowed_only_where_the_chip_computes_in_a_narrow_format) {
  Gemm gemm{.m = 4096, .n = 4096, .k = 4096, .a = Format::kFp8, .b = Format::kFp8};
  Gemm narrowing = gemm;
  narrowing.quantises = true;
  Gemm kept = gemm;
  kept.a = Format::kBf16;
  const KernelModel ascend = model_of("ascend_910c"), h100 = mechanism_of("h100_sxm");
  EXPECT_EQ(ascend.time(Family::kGemm, narrowing).time, ascend.time(Family::kGemm, kept).time);
  // BF16 is read and FP8 written, after a launch of its own.
  const double bytes = 4096.0 * 4096 * 3;
  const Seconds more =
      h100.time(Family::kGemm, narrowing).time - h100.time(Family::kGemm, gemm).time;
  EXPECT_GT(more.value(), bytes / 3.35e12);
  EXPECT_LT(more.value(), bytes / (0.7 * 3.35e12) + 5e-6);
}

}  // namespace
}  // namespace fivefold
