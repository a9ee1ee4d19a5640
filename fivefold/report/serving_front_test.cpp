#include "fivefold/report/serving_front.h"

#include <algorithm>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "fivefold/planner/serving_place_test.h"
#include "fivefold/report/table.h"

namespace fivefold {
namespace {

// A small search and what is said of it.
struct FrontSample {
  FrontSample() : place("dgx_h100_8", 4, "meta-llama/Llama-3.1-8B") {
    goal.slo = {.ttft = Seconds(1), .tpot = Seconds(0.02), .e2e = {}};
    search = *search_serving(place.space, goal, 3);
  }
  ServingPlace place;
  ServingGoal goal;
  ServingSearch search;
  ServingFront front{place.space, goal, search};
};

TEST(ServingFront, text_says_the_plan_first_and_stays_within_the_width) {
  const FrontSample sample;
  const std::string text = front_text(sample.front);
  EXPECT_EQ(text.find("Llama-3.1-8B on 4 x H100"), 0u);
  for (const char* part : {"objective tokens-per-chip, limits: TTFT 1 s, TPOT 20 ms", "best: ",
                           "TTFT", "tokens/s", "J a token", "USD a million", "bound by"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part;
  }
  std::istringstream lines(text.substr(text.find("Throughput against speed")));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(display_width(line), 100u) << line;
}

TEST(ServingFront, json_and_csv_hold_the_search) {
  const FrontSample sample;
  const auto json = nlohmann::json::parse(front_json(sample.front));
  const ServingPlan& best = sample.search.best;
  EXPECT_DOUBLE_EQ(json["best"]["tpot_s"], best.loop.tpot.value());
  EXPECT_DOUBLE_EQ(json["best"]["tokens_per_second_per_chip"], best.per_chip);
  EXPECT_DOUBLE_EQ(double(json["best"]["power_w"]) / best.loop.tokens_per_second,
                   json["best"]["joules_per_token"]);
  EXPECT_EQ(json["front"].size(), sample.search.front.size());
  EXPECT_EQ(json["top"].size(), sample.search.top.size());
  const std::string csv = front_csv(sample.front);
  EXPECT_EQ(std::size_t(std::count(csv.begin(), csv.end(), '\n')), sample.search.front.size() + 1);
}

TEST(ServingFront, picture_stands_alone) {
  const FrontSample sample;
  const std::string svg = front_svg(sample.front);
  EXPECT_EQ(svg.find("<svg xmlns=\"http://www.w3.org/2000/svg\" "), 0u);
  EXPECT_NE(svg.find("<style>"), std::string::npos);
  EXPECT_NE(svg.find("</svg>"), std::string::npos);
  std::size_t circles = 0;
  for (std::size_t at = svg.find("<circle"); at != std::string::npos;
       at = svg.find("<circle", at + 1)) {
    ++circles;
  }
  EXPECT_EQ(circles, sample.search.front.size() + 1);
}

}  // namespace
}  // namespace fivefold
