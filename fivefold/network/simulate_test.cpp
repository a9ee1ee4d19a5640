#include "fivefold/network/simulate.h"

#include <cmath>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fivefold {
namespace {

constexpr double kSecond = 1e12;

std::int32_t transfer(FlowSchedule& schedule, std::vector<Hop> path, double bytes,
                      Picoseconds delay = 0, double cap = kNoCap) {
  return schedule.add({.path = schedule.paths.add(path, cap), .delay = delay, .bytes = bytes});
}

TEST(Simulate, one_flow_takes_its_delay_and_its_bytes_over_the_slowest_link) {
  FlowSchedule schedule;
  transfer(schedule, {{0, 1}, {1, 1}}, 100, Picoseconds(2 * kSecond));
  const auto timeline = simulate(std::vector<double>{50, 10}, schedule);
  ASSERT_TRUE(timeline);
  EXPECT_EQ(timeline->start[0], Picoseconds(2 * kSecond));
  EXPECT_EQ(timeline->finish[0], Picoseconds(12 * kSecond));
  EXPECT_THAT(timeline->link_bytes, testing::ElementsAre(100, 100));
}

// Two share 10 B/s until the shorter has gone (10 B each by 2 s), then the longer has all of it.
TEST(Simulate, a_departure_speeds_up_who_stays) {
  FlowSchedule schedule;
  transfer(schedule, {{0, 1}}, 10);
  transfer(schedule, {{0, 1}}, 40);
  const auto timeline = simulate(std::vector<double>{10}, schedule, {.tolerance = 1e-9});
  ASSERT_TRUE(timeline);
  EXPECT_EQ(timeline->finish[0], Picoseconds(2 * kSecond));
  EXPECT_EQ(timeline->finish[1], Picoseconds(5 * kSecond));
}

TEST(Simulate, an_arrival_slows_down_who_is_there) {
  FlowSchedule schedule;
  transfer(schedule, {{0, 1}, {1, 1}}, 40);
  transfer(schedule, {{1, 1}}, 10, Picoseconds(1 * kSecond));
  // 10 B in the first second, then 5 B/s each until 3 s, then 10 B/s for the remaining 20 B.
  const auto timeline = simulate(std::vector<double>{20, 10}, schedule, {.tolerance = 1e-9});
  ASSERT_TRUE(timeline);
  EXPECT_EQ(timeline->finish[1], Picoseconds(3 * kSecond));
  EXPECT_EQ(timeline->finish[0], Picoseconds(5 * kSecond));
}

TEST(Simulate, flows_of_one_path_keep_their_own_ends) {
  FlowSchedule schedule;
  transfer(schedule, {{0, 1}}, 30);
  transfer(schedule, {{0, 1}}, 10);
  transfer(schedule, {{0, 1}}, 20);
  // 10 B of each by 3 s, 10 more of two by 5 s, 10 more of one by 6 s.
  const auto timeline = simulate(std::vector<double>{10}, schedule);
  ASSERT_TRUE(timeline);
  EXPECT_THAT(timeline->finish, testing::ElementsAre(6 * kSecond, 3 * kSecond, 5 * kSecond));
}

TEST(Simulate, a_capped_flow_leaves_the_rest_to_others) {
  FlowSchedule schedule;
  transfer(schedule, {{0, 1}}, 20, 0, 2.0);
  transfer(schedule, {{0, 1}}, 80);
  const auto timeline = simulate(std::vector<double>{10}, schedule);
  ASSERT_TRUE(timeline);
  EXPECT_THAT(timeline->finish, testing::Each(Picoseconds(10 * kSecond)));
}

TEST(Simulate, tasks_wait_for_all_that_they_need) {
  FlowSchedule schedule;
  const auto compute = schedule.add({.delay = Picoseconds(3 * kSecond)});
  const auto first = transfer(schedule, {{0, 1}}, 10);
  const auto second = transfer(schedule, {{0, 1}}, 10);
  schedule.wait(second, compute);
  schedule.wait(second, first);
  const auto last = schedule.add({.delay = Picoseconds(1 * kSecond)});
  schedule.wait(last, second);
  const auto timeline = simulate(std::vector<double>{10}, schedule);
  ASSERT_TRUE(timeline);
  EXPECT_EQ(timeline->finish[std::size_t(first)], Picoseconds(1 * kSecond));
  EXPECT_EQ(timeline->start[std::size_t(second)], Picoseconds(3 * kSecond));
  EXPECT_EQ(timeline->end, Picoseconds(5 * kSecond));
}

TEST(Simulate, a_lane_runs_one_task_at_a_time_the_first_of_those_that_are_ready) {
  FlowSchedule schedule;
  const auto delay = [&](double seconds, std::int32_t lane) {
    const std::int32_t task = schedule.add({.delay = Picoseconds(seconds * kSecond)});
    if (lane != kNoLane) schedule.set_lane(task, lane);
    return task;
  };
  const std::int32_t late = delay(1, 0);  // first by number, but ready at 2 s only
  const std::int32_t first = delay(3, 0), second = delay(1, 0), elsewhere = delay(1, 1);
  const std::int32_t gate = delay(2, kNoLane), none = delay(0, 0), after = delay(1, kNoLane);
  schedule.wait(late, gate);
  schedule.wait(after, first);
  const auto timeline = simulate({}, schedule);
  ASSERT_TRUE(timeline);
  const auto finish = [&](std::int32_t task) {
    return double(timeline->finish[std::size_t(task)]) / kSecond;
  };
  EXPECT_EQ(finish(first), 3);
  EXPECT_EQ(finish(late), 4);
  EXPECT_EQ(finish(second), 5);
  EXPECT_EQ(finish(none), 5);
  EXPECT_EQ(finish(elsewhere), 1);
  EXPECT_EQ(finish(after), 4);
  EXPECT_EQ(timeline->end, Picoseconds(5 * kSecond));
}

// Several become ready in one instant, in an order that says nothing: the lowest number still runs.
TEST(Simulate, a_lane_waits_for_all_that_become_ready_at_once) {
  FlowSchedule schedule;
  const std::int32_t low = schedule.add({.delay = 5}), high = schedule.add({.delay = 7});
  const std::int32_t gate = schedule.add({.delay = 1}), same = schedule.add({.delay = 1});
  schedule.set_lane(low, 0);
  schedule.set_lane(high, 0);
  schedule.wait(high, gate);
  schedule.wait(low, same);
  const auto timeline = simulate({}, schedule);
  ASSERT_TRUE(timeline);
  EXPECT_EQ(timeline->finish[std::size_t(low)], 6u);
  EXPECT_EQ(timeline->finish[std::size_t(high)], 13u);
}

TEST(Simulate, records_what_a_watched_link_carries) {
  FlowSchedule schedule;
  transfer(schedule, {{0, 1}, {1, 1}}, 10);
  transfer(schedule, {{1, 1}}, 30);
  const auto timeline = simulate(std::vector<double>{100, 10}, schedule, {.watched = {0}});
  ASSERT_TRUE(timeline);
  ASSERT_EQ(timeline->samples.size(), 2u);
  EXPECT_DOUBLE_EQ(timeline->samples[0].rate, 5);
  EXPECT_EQ(timeline->samples[1].time, Picoseconds(2 * kSecond));
  EXPECT_DOUBLE_EQ(timeline->samples[1].rate, 0);
}

struct Case {
  std::vector<double> capacities;
  FlowSchedule schedule;
};

Case random_case(std::mt19937_64& random) {
  Case one;
  const int links = 1 + int(random() % 20);
  for (int i = 0; i < links; ++i) one.capacities.push_back(1e9 * (1 + double(random() % 100)));
  const int tasks = 1 + int(random() % 200);
  for (int task = 0; task < tasks; ++task) {
    std::vector<Hop> path;
    int link = int(random() % 3);
    while (link < links && path.size() < 5) {
      path.push_back({link, 1});
      link += 1 + int(random() % 5);
    }
    if (path.empty()) path.push_back({0, 1});
    transfer(one.schedule, path, double(random() % 10000000), random() % 1000000);
    if (task > 0 && random() % 3 == 0) {
      one.schedule.wait(task, std::int32_t(random() % std::uint64_t(task)));
    }
  }
  return one;
}

TEST(Simulate, no_flow_beats_its_links_and_every_link_carries_the_bytes_of_its_flows) {
  std::mt19937_64 random(23);
  for (int round = 0; round < 200; ++round) {
    const Case one = random_case(random);
    const auto timeline = simulate(one.capacities, one.schedule, {.tolerance = 1e-9});
    ASSERT_TRUE(timeline);
    std::vector<double> bytes(one.capacities.size(), 0.0);
    for (std::size_t i = 0; i < one.schedule.tasks.size(); ++i) {
      const Task& task = one.schedule.tasks[i];
      const double took = double(timeline->finish[i] - timeline->start[i]) / kSecond;
      for (const Hop& hop : one.schedule.paths.hops(task.path)) {
        bytes[std::size_t(hop.link)] += task.bytes;
        ASSERT_GE(took, task.bytes / one.capacities[std::size_t(hop.link)] * (1 - 1e-9) - 1e-12);
      }
    }
    for (std::size_t link = 0; link < bytes.size(); ++link) {
      ASSERT_NEAR(timeline->link_bytes[link], bytes[link], 1e-6 * bytes[link]);
      // A link cannot have carried its bytes faster than it can.
      ASSERT_GE(double(timeline->end) / kSecond, bytes[link] / one.capacities[link] * (1 - 1e-9));
    }
    for (const auto& [waiting, needed] : one.schedule.waits) {
      ASSERT_GE(timeline->start[std::size_t(waiting)], timeline->finish[std::size_t(needed)]);
    }
  }
}

TEST(Simulate, the_coarse_tolerance_stays_near_the_exact_times) {
  std::mt19937_64 random(29);
  double sum = 0, count = 0;
  for (int round = 0; round < 50; ++round) {
    const Case one = random_case(random);
    const auto exact = simulate(one.capacities, one.schedule, {.tolerance = 1e-9});
    const auto coarse = simulate(one.capacities, one.schedule, {});
    for (std::size_t i = 0; i < exact->finish.size(); ++i) {
      sum += std::abs(double(coarse->finish[i]) / double(exact->finish[i]) - 1);
      ++count;
    }
  }
  EXPECT_LT(sum / count, 2e-3);
}

TEST(Simulate, refuses_to_run_past_the_end_of_the_clock) {
  FlowSchedule schedule;
  std::int32_t last = schedule.add({.delay = 8'000'000'000'000'000'000});
  for (int i = 0; i < 3; ++i) {
    const std::int32_t next = schedule.add({.delay = 8'000'000'000'000'000'000});
    schedule.wait(next, last);
    last = next;
  }
  const auto timeline = simulate({}, schedule);
  ASSERT_FALSE(timeline);
  EXPECT_EQ(to_text(timeline.error()),
            "the schedule would take more than 100 days: task 1 waits 8e+06 s (check the times "
            "that were given)");
}

TEST(Simulate, refuses_what_cannot_be_run) {
  FlowSchedule circle;
  for (int i = 0; i < 3; ++i) transfer(circle, {{0, 1}}, 1);
  circle.wait(1, 0);
  circle.wait(2, 1);
  circle.wait(1, 2);
  const std::vector<double> capacities = {10};
  const auto looped = simulate(capacities, circle);
  ASSERT_FALSE(looped);
  EXPECT_EQ(to_text(looped.error()),
            "tasks wait for each other in a circle: task 1 waits for 2, which waits for 1 (a "
            "schedule must have an order in which it can be run)");

  FlowSchedule one;
  transfer(one, {{0, 1}}, 1);
  EXPECT_THAT(to_text(simulate(std::vector<double>{0}, one).error()),
              testing::HasSubstr("link 0 carries 0 bytes a second"));
  FlowSchedule elsewhere;
  transfer(elsewhere, {{7, 1}}, 1);
  EXPECT_THAT(to_text(simulate(capacities, elsewhere).error()),
              testing::HasSubstr("crosses link 7 of 1"));
  FlowSchedule endless;
  transfer(endless, {{0, 1}}, 1e30);
  EXPECT_THAT(to_text(simulate(capacities, endless).error()),
              testing::HasSubstr("more than 100 days"));
  FlowSchedule nonsense;
  transfer(nonsense, {{0, 1}}, std::nan(""));
  EXPECT_FALSE(simulate(capacities, nonsense));
}

}  // namespace
}  // namespace fivefold
