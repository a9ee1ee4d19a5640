#include "fivefold/training/simulate.h"

#include <algorithm>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fivefold/base/random.h"
#include "fivefold/catalog/catalog.h"
#include "fivefold/fabric/machine.h"
#include "fivefold/training/layout.h"
#include "fivefold/training/layout_text.h"
#include "fivefold/training/parts.h"
#include "fivefold/training/pipeline.h"

namespace fivefold {
namespace {

const Catalog& catalog() {
  static const Catalog loaded = Catalog::load().value();
  return loaded;
}

// A model on so many chips of a system, under the framework that training takes there.
struct World {
  Machine machine;
  const Model* model;
  KernelModel kernels;
  TrainingModel training;
  World(const char* system, int chips, const char* of)
      : machine(machine_of(system, chips)),
        model(*catalog().model(of)),
        kernels(*KernelModel::make(machine.device, stack_of(system))),
        training(machine, *model, kernels) {}
  World(const World&) = delete;

  static Stack stack_of(const char* system) {
    return training_stack(catalog(), *(*catalog().system(system))->chip, "train/megatron-core");
  }
  static Machine machine_of(const char* system, int chips) {
    return *build_machine(**catalog().system(system), chips, stack_of(system));
  }
  Result<TrainingSimulation> simulate(const TrainingJob& job, const TrainingLayout& layout,
                                      const SimulateOptions& options = {}) const {
    return training.simulate(job, layout, options, false);
  }
};

template <class T>
T pick(Random& random, std::initializer_list<T> of) {
  return of.begin()[random.below(std::uint32_t(of.size()))];
}

// Any layout of the devices; what cannot be is drawn again.
TrainingLayout draw_layout(Random& random, const World& on) {
  TrainingLayout l;
  l.tp = pick(random, {1, 2, 4, 8});
  l.pp = pick(random, {1, 2, 4, 8, 16});
  l.cp = pick(random, {1, 1, 1, 2});
  l.dp = std::max(1, on.machine.devices / (l.tp * l.pp * l.cp));
  l.micro_batch = pick(random, {1, 1, 2, 4});
  l.schedule =
      pick(random, {Schedule::kGpipe, Schedule::k1F1B, Schedule::k1F1B, Schedule::kInterleaved,
                    Schedule::kZbH1, Schedule::kZbV, Schedule::kDualPipe});
  if (l.schedule == Schedule::kInterleaved) l.vpp = pick(random, {2, 3, 4});
  if (most_experts(*on.model) > 0) l.ep = pick(random, {1, 4, 8, 16, 32, 64});
  l.zero = pick(random, {0, 1, 1, 2, 3});
  l.recompute = pick(random, {Recompute::kNone, Recompute::kSelective, Recompute::kFull});
  l.order = pick(random, {RankOrder::kTpCpDpPp, RankOrder::kTpCpPpDp});
  if (random.below(4) == 0) l.first_layers = pick(random, {1, 2, 3});
  if (random.below(4) == 0) l.last_layers = pick(random, {1, 2, 3});
  return l;
}

TrainingJob draw_job(Random& random, const TrainingLayout& l) {
  TrainingJob job;
  job.seq_len = pick(random, {2048, 4096, 8192});
  job.global_batch =
      l.dp * l.micro_batch * pick(random, {1, 2, 4, 8, 12, 16, 32, 48, 64, 96, 128, 256});
  job.overlap_ep = random.below(2) == 0;
  job.overlap_pp = random.below(4) != 0;
  job.overlap_grad_reduce = random.below(4) != 0;
  job.mtp = random.below(2) == 0;
  job.format = pick(random, {Format::kBf16, Format::kFp8});
  return job;
}

TEST(Simulation, takes_as_long_as_the_estimate_and_as_much_memory) {
  const World worlds[] = {{"dgx_h100_8", 512, "meta-llama/Llama-3.1-70B"},
                          {"dgx_h100_8", 1024, "deepseek-ai/DeepSeek-V3"},
                          {"cloudmatrix384", 384, "deepseek-ai/DeepSeek-V3"},
                          {"h800_8", 2048, "deepseek-ai/DeepSeek-V3"},
                          {"h800_8", 256, "Qwen/Qwen3-235B-A22B"}};
  Random random(7, "layouts");
  std::map<std::string_view, int> drawn;
  int checked = 0;
  while (checked < 200) {
    const World& on = worlds[random.below(5)];
    const TrainingLayout layout = draw_layout(random, on);
    const TrainingJob job = draw_job(random, layout);
    if (!check_layout(on.machine, *on.model, job, layout)) continue;
    const auto e = on.training.estimate(job, layout, false);
    const auto s = on.simulate(job, layout, {.timeline = false});
    ASSERT_TRUE(e) << to_text(e.error());
    ASSERT_TRUE(s) << to_text(s.error());
    ++checked;
    ++drawn[name(layout.schedule)];
    const double error = s->totals.step / e->step - 1;
    EXPECT_NEAR(error, 0, 0.02) << name(layout.schedule) << " tp " << layout.tp << " pp "
                                << layout.pp << " vpp " << layout.vpp << " m "
                                << job.global_batch / layout.dp / layout.micro_batch << " "
                                << on.model->id << " first " << layout.first_layers << " last "
                                << layout.last_layers << " overlap_pp " << job.overlap_pp;
    EXPECT_EQ(s->totals.memory.total, e->memory.total);
    EXPECT_EQ(s->totals.memory.activations, e->memory.activations);
    for (int rank = 0; rank < layout.pp; ++rank) {
      for (int chunk = 0; chunk < chunks(layout); ++chunk) {
        const int m = job.global_batch / layout.dp / layout.micro_batch;
        EXPECT_EQ(s->held[std::size_t(rank)][std::size_t(chunk)],
                  in_flight(layout, rank, chunk, m));
      }
    }
    for (const TrainingEstimate* t : {&*e, &s->totals}) {
      Seconds parts;
      for (const StepPart& part : step_parts(*t)) parts += part.time;
      EXPECT_NEAR(parts / t->step, 1, 1e-9);
      EXPECT_GE(t->bubble.value(), -1e-9);
    }
  }
  EXPECT_EQ(drawn.size(), all_schedules().size());
}

struct DualPipe {
  World on{"h800_8", 2048, "deepseek-ai/DeepSeek-V3"};
  TrainingJob job{.global_batch = 128 * 128,
                  .seq_len = 4096,
                  .format = Format::kFp8,
                  .overlap_ep = true,
                  .mtp = true};
  TrainingLayout layout{
      .pp = 16, .dp = 128, .ep = 64, .schedule = Schedule::kDualPipe, .last_layers = 2};
};

TEST(Simulation, noise_does_not_speed_up_and_is_the_same_for_a_seed) {
  const DualPipe d;
  const auto still = d.on.simulate(d.job, d.layout);
  ASSERT_TRUE(still);
  Seconds sum;
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    const SimulateOptions options{.task_noise = 0.05, .device_noise = 0.02, .seed = seed};
    const auto a = d.on.simulate(d.job, d.layout, options);
    const auto b = d.on.simulate(d.job, d.layout, options);
    ASSERT_TRUE(a && b);
    EXPECT_EQ(a->totals.step, b->totals.step);
    EXPECT_EQ(a->pipelines, 2);  // 128 replicas, experts over 64 of them
    sum += a->totals.step;
  }
  EXPECT_GT(sum / 8.0, still->totals.step);
}

TEST(Simulation, tasks_of_a_rank_follow_each_other) {
  const DualPipe d;
  const auto s = d.on.simulate(d.job, d.layout);
  ASSERT_TRUE(s);
  std::vector<Seconds> free(16);
  int passes = 0;
  for (const TrainingSpan& span : s->timeline) {
    EXPECT_LE(span.end, s->totals.step * (1 + 1e-9));
    if (span.kind != SpanKind::kTask) continue;
    EXPECT_GE(span.begin.value(), free[std::size_t(span.rank)].value() - 1e-12);
    free[std::size_t(span.rank)] = span.end;
    if (span.task.kind == TaskKind::kForward) ++passes;
    if (span.task.kind == TaskKind::kForwardBackward) ++passes;
  }
  EXPECT_EQ(passes, 16 * 128);
}

// Every micro batch crosses each border between stages once each way.
TEST(Simulation, sends_each_boundary_once_each_way) {
  const World on("dgx_h100_8", 64, "meta-llama/Llama-3.1-70B");
  for (const Schedule schedule : all_schedules()) {
    TrainingLayout layout{.tp = 4, .pp = 4, .dp = 4, .schedule = schedule};
    if (schedule == Schedule::kInterleaved) layout.vpp = 2;
    const auto r = kept_recurrence(layout, 16);
    int messages = 0;
    for (const RecurrenceTask& task : r->tasks) messages += task.messages;
    const int borders = schedule == Schedule::kZbV ? 6 : schedule == Schedule::kInterleaved ? 7 : 3;
    EXPECT_EQ(messages, 2 * 16 * borders) << name(schedule);
  }
}

// So that the work of all tasks is the work of the model.
TEST(Simulation, every_layer_of_the_model_works_once_for_each_micro_batch) {
  for (const char* id : {"meta-llama/Llama-3.1-70B", "deepseek-ai/DeepSeek-V3"}) {
    const Model& model = **catalog().model(id);
    for (const Schedule schedule : all_schedules()) {
      TrainingLayout layout{.pp = 8, .schedule = schedule, .first_layers = 3};
      if (schedule == Schedule::kInterleaved) layout.vpp = 2;
      const PipelineSchedule s = pipeline_schedule(layout, 24);
      int forward = 0, input = 0, weight = 0, heads = 0, lead = 0;
      for (int rank = 0; rank < 8; ++rank) {
        const auto share = [&](int chunk) {
          return stage_share(model, layout, model_stage(layout, rank, chunk));
        };
        for (const PipelineTask& task : s.of(rank)) {
          const bool both = task.kind == TaskKind::kForwardBackward;
          const StageShare front = share(task.chunk);
          const int back = both ? share(task.back_chunk).all_layers() : front.all_layers();
          const bool whole = both || task.kind == TaskKind::kBackward;
          if (both || task.kind == TaskKind::kForward) {
            forward += front.all_layers();
            lead += front.lead;
            heads += front.head ? 1 : 0;
          }
          if (whole || task.kind == TaskKind::kInputGradient) input += back;
          if (whole || task.kind == TaskKind::kWeightGradient) weight += back;
        }
      }
      EXPECT_EQ(forward, 24 * model.layer_count()) << name(schedule);
      EXPECT_EQ(input, forward);
      EXPECT_EQ(weight, forward);
      EXPECT_EQ(lead, 24 * lead_layers(model));
      EXPECT_EQ(heads, 24);
    }
  }
}

TEST(Simulation, contention_on_ports_is_never_faster_and_seldom_much_slower) {
  const DualPipe d;
  const auto still = d.on.simulate(d.job, d.layout);
  const auto shared = d.on.simulate(d.job, d.layout, {.contention = true});
  ASSERT_TRUE(still);
  ASSERT_TRUE(shared) << to_text(shared.error());
  EXPECT_GE(shared->totals.step, still->totals.step * 0.99);
  EXPECT_LE(shared->totals.step, still->totals.step * 1.2);
  EXPECT_FALSE(shared->timeline.empty());
}

TEST(Simulation, faster_links_and_chips_are_never_slower) {
  const Stack stack = World::stack_of("h800_8");
  const Model& model = **catalog().model("deepseek-ai/DeepSeek-V3");
  for (const Schedule schedule : all_schedules()) {
    TrainingLayout layout{.pp = 16, .dp = 16, .ep = 16, .schedule = schedule};
    if (schedule == Schedule::kInterleaved) layout.vpp = 2;
    const TrainingJob job{.global_batch = 16 * 32, .seq_len = 4096, .overlap_ep = true};
    Seconds last(1e9);
    for (const double speed : {0.5, 1.0, 2.0, 4.0}) {
      Machine machine = World::machine_of("h800_8", 256);
      for (Level& level : machine.levels) level.bandwidth = speed * level.bandwidth;
      const KernelModel kernels = *KernelModel::make(machine.device, stack);
      const auto e = TrainingModel(machine, model, kernels).estimate(job, layout, false);
      ASSERT_TRUE(e) << to_text(e.error());
      EXPECT_LE(e->step, last * (1 + 1e-9)) << name(schedule) << " links " << speed;
      last = e->step;
    }
    last = Seconds(1e9);
    for (const double speed : {0.5, 1.0, 2.0}) {
      Machine machine = World::machine_of("h800_8", 256);
      for (OpsPerSecond& peak : machine.device.peak) peak = speed * peak;
      machine.device.memory_bandwidth = speed * machine.device.memory_bandwidth;
      const KernelModel kernels = *KernelModel::make(machine.device, stack);
      const auto e = TrainingModel(machine, model, kernels).estimate(job, layout, false);
      ASSERT_TRUE(e);
      EXPECT_LE(e->step, last * (1 + 1e-9)) << name(schedule) << " chip " << speed;
      last = e->step;
    }
  }
}

}  // namespace
}  // namespace fivefold
