#include "fivefold/training/schedule.h"

#include <gtest/gtest.h>

#include "fivefold/training/layout_text.h"
#include "fivefold/training/pipeline.h"
#include "fivefold/training/recurrence.h"

namespace fivefold {
namespace {

// Seconds of the passes of every chunk.
struct Passes {
  double forward = 1, input = 1, weight = 1;
  double together = 3;  // of DualPipe: forward beside backward
};

struct Played {
  double end = 0;
  double bubble = 0;  // what the rank waits that waits the longest
};

TrainingLayout layout_of(Schedule schedule, int pp, int vpp = 1) {
  return {.pp = pp, .vpp = vpp, .schedule = schedule};
}

Played play(const TrainingLayout& layout, int m, const Passes& passes, double hop = 0,
            bool waits = false) {
  const PipelineSchedule schedule = pipeline_schedule(layout, m);
  const auto r = compile(schedule);
  EXPECT_TRUE(r) << name(layout.schedule) << " of " << layout.pp << " and " << m << " is stuck";
  if (!r) return {};
  const auto seconds = [&](TaskTime time) {
    switch (time) {
      case TaskTime::kForward:
      case TaskTime::kPairedForward:
        return passes.forward;
      case TaskTime::kBackward:
      case TaskTime::kPairedBackward:
        return passes.input + passes.weight;
      case TaskTime::kInputGradient:
      case TaskTime::kPairedInputGradient:
        return passes.input;
      case TaskTime::kWeightGradient:
        return passes.weight;
      case TaskTime::kForwardBackward:
        return passes.together;
    }
    return 0.0;
  };
  const auto duration = [&](std::size_t i) {
    return seconds(TaskTime(std::size_t(r->tasks[i].time) % kTaskTimes));
  };
  RecurrenceTimes times;
  run(*r, duration, hop, waits, times);
  Played played;
  for (const double end : times.rank_end) played.end = std::max(played.end, end);
  std::vector<double> busy(std::size_t(r->ranks));
  for (std::size_t i = 0; i < r->tasks.size(); ++i) {
    busy[std::size_t(r->tasks[i].rank)] += duration(i);
  }
  for (const double own : busy) played.bubble = std::max(played.bubble, played.end - own);
  return played;
}

struct Case {
  Schedule schedule;
  int pp, vpp, m;
};

std::vector<Case> possible_cases() {
  std::vector<Case> cases;
  for (const Schedule schedule : all_schedules()) {
    for (int pp = 1; pp <= 16; ++pp) {
      for (const int vpp : {1, 2, 3, 4}) {
        if (vpp > 1 && schedule != Schedule::kInterleaved) continue;
        for (const int m : {1, 2, 3, 5, 8, 12, 16, 24, 32, 48, 49, 80}) {
          if (schedule_problem(layout_of(schedule, pp, vpp), m).empty()) {
            cases.push_back({schedule, pp, vpp, m});
          }
        }
      }
    }
  }
  return cases;
}

TEST(Schedules, every_micro_batch_passes_every_stage_once_each_way) {
  for (const Case& c : possible_cases()) {
    const TrainingLayout layout = layout_of(c.schedule, c.pp, c.vpp);
    const PipelineSchedule s = pipeline_schedule(layout, c.m);
    ASSERT_TRUE(compile(s)) << name(c.schedule) << " pp " << c.pp << " m " << c.m;
    const bool dual = c.schedule == Schedule::kDualPipe;
    for (int rank = 0; rank < c.pp; ++rank) {
      std::vector<int> forward(std::size_t(s.chunks * c.m)), input = forward, weight = forward;
      const auto at = [&](int chunk, int micro_batch) {
        return std::size_t(chunk * c.m + micro_batch);
      };
      for (const PipelineTask& task : s.of(rank)) {
        const bool both = task.kind == TaskKind::kForwardBackward;
        const std::size_t front = at(task.chunk, task.micro_batch);
        const std::size_t back = both ? at(task.back_chunk, task.back_micro_batch) : front;
        if (both || task.kind == TaskKind::kForward) ++forward[front];
        const bool whole = both || task.kind == TaskKind::kBackward;
        if (whole || task.kind == TaskKind::kInputGradient) {
          EXPECT_EQ(forward[back], 1);
          ++input[back];
        }
        if (whole || task.kind == TaskKind::kWeightGradient) {
          EXPECT_EQ(input[back], 1);
          ++weight[back];
        }
      }
      for (int chunk = 0; chunk < s.chunks; ++chunk) {
        for (int i = 0; i < c.m; ++i) {
          const int once = !dual || (chunk == 0) == (i < c.m / 2) ? 1 : 0;
          EXPECT_EQ(forward[at(chunk, i)], once);
          EXPECT_EQ(input[at(chunk, i)], once);
          EXPECT_EQ(weight[at(chunk, i)], once);
        }
      }
    }
  }
}

TEST(Schedules, hold_as_many_activations_as_the_closed_form_says) {
  for (const Case& c : possible_cases()) {
    const TrainingLayout layout = layout_of(c.schedule, c.pp, c.vpp);
    const PipelineSchedule s = pipeline_schedule(layout, c.m);
    for (int rank = 0; rank < c.pp; ++rank) {
      const std::vector<int> held = held_activations(s, rank);
      for (int chunk = 0; chunk < s.chunks; ++chunk) {
        EXPECT_EQ(held[std::size_t(chunk)], in_flight(layout, rank, chunk, c.m))
            << name(c.schedule) << " pp " << c.pp << " vpp " << c.vpp << " m " << c.m << " rank "
            << rank << " chunk " << chunk;
      }
    }
  }
}

// F + B of a micro batch on one of p ranks: the bubble is (p - 1) of it (Narayanan 2021, arXiv
// 2104.04473, section 2.2), of a chunk if interleaved.
TEST(Schedules, bubble_of_gpipe_and_1f1b_is_p_minus_1_micro_batches) {
  const Passes passes{.forward = 1, .input = 1, .weight = 1.25};
  for (const int pp : {2, 4, 7, 16}) {
    for (const int m : {16, 32, 64}) {
      for (const Schedule schedule : {Schedule::kGpipe, Schedule::k1F1B}) {
        EXPECT_NEAR(play(layout_of(schedule, pp), m, passes).bubble, (pp - 1) * 3.25, 1e-9);
      }
    }
  }
}

TEST(Schedules, bubble_of_interleaved_is_p_minus_1_chunks) {
  for (const int pp : {2, 4, 8}) {
    for (const int vpp : {2, 3, 4}) {
      for (const int m : {pp, 4 * pp, 8 * pp}) {
        const auto played = play(layout_of(Schedule::kInterleaved, pp, vpp), m, {});
        EXPECT_NEAR(played.bubble, (pp - 1) * 3, 1e-9) << pp << " " << vpp << " " << m;
      }
    }
  }
}

// ZB1P in table 2 of DeepSeek-V3 (arXiv 2412.19437): (PP - 1)(F + B - 2 W), B of input and weights.
TEST(Schedules, bubble_of_zb_h1_is_what_weight_gradients_leave) {
  for (const int pp : {2, 4, 8, 16}) {
    for (const Passes& passes : {Passes{}, Passes{.forward = 1, .input = 1.25, .weight = 0.75}}) {
      const double bubble = (pp - 1) * (passes.forward + passes.input - passes.weight);
      EXPECT_NEAR(play(layout_of(Schedule::kZbH1, pp), 4 * pp, passes).bubble, bubble, 1e-9) << pp;
    }
  }
}

// arXiv 2405.15362, section 4: no rank waits once it has begun if F, B and W take as long.
TEST(Schedules, zb_v_of_equal_passes_waits_only_to_begin_and_to_end) {
  for (const int pp : {2, 4, 8, 16}) {
    const auto played = play(layout_of(Schedule::kZbV, pp), 4 * pp, {});
    EXPECT_NEAR(played.bubble, pp - 1, 1e-9) << pp;
  }
}

// Table 2 of DeepSeek-V3: (PP / 2 - 1)(F&B + B - 3 W).
TEST(Schedules, bubble_of_dualpipe_is_published) {
  for (const int pp : {2, 4, 8, 16}) {
    for (const int m : {2 * pp, 4 * pp, 128}) {
      for (const double together : {3.0, 2.5}) {
        const Passes passes{.together = together};
        const double bubble = (pp / 2 - 1) * (together + 2 - 3);
        EXPECT_NEAR(play(layout_of(Schedule::kDualPipe, pp), m, passes).bubble, bubble, 1e-9)
            << pp << " " << m << " " << together;
      }
    }
  }
}

TEST(Schedules, messages_that_pass_beside_compute_are_seen_only_to_fill_and_to_drain) {
  const auto still = play(layout_of(Schedule::kInterleaved, 4, 2), 32, {});
  const auto sent = play(layout_of(Schedule::kInterleaved, 4, 2), 32, {}, 0.01);
  EXPECT_GT(sent.end, still.end);
  EXPECT_LT(sent.end, still.end + 1);
  const auto waited = play(layout_of(Schedule::k1F1B, 4), 32, {}, 0.01, true);
  EXPECT_NEAR(waited.end, (32 + 3) * 3 + 0.01 * 2 * (32 + 2), 0.05);
}

TEST(Schedules, say_what_they_demand) {
  EXPECT_EQ(schedule_problem(layout_of(Schedule::kInterleaved, 8, 2), 12),
            "interleaved: 12 micro batches are not a multiple of pp 8");
  EXPECT_EQ(schedule_problem(layout_of(Schedule::kDualPipe, 8), 14),
            "DualPipe needs at least 2 pp = 16 micro batches, not 14");
  EXPECT_EQ(schedule_problem(layout_of(Schedule::kDualPipe, 8), 17),
            "DualPipe needs an even number of micro batches, not 17");
  EXPECT_EQ(schedule_problem(layout_of(Schedule::kDualPipe, 7), 16),
            "DualPipe needs an even number of stages, not 7");
  EXPECT_EQ(schedule_problem(layout_of(Schedule::k1F1B, 7), 1), "");
}

}  // namespace
}  // namespace fivefold
