// The planner against what must hold whatever the models below say: it finds the best that it is
// offered, its counts are the fewest, and what it reports adds up.
#include <gmock/gmock.h>

#include "fivefold/planner/comparison.h"
#include "fivefold/planner/uncertainty.h"

namespace fivefold {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const Catalog& catalog() {
  static const Catalog loaded = *Catalog::load();
  return loaded;
}

Question question() {
  Question asked;
  asked.serving.tpot_limit = Seconds(0.05);
  asked.serving.ttft_limit = Seconds(2);
  asked.training = {.global_batch = 1152, .seq_len = 4096};
  return asked;
}

const System& system_named(const char* id) {
  return **catalog().system(id);
}
const Model& model_named(const char* id) {
  return **catalog().model(id);
}

const Comparison& first_answer() {
  static const Comparison comparison =
      *compare(catalog(), system_named("cloudmatrix384"), system_named("gb200_nvl72"),
               model_named("deepseek-ai/DeepSeek-R1"), question());
  return comparison;
}

const Line& line(const Comparison& comparison, std::string_view id) {
  for (const Section& section : comparison.sections) {
    for (const Line& candidate : section.lines) {
      if (candidate.id == id) return candidate;
    }
  }
  ADD_FAILURE() << "no line " << id;
  static const Line none;
  return none;
}

const ParityLine& parity(const Comparison& comparison, std::string_view id) {
  for (const ParityLine& candidate : comparison.parity) {
    if (candidate.id == id) return candidate;
  }
  ADD_FAILURE() << "no parity " << id;
  static const ParityLine none;
  return none;
}

TEST(Compare, hardware_is_what_the_sources_print) {
  const Comparison& c = first_answer();
  EXPECT_EQ(line(c, "chips").left.value, 384);
  EXPECT_NEAR(*line(c, "memory.bandwidth").left.value, 1228.8e12, 1e9);  // 384 x 3.2 TB/s
  EXPECT_NEAR(*line(c, "peak.bf16").right.value, 180e15, 1e9);           // 72 x 2,500 TFLOPS
  EXPECT_NEAR(*line(c, "power").ratio(), 559.378 / 145, 1e-9);
  EXPECT_FALSE(line(c, "peak.fp8").left.value);  // 910C has no FP8
  EXPECT_EQ(line(c, "peak.fp8").left.text, "none");
}

TEST(Compare, preferring_the_article_gives_its_parity) {
  const auto preferred = catalog().preferring({"SEMI-CM384"});
  ASSERT_TRUE(preferred);
  Question asked = question();
  asked.with_training = false;
  const auto c = compare(*preferred, **preferred->system("cm384"), **preferred->system("nvl72"),
                         **preferred->model("deepseek-r1"), asked);
  ASSERT_TRUE(c);
  EXPECT_EQ(parity(*c, "parity.peak.bf16").chips, 231);
  EXPECT_EQ(parity(*c, "parity.memory.capacity").chips, 108);
  EXPECT_EQ(parity(*c, "parity.memory.bandwidth").chips, 180);
  EXPECT_EQ(parity(*c, "parity.power").chips, 99);
}

TEST(Compare, a_range_holds_the_value_and_every_dissenting_source) {
  const ParityLine& compute = parity(first_answer(), "parity.peak.bf16");
  EXPECT_LE(*compute.low, *compute.chips);
  EXPECT_GE(*compute.high, *compute.chips);
  EXPECT_LE(*compute.low, 231);
  EXPECT_THAT(compute.note, HasSubstr("231 with SEMI-CM384"));
}

TEST(Compare, a_system_equals_itself_with_its_own_number_of_chips) {
  Question asked = question();
  asked.with_training = false;
  const System& nvl72 = system_named("gb200_nvl72");
  const auto same = compare(catalog(), nvl72, nvl72, model_named("deepseek-r1"), asked);
  ASSERT_TRUE(same);
  for (const Section& section : same->sections) {
    for (const Line& each : section.lines) {
      EXPECT_DOUBLE_EQ(each.ratio().value_or(1), 1) << each.id;
    }
  }
  for (const ParityLine& each : same->parity) {
    // Whole instances: fewer chips may do where the last of them stood idle.
    EXPECT_LE(each.chips.value_or(0), 72) << each.id;
  }
  EXPECT_EQ(parity(*same, "parity.peak.bf16").chips, 72);
  EXPECT_EQ(parity(*same, "parity.power").chips, 72);
}

TEST(Compare, every_line_is_explained_down_to_facts_or_a_reason) {
  for (const Section& section : first_answer().sections) {
    for (const Line& each : section.lines) {
      EXPECT_FALSE(each.left.why.statement.empty()) << each.id;
      EXPECT_FALSE(each.right.why.statement.empty()) << each.id;
      EXPECT_TRUE(explain(first_answer(), each.id)) << each.id;
    }
  }
  const auto unknown = explain(first_answer(), "decode.per_chp");
  ASSERT_FALSE(unknown);
  EXPECT_THAT(to_text(unknown.error()), HasSubstr("decode.per_chip"));
}

TEST(Compare, answers_are_the_same_bytes_again) {
  const auto again = compare(catalog(), system_named("cloudmatrix384"), system_named("gb200_nvl72"),
                             model_named("deepseek-ai/DeepSeek-R1"), question());
  ASSERT_TRUE(again);
  ASSERT_EQ(again->sections.size(), first_answer().sections.size());
  for (std::size_t s = 0; s < again->sections.size(); ++s) {
    for (std::size_t l = 0; l < again->sections[s].lines.size(); ++l) {
      EXPECT_EQ(again->sections[s].lines[l].left.value,
                first_answer().sections[s].lines[l].left.value);
      EXPECT_EQ(again->sections[s].lines[l].right.text,
                first_answer().sections[s].lines[l].right.text);
    }
  }
}

TEST(Parity, the_count_reaches_the_target_and_one_chip_less_does_not) {
  const auto answer =
      answer_for(catalog(), system_named("cloudmatrix384"), model_named("deepseek-r1"), question());
  ASSERT_TRUE(answer);
  for (const double target : {1e3, 5e4, 3.7e5, 1.2e6}) {
    const int chips = chips_to_decode(*answer, target);
    ASSERT_GT(chips, 0);
    EXPECT_LT(chips_to_decode(*answer, target * 0.5), chips + 1);
    // What that many chips deliver, counted anew from the plans: whole instances, none across
    // systems.
    const auto delivered = [&](int count) {
      double most = 0;
      for (const DecodePlan& plan : answer->decode) {
        const int devices = count * 2, size = plan.layout.devices();
        const int instances = devices / 768 * (768 / size) + devices % 768 / size;
        most = std::max(most, instances * plan.estimate.tokens_per_second);
      }
      return most;
    };
    EXPECT_GE(delivered(chips), target);
    EXPECT_LT(delivered(chips - 1), target);
  }
}

TEST(Uncertainty, the_interval_holds_the_answer_and_names_what_moves_it) {
  Question asked = question();
  const auto answer =
      answer_for(catalog(), system_named("cloudmatrix384"), model_named("deepseek-r1"), asked);
  ASSERT_TRUE(answer);
  const auto intervals = intervals_of(catalog(), *answer, asked, 60, 7);
  ASSERT_TRUE(intervals.contains("decode.per_chip"));
  const Interval& decode = intervals.at("decode.per_chip");
  const double rate = answer->decode_rate / 384;
  EXPECT_LT(decode.low, rate);
  EXPECT_GT(decode.high, rate);
  ASSERT_FALSE(decode.influences.empty());
  // No price can move a rate.
  for (const Influence& influence : decode.influences)
    EXPECT_THAT(influence.fact, Not(HasSubstr("price")));
  EXPECT_GT(intervals.at("decode.cost").high / intervals.at("decode.cost").low,
            decode.high / decode.low * 0.9);
}

TEST(Uncertainty, the_same_seed_draws_the_same_and_another_does_not) {
  Question asked = question();
  asked.with_training = false;
  const auto answer =
      answer_for(catalog(), system_named("gb200_nvl72"), model_named("deepseek-r1"), asked);
  ASSERT_TRUE(answer);
  const auto once = intervals_of(catalog(), *answer, asked, 24, 1),
             twice = intervals_of(catalog(), *answer, asked, 24, 1),
             other = intervals_of(catalog(), *answer, asked, 24, 2);
  EXPECT_EQ(once.at("decode.system").draws, twice.at("decode.system").draws);
  EXPECT_NE(once.at("decode.system").draws, other.at("decode.system").draws);
}

TEST(Search, limits_are_held_and_loosening_them_never_costs) {
  Question asked = question();
  asked.with_training = false;
  double before = 0;
  for (const double limit : {0.015, 0.03, 0.05, 0.1}) {
    asked.serving.tpot_limit = Seconds(limit);
    const auto answer =
        answer_for(catalog(), system_named("cloudmatrix384"), model_named("deepseek-r1"), asked);
    ASSERT_TRUE(answer);
    for (const DecodePlan& plan : answer->decode) {
      EXPECT_LE(plan.estimate.tpot.value(), limit * (1 + 1e-9));
      EXPECT_LE(plan.estimate.memory.total, answer->bench->machine.device.memory_capacity);
    }
    EXPECT_GE(answer->decode_rate, before);
    before = answer->decode_rate;
  }
}

TEST(Search, a_model_too_large_is_refused_with_what_is_missing) {
  const auto answer = answer_for(catalog(), system_named("rtx_pro_6000d_server_8"),
                                 model_named("moonshotai/Kimi-K2-Instruct"), question());
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->best_decode, nullptr);
  EXPECT_THAT(answer->decode_search.nearest_refusal, HasSubstr("fit"));
}

