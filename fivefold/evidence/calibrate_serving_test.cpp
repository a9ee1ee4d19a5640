// Fits of serving engines: what they give back.
#include "fivefold/evidence/calibrate_serving.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "fivefold/evidence/serving_case.h"
#include "fivefold/evidence/temporary_test.h"

namespace fivefold {
namespace {

using ::testing::HasSubstr;

const Catalog& catalog() {
  static const Catalog loaded = *Catalog::load();
  return loaded;
}

// Closed loops of one configuration; times of one until they are predicted.
void write_loops(const std::string& file, const Predictions& times) {
  std::ofstream out(file);
  out << "id,kind,origin,measured,image,wip,system,chip,chips,model,gemm_dtype,moe_dtype,engine,"
         "engine_version,phase,isl,osl,concurrency,tp,attn_dp,moe_tp,moe_ep,layout_flag,p_workers,"
         "p_tp,p_attn_dp,d_workers,d_tp,d_attn_dp,ttft_ms,tpot_ms,source,notes\n";
  std::size_t at = 0;
  for (const int requests : {4, 8, 16, 32, 64}) {
    for (const int input : {1024, 2048, 8192}) {
      const double ttft = times.empty() ? 1 : times[at].predicted;
      const double tpot = times.empty() ? 1 : times[at + 1].predicted;
      at += 2;
      out << fmt::format(
          "r{},serving,InferenceX export,2026-01-01,,,HGX "
          "H100,H100-SXM,8,meta-llama/Llama-3.1-70B,fp8,fp8,"
          "vllm,0.18.0,agg,{},1024,{},8,1,8,1,ok,,,,,,,{},{},test,\n",
          at, input, requests, ttft, tpot);
    }
  }
}

TEST(FitServing, finds_the_engine_that_the_rows_were_made_with) {
  const std::string folder = temporary_path("loops");
  std::filesystem::create_directories(folder);
  const std::string file = folder + "/inferencex.csv";
  write_loops(file, {});
  Fact request, step;
  request.path = "request_overhead";
  step.path = "step_overhead";
  request.kind = step.kind = Fact::Kind::kNumber;
  request.number = 80e-3;
  step.number = 0.7e-3;
  ServingRigs rigs(catalog(), {request, step});
  const auto made = predict_loops(rigs, *read_csv(file));
  ASSERT_TRUE(made);
  write_loops(file, *made);
  const auto fit = fit_serving(catalog(), {file});
  ASSERT_TRUE(fit);
  const auto value = [&](std::string_view name) {
    const auto found = std::find_if(fit->values.begin(), fit->values.end(),
                                    [&](const auto& v) { return v.fact.name == name; });
    return found == fit->values.end() ? -1 : found->value;
  };
  EXPECT_NEAR(value("request_overhead"), 80, 20);
  ASSERT_FALSE(fit->cells.empty());
  for (const ServingFit::Cell& cell : fit->cells) EXPECT_LT(cell.error, 0.06) << cell.family;
  EXPECT_THAT(serving_yaml(*fit, "OWN"), HasSubstr("- id: serving/fitted/vllm"));
}

TEST(FitServing, refuses_to_read_what_is_no_table_of_loops) {
  const std::string file = temporary_path("other.csv");
  std::ofstream(file) << "m,n,k,latency\n1,2,3,4\n";
  const auto fit = fit_serving(catalog(), {file});
  ASSERT_TRUE(fit);
  EXPECT_TRUE(fit->values.empty());
}

}  // namespace
}  // namespace fivefold
