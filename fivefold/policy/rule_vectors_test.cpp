// The shipped rules against published classifications: numbers of reports and filings, not those of
// the catalog, and what public tools, reports and the makers said of the chips.
#include <algorithm>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fivefold/catalog/yaml_tree.h"
#include "fivefold/policy/rule_sample_test.h"

namespace fivefold {
namespace {

using yaml::Node;

const Node& vectors() {
  static const Node root = [] {
    std::ifstream in(FIVEFOLD_SOURCE_DIR "/fivefold/policy/rule_vectors_test.yaml");
    std::stringstream text;
    text << in.rdbuf();
    std::vector<Problem> problems;
    Node tree = yaml::parse(text.str(), "rule_vectors_test.yaml", problems);
    EXPECT_TRUE(problems.empty());
    return tree;
  }();
  return root;
}

std::string text(const Node& node, const char* key) {
  return node.find(key)->scalar;
}
bool flag(const Node& node, const char* key) {
  return text(node, key) == "true";
}
std::optional<double> number(const Node& node, const char* key) {
  const Node* value = node.find(key);
  if (!value || value->is_null()) return std::nullopt;
  return std::stod(value->scalar);
}

// TPP by its definition, from the rates that the vector states.
std::optional<double> tpp_of(const Node& vector) {
  std::optional<double> most;
  const Node& tops = *vector.find("tops");
  for (std::size_t i = 0; i < tops.keys.size(); ++i) {
    const double product = std::stod(tops.keys[i]) * std::stod(tops.items[i].scalar);
    most = std::max(most.value_or(0), product);
  }
  return most;
}

RuleSubject subject_of(const Node& vector) {
  RuleSubject subject = numbers(tpp_of(vector), number(vector, "area"), number(vector, "dram"),
                                number(vector, "io"), flag(vector, "data_center"));
  if (flag(vector, "named")) {
    const std::string name = text(vector, "name");
    subject.names = {name == "MI308X" || name == "B30A" ? name
                     : name == "Gaudi-3"                ? "Gaudi 3"
                                                        : "H20"};
  }
  return subject;
}

// How the vectors call an answer.
std::string word_2023(const Classification& answer) {
  if (answer.access == Access::kUnknown) return "indeterminate";
  if (answer.access == Access::kFree) return "not_controlled";
  return answer.clause +
         (answer.access == Access::kNotice && answer.clause == "3A090.a" ? "_NAC_eligible" : "");
}
std::string word_2026(const Classification& answer) {
  switch (answer.access) {
    case Access::kFree:
      return "no_licence";
    case Access::kNotice:
      return "NAC_or_licence";
    case Access::kReview:
      return "case_by_case";
    case Access::kLicence:
      return "is_informed_licence";
    case Access::kDenied:
      return "presumption_of_denial";
    case Access::kUnknown:
      break;
  }
  return "indeterminate";
}

// The letter speaks of chips that no list controls: what it says of the bandwidths shows with
// little compute.
bool letter_speaks(RuleSubject subject) {
  subject.values["tpp"].value = 100;
  return ask(subject, "2025-06-01").access == Access::kLicence;
}

TEST(RuleVectors, there_are_all_of_them) {
  EXPECT_EQ(vectors().find("vectors")->items.size(), 27u);
  EXPECT_EQ(vectors().find("edges")->items.size(), 16u);
}

TEST(RuleVectors, every_vintage_classifies_as_published) {
  for (const Node& vector : vectors().find("vectors")->items) {
    SCOPED_TRACE(text(vector, "name"));
    const RuleSubject subject = subject_of(vector);
    EXPECT_EQ(word_2023(ask(subject, "2022-12-01")), text(vector, "rule_2022"));
    EXPECT_EQ(word_2023(ask(subject, "2024-01-15")), text(vector, "rule_2023"));
    EXPECT_EQ(letter_speaks(subject), flag(vector, "letter_2025"));
    const Classification now = ask(subject, "2026-03-01");
    // The B30A is barred by name besides; MI308X cannot be decided but for its tariff.
    EXPECT_EQ(word_2026(now), text(vector, "cn_2026"));
    EXPECT_EQ(now.tariff > 0, flag(vector, "tariff"));
  }
}

TEST(RuleVectors, numbers_are_those_that_were_published) {
  for (const Node& vector : vectors().find("vectors")->items) {
    SCOPED_TRACE(text(vector, "name"));
    const auto tpp = tpp_of(vector);
    ASSERT_EQ(tpp.has_value(), number(vector, "tpp").has_value());
    if (!tpp) continue;
    EXPECT_NEAR(*tpp, *number(vector, "tpp"), 1e-4 * *tpp);
    if (const auto said = number(vector, "published_tpp")) {
      EXPECT_NEAR(*tpp, *said, 1e-3 * *said);
    }
    if (const auto said = number(vector, "published_pd")) {
      EXPECT_NEAR(*tpp / *number(vector, "area"), *said, 0.05);
    }
  }
}

// The catalog's own chips must give the published values, and the published classes.
TEST(RuleVectors, chips_of_the_catalog_agree) {
  int compared = 0;
  for (const Node& vector : vectors().find("vectors")->items) {
    SCOPED_TRACE(text(vector, "name"));
    const Node& id = *vector.find("chip");
    if (id.is_null()) continue;
    const RuleSubject subject = chip_subject(id.scalar);
    if (id.scalar.starts_with("ascend")) continue;  // their vectors are recalled figures
    ++compared;
    // Where no TPP was published the vector is an estimate, as the catalog's figure may be (the RTX
    // Pro 6000D: 581 TFLOPS of FP4 against 148 of BF16).
    const bool published = number(vector, "published_tpp").has_value();
    const double tolerance = published ? 0.01 : 0.02;
    EXPECT_NEAR(*subject.values.at("tpp").value, *number(vector, "tpp"),
                tolerance * *number(vector, "tpp"));
    EXPECT_NEAR(*subject.values.at("io_bw_2022_gbs").value, *number(vector, "io"),
                0.05 * *number(vector, "io"));
    EXPECT_NEAR(*subject.values.at("dram_bw_gbs").value, *number(vector, "dram"),
                0.01 * *number(vector, "dram"));
    if (const auto pd = number(vector, "pd")) {
      EXPECT_NEAR(*subject.values.at("performance_density").value, *pd, tolerance * *pd);
    }
    EXPECT_EQ(word_2023(ask(subject, "2022-12-01")), text(vector, "rule_2022"));
    EXPECT_EQ(word_2023(ask(subject, "2024-01-15")), text(vector, "rule_2023"));
    EXPECT_EQ(word_2026(ask(subject, "2026-03-01")), text(vector, "cn_2026"));
    EXPECT_EQ(ask(subject, "2026-03-01").tariff > 0, flag(vector, "tariff"));
  }
  EXPECT_GE(compared, 20);
}

TEST(RuleVectors, edges_hold_on_both_sides) {
  for (const Node& edge : vectors().find("edges")->items) {
    const auto tpp = number(edge, "tpp"), pd = number(edge, "pd");
    SCOPED_TRACE(testing::Message() << "line " << edge.line);
    RuleSubject subject =
        numbers(tpp.value_or(100), std::nullopt, number(edge, "dram").value_or(300),
                number(edge, "io").value_or(64), flag(edge, "data_center"));
    set_value(subject, "performance_density", pd);
    const std::string expected = text(edge, "expect"), rule = text(edge, "rule");
    if (rule == "2023") {
      EXPECT_EQ(word_2023(ask(subject, "2024-01-15")), expected);
    } else if (rule == "2026") {
      EXPECT_EQ(word_2026(ask(subject, "2026-03-01")), expected);
    } else {
      EXPECT_EQ(ask(subject, "2025-06-01").access == Access::kLicence, expected == "true");
    }
  }
}

TEST(RuleVectors, memory_stacks_are_judged_by_their_density) {
  for (const Node& stack : vectors().find("hbm")->items) {
    SCOPED_TRACE(text(stack, "name"));
    RuleSubject subject;
    ASSERT_TRUE(rules_book().state(subject, "item=memory"));
    const double density = *number(stack, "gbs") / *number(stack, "area");
    EXPECT_NEAR(density, *number(stack, "density"), 0.006);
    set_value(subject, "memory_bandwidth_density", density);
    const Classification answer = ask(subject, "2025-01-02");
    EXPECT_EQ(answer.clause == "3A090.c", flag(stack, "controlled"));
    EXPECT_EQ(answer.access == Access::kNotice, flag(stack, "exception"));
    EXPECT_EQ(ask(subject, "2024-12-01").access, Access::kFree);
  }
  RuleSubject edge;
  ASSERT_TRUE(rules_book().state(edge, "item=memory"));
  set_value(edge, "memory_bandwidth_density", 2.0);  // must exceed 2
  EXPECT_EQ(ask(edge, "2025-01-02").access, Access::kFree);
}

// What was said at the time.
TEST(RuleHistory, nvidia_listed_seven_products_in_october_2023) {
  // The L40 is not in the catalog: its figures are those of the vectors.
  for (const char* id : {"a100", "a800", "h100", "h800", "l40s", "rtx4090"}) {
    EXPECT_NE(ask(chip_subject(id), "2023-11-17").access, Access::kFree) << id;
  }
  EXPECT_EQ(ask(numbers(2896, 608.5, 864, 64), "2023-11-17").clause, "3A090.b");
}

TEST(RuleHistory, a800_and_h800_were_legal_for_a_year) {
  for (const char* id : {"a800", "h800"}) {
    EXPECT_EQ(ask(chip_subject(id), "2022-11-08").access, Access::kFree) << id;
    EXPECT_EQ(ask(chip_subject(id), "2023-10-22").access, Access::kFree) << id;
    EXPECT_EQ(ask(chip_subject(id), "2023-10-23").access, Access::kLicence) << id;
    EXPECT_EQ(ask(chip_subject(id), "2023-11-17").access, Access::kDenied) << id;
    EXPECT_EQ(ask(chip_subject(id), "2023-11-17").clause, "3A090.a") << id;
  }
}

TEST(RuleHistory, h20_l20_and_l2_were_made_for_the_rule_of_2023) {
  for (const char* id : {"h20", "l20", "l2"}) {
    EXPECT_EQ(ask(chip_subject(id), "2024-06-01").access, Access::kFree) << id;
  }
}

TEST(RuleHistory, h20_needs_a_licence_from_9_april_2025_and_gets_it_from_8_august) {
  const RuleSubject h20 = chip_subject("h20");
  EXPECT_EQ(ask(h20, "2025-04-08").access, Access::kFree);
  EXPECT_EQ(ask(h20, "2025-04-09").access, Access::kLicence);
  EXPECT_FALSE(ask(h20, "2025-08-07").exportable());
  EXPECT_TRUE(ask(h20, "2025-08-08").exportable());
  EXPECT_DOUBLE_EQ(ask(h20, "2025-08-08").revenue_share, 0.15);
  EXPECT_DOUBLE_EQ(ask(h20, "2025-08-07").revenue_share, 0);
  // By its memory, not only by its name.
  RuleSubject unnamed = h20;
  unnamed.names.clear();
  EXPECT_EQ(ask(unnamed, "2025-04-09").access, Access::kLicence);
}

TEST(RuleHistory, rtx_pro_6000d_stays_below_all_thresholds) {
  const Classification answer = ask(chip_subject("rtx_pro_6000d"), "2025-08-20");
  EXPECT_EQ(answer.access, Access::kFree);
  // One report gives more bandwidth, above the edge: that must be said.
  EXPECT_THAT(answer.cautions, testing::Contains(testing::HasSubstr("DRAM bandwidth")));
}

TEST(RuleHistory, the_5090d_was_stopped_and_its_second_version_passed) {
  EXPECT_EQ(ask(chip_subject("rtx5090d"), "2025-08-12").access, Access::kLicence);
  EXPECT_EQ(ask(chip_subject("rtx5090d"), "2025-03-01").access, Access::kFree);
  EXPECT_EQ(ask(chip_subject("rtx5090d_v2"), "2025-08-12").access, Access::kFree);
}

TEST(RuleHistory, the_tariff_of_2026_is_for_two_chips) {
  std::vector<std::string> paying;
  for (const Chip* chip : rules_catalog().chips()) {
    const RuleSubject subject = rule_subject(rules_catalog(), *chip);
    if (subject.maker_country == "US" && ask(subject, "2026-02-01").tariff > 0) {
      paying.push_back(chip->id);
    }
  }
  // Every Hopper with the H200's memory is in the band.
  EXPECT_THAT(paying, testing::IsSupersetOf({"h200_sxm", "mi325x"}));
  for (const std::string& id : paying) {
    EXPECT_TRUE(id == "mi325x" || id.starts_with("h200") || id.starts_with("gh200")) << id;
  }
}

TEST(RuleHistory, h200_is_6_7_times_an_h20) {
  EXPECT_NEAR(
      *chip_subject("h200").values.at("tpp").value / *chip_subject("h20").values.at("tpp").value,
      6.7, 0.05);
}

TEST(RuleHistory, blackwell_stays_barred) {
  for (const char* id : {"b200", "b300", "b30a", "gb200", "gb300"}) {
    EXPECT_EQ(ask(chip_subject(id), "2026-03-01").access, Access::kDenied) << id;
    EXPECT_EQ(ask(chip_subject(id), "2026-11-23").access, Access::kDenied) << id;
  }
}

// S07 of the article: from the stop of 17 September to the statement on the H200. That L20 and L2,
// which no text names, are shut out with the rest is what reports tell, with low confidence.
TEST(RuleHistory, no_data_centre_part_of_nvidia_is_left_after_the_stop) {
  const auto left = [](const std::string& date) {
    std::vector<std::string> ids;
    for (const Chip* chip : rules_catalog().chips()) {
      const RuleSubject subject = rule_subject(rules_catalog(), *chip);
      if (subject.vendor != "Nvidia" || !subject.data_center) continue;
      const Classification answer = ask(subject, date);
      if (answer.exportable() && answer.admitted()) ids.push_back(chip->id);
    }
    return ids;
  };
  for (const char* date : {"2025-09-17", "2025-10-09", "2025-10-10", "2025-12-07"}) {
    EXPECT_THAT(left(date), testing::IsEmpty()) << date;
  }
  EXPECT_THAT(left("2025-09-16"), testing::IsSupersetOf({"h20_96g", "rtx_pro_6000d", "l20"}));
}

TEST(RuleHistory, the_gate_of_china_for_the_h200) {
  const RuleSubject h200 = chip_subject("h200");
  const auto gate = [&](const char* date) { return ask(h200, date).gate; };
  EXPECT_EQ(gate("2025-07-30"), Gate::kAdmitted);
  EXPECT_EQ(gate("2025-12-08"), Gate::kBlocked);
  EXPECT_EQ(gate("2025-12-09"), Gate::kConditional);
  EXPECT_EQ(gate("2026-01-13"), Gate::kBlocked);
  EXPECT_EQ(gate("2026-01-27"), Gate::kBlocked);
  EXPECT_EQ(gate("2026-01-28"), Gate::kConditional);
  EXPECT_EQ(gate("2026-05-15"), Gate::kBlocked);
  EXPECT_EQ(ask(h200, "2025-11-04", {.state_funded = true}).gate, Gate::kBlocked);
  EXPECT_EQ(ask(h200, "2025-11-05", {.state_funded = true}).gate, Gate::kBanned);
  EXPECT_EQ(ask(chip_subject("910c"), "2026-01-01", {.state_funded = true}).gate, Gate::kAdmitted);
}

TEST(RuleHistory, licences_were_the_shut_door_of_the_h200_until_2026) {
  EXPECT_EQ(ask(chip_subject("h200"), "2025-12-08").access, Access::kDenied);
  EXPECT_EQ(ask(chip_subject("h200"), "2026-01-15").access, Access::kReview);
  EXPECT_FALSE(ask(chip_subject("h200"), "2026-01-15").exportable());
  EXPECT_TRUE(ask(chip_subject("h200"), "2026-05-14").exportable());
}

}  // namespace
}  // namespace fivefold
