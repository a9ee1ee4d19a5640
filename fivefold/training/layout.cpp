#include "fivefold/training/layout.h"

#include <algorithm>

#include <fmt/format.h>

#include "fivefold/training/schedule.h"
#include "fivefold/training/stage.h"

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
  if (!(job.expert_skew >= 1)) {
    problems.add(fmt::format("expert skew {} is below 1", job.expert_skew),
                 "the busiest rank has at least the mean");
  }
  if (job.capacity_factor < 0) {
    problems.add(fmt::format("capacity factor {} is negative", job.capacity_factor));
  }
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
    if (l.ep > experts->experts) {
      problems.add(fmt::format("ep {} of {} experts", l.ep, experts->experts),
                   "a rank holds at least one expert; etp cuts experts further");
      return;
    }
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

// Layers at the ends that the user named leave at least one to each stage between.
void check_ends(int layers, const TrainingLayout& l, Problems& problems) {
  if (l.first_layers < 0 || l.last_layers < 0) {
    problems.add(fmt::format("{} layers first and {} last: neither can be below 0", l.first_layers,
                             l.last_layers));
    return;
  }
  const int named = (l.first_layers > 0 ? 1 : 0) + (l.last_layers > 0 ? 1 : 0);
  if (named == 0) return;
  const int left = layers - l.first_layers - l.last_layers;
  const int between = model_stages(l) - named;
  if (left < 0) {
    problems.add(fmt::format("{} layers first and {} last are more than {}", l.first_layers,
                             l.last_layers, layers));
  } else if (left < between) {
    problems.add(fmt::format("{} layers first and {} last leave {} of {} for {} stages",
                             l.first_layers, l.last_layers, left, layers, between));
  } else if (between <= 0 && left > 0) {
    problems.add(fmt::format("{} layers first and {} last leave {} of {} without a stage",
                             l.first_layers, l.last_layers, left, layers));
  }
}

void check_pipeline(const Model& model, const TrainingLayout& l, Problems& problems) {
  // Embedding and head may fill a chunk of their own, as layouts of Llama 3 405B do: 126 layers in
  // 16 x 8.
  const int layers = model.layer_count(), stages = model_stages(l);
  if (stages > layers + (l.vpp > 1 ? 2 : 0) || l.pp > layers) {
    const bool chunked = stages != l.pp;
    problems.add(chunked ? fmt::format("pp x chunks = {} x {} is more than {} layers", l.pp,
                                       stages / l.pp, layers)
                         : fmt::format("pp {} is more than {} layers", l.pp, layers));
    return;
  }
  if (l.vpp > 1 && l.schedule != Schedule::kInterleaved) {
    problems.add(fmt::format("vpp {} needs the interleaved schedule", l.vpp));
  }
  check_ends(layers, l, problems);
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
  } else if (std::string problem = schedule_problem(l, job.global_batch / shares);
             !problem.empty()) {
    problems.add(std::move(problem));
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
