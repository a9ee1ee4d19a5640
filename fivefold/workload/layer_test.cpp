#include "fivefold/workload/layer.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <new>
#include <sstream>

#include <gtest/gtest.h>

#include "fivefold/catalog/model_yaml.h"

// Counts allocations of this test program, for the promise that layer_ops makes none.
namespace {
std::size_t allocations = 0;
}
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace fivefold {
namespace {

std::vector<Model> read_shipped() {
  std::vector<Model> models;
  for (const char* name : {"deepseek", "qwen", "llama", "others", "vision"}) {
    const std::string path = std::string(FIVEFOLD_SOURCE_DIR) + "/catalog/models/" + name + ".yaml";
    std::ifstream in(path);
    std::ostringstream text;
    text << in.rdbuf();
    auto read = read_models(path, text.str());
    EXPECT_TRUE(read) << (read ? "" : to_text(read.error()));
    if (read) models.insert(models.end(), read->begin(), read->end());
  }
  return models;
}

const std::vector<Model>& shipped() {
  static const std::vector<Model> models = read_shipped();
  return models;
}

const Model& shipped(std::string_view id) {
  for (const Model& model : shipped()) {
    if (model.id == id) return model;
  }
  throw std::runtime_error("no model " + std::string(id));
}

bool is_language_model(const Model& model) {
  return model.lm_head;
}

double sum_ops(const OpList& ops) {
  double sum = 0;
  for (const Op& op : ops) sum += op.repeat * work(op.shape).ops.value();
  return sum;
}

double model_ops(const Model& model, const Shard& shard, const Batch& batch,
                 const Precision& precision) {
  double sum = sum_ops(head_ops(model, shard, batch, precision));
  for (const LayerGroup& layer : model.layers) {
    sum += layer.count * sum_ops(layer_ops(model, layer, shard, batch, precision));
  }
  return sum;
}

const Op* find(const OpList& ops, std::string_view name) {
  for (const Op& op : ops) {
    if (op.name == name) return &op;
  }
  return nullptr;
}

// Operators are listed from shapes, the closed form is summed from matrices: they must agree.
TEST(LayerOps, sum_to_the_closed_form_for_every_shipped_model) {
  const double length = 1024;
  for (const Model& model : shipped()) {
    if (!is_language_model(model)) continue;
    const Batch batch{.sequences = 2, .q_len = length, .all_logits = true};
    const double expected = forward_ops_per_token(model, (length + 1) / 2).value() * batch.tokens();
    const double listed = model_ops(model, {}, batch, {});
    EXPECT_NEAR(listed / expected, 1, 0.02) << model.id;
  }
}

TEST(LayerOps, decode_of_attention_with_a_cache_sums_to_the_closed_form) {
  const double context = 8000;
  for (const Model& model : shipped()) {
    const bool mla =
        !model.layers.empty() && std::holds_alternative<MlaAttention>(model.layers[0].attention);
    if (!is_language_model(model) || mla) continue;  // MLA decodes in its absorbed form
    const Batch batch{.sequences = 16, .q_len = 1, .context = context, .decode = true};
    const double expected = forward_ops_per_token(model, context + 1).value() * batch.tokens();
    EXPECT_NEAR(model_ops(model, {}, batch, {}) / expected, 1, 0.02) << model.id;
  }
}

// Narayanan et al. 2021, arXiv 2104.04473, equation 2: 96 B s l h^2 (1 + s/6h + V/16lh) for
// forward, backward and recomputation of the layers; one of four passes is 24 B s l h^2 (1 + s/6h),
// and the head takes 2 B s h V forward. Attention is not halved for causality there.
TEST(ForwardOps, gpt3_follows_megatrons_formula) {
  const Model& model = shipped("openai/gpt3-175b");
  const double s = 2048, l = 96, h = 12288, v = model.vocabulary;
  const double formula = 24 * s * l * h * h * (1 + s / (6 * h)) + 2 * s * h * v;
  EXPECT_NEAR(s * forward_ops_per_token(model, s).value(), formula, 1e-9 * formula);
}

// DeepSeek-V3 activates 37 billion parameters a token (arXiv 2412.19437), its input embedding among
// them.
TEST(ForwardOps, deepseek_v3_takes_two_operations_for_each_active_parameter) {
  const double ops = forward_ops_per_token(shipped("deepseek-ai/DeepSeek-V3"), 0).value();
  EXPECT_NEAR(ops, 2 * 37e9, 0.02 * 2 * 37e9);
}

TEST(ForwardOps, matrices_take_two_operations_for_each_active_parameter) {
  for (const Model& model : shipped()) {
    if (!is_language_model(model) || !model.towers.empty()) continue;
    const ParameterCount count = count_parameters(model);
    const double weights = count.active_core + double(model.vocabulary) * model.hidden;
    // State updates of linear attention and mixing of streams are not weights, and small.
    EXPECT_NEAR(forward_ops_per_token(model, 0).value() / (2 * weights), 1, 0.02) << model.id;
  }
}

TEST(ForwardOps, attention_of_llama_70b_is_four_operations_per_head_value_and_token) {
  const Model& model = shipped("meta-llama/Llama-3.1-70B");
  const double slope =
      (forward_ops_per_token(model, 2000) - forward_ops_per_token(model, 1000)).value() / 1000;
  EXPECT_DOUBLE_EQ(slope, 80.0 * 4 * 8192);
}

TEST(Memory, cache_per_token_is_as_published) {
  const Precision bf16;
  // DeepSeek-V3's latent: 61 layers x (512 + 64) values; Llama 3.1: 2 x 80 layers x 8 heads x 128.
  EXPECT_DOUBLE_EQ(total_cache_per_token(shipped("deepseek-ai/DeepSeek-R1"), bf16).value(), 70272);
  EXPECT_DOUBLE_EQ(total_cache_per_token(shipped("meta-llama/Llama-3.1-70B"), bf16).value(),
                   327680);
  // DeepSeek, "Insights into DeepSeek-V3" (arXiv 2505.09343) table 1: 70.272, 327.680 and 516.096
  // KB.
  EXPECT_DOUBLE_EQ(total_cache_per_token(shipped("meta-llama/Llama-3.1-405B"), bf16).value(),
                   516096);
}

TEST(Memory, weights_are_parameters_times_bytes) {
  for (const Model& model : shipped()) {
    const double parameters = count_parameters(model).total;
    EXPECT_NEAR(total_weights(model, {}).value(), 2 * parameters, 1e-9 * parameters) << model.id;
  }
}

TEST(Memory, deepseek_r1_in_fp8_takes_about_a_byte_a_parameter) {
  const Precision fp8{.gemm_a = Format::kFp8Block,
                      .gemm_b = Format::kFp8Block,
                      .expert_a = Format::kFp8Block,
                      .expert_b = Format::kFp8Block};
  const double weights = total_weights(shipped("deepseek-ai/DeepSeek-R1"), fp8).value();
  EXPECT_GT(weights, 671e9);
  EXPECT_LT(weights, 1.01 * 671e9);  // embedding and head stay in BF16
}

TEST(Memory, a_window_holds_state_that_does_not_grow) {
  const Model& model = shipped("mistralai/Mistral-7B-v0.1");
  EXPECT_DOUBLE_EQ(total_cache_per_token(model, {}).value(), 0);
  EXPECT_DOUBLE_EQ(total_cache_per_sequence(model, {}).value(), 32.0 * 4096 * 2 * 8 * 128 * 2);
}

TEST(Memory, mamba_holds_its_state_in_fp32) {
  const Model& model = shipped("nvidia/Nemotron-H-56B-Base-8K");
  const double state = 54 * (256.0 * 64 * 256 * 4);
  const double sum = total_cache_per_sequence(model, {}).value();
  EXPECT_GT(sum, state);
  EXPECT_LT(sum, 1.01 * state);  // the rest are inputs of the convolution
  EXPECT_DOUBLE_EQ(total_cache_per_token(model, {}).value(), 10 * 2 * 8 * 128 * 2);
}

TEST(Shards, tensor_parallel_ranks_add_up_to_the_whole) {
  const Model& model = shipped("meta-llama/Llama-3.1-70B");
  const LayerGroup& layer = model.layers[0];
  const Batch batch{.sequences = 4, .q_len = 512};
  const auto products = [&](const Shard& shard) {
    double sum = 0;
    for (const Op& op : layer_ops(model, layer, shard, batch, {})) {
      if (!std::holds_alternative<Streaming>(op.shape)) sum += work(op.shape).ops.value();
    }
    return sum;
  };
  const double norms = norm_parameters(model, layer) * 2;
  for (int tp : {2, 4, 8}) {
    EXPECT_NEAR(tp * products({.tp = tp}), products({}), 1e-9 * products({})) << tp;
    const double weights =
        tp * (layer_weights(model, layer, {.tp = tp}, {}).value() - norms) + norms;
    EXPECT_NEAR(weights, layer_weights(model, layer, {}, {}).value(), 1) << tp;
    EXPECT_NEAR(tp * cache_per_token(model, layer, {.tp = tp}, {}).value(),
                cache_per_token(model, layer, {}, {}).value(), 1e-9);
  }
}

TEST(Shards, kv_heads_are_replicated_when_there_are_more_ranks_than_heads) {
  const Model& model = shipped("meta-llama/Llama-3.1-70B");
  const Bytes one_head = cache_per_token(model, model.layers[0], {.tp = 8}, {});
  EXPECT_EQ(cache_per_token(model, model.layers[0], {.tp = 16}, {}), one_head);
}

TEST(Shards, the_latent_cache_of_mla_is_whole_on_every_rank) {
  const Model& model = shipped("deepseek-ai/DeepSeek-R1");
  const LayerGroup& layer = model.layers.back();
  EXPECT_EQ(cache_per_token(model, layer, {.tp = 16}, {}), cache_per_token(model, layer, {}, {}));
}

TEST(Shards, expert_ranks_add_up_to_the_whole) {
  const Model& model = shipped("deepseek-ai/DeepSeek-V3");
  const LayerGroup& layer = model.layers.back();
  const auto experts = [&](const Shard& shard, double tokens_per_rank) {
    const OpList ops =
        layer_ops(model, layer, shard, {.sequences = tokens_per_rank, .q_len = 1}, {});
    return work(find(ops, "experts")->shape).ops.value();
  };
  const double whole = experts({}, 4096);
  EXPECT_NEAR(32 * experts({.ep = 32}, 4096.0 / 32), whole, 1e-9 * whole);
  EXPECT_NEAR(4 * experts({.etp = 4}, 4096), whole, 1e-9 * whole);
  const double held = layer_weights(model, layer, {}, {}).value();
  const double cut = layer_weights(model, layer, {.ep = 64}, {}).value();
  EXPECT_DOUBLE_EQ(held - cut, 63.0 / 64 * 256 * 3 * 7168 * 2048 * 2);
}

TEST(Shards, context_parallel_ranks_score_the_pairs_of_the_whole_sequence) {
  const Model& model = shipped("meta-llama/Llama-3.1-8B");
  const auto pairs = [&](int cp) {
    const OpList ops =
        layer_ops(model, model.layers[0], {.cp = cp}, {.sequences = 1, .q_len = 8192.0 / cp}, {});
    return cp * work(find(ops, "attention")->shape).ops.value();
  };
  EXPECT_NEAR(pairs(4), pairs(1), 0.001 * pairs(1));
}

TEST(LayerOps, mla_decodes_absorbed_and_prefills_expanded) {
  const Model& model = shipped("deepseek-ai/DeepSeek-V3");
  const LayerGroup& layer = model.layers.back();
  const OpList prefill = layer_ops(model, layer, {}, {.sequences = 1, .q_len = 4096}, {});
  const OpList decode = layer_ops(
      model, layer, {}, {.sequences = 8, .q_len = 1, .context = 4096, .decode = true}, {});
  EXPECT_TRUE(std::holds_alternative<AttentionCore>(find(prefill, "attention")->shape));
  EXPECT_NE(find(prefill, "kv_b_proj"), nullptr);
  EXPECT_TRUE(std::holds_alternative<MlaCore>(find(decode, "attention")->shape));
  EXPECT_EQ(find(decode, "kv_b_proj"), nullptr);
  // W_UK and W_UV are the two halves of kv_b: absorbed, they take as many operations for each
  // token.
  const double absorbed = work(find(decode, "absorb_q")->shape).ops.value() +
                          work(find(decode, "absorb_v")->shape).ops.value();
  EXPECT_DOUBLE_EQ(absorbed / 8, work(find(prefill, "kv_b_proj")->shape).ops.value() / 4096);
}

TEST(LayerOps, sparse_attention_costs_less_than_dense_at_long_context_and_scores_all_of_it) {
  const Batch batch{.sequences = 8, .q_len = 1, .context = 65536, .decode = true};
  const Model& dense = shipped("deepseek-ai/DeepSeek-V3");
  const Model& sparse = shipped("deepseek-ai/DeepSeek-V3.2");
  const OpList ops = layer_ops(sparse, sparse.layers[1], {}, batch, {});
  EXPECT_LT(sum_ops(ops), sum_ops(layer_ops(dense, dense.layers[1], {}, batch, {})));
  // 64 index heads of 128 score all 65,537 keys; 128 heads attend to 2,048 of them, 576 values of a
  // key and 512 of a value.
  const double scores = 8 * 2.0 * 64 * 128 * 65537, core = 8 * 2.0 * 128 * 2048 * (576 + 512);
  EXPECT_DOUBLE_EQ(work(find(ops, "sparse_attention")->shape).ops.value(), scores + core);
}

TEST(LayerOps, a_sparse_model_prefills_densely_while_nothing_is_left_out) {
  const Model& model = shipped("deepseek-ai/DeepSeek-V3.2");
  const auto prefill = [&](double tokens) {
    return layer_ops(model, model.layers[1], {}, {.sequences = 1, .q_len = tokens}, {});
  };
  EXPECT_NE(find(prefill(2048), "kv_b_proj"), nullptr);
  EXPECT_EQ(find(prefill(2048), "sparse_attention"), nullptr);
  EXPECT_NE(find(prefill(2048), "index_k_weights_proj"), nullptr);  // later tokens score its keys
  EXPECT_EQ(find(prefill(2049), "kv_b_proj"), nullptr);
  EXPECT_NE(find(prefill(2049), "sparse_attention"), nullptr);
}

TEST(LayerOps, compressed_attention_sees_a_window_and_what_its_indexer_lets_through) {
  const Model& model = shipped("deepseek-ai/DeepSeek-V4-Pro");
  const Batch batch{.sequences = 4, .q_len = 1, .context = 65535, .decode = true};
  int found = 0;
  for (const LayerGroup& layer : model.layers) {
    const OpList ops = layer_ops(model, layer, {}, batch, {});
    const auto& rest = std::get<ModuleRest>(find(ops, "sparse_attention")->shape);
    const bool indexed = rest.kind == ModuleKind::kCompressed;
    EXPECT_DOUBLE_EQ(rest.seen, indexed ? 128 + 1024 : 128 + 65536.0 / 128);
    EXPECT_DOUBLE_EQ(rest.index_keys, indexed ? 65536.0 / 4 : 0);
    found |= indexed ? 1 : 2;
  }
  EXPECT_EQ(found, 3);
}

TEST(LayerOps, the_rest_of_a_sparse_module_comes_after_the_products_that_run_beside_it) {
  const Model& model = shipped("deepseek-ai/DeepSeek-V3.2");
  LayerGroup layer = model.layers[1];
  layer.ffn = std::monostate{};
  layer.norms = 1;
  const OpList ops = layer_ops(model, layer, {},
                               {.sequences = 8, .q_len = 1, .context = 4096, .decode = true}, {});
  EXPECT_TRUE(std::holds_alternative<ModuleRest>(ops[ops.size() - 1].shape));
  // Of wider products the host issues fewer kernels.
  const Precision narrow{.gemm_a = Format::kFp8Block, .gemm_b = Format::kFp8Block};
  const OpList more = layer_ops(
      model, layer, {}, {.sequences = 8, .q_len = 1, .context = 4096, .decode = true}, narrow);
  EXPECT_GT(module_calls(more, true), module_calls(ops, true));
  EXPECT_GT(module_calls(ops, true), module_calls(ops, false));
}

TEST(LayerOps, narrow_products_need_their_activations_quantised) {
  const Model& model = shipped("deepseek-ai/DeepSeek-V3");
  const Precision fp8{.gemm_a = Format::kFp8Block,
                      .gemm_b = Format::kFp8Block,
                      .expert_a = Format::kFp8Block,
                      .expert_b = Format::kFp8Block};
  const Batch batch{.sequences = 1, .q_len = 4096};
  const OpList wide = layer_ops(model, model.layers[0], {}, batch, {});
  const OpList narrow = layer_ops(model, model.layers[0], {}, batch, fp8);
  EXPECT_FALSE(std::get<Gemm>(find(wide, "qkv_a_proj")->shape).quantises);
  EXPECT_TRUE(std::get<Gemm>(find(narrow, "qkv_a_proj")->shape).quantises);
  // A layer with experts: its router computes in the format of activations.
  const OpList routed = layer_ops(model, model.layers[1], {}, batch, fp8);
  ASSERT_NE(find(routed, "router"), nullptr);
  EXPECT_FALSE(std::get<Gemm>(find(routed, "router")->shape).quantises);
  // BF16 activations and results.
  const Work moved = work(find(narrow, "qkv_a_proj")->shape);
  EXPECT_DOUBLE_EQ(moved.activations.value(), 4096.0 * (7168 + 2112) * 2);
}

TEST(HeadOps, prefill_computes_logits_of_last_tokens_only) {
  const Model& model = shipped("meta-llama/Llama-3.1-8B");
  const auto rows = [&](const Batch& batch) {
    return std::get<Gemm>(find(head_ops(model, {}, batch, {}), "lm_head")->shape).m;
  };
  EXPECT_DOUBLE_EQ(rows({.sequences = 3, .q_len = 1000}), 3);
  EXPECT_DOUBLE_EQ(rows({.sequences = 3, .q_len = 2, .decode = true}), 6);  // a draft is verified
  EXPECT_DOUBLE_EQ(rows({.sequences = 3, .q_len = 1000, .all_logits = true}), 3000);
}

TEST(LayerOps, work_grows_with_tokens_and_with_context) {
  for (const Model& model : shipped()) {
    for (const LayerGroup& layer : model.layers) {
      double before = 0;
      for (double context : {0, 100, 1000, 10000, 100000}) {
        const double now = sum_ops(
            layer_ops(model, layer, {},
                      {.sequences = 4, .q_len = 1, .context = context, .decode = true}, {}));
        EXPECT_GE(now, before) << model.id << ' ' << layer.name;
        before = now;
      }
      const double one = sum_ops(layer_ops(model, layer, {}, {.sequences = 1, .q_len = 64}, {}));
      const double two = sum_ops(layer_ops(model, layer, {}, {.sequences = 2, .q_len = 64}, {}));
      EXPECT_NEAR(two, 2 * one, 1e-9 * two) << model.id << ' ' << layer.name;
    }
  }
}

TEST(LayerOps, allocates_nothing) {
  const Precision fp8{.gemm_a = Format::kFp8,
                      .gemm_b = Format::kFp8,
                      .expert_a = Format::kFp8,
                      .expert_b = Format::kFp8};
  const auto& models = shipped();  // read before counting
  const std::size_t before = allocations;
  std::size_t most = 0;
  for (const Model& model : models) {
    for (const LayerGroup& layer : model.layers) {
      for (bool decode : {false, true}) {
        const Batch batch{.sequences = 4, .q_len = 4, .context = 5000, .decode = decode};
        most = std::max(most, layer_ops(model, layer, {}, batch, fp8).size());
      }
    }
  }
  EXPECT_EQ(allocations, before);
  EXPECT_LE(most, kMaxLayerOps - 4) << "the list is nearly full";
}

TEST(LayerOps, an_image_through_dinov2_takes_what_its_parameters_suggest) {
  const Model& model = shipped("facebook/dinov2-large");
  const double tokens = model.image_tokens;
  const double ops = model_ops(model, {}, {.sequences = 1, .q_len = tokens}, {});
  const double matrices = 2 * tokens * 24 * 12 * 1024.0 * 1024;
  const double attention = 24 * 4 * tokens * tokens * 1024;
  EXPECT_NEAR(ops, matrices + attention, 0.01 * ops);
}

Device device_with(std::initializer_list<Format> formats) {
  Device device;
  for (Format format : formats) device.peak[static_cast<std::size_t>(format)] = OpsPerSecond(1e14);
  return device;
}

TEST(ServingPrecision, fp8_models_run_in_what_the_chip_computes) {
  const Model& model = shipped("deepseek-ai/DeepSeek-R1");
  const Precision hopper =
      serving_precision(model, device_with({Format::kBf16, Format::kFp8, Format::kInt8}));
  EXPECT_EQ(hopper.gemm_b, Format::kFp8Block);
  EXPECT_EQ(hopper.attention, Format::kBf16);
  EXPECT_EQ(hopper.cache, Format::kBf16);
  const Precision ascend = serving_precision(model, device_with({Format::kBf16, Format::kInt8}));
  EXPECT_EQ(ascend.gemm_a, Format::kInt8);
  EXPECT_EQ(ascend.expert_b, Format::kInt8);
  const Precision plain = serving_precision(model, device_with({Format::kBf16}));
  EXPECT_EQ(plain.expert_b, Format::kBf16);
  Device volta =
      device_with({Format::kFp16, Format::kInt8});  // INT8 on the vector unit: 62 of 125 TOPS
  volta.peak[static_cast<std::size_t>(Format::kInt8)] = OpsPerSecond(0.5e14);
  EXPECT_EQ(serving_precision(model, volta).gemm_b, Format::kFp16);
}

TEST(ServingPrecision, fp4_weights_stay_narrow_where_products_cannot_be) {
  const Model& oss = shipped("openai/gpt-oss-120b");
  const Precision hopper = serving_precision(oss, device_with({Format::kBf16, Format::kFp8}));
  EXPECT_EQ(hopper.expert_b, Format::kMxFp4);
  EXPECT_EQ(hopper.expert_a, Format::kBf16);
  EXPECT_EQ(hopper.gemm_b, Format::kBf16);
  // DeepSeek-V4 is made for 8-bit activations: its experts are upcast to FP8.
  const Precision v4 = serving_precision(shipped("deepseek-ai/DeepSeek-V4-Pro"),
                                         device_with({Format::kBf16, Format::kFp8}));
  EXPECT_EQ(v4.expert_b, Format::kMxFp4);
  EXPECT_EQ(v4.expert_a, Format::kMxFp8);
}

}  // namespace
}  // namespace fivefold
