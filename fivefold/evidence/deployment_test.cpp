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

TEST(Deployments, mistakes_are_named_with_their_line) {
  EXPECT_THAT(message("deployments:\n- {rows: [a], phase: prefill, tokens: 8, bath: 3}\n"),
              ::testing::AllOf(HasSubstr("mine.yaml:2"), HasSubstr("'bath'"), HasSubstr("batch")));
  EXPECT_THAT(message("deployments:\n- {rows: [a], phase: prefill}\n"),
              HasSubstr("without tokens"));
  EXPECT_THAT(message("deployments:\n- {rows: [a], phase: decode}\n"), HasSubstr("without batch"));
  EXPECT_THAT(message("deployments:\n- {rows: [a], phase: decode, batch: -3}\n"),
              HasSubstr("'-3' is not a number above zero"));
  EXPECT_THAT(message("deployments:\n- {phase: mixed}\n"), HasSubstr("names no rows"));
  EXPECT_THAT(message("other: 1\n"), HasSubstr("no list of deployments"));
}

}  // namespace
}  // namespace fivefold
