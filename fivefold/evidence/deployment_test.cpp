#include "fivefold/evidence/deployment.h"

#include <set>

#include <gmock/gmock.h>

namespace fivefold {
namespace {

using ::testing::HasSubstr;

std::string message(std::string_view text) {
  const auto read = read_deployments("mine.yaml", text);
  return read ? "accepted" : to_text(read.error());
}

TEST(Deployments, the_shipped_ones_name_each_row_once) {
  const auto deployments = load_deployments();
  ASSERT_TRUE(deployments) << to_text(deployments.error());
  std::set<std::string> seen;
  for (const Deployment& d : *deployments) {
    for (const std::string& row : d.rows) EXPECT_TRUE(seen.insert(row).second) << row;
  }
  EXPECT_GT(seen.size(), 50U);
}

TEST(Deployments, every_shipped_one_fits_its_machine) {
  const Catalog catalog = *Catalog::load();
  const auto deployments = load_deployments();
  ASSERT_TRUE(deployments);
  for (const Deployment& d : *deployments) {
    if (!d.refused.empty()) continue;
    const auto system = catalog.system(d.setup.system);
    ASSERT_TRUE(system) << d.rows.front();
    const int devices = d.setup.chips * (*system)->chip->devices_per_chip;
    if (d.phase == Deployment::Phase::kLoad) continue;
    EXPECT_LE(d.instances * d.layout.devices(), devices) << d.rows.front();
  }
}

TEST(Deployments, a_comparison_differs_in_the_keys_it_names) {
  const auto read = read_deployments(
      "mine.yaml",
      "deployments:\n- {rows: [a], phase: decode, batch: 8, dp: 4, drafts: 1, against: {drafts: 0, "
      "dp: 2}}\n");
  ASSERT_TRUE(read) << to_text(read.error());
  ASSERT_EQ(read->front().against.size(), 1U);
  const Deployment& against = read->front().against.front();
  EXPECT_EQ(against.workload.draft_tokens, 0);
  EXPECT_EQ(against.layout.dp, 2);
  EXPECT_EQ(against.batch, 8);
  EXPECT_TRUE(against.against.empty());
  EXPECT_EQ(read->front().workload.draft_tokens, 1);
}

TEST(Deployments, a_row_is_found_by_its_id_before_a_pattern) {
  const auto read = read_deployments(
      "mine.yaml",
      "deployments:\n- {rows: [a-*], refused: all}\n- {rows: [a-1], refused: one}\n"
      "- {rows: [a-12-*], refused: longer}\n");
  ASSERT_TRUE(read) << to_text(read.error());
  EXPECT_EQ(deployment_of(*read, "a-1")->refused, "one");
  EXPECT_EQ(deployment_of(*read, "a-2")->refused, "all");
  EXPECT_EQ(deployment_of(*read, "a-12-x")->refused, "longer");
  EXPECT_EQ(deployment_of(*read, "b"), nullptr);
}

TEST(Deployments, pools_have_two_layouts) {
  const auto read = read_deployments(
      "mine.yaml",
      "deployments:\n- {rows: [a], phase: pools, concurrency: 64, tp: 8, instances: 2, "
      "prefill: {tp: 4, instances: 3}}\n");
  ASSERT_TRUE(read) << to_text(read.error());
  EXPECT_EQ(read->front().prefill_layout.tp, 4);
  EXPECT_EQ(read->front().prefill_instances, 3);
  EXPECT_EQ(read->front().layout.tp, 8);
  EXPECT_EQ(read->front().instances, 2);
}

TEST(Deployments, mistakes_are_named_with_their_line) {
  EXPECT_THAT(message("deployments:\n- {rows: [a], phase: prefill, tokens: 8, bath: 3}\n"),
              ::testing::AllOf(HasSubstr("mine.yaml:2"), HasSubstr("'bath'"), HasSubstr("batch")));
  EXPECT_THAT(message("deployments:\n- {rows: [a], phase: prefill}\n"),
              HasSubstr("without tokens"));
  EXPECT_THAT(message("deployments:\n- {rows: [a], phase: decode}\n"), HasSubstr("without batch"));
  EXPECT_THAT(message("deployments:\n- {rows: [a], phase: decode, batch: -3}\n"),
              HasSubstr("'-3' is not a number above zero"));
  EXPECT_THAT(message("deployments:\n- {phase: full}\n"), HasSubstr("names no rows"));
  EXPECT_THAT(message("deployments:\n- {rows: [a], phase: mixed}\n"),
              HasSubstr("without concurrency"));
  EXPECT_THAT(message("deployments:\n- {rows: [a], phase: pools}\n"),
              HasSubstr("without prefill instances"));
  EXPECT_THAT(message("deployments:\n- {rows: [a], phase: full, against: {bath: 1}}\n"),
              HasSubstr("'bath'"));
  EXPECT_THAT(message("deployments:\n- {rows: [a], phase: idle}\n"), HasSubstr("'idle'"));
  EXPECT_THAT(message("other: 1\n"), HasSubstr("no list of deployments"));
}

}  // namespace
}  // namespace fivefold
