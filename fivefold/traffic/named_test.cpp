// Named traces: found, explained when they are not there, and drawn alike.
#include "fivefold/traffic/named.h"

#include <cmath>
#include <cstdlib>
#include <filesystem>

#include <gmock/gmock.h>

namespace fivefold {
namespace {

using testing::HasSubstr;

const std::vector<NamedLoad>& loads() {
  static const std::vector<NamedLoad> all = [] {
    auto read = named_loads();
    if (!read) throw std::runtime_error(to_text(read.error()));
    return *std::move(read);
  }();
  return all;
}

TEST(NamedLoads, AreShipped) {
  std::vector<std::string> ids;
  for (const NamedLoad& load : loads()) ids.push_back(load.id);
  EXPECT_THAT(ids,
              testing::ElementsAre("azure/conversation-2023", "mooncake/conversation",
                                   "servegen/deepseek-r1", "sharegpt/300", "arxiv/summarization"));
}

TEST(NamedLoads, FilesHaveTheStatistics) {
  const std::string folder = FIVEFOLD_SHARED_DIR "/data/traces";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "the traces are not here";
  ::setenv("FIVEFOLD_DATA", ("/nonexistent::" + folder).c_str(), 1);
  for (const NamedLoad& like : loads()) {
    // All of the day of ServeGen: what is drawn is within a percent of its clients' rates.
    const bool drawn = like.form == "servegen";
    const auto read = find_load(like.id, {.seconds = 86400});
    ASSERT_TRUE(read) << to_text(read.error());
    EXPECT_EQ(read->load.name, like.id);
    EXPECT_EQ(read->form, like.form);
    const LoadSummary s = summarise(read->load);
    const LoadSummary& p = like.statistics;
    EXPECT_NEAR(double(s.requests), double(p.requests), drawn ? 0.01 * double(p.requests) : 0);
    const double within = drawn ? 0.02 : 0.002;
    EXPECT_NEAR(s.rate, p.rate, within * p.rate) << like.id;
    EXPECT_NEAR(s.gap_cv, p.gap_cv, within * p.gap_cv) << like.id;
    EXPECT_NEAR(s.input_mean, p.input_mean, within * p.input_mean) << like.id;
    EXPECT_NEAR(s.output_mean, p.output_mean, within * p.output_mean) << like.id;
    EXPECT_NEAR(s.reuse.value_or(0), p.reuse.value_or(0), 0.001) << like.id;
  }
  ::unsetenv("FIVEFOLD_DATA");
}

TEST(NamedLoads, ProfilesAreLikeTheTraces) {
  for (const NamedLoad& like : loads()) {
    const RequestLoad load = draw_profile(like, 100'000, 1);
    const LoadSummary s = summarise(load);
    const LoadSummary& p = like.statistics;
    EXPECT_EQ(s.requests, 100'000u);
    EXPECT_NEAR(s.input_mean, p.input_mean, 0.035 * p.input_mean) << like.id;
    EXPECT_NEAR(s.output_mean, p.output_mean, 0.035 * p.output_mean) << like.id;
    EXPECT_NEAR(s.input_p50, p.input_p50, 0.03 * p.input_p50) << like.id;
    EXPECT_NEAR(s.output_p99, p.output_p99, 0.05 * p.output_p99) << like.id;
    EXPECT_LE(s.input_max, p.input_max) << like.id;
    EXPECT_NEAR(s.rate, p.rate, 4 * p.rate * p.gap_cv / std::sqrt(1e5)) << like.id;
    EXPECT_NEAR(s.gap_cv, p.gap_cv, 0.05 * p.gap_cv) << like.id;
    EXPECT_EQ(s.reuse.has_value(), p.reuse.has_value());
    EXPECT_NEAR(s.reuse.value_or(0), p.reuse.value_or(0), 0.005) << like.id;
    for (const Request& r : load.requests) ASSERT_TRUE(r.input >= 1 && r.output >= 1);
  }
}

TEST(NamedLoads, ContentsCoverPromptsAndContinueOthers) {
  const auto load = draw_profile("mooncake", 20'000, 5);
  ASSERT_TRUE(load);
  std::size_t continued = 0;
  std::vector<bool> seen(load->block_ids.size());
  for (const Request& r : load->requests) {
    ASSERT_EQ(r.blocks, std::uint32_t((r.input - 1) / 512 + 1));
    const auto ids = load->blocks_of(r);
    ASSERT_EQ(ids[0], 0u);  // the common block
    continued += ids.size() > 1 && seen[ids[1]] ? 1 : 0;
    // Equal ids are equal content after equal content: after a new one all are new.
    for (std::size_t i = 2; i < ids.size(); ++i) ASSERT_TRUE(seen[ids[i - 1]] || !seen[ids[i]]);
    for (const std::uint32_t id : ids) seen[id] = true;
  }
  // Prompts of one block have none to continue.
  EXPECT_NEAR(double(continued) / 20'000, 0.387, 0.02);
}

TEST(NamedLoads, ProfileByName) {
  const auto read = find_load("profile:arxiv", {.limit = 100});
  ASSERT_TRUE(read) << to_text(read.error());
  EXPECT_FALSE(read->timed);
  EXPECT_EQ(read->load.requests.size(), 100u);
  EXPECT_EQ(read->load.name, "profile:arxiv/summarization");
  const auto whole = find_load("profile:sharegpt/300");
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->load.requests.size(), 300u);
}

TEST(NamedLoads, SayWhereToGetWhatIsMissing) {
  const auto here = std::filesystem::current_path();
  std::filesystem::current_path("/");
  const auto missing = find_load("mooncake");
  std::filesystem::current_path(here);
  if (missing) GTEST_SKIP() << "the trace lies in /data/traces";
  const std::string text = to_text(missing.error());
  EXPECT_THAT(text, HasSubstr("the trace mooncake/conversation is not here: Kimi"));
  EXPECT_THAT(text, HasSubstr("https://github.com/kvcache-ai/Mooncake"));
  EXPECT_THAT(text, HasSubstr("put conversation_trace.jsonl"));
  EXPECT_THAT(text, HasSubstr("profile:mooncake/conversation"));
  EXPECT_EQ(
      to_text(find_load("mooncak").error()),
      "'mooncak' is no file and no named trace (did you mean mooncake or mooncake/conversation?)");
  EXPECT_THAT(to_text(find_load("profile:none").error()), HasSubstr("requests list"));
}

TEST(NamedLoads, BrokenCatalogIsExplained) {
  EXPECT_THAT(to_text(read_named_loads("l.yaml", "a: 1").error()), HasSubstr("no list of loads"));
  EXPECT_THAT(to_text(read_named_loads("l.yaml", "levels: [0, 1]\nloads:\n- {id: a}\n").error()),
              HasSubstr("l.yaml:3:3: no 'what'"));
}

}  // namespace
}  // namespace fivefold
