#include "fivefold/report/megatron.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "fivefold/training/layout_text.h"

namespace fivefold {
namespace {

struct Arguments {
  std::string text;
  void flag(std::string_view name) { text += fmt::format("--{}\n", name); }
  template <class T>
  void set(std::string_view name, T value) {
    text += fmt::format("--{} {}\n", name, value);
  }
  void remark(std::string_view what) { text += fmt::format("# {}\n", what); }
};

void add_attention(const Model& model, Arguments& a) {
  const Attention& attention = model.layers.back().attention;
  if (const auto* gqa = std::get_if<GqaAttention>(&attention)) {
    a.set("num-attention-heads", gqa->heads);
    a.set("kv-channels", gqa->head_dim);
    if (gqa->kv_heads == gqa->heads) return;
    a.flag("group-query-attention");
    a.set("num-query-groups", gqa->kv_heads);
  } else if (const auto* mla = std::get_if<MlaAttention>(&attention)) {
    a.set("num-attention-heads", mla->heads);
    a.flag("multi-latent-attention");
    if (mla->q_rank > 0) a.set("q-lora-rank", mla->q_rank);
    a.set("kv-lora-rank", mla->kv_rank);
    a.set("qk-head-dim", mla->nope_dim);
    a.set("qk-pos-emb-head-dim", mla->rope_dim);
    a.set("v-head-dim", mla->v_dim);
  } else {
    a.remark("attention of this kind has no arguments of its own");
  }
}

void add_ffn(const Model& model, Arguments& a) {
  for (const LayerGroup& layer : model.layers) {
    const auto* dense = std::get_if<DenseFfn>(&layer.ffn);
    if (dense == nullptr) continue;
    a.set("ffn-hidden-size", dense->width);
    if (dense->gated) a.flag("swiglu");
    break;
  }
  const MoeFfn* experts = moe(model.layers.back());
  if (experts == nullptr) return;
  a.set("num-experts", experts->experts);
  a.set("moe-router-topk", experts->active);
  a.set("moe-ffn-hidden-size", experts->width);
  if (experts->shared > 0) {
    a.set("moe-shared-expert-intermediate-size", experts->shared * experts->shared_width);
  }
  if (experts->groups_active > 0) {
    a.set("moe-router-num-groups", experts->groups);
    a.set("moe-router-group-topk", experts->groups_active);
  }
  if (model.layers.size() == 2 && std::holds_alternative<DenseFfn>(model.layers.front().ffn)) {
    a.set("moe-layer-freq",
          fmt::format("([0]*{}+[1]*{})", model.layers.front().count, model.layers.back().count));
  }
  a.flag("moe-grouped-gemm");
}

void add_model(const Model& model, const TrainingJob& job, Arguments& a) {
  a.set("num-layers", model.layer_count());
  a.set("hidden-size", model.hidden);
  add_attention(model, a);
  add_ffn(model, a);
  a.set("seq-length", job.seq_len);
  if (model.max_context > 0) a.set("max-position-embeddings", model.max_context);
  if (!model.tied_embeddings) a.flag("untie-embeddings-and-output-weights");
}

void add_recompute(const TrainingLayout& l, Arguments& a) {
  switch (l.recompute) {
    case Recompute::kNone:
      return;
    case Recompute::kSelective:
      a.set("recompute-granularity", "selective");
      if (l.recompute_modules != Modules{}) {
        std::string modules = recompute_text(l);
        std::replace(modules.begin(), modules.end(), '+', ' ');
        a.set("recompute-modules", modules);
      }
      return;
    case Recompute::kFull:
      a.set("recompute-granularity", "full");
      a.set("recompute-method", l.recompute_layers > 0 ? "block" : "uniform");
      a.set("recompute-num-layers", std::max(1, l.recompute_layers));
      return;
    case Recompute::kOps:
      a.remark("recomputation by operator has no argument");
      return;
  }
}

void add_pipeline(const Model& model, const TrainingLayout& l, bool mindspeed, Arguments& a) {
  a.set("pipeline-model-parallel-size", l.pp);
  if (l.first_layers > 0) a.set("decoder-first-pipeline-num-layers", l.first_layers);
  if (l.last_layers > 0) a.set("decoder-last-pipeline-num-layers", l.last_layers);
  const int parts = l.pp * l.vpp;
  if (l.vpp > 1) a.set("num-virtual-stages-per-pipeline-rank", l.vpp);
  if (model.layer_count() % parts != 0 && (model.layer_count() + 2) % parts == 0) {
    a.flag("account-for-embedding-in-pipeline-split");
    a.flag("account-for-loss-in-pipeline-split");
  }
  if (l.schedule == Schedule::kDualPipe && mindspeed) {
    a.set("schedules-method", "dualpipev");
    a.remark("dualpipev halves what DualPipe holds of weights and passes stages in a V");
  } else if (l.schedule != Schedule::k1F1B && l.schedule != Schedule::kInterleaved) {
    a.remark(fmt::format("schedule {} has no argument", name(l.schedule)));
  }
}

void add_sharding(const TrainingLayout& l, Arguments& a) {
  if (l.zero == 1) a.flag("use-distributed-optimizer");
  if (l.zero < 2) return;
  a.flag("use-megatron-fsdp");
  a.set("data-parallel-sharding-strategy", l.zero == 2 ? "optim_grads" : "optim_grads_params");
  if (l.shard > 0) {
    a.set("num-distributed-optimizer-instances",
          fmt::format("{}", std::max(1, l.dp * l.cp / l.shard)));
  }
}

void add_format(Format format, Arguments& a) {
  a.flag("bf16");
  switch (format) {
    case Format::kBf16:
      return;
    case Format::kFp8:
      a.set("fp8-format", "hybrid");
      a.set("fp8-recipe", "tensorwise");
      return;
    case Format::kFp8Block:
      a.set("fp8-format", "e4m3");
      a.set("fp8-recipe", "blockwise");
      return;
    case Format::kMxFp8:
      a.set("fp8-format", "e4m3");
      a.set("fp8-recipe", "mxfp8");
      return;
    case Format::kNvFp4:
      a.set("fp4-format", "e2m1");
      a.set("fp4-recipe", "nvfp4");
      return;
    default:
      a.remark(fmt::format("products in {} have no argument", name(format)));
  }
}

}  // namespace

std::string megatron_arguments(const Model& model, const TrainingJob& job, const TrainingLayout& l,
                               bool mindspeed) {
  Arguments a;
  add_model(model, job, a);
  a.set("tensor-model-parallel-size", l.tp);
  if (l.tp > 1 && l.sequence_parallel) a.flag("sequence-parallel");
  add_pipeline(model, l, mindspeed, a);
  if (l.cp > 1) a.set("context-parallel-size", l.cp);
  if (l.cp > 1 && mindspeed) a.set("context-parallel-algo", "megatron_cp_algo");
  if (most_experts(model) > 0) {
    a.set("expert-model-parallel-size", l.ep);
    a.set("expert-tensor-parallel-size", l.etp);
    a.set("moe-token-dispatcher-type", "alltoall");
  }
  if (job.overlap_ep && mindspeed) a.flag("moe-alltoall-overlap-comm");
  if (job.overlap_ep && !mindspeed) a.flag("overlap-moe-expert-parallel-comm");
  a.set("micro-batch-size", l.micro_batch);
  a.set("global-batch-size", job.global_batch);
  add_sharding(l, a);
  if (job.overlap_grad_reduce && l.dp > 1) a.flag("overlap-grad-reduce");
  if (job.overlap_param_gather && l.dp > 1 && l.zero > 0) a.flag("overlap-param-gather");
  if (job.overlap_tp && l.tp > 1) a.flag(mindspeed ? "use-ascend-mc2" : "tp-comm-overlap");
  add_recompute(l, a);
  add_format(job.format, a);
  if (mindspeed) a.flag("use-flash-attn");
  return a.text;
}

}  // namespace fivefold
