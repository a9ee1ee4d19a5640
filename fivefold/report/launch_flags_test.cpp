#include "fivefold/report/launch_flags.h"

#include <gtest/gtest.h>

#include "fivefold/planner/serving_place_test.h"

namespace fivefold {
namespace {

bool holds_all(const std::string& text, std::initializer_list<const char*> parts) {
  bool all = true;
  for (const char* part : parts) {
    const bool found = text.find(part) != std::string::npos;
    EXPECT_TRUE(found) << part << " is not in\n" << text;
    all = all && found;
  }
  return all;
}

TEST(LaunchFlags, an_instance_that_does_both) {
  const ServingPlace place("dgx_h100_8", 8, "meta-llama/Llama-3.1-70B");
  const ServingGoal goal;
  const auto plan = plan_together(place.space, goal, 0, {.tp = 4}, 32);
  ASSERT_TRUE(plan);
  const auto vllm = launch_commands("vllm", place.space, goal, *plan, "");
  ASSERT_TRUE(vllm);
  holds_all(*vllm, {"2 x tp=4", "vllm serve meta-llama/Llama-3.1-70B", "--tensor-parallel-size 4",
                    "--max-num-seqs 32", "--max-num-batched-tokens 9216", "--max-model-len 5120"});
  for (const char* absent : {"data-parallel", "expert", "kv-transfer", "speculative", "kv-cache"}) {
    EXPECT_EQ(vllm->find(absent), std::string::npos) << absent;
  }
  const auto sglang = launch_commands("sglang", place.space, goal, *plan, "fp8");
  ASSERT_TRUE(sglang);
  holds_all(*sglang, {"sglang.launch_server --model-path meta-llama/Llama-3.1-70B", "--tp-size 4",
                      "--max-running-requests 32", "--chunked-prefill-size 9216",
                      "--kv-cache-dtype fp8_e4m3"});
  EXPECT_FALSE(launch_commands("none", place.space, goal, *plan, ""));
}

TEST(LaunchFlags, pools_with_experts_and_drafts) {
  const ServingPlace place("dgx_h100_8", 64, "deepseek-ai/DeepSeek-R1");
  const ServingGoal goal;
  const ServingPools pools{{.tp = 2, .dp = 8, .ep = 16}, {.tp = 1, .dp = 32, .ep = 32}, 2, 1};
  const auto plan = plan_apart(place.space, goal, 1, pools, 320, 1000);
  ASSERT_TRUE(plan) << to_text(plan.error());
  const auto vllm = launch_commands("vllm", place.space, goal, *plan, "");
  ASSERT_TRUE(vllm);
  holds_all(*vllm, {"Prefill: 2 x tp=2,dp=8,ep=16, 16 devices each", "--data-parallel-size 8",
                    "--data-parallel-size-local 4", "--enable-expert-parallel", "kv_producer",
                    "Decode: 1 x tp=1,dp=32,ep=32, 32 devices each", "kv_consumer",
                    R"("num_speculative_tokens":1)"});
  const auto sglang = launch_commands("sglang", place.space, goal, *plan, "");
  ASSERT_TRUE(sglang);
  // Of SGLang tp counts all devices of a stage.
  holds_all(*sglang, {"--tp-size 16", "--dp-size 8", "--enable-dp-attention", "--ep-size 16",
                      "--disaggregation-mode prefill", "--disaggregation-mode decode",
                      "--speculative-num-draft-tokens 2", "--nnodes 4"});
}

}  // namespace
}  // namespace fivefold
