// Every form on a few lines, and every mistake with its message.
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>

#include "fivefold/traffic/trace_builder.h"

namespace fivefold {
namespace {

using testing::HasSubstr;

RequestLoad read(std::string_view text, const std::string& form, const ReadOptions& options = {}) {
  auto load = parse_load(text, "t.csv", options);
  if (!load) {
    ADD_FAILURE() << to_text(load.error());
    return {};
  }
  EXPECT_EQ(load->form, form);
  return load->load;
}

std::string message(std::string_view text, const ReadOptions& options = {}) {
  const auto load = parse_load(text, "t.csv", options);
  return load ? "read" : to_text(load.error());
}

TEST(ReadTrace, Azure) {
  const auto load = read(
      "TIMESTAMP,ContextTokens,GeneratedTokens\r\n"
      "2023-11-16 23:59:59.5000000,374,44\r\n2023-11-17 00:00:01.0000001,396,109",
      "azure");
  ASSERT_EQ(load.requests.size(), 2u);
  EXPECT_EQ(load.requests[0].arrival, 0);
  EXPECT_DOUBLE_EQ(load.requests[1].arrival, 1.5000001);
  EXPECT_EQ(load.requests[1].input, 396);
  EXPECT_EQ(load.requests[1].output, 109);
}

TEST(ReadTrace, AzureOf2024WithOffsets) {
  const auto load = read(
      "TIMESTAMP,ContextTokens,GeneratedTokens\n2024-05-10 00:00:00.009930+00:00,2162,5\n"
      "2024-05-10 00:00:00+00:00,2399,6\n",
      "azure", {.sort = true});
  EXPECT_EQ(load.requests[0].input, 2399);
  EXPECT_DOUBLE_EQ(load.requests[1].arrival, 0.00993);
}

TEST(ReadTrace, AzureMultimodal) {
  const auto load = read(
      "TIMESTAMP,NumImages,ContextTokens,GeneratedTokens\n2024-10-24 00:00:00,2,100,10\n", "azure");
  EXPECT_EQ(load.requests[0].images, 2);
}

TEST(ReadTrace, BurstGptLeavesOutWhatFailed) {
  const auto load = parse_load(
      "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
      "5,ChatGPT,472,18,490,Conversation log\n45,ChatGPT,1087,0,1087,API log\n"
      "118.0,GPT-4,417,276,693,Conversation log\n",
      "b.csv");
  ASSERT_TRUE(load) << to_text(load.error());
  EXPECT_EQ(load->form, "burstgpt");
  ASSERT_EQ(load->load.requests.size(), 2u);
  EXPECT_EQ(load->load.requests[1].arrival, 113);
  EXPECT_THAT(load->notes, testing::ElementsAre("1 request without tokens in or out left out"));
}

TEST(ReadTrace, Splitwise) {
  const auto load = read(
      "request_id,request_type,application_id,arrival_timestamp,batch_size,prompt_size,token_size\n"
      "0,2,7,0.5,1,100,10\n1,2,0,0.75,2,200,20\n",
      "splitwise");
  ASSERT_EQ(load.requests.size(), 3u);
  EXPECT_EQ(load.requests[2].arrival, 0.25);
  EXPECT_EQ(load.requests[2].tenant, 1);
  EXPECT_THAT(load.tenants, testing::ElementsAre("7", "0"));
}

TEST(ReadTrace, VidurWithAndWithoutArrivals) {
  const auto lengths = parse_load(
      "num_prefill_tokens,num_decode_tokens,num_total_tokens,pd_ratio\n3772,54,3826,69.8\n", "v");
  ASSERT_TRUE(lengths);
  EXPECT_FALSE(lengths->timed);
  const auto timed =
      parse_load("arrived_at,num_prefill_tokens,num_decode_tokens\n1.5,374,44\n2.5,396,109\n", "v");
  ASSERT_TRUE(timed);
  EXPECT_TRUE(timed->timed);
  EXPECT_EQ(timed->load.span(), 1);
}

TEST(ReadTrace, ShareGptLengths) {
  const auto load = read(
      "arrival_ns,input_tokens,output_tokens\n46926808,2358,531\n346926808,1034,769\n", "sharegpt");
  EXPECT_DOUBLE_EQ(load.requests[1].arrival, 0.3);
}

TEST(ReadTrace, OwnForm) {
  const auto load = read(
      "arrival_s,input_tokens,output_tokens,tenant,priority,images\n0,5,1,\"a, \"\"b\"\"\",-1,0\n"
      "0.25,7,2,c,3,1\n",
      "own");
  EXPECT_THAT(load.tenants, testing::ElementsAre("a, \"b\"", "c"));
  EXPECT_EQ(load.requests[0].priority, -1);
  EXPECT_EQ(load.requests[1].images, 1);
  EXPECT_EQ(load.requests[1].tenant, 1);
}

TEST(ReadTrace, MooncakeContents) {
  const auto load =
      read(R"({"timestamp": 3000, "input_length": 1025, "output_length": 5, "hash_ids": [7, 9, 4]})"
           "\r\n"
           R"({"timestamp": 3500, "input_length": 600, "output_length": 6, "hash_ids": [7, 1]})",
           "mooncake");
  EXPECT_EQ(load.block_tokens, 512);
  EXPECT_EQ(load.span(), 0.5);
  EXPECT_THAT(load.blocks_of(load.requests[1]), testing::ElementsAre(0, 3));
  EXPECT_DOUBLE_EQ(*summarise(load).reuse, 0.2);
}

TEST(ReadTrace, OtherObjects) {
  const auto bailian =
      read(R"({"chat_id": 1, "parent_chat_id": -1, "timestamp": 61.5, "input_length": 21,)"
           R"( "output_length": 13, "type": "text", "turn": 1, "hash_ids": [1, 2]})",
           "bailian");
  EXPECT_EQ(bailian.block_tokens, 16);
  const auto apex =
      read(R"({"StartTimeOffset": 1000000, "ContextTokens": 3, "GeneratedTokens": 4})"
           "\n"
           R"({"StartTimeOffset": 2000000, "ContextTokens": 3, "GeneratedTokens": 4})",
           "apex");
  EXPECT_DOUBLE_EQ(apex.span(), 1e-3);
  const auto recorded = read(
      R"({"request_id": "b-0", "input_toks": 5, "output_toks": 6, "arrival_time": 1787267980.5})"
      "\n"
      R"({"request_id": "b-1", "input_toks": 5, "output_toks": 6, "arrival_time": 1787267981.75})",
      "recorded");
  EXPECT_EQ(recorded.span(), 1.25);
}

TEST(ReadTrace, LimitStopsReading) {
  const std::string text = "arrival_s,input_tokens,output_tokens\n0,1,1\n1,1,1\nnonsense\n";
  EXPECT_EQ(read(text, "own", {.limit = 2}).requests.size(), 2u);
}

TEST(ReadTrace, SortsWhenTold) {
  const std::string text = "arrival_s,input_tokens,output_tokens\n5,1,1\n2.5,2,1\n6,3,1\n";
  EXPECT_EQ(message(text),
            "t.csv:3: the time goes back by 2.50 s from line 2 (is the file sorted by arrival? "
            "--sort sorts it)");
  const auto load = read(text, "own", {.sort = true});
  EXPECT_EQ(load.requests[0].input, 2);
  EXPECT_EQ(load.requests[2].arrival, 3.5);
}

TEST(ReadTrace, EveryMistakeHasItsMessage) {
  const std::string own = "arrival_s,input_tokens,output_tokens\n";
  EXPECT_EQ(message(""), "t.csv: the file is empty");
  EXPECT_EQ(message(" \n\n"), "t.csv: the file is empty");
  EXPECT_EQ(message(own), "t.csv: no requests (only a header is there)");
  EXPECT_EQ(message(own + "0,-5,1\n"), "t.csv:2:3: input_tokens '-5' is negative (at least 1)");
  EXPECT_EQ(message(own + "0,0,1\n"), "t.csv:2:3: input_tokens '0' is too small (at least 1)");
  EXPECT_EQ(message(own + "0,5,1.5\n"), "t.csv:2:5: output_tokens '1.5' is not a whole number");
  EXPECT_EQ(message(own + "0,nan,1\n"), "t.csv:2:3: input_tokens 'nan' is not a number");
  EXPECT_EQ(message(own + "inf,1,1\n"), "t.csv:2:1: arrival_s 'inf' is not a number");
  EXPECT_EQ(message(own + "1e300,1,1\n"), "t.csv:2: an arrival at 1e+300 s is out of any range");
  EXPECT_EQ(message(own + "0,,1\n"), "t.csv:2:3: input_tokens is empty");
  EXPECT_EQ(message(own + "0,1,2147483648\n"),
            "t.csv:2:5: output_tokens '2147483648' is too large (at most 2,147,483,647)");
  EXPECT_EQ(message(own + "0,1,1\n1,1\n"),
            "t.csv:3: 2 fields where the header has 3: '1,1' (is the file cut off?)");
  EXPECT_EQ(
      message("arrival_s,input_token,output_tokens\n0,1,1\n"),
      "t.csv:1: no column 'input_tokens' in a trace of the form 'own' (is it 'input_token'?)");
  EXPECT_EQ(message("arrival_s,input_tokens,output_tokens,tennant\n0,1,1,a\n"),
            "t.csv:1:38: column 'tennant' is not known (did you mean tenant?)");
  EXPECT_EQ(message("TIMESTAMP,ContextTokens,GeneratedTokens\n2023-13-01 00:00:00,1,1\n"),
            "t.csv:2:1: TIMESTAMP '2023-13-01 00:00:00' is not a time (write it as 2023-11-16 "
            "18:15:46.68)");
  EXPECT_EQ(message("a,b\n1,2\n"),
            "t.csv:1:1: the header 'a,b' is of no known form (one's own form is "
            "arrival_s,input_tokens,output_tokens)");
  EXPECT_EQ(message(std::string_view("ab\0cd", 5)),
            "t.csv:1:3: is not text (a trace is CSV or JSONL, plain, compressed or in a tar "
            "archive)");
}

TEST(ReadTrace, EveryMistakeInJsonHasItsMessage) {
  EXPECT_EQ(message(R"({"timestamp": 1, "input_length": 5, "output_length")"),
            R"(t.csv:1:52: is not JSON: '{"timestamp": 1, "input_length": 5, "output_length"' )"
            "(one {...} a line; is the file cut off?)");
  EXPECT_EQ(message(R"({"timestamp": 1, "input_length": 5, "output_lenght": 1})"),
            "t.csv:1: no 'output_length' (did you mean output_lenght or input_length?)");
  EXPECT_EQ(message(R"({"timestamp": 1, "input_length": -5, "output_length": 1})"),
            "t.csv:1: input_length '-5' is negative (at least 0)");
  EXPECT_EQ(message(R"({"timestamp": "x", "input_length": 5, "output_length": 1})"),
            "t.csv:1: 'timestamp' is not a number");
  EXPECT_EQ(
      message(R"({"timestamp": 1, "input_length": 5, "output_length": 1, "hash_ids": [1, 2]})"),
      "t.csv:1: 2 blocks of 512 tokens in a prompt of 5 (at most 1)");
  EXPECT_EQ(
      message(R"({"timestamp": 1, "input_length": 5, "output_length": 1, "hash_ids": [1.5]})"),
      "t.csv:1: 'hash_ids' is not a list of whole numbers");
  EXPECT_THAT(message(R"({"a": 1})"), HasSubstr("these keys are of no known form"));
  EXPECT_THAT(message("[1]"), HasSubstr("is a JSON list"));
}

TEST(ReadTrace, ManyMistakesAreCut) {
  std::string text = "arrival_s,input_tokens,output_tokens\n";
  for (int i = 0; i < 100; ++i) text += "0,x,1\n";
  const auto load = parse_load(text, "t.csv");
  ASSERT_FALSE(load);
  EXPECT_EQ(load.error().problems.size(), 11u);
}

TEST(Timestamp, CountsFrom1970) {
  EXPECT_EQ(parse_timestamp("1970-01-01 00:00:00"), 0);
  EXPECT_EQ(parse_timestamp("2000-02-29T12:00:00.5Z"), 951825600500000000);
  EXPECT_EQ(parse_timestamp("2024-05-10 00:00:00.009930+01:30"), 1715293800009930000);
  EXPECT_EQ(parse_timestamp("1969-12-31 23:59:59"), -1000000000);
  for (const char* bad : {"", "2024", "2024-05-10", "2024-05-10 1:00:00", "2024-05-10 00:00:00.",
                          "2024-05-10 00:00:00+", "2024-05-10 25:00:00", "2024-05-10 00:00:00 x"}) {
    EXPECT_EQ(parse_timestamp(bad), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace fivefold
