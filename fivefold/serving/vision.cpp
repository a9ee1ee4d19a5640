#include "fivefold/serving/vision.h"

#include <fmt/format.h>

namespace fivefold {
namespace {

Seconds layers_time(const KernelModel& kernels, const Model& model, const Shard& shard,
                    double sequences, double tokens, const Precision& precision) {
  const Batch batch{.sequences = sequences, .q_len = tokens};
  Seconds time{0};
  for (const LayerGroup& layer : model.layers) {
    Seconds one{0};
    for (const Op& op : layer_ops(model, layer, shard, batch, precision)) {
      one += kernels.time(op).time;
    }
    time += layer.count * one;
  }
  return time;
}

}  // namespace

Result<ImageEstimate> image_batch(const KernelModel& kernels, const Model& model,
                                  const Precision& precision, double batch) {
  if (batch < 1) return fail("a batch must hold an image");
  ImageEstimate estimate;
  estimate.batch = batch;
  if (model.fixed_gflops_per_image > 0) {
    estimate.assumed_shape = true;
    estimate.operations = Ops(model.fixed_gflops_per_image * 1e9);
    constexpr double kChannels = 256, kDepth = 9 * kChannels;
    const Gemm product{.m = batch * estimate.operations.value() / (2 * kChannels * kDepth),
                       .n = kChannels,
                       .k = kDepth,
                       .a = precision.gemm_a,
                       .b = precision.gemm_b};
    estimate.time = kernels.time(Family::kGemm, product).time;
  } else if (!model.lm_head && model.image_tokens > 0) {
    const double tokens = model.image_tokens;
    estimate.operations = tokens * forward_ops_per_token(model, tokens);
    estimate.time = layers_time(kernels, model, {}, batch, tokens, precision);
  } else {
    return fail(fmt::format("{} takes in no images", model.id), "an encoder or a detector");
  }
  estimate.images_per_second = batch / estimate.time.value();
  const Format format = kernels.compute_format(precision.gemm_a, precision.gemm_b);
  estimate.utilisation = estimate.operations * estimate.images_per_second /
                         kernels.device().peak_for(format).value() / Ops(1);
  return estimate;
}

Seconds tower_time(const KernelModel& kernels, const Model& model, const Precision& precision,
                   int tp, double images) {
  Seconds time{0};
  for (const Tower& tower : model.towers) {
    if (tower.tokens <= 0 || tower.heads <= 0) continue;
    Model encoder;
    encoder.hidden = tower.hidden;
    LayerGroup layer;
    layer.count = tower.layers;
    layer.attention = GqaAttention{.heads = tower.heads,
                                   .kv_heads = tower.heads,
                                   .head_dim = tower.hidden / tower.heads,
                                   .causal = false};
    layer.ffn = DenseFfn{.width = tower.width, .gated = tower.gated};
    encoder.layers.push_back(layer);
    time += layers_time(kernels, encoder, {.tp = tp}, images, tower.tokens, precision);
  }
  return time;
}

}  // namespace fivefold
