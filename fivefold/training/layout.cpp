#include "fivefold/training/layout.h"

#include <algorithm>

#include <fmt/format.h>

namespace fivefold {
namespace {

struct Problems {
  Error error;
  void add(std::string what, std::string hint = {}) {
    error.problems.push_back({{}, std::move(what), std::move(hint)});
  }
};

int heads_of(const Attention& attention) {
  if (const auto* a = std::get_if<GqaAttention>(&attention)) return a->heads;
  if (const auto* a = std::get_if<MlaAttention>(&attention)) return a->heads;
  if (const auto* a = std::get_if<CompressedAttention>(&attention)) return a->heads;
  if (const auto* a = std::get_if<LinearAttention>(&attention)) return a->v_heads;
  return 0;
}

void check_positive(const TrainingJob& job, const TrainingLayout& l, Problems& problems) {
  const auto at_least_one = [&](const char* name, int value) {
    if (value < 1) problems.add(fmt::format("{} {} must be at least 1", name, value));
  };
  at_least_one("tp", l.tp);
  at_least_one("pp", l.pp);
  at_least_one("dp", l.dp);
  at_least_one("ep", l.ep);
  at_least_one("cp", l.cp);
  at_least_one("vpp", l.vpp);
  at_least_one("etp", l.etp);
  at_least_one("micro batch", l.micro_batch);
  at_least_one("global batch", job.global_batch);
  at_least_one("sequence length", job.seq_len);
  if (l.zero < 0 || l.zero > 3) problems.add(fmt::format("zero {} is not 0, 1, 2 or 3", l.zero));
}

void check_attention(const Model& model, const TrainingLayout& l, Problems& problems) {
  for (const LayerGroup& layer : model.layers) {
    const int heads = heads_of(layer.attention);
    if (heads > 0 && heads % l.tp != 0) {
      problems.add(fmt::format("tp {} does not divide {} heads", l.tp, heads));
      return;
    }
    const auto* gqa = std::get_if<GqaAttention>(&layer.attention);
    if (gqa != nullptr && gqa->kv_heads % l.tp != 0 && l.tp % gqa->kv_heads != 0) {
      problems.add(fmt::format("tp {} and {} key-value heads do not divide each other", l.tp,
                               gqa->kv_heads));
      return;
    }
  }
}

void check_experts(const Model& model, const TrainingLayout& l, Problems& problems) {
  bool any = false;
  for (const LayerGroup& layer : model.layers) {
    const MoeFfn* experts = moe(layer);
    if (experts == nullptr) continue;
    any = true;
    if (experts->experts % l.ep != 0) {
      problems.add(fmt::format("ep {} does not divide {} experts", l.ep, experts->experts));
      return;
    }
  }
  if (!any && (l.ep > 1 || l.etp > 1)) {
    problems.add(fmt::format("ep {}: {} has no experts", l.ep * l.etp, model.id));
  }
  if ((l.tp * l.cp * l.dp) % (l.ep * l.etp) != 0) {
    problems.add(fmt::format("ep x etp = {} does not divide tp x cp x dp = {}", l.ep * l.etp,
                             l.tp * l.cp * l.dp),
                 "experts are spread over ranks of one pipeline stage");
  }
}

void check_pipeline(const Model& model, const TrainingLayout& l, Problems& problems) {
  // Embedding and head may fill a chunk of their own, as layouts of Llama 3 405B do: 126 layers in
  // 16 x 8.
  const int layers = model.layer_count();
  if (l.pp * l.vpp > layers + 2 || l.pp > layers) {
    problems.add(fmt::format("pp x vpp = {} is more than {} layers", l.pp * l.vpp, layers));
  }
  if (l.vpp > 1 && l.schedule != Schedule::kInterleaved) {
    problems.add(fmt::format("vpp {} needs the interleaved schedule", l.vpp));
  }
  if (l.first_layers < 0 || l.last_layers < 0 || l.first_layers + l.last_layers > layers) {
    problems.add(fmt::format("{} layers first and {} last are not within {}", l.first_layers,
                             l.last_layers, layers));
  }
  if (l.vpp > 1 && l.pp == 1) problems.add(fmt::format("vpp {} needs pp above 1", l.vpp));
}

}  // namespace

Result<void> check_layout(const Machine& machine, const Model& model, const TrainingJob& job,
                          const TrainingLayout& l) {
  Problems problems;
  check_positive(job, l, problems);
  if (!problems.error.problems.empty()) return fail(std::move(problems.error));
  if (model.layers.empty()) {
    problems.add(fmt::format("{} is known by its totals alone, without layers", model.id));
  }
  if (l.world() != machine.devices) {
    problems.add(fmt::format("world tp x pp x dp x cp = {} is not the machine's {} devices",
                             l.world(), machine.devices));
  }
  check_attention(model, l, problems);
  check_experts(model, l, problems);
  check_pipeline(model, l, problems);
  const int shares = l.dp * l.micro_batch;
  if (job.global_batch % shares != 0) {
    problems.add(fmt::format("global batch {} is not a multiple of dp x micro batch = {}",
                             job.global_batch, shares));
  }
  if (l.shard < 0 || (l.shard > 0 && (l.dp * l.cp) % l.shard != 0)) {
    problems.add(fmt::format("shard {} does not divide dp x cp = {}", l.shard, l.dp * l.cp));
  }
  if (job.seq_len % l.cp != 0) {
    problems.add(fmt::format("cp {} does not divide a sequence of {} tokens", l.cp, job.seq_len));
  }
  if (problems.error.problems.empty()) return {};
  return fail(std::move(problems.error));
}

}  // namespace fivefold
