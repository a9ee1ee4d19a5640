#include "fivefold/report/launch_flags.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "fivefold/serving/text.h"

namespace fivefold {
namespace {

constexpr int kLargestNode = 16;  // devices that one host drives

enum class Role : std::uint8_t { kBoth, kPrefill, kDecode };

// One kind of instance.
struct Launch {
  const ServingSpace& space;
  const ServingGoal& goal;
  ServingLayout layout;
  Role role = Role::kBoth;
  double sequences = 1;  // of an attention group
  int step_tokens = 0;
  int drafts = 0;
  bool fp8_cache = false;

  bool ascend() const { return space.machine.system->chip->vendor == "Huawei"; }
  bool exchanges() const { return layout.ep > 1 && layout.dp > 1; }
  int context() const { return int(std::ceil(goal.workload.input + goal.workload.output)); }
  int nodes() const {
    int node = 1;
    for (const Level& level : space.machine.levels) {
      if (level.size <= kLargestNode) node = std::max(node, level.size);
    }
    return std::max(1, (layout.devices() + node - 1) / node);
  }
};

struct Command {
  std::string remarks, text;
  void flag(std::string_view name) { text += fmt::format(" \\\n  --{}", name); }
  template <class T>
  void set(std::string_view name, const T& value) {
    text += fmt::format(" \\\n  --{} {}", name, value);
  }
  void remark(std::string_view what) { remarks += fmt::format("# {}\n", what); }
};

void add_vllm_nodes(const Launch& l, Command& c) {
  const int nodes = l.nodes();
  if (nodes == 1) return;
  if (l.layout.dp % nodes != 0 || l.layout.pp > 1) {
    c.remark(fmt::format("{} nodes: start them as one Ray cluster first", nodes));
    c.set("distributed-executor-backend", "ray");
    if (l.layout.dp > 1) c.set("data-parallel-backend", "ray");
    return;
  }
  const int local = l.layout.dp / nodes;
  c.remark(
      fmt::format("{} nodes; the others, i = 1 to {}, with --headless --data-parallel-start-rank "
                  "{}*i in addition",
                  nodes, nodes - 1, local));
  c.set("data-parallel-size-local", local);
  c.set("data-parallel-address", "$HEAD_IP");
  c.set("data-parallel-rpc-port", 13345);
}

void add_vllm_transfer(const Launch& l, Command& c) {
  if (l.role == Role::kBoth) return;
  const std::string_view role = l.role == Role::kPrefill ? "kv_producer" : "kv_consumer";
  const std::string_view connector = l.ascend() ? "MooncakeConnectorV1" : "NixlConnector";
  c.set("kv-transfer-config",
        fmt::format(R"('{{"kv_connector":"{}","kv_role":"{}"}}')", connector, role));
  if (l.ascend()) {
    c.remark("vllm-ascend also wants kv_port and the sizes of both pools in the transfer config");
  }
}

Command vllm(const Launch& l) {
  Command c;
  c.text = fmt::format("vllm serve {}", l.space.model.id);
  c.set("tensor-parallel-size", l.layout.tp);
  if (l.layout.pp > 1) c.set("pipeline-parallel-size", l.layout.pp);
  if (l.layout.dp > 1) c.set("data-parallel-size", l.layout.dp);
  add_vllm_nodes(l, c);
  if (l.layout.ep > 1) c.flag("enable-expert-parallel");
  if (l.exchanges() && !l.ascend()) {
    c.set("all2all-backend",
          l.role == Role::kPrefill ? "deepep_high_throughput" : "deepep_low_latency");
    if (l.goal.workload.microbatch_overlap) c.flag("enable-dbo");
  } else if (l.exchanges() && l.goal.workload.microbatch_overlap) {
    c.remark("micro-batches that hide the exchange are set in vllm-ascend's --additional-config");
  }
  c.set("max-num-seqs", int(std::ceil(l.sequences)));
  c.set("max-num-batched-tokens", l.step_tokens);
  c.set("max-model-len", l.context());
  c.set("gpu-memory-utilization", l.space.policy.memory_share);
  if (l.fp8_cache) c.set("kv-cache-dtype", "fp8");
  if (l.drafts > 0) {
    c.set("speculative-config",
          fmt::format(R"('{{"method":"mtp","num_speculative_tokens":{}}}')", l.drafts));
  }
  add_vllm_transfer(l, c);
  return c;
}

Command sglang(const Launch& l) {
  Command c;
  c.text = fmt::format("python -m sglang.launch_server --model-path {}", l.space.model.id);
  if (l.ascend()) c.text += " \\\n  --device npu --attention-backend ascend";
  // Of SGLang tp counts all devices of a stage; attention groups are cut out of it.
  c.set("tp-size", l.layout.tp * l.layout.dp);
  if (l.layout.dp > 1) {
    c.set("dp-size", l.layout.dp);
    c.flag("enable-dp-attention");
  }
  if (l.layout.ep > 1) c.set("ep-size", l.layout.ep);
  if (l.layout.pp > 1) c.set("pp-size", l.layout.pp);
  if (const int nodes = l.nodes(); nodes > 1) {
    c.remark(fmt::format("{} nodes; NODE_RANK counts them from 0", nodes));
    c.set("nnodes", nodes);
    c.set("node-rank", "$NODE_RANK");
    c.set("dist-init-addr", "$HEAD_IP:20000");
  }
  if (l.exchanges()) {
    c.set("moe-a2a-backend", "deepep");
    if (l.role != Role::kBoth) {
      c.set("deepep-mode", l.role == Role::kPrefill ? "normal" : "low_latency");
    }
    if (l.goal.workload.microbatch_overlap) c.flag("enable-two-batch-overlap");
  }
  // Both are divided by the number of attention groups.
  c.set("max-running-requests", int(std::ceil(l.sequences)) * l.layout.dp);
  if (l.role != Role::kDecode) c.set("chunked-prefill-size", l.step_tokens * l.layout.dp);
  c.set("context-length", l.context());
  c.set("mem-fraction-static", l.space.policy.memory_share);
  if (l.fp8_cache) c.set("kv-cache-dtype", "fp8_e4m3");
  if (l.drafts > 0) {
    c.set("speculative-algorithm", "EAGLE");
    c.set("speculative-num-steps", l.drafts);
    c.set("speculative-eagle-topk", 1);
    c.set("speculative-num-draft-tokens", l.drafts + 1);
  }
  if (l.role != Role::kBoth) {
    c.set("disaggregation-mode", l.role == Role::kPrefill ? "prefill" : "decode");
    c.set("disaggregation-transfer-backend", l.ascend() ? "ascend" : "nixl");
  }
  return c;
}

}  // namespace

Result<std::string> launch_commands(std::string_view engine, const ServingSpace& space,
                                    const ServingGoal& goal, const ServingPlan& plan,
                                    std::string_view cache_format) {
  if (engine != "vllm" && engine != "sglang") {
    return fail(fmt::format("commands of '{}' are not known", engine), "vllm or sglang");
  }
  ServingWorkload workload = goal.workload;
  workload.draft_tokens = plan.drafts;
  const bool fp8 = cache_format.starts_with("fp8");
  std::string text;
  const auto add = [&](Role role, double count, const ServingLayout& layout, double sequences,
                       std::string_view what) {
    const Launch launch{
        space,       goal,
        layout,      role,
        sequences,   step_tokens_for(space, workload, role == Role::kPrefill ? 0 : sequences),
        plan.drafts, fp8};
    const Command command = engine == "vllm" ? vllm(launch) : sglang(launch);
    if (!text.empty()) text += "\n";
    text += fmt::format("# {}: {:.0f} x {}, {} devices each\n{}{}\n", what, count, to_text(layout),
                        layout.devices(), command.remarks, command.text);
  };
  const ServingPools& pools = plan.pools;
  if (plan.apart) {
    const double prompts = std::max(
        1.0, std::floor(space.serving.engine().batch_tokens / std::max(1.0, workload.input)));
    add(Role::kPrefill, pools.prefill_instances, pools.prefill, prompts, "Prefill");
    add(Role::kDecode, pools.decode_instances, pools.decode, plan.sequences, "Decode");
    text +=
        "\n# A router in front sends each request to a prefill and then to a decode instance.\n";
  } else {
    add(Role::kBoth, pools.decode_instances, pools.decode, plan.sequences, "Prefill and decode");
    if (pools.decode_instances > 1) {
      text += "\n# A router in front spreads requests over the instances.\n";
    }
  }
  text +=
      fmt::format("# At most {:.0f} requests at once in all: no flag says so.\n", plan.concurrency);
  return text;
}

}  // namespace fivefold
