#include "fivefold/training/layout_text.h"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fivefold {
namespace {

using testing::HasSubstr;

TEST(LayoutText, reads_what_people_write) {
  const auto l = parse_layout("pp=16,ep=64,dp=128,mb=2,schedule=dualpipe,recompute=full");
  ASSERT_TRUE(l) << to_text(l.error());
  EXPECT_EQ(l->pp, 16);
  EXPECT_EQ(l->ep, 64);
  EXPECT_EQ(l->dp, 128);
  EXPECT_EQ(l->micro_batch, 2);
  EXPECT_EQ(l->schedule, Schedule::kDualPipe);
  EXPECT_EQ(l->recompute, Recompute::kFull);
  EXPECT_EQ(parse_layout("tp=2")->dp, 0);
}

TEST(LayoutText, what_follows_from_other_settings_need_not_be_said) {
  EXPECT_TRUE(parse_layout("tp=8")->sequence_parallel);
  EXPECT_FALSE(parse_layout("tp=8,sp=0")->sequence_parallel);
  EXPECT_FALSE(parse_layout("tp=1")->sequence_parallel);
  EXPECT_EQ(parse_layout("pp=4,vpp=2")->schedule, Schedule::kInterleaved);
}

TEST(LayoutText, is_read_as_it_was_printed) {
  for (const char* text :
       {"tp=8,pp=4,dp=16", "tp=8,pp=16,dp=2,ep=4,cp=2,vpp=3,etp=2,mb=4,zero=3,shard=8",
        "tp=2,pp=8,dp=1,first=3,last=2,sp=0,recompute=none,schedule=zb-v,order=tp-cp-pp-dp",
        "tp=1,pp=4,dp=2,recompute=full:3",
        "tp=1,pp=4,dp=2,recompute=layernorm+mla_up_proj+moe_act"}) {
    const auto layout = parse_layout(text);
    ASSERT_TRUE(layout) << text;
    EXPECT_EQ(to_text(*layout), text);
  }
}

TEST(LayoutText, bad_text_is_named) {
  const std::pair<const char*, const char*> cases[] = {
      {"tp", "'tp' has no value"},
      {"tp=two", "tp 'two' is no whole number"},
      {"tp=-1", "is no whole number"},
      {"tp=1,tp=2", "tp is given twice"},
      {"kp=2", "'kp' is unknown"},
      {"schedule=x", "schedule 'x' is unknown"},
      {"sp=2", "sp '2' is not 0 or 1"},
      {"tp=99999999999", "is no whole number"},
      {"recompute=", "recompute '' is unknown"},
      {"tp=99999,pp=99999", "more than anything can be cut into"},
      {"recompute=mlp+x", "recompute 'mlp+x' is unknown"}};
  for (const auto& [text, message] : cases) {
    const auto layout = parse_layout(text);
    ASSERT_FALSE(layout) << text;
    EXPECT_THAT(to_text(layout.error()), HasSubstr(message));
  }
}

// Any text is a layout that prints as it is read, or an error in words.
TEST(LayoutText, any_text_is_read_or_refused) {
  const std::string_view pieces[] = {"tp",  "pp", "=",    "8",         ",", "recompute", "full:",
                                     "moe", "+",  "zero", "schedule=", "-", "zb-v",      "order"};
  std::mt19937 random(3);
  for (int i = 0; i < 20000; ++i) {
    std::string text;
    for (int n = std::uniform_int_distribution<int>(0, 9)(random); n > 0; --n) {
      text += pieces[std::uniform_int_distribution<std::size_t>(0, std::size(pieces) - 1)(random)];
    }
    const auto layout = parse_layout(text);
    if (!layout) {
      EXPECT_THAT(to_text(layout.error()), HasSubstr("layout: ")) << text;
      continue;
    }
    EXPECT_EQ(to_text(*parse_layout(to_text(*layout))), to_text(*layout)) << text;
  }
}

}  // namespace
}  // namespace fivefold
