// Traces as published against the statistics that were published or taken from them independently.
#include <algorithm>
#include <filesystem>

#include <gmock/gmock.h>

#include "fivefold/traffic/traffic.h"

namespace fivefold {
namespace {

const std::string kFolder = FIVEFOLD_SHARED_DIR "/data/traces/";

// As the manifest rounds them.
struct Published {
  std::size_t requests;
  double span, input_mean, input_p50, input_p99, input_max;
  double output_mean, output_p50, output_p99, output_max;
};

// The manifest's percentiles are requests: the one of this rank, no mean of two.
double percentile(const RequestLoad& load, std::int32_t Request::*length, std::size_t percent) {
  std::vector<std::int32_t> lengths;
  for (const Request& request : load.requests) lengths.push_back(request.*length);
  std::sort(lengths.begin(), lengths.end());
  return lengths[lengths.size() * percent / 100];
}

void expect_published(const std::string& file, const std::string& form, const Published& p) {
  if (!std::filesystem::exists(kFolder + file)) GTEST_SKIP() << file << " is not here";
  const auto read = read_load(kFolder + file);
  ASSERT_TRUE(read) << to_text(read.error());
  EXPECT_EQ(read->form, form);
  const LoadSummary s = summarise(read->load);
  EXPECT_EQ(s.requests, p.requests);
  EXPECT_NEAR(s.span, p.span, 0.051);
  EXPECT_NEAR(s.input_mean, p.input_mean, 0.051);
  EXPECT_NEAR(s.output_mean, p.output_mean, 0.051);
  EXPECT_EQ(percentile(read->load, &Request::input, 50), p.input_p50);
  EXPECT_EQ(percentile(read->load, &Request::input, 99), p.input_p99);
  EXPECT_EQ(percentile(read->load, &Request::output, 50), p.output_p50);
  EXPECT_EQ(percentile(read->load, &Request::output, 99), p.output_p99);
  EXPECT_EQ(s.input_max, p.input_max);
  EXPECT_EQ(s.output_max, p.output_max);
}

TEST(PublishedTraces, Azure) {
  expect_published("azure_llm_2023_conv.csv", "azure",
                   {19366, 3501.7, 1154.7, 1020, 4142, 14050, 211.1, 129, 601, 1000});
}
TEST(PublishedTraces, Mooncake) {
  const std::string file = "mooncake_fast25_conversation.jsonl";
  expect_published(file, "mooncake",
                   {12031, 3537.0, 12035.1, 6909, 85401, 126195, 342.6, 350, 1120, 2000});
  if (!std::filesystem::exists(kFolder + file)) return;
  const auto read = read_load(kFolder + file);
  ASSERT_TRUE(read);
  // Hit ratio of the publisher's endless cache, and its distinct blocks.
  EXPECT_NEAR(*summarise(read->load).reuse, 0.366, 0.0005);
  std::uint32_t blocks = 0;
  for (const std::uint32_t id : read->load.block_ids) blocks = std::max(blocks, id + 1);
  EXPECT_EQ(blocks, 182790u);
}
TEST(PublishedTraces, ShareGpt) {
  expect_published("sharegpt_lengths_300_llama31tok.csv", "sharegpt",
                   {300, 29.1, 857.5, 733, 2884, 3998, 652.5, 633, 796, 1021});
}
TEST(PublishedTraces, Vidur) {
  expect_published("vidur_arxiv_summarization_lengths.csv", "vidur",
                   {28257, 0, 2588.1, 2730, 3934, 4054, 291.4, 167, 3273, 4056});
}

TEST(PublishedTraces, RecordedRun) {
  const std::string file =
      FIVEFOLD_SHARED_DIR "/measured/requests/RTX4090/Llama-3.1-8B/vllm/requests.jsonl";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << file << " is not here";
  const auto read = read_load(file);
  ASSERT_TRUE(read) << to_text(read.error());
  EXPECT_EQ(read->form, "recorded");
  EXPECT_EQ(read->load.requests.size(), 300u);
  EXPECT_EQ(read->load.requests[0].input, 2358);
  EXPECT_LT(read->load.span(), 60);
}

// 1,383,669 requests of 73 clients in a day, of which an hour is drawn here.
TEST(PublishedTraces, ServeGen) {
  const std::string file = kFolder + "servegen_deepseek-r1_clients.tar.xz";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << file << " is not here";
  const auto read = read_load(file, {.seconds = 3600, .begin = 43200});
  ASSERT_TRUE(read) << to_text(read.error());
  EXPECT_EQ(read->load.tenants.size(), 73u);
  EXPECT_GT(read->load.requests.size(), 10000u);
  EXPECT_LE(read->load.span(), 3600);
}

}  // namespace
}  // namespace fivefold
