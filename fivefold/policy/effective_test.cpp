#include "fivefold/policy/effective.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>

namespace fivefold {
namespace {

const Catalog& catalog() {
  static const Catalog loaded = *Catalog::load();
  return loaded;
}

Result<Catalog> with(const std::string& yaml) {
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "fleet_overlay";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "fleet.yaml") << yaml;
  return Catalog::load({folder.string()});
}

TEST(ReferenceMachine, IsStatedOrTheSmallestSystem) {
  const auto stated = reference_machine(catalog(), **catalog().chip("ascend_910c"));
  ASSERT_TRUE(stated);
  EXPECT_EQ(stated->system->id, "cloudmatrix384");
  EXPECT_EQ(stated->serving_chips, 384);
  const auto found = reference_machine(catalog(), **catalog().chip("b200_sxm"));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->system->id, "dgx_b200_8");
}

TEST(ReferenceMachine, AUserStatesAnother) {
  const auto own = with("fleet:\n- {chip: ascend_910c, system: atlas_800i_a3, serving: 16}\n");
  ASSERT_TRUE(own) << to_text(own.error());
  const auto machine = reference_machine(*own, **own->chip("ascend_910c"));
  ASSERT_TRUE(machine);
  EXPECT_EQ(machine->system->id, "atlas_800i_a3");
  EXPECT_EQ(machine->serving_chips, 16);
}

TEST(ReferenceMachine, RefusesWhatIsWrongWithItsPlace) {
  struct Wrong {
    const char* yaml;
    const char* message;
  };
  for (const Wrong& wrong :
       {Wrong{"fleet:\n- {chip: ascend_910c, system: h20_8}\n", "is no system of"},
        Wrong{"fleet:\n- {chip: ascend_910c, system: cloudmatrix384, served: 3}\n", "served"},
        Wrong{"fleet:\n- {chip: ascend_91c, system: cloudmatrix384}\n", "unknown chip"},
        Wrong{"fleet:\n- {chip: ascend_910c, system: cloudmatrix384, serving: -3}\n", "serving"},
        Wrong{"fleet: 3\n", "fleet"}}) {
    const auto own = with(wrong.yaml);
    ASSERT_TRUE(own) << wrong.yaml;
    const auto machine = reference_machine(*own, **own->chip("ascend_910c"));
    ASSERT_FALSE(machine) << wrong.yaml;
    const Problem& problem = machine.error().problems[0];
    EXPECT_THAT(problem.what + problem.hint, testing::HasSubstr(wrong.message));
    EXPECT_THAT(problem.place.file, testing::HasSubstr("fleet.yaml"));
    EXPECT_GE(problem.place.line, 1);
  }
}

TEST(BestService, GivesNoLessUnderALooserLimit) {
  const auto machine = reference_machine(catalog(), **catalog().chip("h20_96g"));
  ASSERT_TRUE(machine);
  Service service = *usual_service(catalog());
  double last = 0;
  for (const double limit : {0.02, 0.05, 0.2}) {
    service.slo.tpot = Seconds(limit);
    const auto served = best_service(catalog(), *machine->system, machine->serving_chips, service);
    ASSERT_TRUE(served) << to_text(served.error());
    EXPECT_GE(served->per_chip(), last * 0.999);
    last = served->per_chip();
    EXPECT_LE(served->plan.loop.tpot.value(), limit * 1.001);
    // A token takes two operations for each of 37 billion weights in use, its share of the prompt
    // four times as many; the H20 does 296e12 a second in FP8.
    EXPECT_LT(served->per_chip(), 296e12 / (5 * 2 * 37e9));
  }
}

TEST(RunsAYear, FollowFromTokensASecond) {
  // Llama 3 405B took 54 days on 16,384 H100 for 3.8e25 operations (arXiv 2407.21783); here only
  // the arithmetic: 1,000 chips at 1e6 tokens/s pass 31.536e12 tokens in a year.
  Trained trained;
  trained.chips = 1000;
  trained.plan.estimate.tokens_per_second = 1e6;
  TrainingTask task;
  task.tokens = 31.536e12;
  EXPECT_NEAR(runs_per_chip_year(trained, task) * 1000, 1, 1e-9);
}

}  // namespace
}  // namespace fivefold
