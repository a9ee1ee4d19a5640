#include "fivefold/network/event_queue.h"

#include <algorithm>
#include <map>
#include <random>

#include <gtest/gtest.h>

namespace fivefold {
namespace {

// Against the plainest queue there is: an ordered multimap, which keeps equal keys in the order in
// which they came.
TEST(EventQueue, gives_events_in_the_order_of_a_sorted_list_and_ties_in_the_order_of_arrival) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 200; ++round) {
    EventQueue<int> queue;
    std::multimap<Picoseconds, int> sorted;
    const std::uint64_t spread = std::uint64_t(1) << (random() % 50);
    int next = 0;
    for (int step = 0; step < 400; ++step) {
      if (sorted.empty() || random() % 5 < 3) {
        const Picoseconds time = queue.now() + random() % spread / (random() % 4 + 1);
        queue.push(time, next);
        sorted.emplace(time, next++);
      } else {
        const auto event = queue.pop();
        ASSERT_EQ(event.time, sorted.begin()->first);
        ASSERT_EQ(event.payload, sorted.begin()->second);
        sorted.erase(sorted.begin());
      }
      ASSERT_EQ(queue.size(), sorted.size());
      ASSERT_EQ(queue.more_now(), !sorted.empty() && sorted.begin()->first == queue.now());
    }
  }
}

TEST(EventQueue, holds_the_first_and_the_last_picosecond) {
  EventQueue<int> queue;
  queue.push(~Picoseconds(0), 2);
  queue.push(0, 1);
  EXPECT_EQ(queue.pop().payload, 1);
  EXPECT_EQ(queue.pop().payload, 2);
  EXPECT_EQ(queue.now(), ~Picoseconds(0));
  EXPECT_TRUE(queue.empty());
}

}  // namespace
}  // namespace fivefold
