#include "fivefold/report/fabric_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "fivefold/catalog/catalog.h"
#include "fivefold/report/page_check_test.h"

namespace fivefold {
namespace {

using ::testing::HasSubstr;

const Catalog& catalog() {
  static const Catalog loaded = Catalog::load().value();
  return loaded;
}

Result<FabricView> view_of(const System& system) {
  const auto machine = build_machine(system, system.chips, **catalog().stack("comm/generic"));
  if (!machine) return fail(machine.error());
  Topology topology;
  topology.name = system.name;
  topology.plan = plan_of(*machine);
  auto graph = build_graph(*topology.plan);
  if (!graph) return fail(graph.error());
  topology.graph = *std::move(graph);
  return view_fabric(catalog(), std::move(topology));
}

TEST(FabricView, EverySystemShowsOrSaysWhatIsNotPublished) {
  int shown = 0;
  for (const System* system : catalog().systems()) {
    const auto view = view_of(*system);
    if (!view) {
      EXPECT_THAT(to_text(view.error()), HasSubstr("not published")) << system->id;
      continue;
    }
    ++shown;
    EXPECT_EQ(PageCheck(to_svg(*view)).problem(), "") << system->id;
    const auto json = nlohmann::json::parse(to_json(*view));
    EXPECT_GT(json["bisection_Bps"].get<double>(), 0) << system->id;
    EXPECT_EQ(json["levels"].size(), view->levels.size());
    EXPECT_THAT(to_text(*view), HasSubstr("Bisection"));
  }
  EXPECT_GT(shown, 55);
}

TEST(FabricView, ANameCannotBreakOutOfThePicture) {
  auto topology = read_topology(
      "fabric: '<b>&\"'\nlevels:\n- {name: '</svg>', kind: switch, size: 4, bandwidth: 1 GB/s}\n",
      "mine");
  ASSERT_TRUE(topology) << to_text(topology.error());
  const auto view = view_fabric(catalog(), *std::move(topology));
  ASSERT_TRUE(view);
  EXPECT_EQ(PageCheck(to_svg(*view)).problem(), "");
}

}  // namespace
}  // namespace fivefold
