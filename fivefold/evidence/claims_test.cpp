// Published claims against the published inputs: SemiAnalysis, 16 April 2025, and Huawei Connect
// 2025.
#include "fivefold/evidence/claims.h"

#include <cmath>

#include <gmock/gmock.h>

namespace fivefold {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const Catalog& catalog() {
  static const Catalog loaded = *Catalog::load();
  return loaded;
}

ClaimResult result_of(const std::string& id) {
  const auto claims = load_claims();
  for (const Claim& claim : *claims) {
    if (claim.id == id) return *recompute(catalog(), claim);
  }
  ADD_FAILURE() << "no claim " << id;
  return {};
}

TEST(Claims, every_shipped_claim_can_be_recomputed_and_names_known_sources) {
  const auto claims = load_claims();
  ASSERT_TRUE(claims) << to_text(claims.error());
  EXPECT_GE(claims->size(), 50u);
  for (const Claim& claim : *claims) {
    const auto result = recompute(catalog(), claim);
    EXPECT_TRUE(result) << to_text(result.error());
    EXPECT_THAT(claim.sources, Not(IsEmpty())) << claim.id;
    for (const std::string& source : claim.sources)
      EXPECT_NE(catalog().source(source), nullptr) << claim.id << " " << source;
  }
}

TEST(Claims, the_articles_ratios_close_within_five_percent) {
  for (const char* id : {"C01", "C02", "C03", "C04", "C05", "C06", "C07", "C08", "C09", "C10",
                         "C11", "C12", "C13", "C14"}) {
    EXPECT_EQ(result_of(id).verdict, ClaimVerdict::kCloses) << id;
  }
}

TEST(Claims, parity_at_peak_is_231_108_and_180_chips_with_published_inputs) {
  EXPECT_EQ(result_of("P01").computed, 231);
  EXPECT_EQ(result_of("P02").computed, 108);
  EXPECT_EQ(result_of("P03").computed, 180);
  EXPECT_EQ(result_of("P04").computed, 99);
}

TEST(Claims, an_input_on_which_sources_disagree_is_named) {
  const ClaimResult result = result_of("P01");
  EXPECT_EQ(result.with_catalog, 240);  // 376 TFLOPS a die by the CloudMatrix384 paper
  EXPECT_THAT(result.reasons, Contains(HasSubstr("780 TFLOPS")));
}

TEST(Claims, a_claim_that_does_not_close_says_so_and_why) {
  const ClaimResult result = result_of("B01");  // 2.8x the FP4 of a chip that has none
  EXPECT_EQ(result.verdict, ClaimVerdict::kDiffers);
  EXPECT_THAT(result.reasons, Not(IsEmpty()));
}

TEST(Claims, without_published_inputs_a_claim_stays_open) {
  EXPECT_EQ(result_of("A05").verdict, ClaimVerdict::kOpen);
  EXPECT_FALSE(result_of("A05").computed);
}

std::string refusal(const std::string& text) {
  const auto claims = read_claims("mine.yaml", text);
  EXPECT_FALSE(claims);
  return claims ? "" : to_text(claims.error());
}

TEST(Claims, bad_files_are_refused_with_their_place) {
  EXPECT_THAT(refusal("claims: [{id: A, text: b, said: c, vlaue: 3}]"),
              HasSubstr("mine.yaml:1:36: unknown key 'vlaue'"));
  EXPECT_THAT(refusal("claims: [{id: A, text: b, said: c, vlaue: 3}]"),
              HasSubstr("did you mean value?"));
  EXPECT_THAT(refusal("claims: [{id: A"), HasSubstr("mine.yaml:1:"));
  EXPECT_THAT(refusal("claim: []"), HasSubstr("no list 'claims'"));
  EXPECT_THAT(refusal("claims: [{id: A, text: b, said: c, formula: 1+1}]"), HasSubstr("no value"));
  EXPECT_THAT(
      refusal(
          "claims: [{id: A, text: b, said: c, value: 1, inputs: {x: {value: 1, unit: parsec}}}]"),
      HasSubstr("parsec"));
}

TEST(Claims, a_formula_of_the_wrong_unit_is_refused) {
  Claim claim{.id = "X",
              .text = "t",
              .said = "s",
              .published = 1,
              .unit = "TB/s",
              .formula = "ascend_910c.memory.capacity"};
  const auto result = recompute(catalog(), claim);
  ASSERT_FALSE(result);
  EXPECT_THAT(to_text(result.error()), HasSubstr("TB/s"));
  claim.formula = "ascend_911c.tdp";
  EXPECT_FALSE(recompute(catalog(), claim));
}

}  // namespace
}  // namespace fivefold