TEST(Search, no_answer_beats_the_bounds_of_the_machine) {
  const auto answer =
      answer_for(catalog(), system_named("gb200_nvl72"), model_named("deepseek-r1"), question());
  ASSERT_TRUE(answer);
  const Device& device = answer->bench->machine.device;
  const double ops = forward_ops_per_token(model_named("deepseek-r1"), 2048).value();
  EXPECT_LT(answer->prefill_rate * ops / 72, device.peak_for(Format::kFp8).value());
  ASSERT_TRUE(answer->training);
  EXPECT_GT(answer->training->estimate.mfu, 0);
  EXPECT_LT(answer->training->estimate.mfu, 1);
}

TEST(Stacks, one_that_the_user_names_serves_trains_and_is_said) {
  Question asked = question();
  asked.with_training = false;
  asked.stack = "cann-as-good-as-cuda";
  const auto same = compare(catalog(), system_named("cloudmatrix384"),
                            system_named("cloudmatrix384"), model_named("deepseek-r1"), asked);
  ASSERT_TRUE(same);
  EXPECT_THAT(same->subtitle, HasSubstr("cann-as-good-as-cuda"));
  EXPECT_NE(line(*same, "decode.per_chip").ratio(), 1);
  EXPECT_EQ(line(*same, "peak.bf16").ratio(), 1);
}

TEST(Stacks, an_unknown_one_is_refused_with_the_nearest) {
  const auto stacks = stacks_for(catalog(), *system_named("cloudmatrix384").chip, "canm");
  ASSERT_FALSE(stacks);
  EXPECT_THAT(to_text(stacks.error()), HasSubstr("did you mean cann"));
}

}  // namespace
}  // namespace fivefold
