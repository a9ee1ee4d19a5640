#include "fivefold/reliability/run.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "fivefold/base/text.h"

namespace fivefold {
namespace {

constexpr double kHopeless = 1000;  // times the ideal time

struct Check {
  double value;
  const char* what;
};

Result<void> check(const RunPlan& plan) {
  if (!(plan.step > Seconds(0)) || !std::isfinite(plan.step.value())) {
    return fail(fmt::format("a step of {} s cannot be run", plan.step.value()), "a positive time");
  }
  if (!(plan.steps > 0) || !std::isfinite(plan.steps)) {
    return fail(fmt::format("a run of {} steps has nothing to do", plan.steps));
  }
  const Check checks[] = {{plan.rates.total.value(), "failure rate"},
                          {plan.checkpoint.blocked.value(), "time of a checkpoint"},
                          {plan.checkpoint.load.value(), "time to load a checkpoint"},
                          {plan.detect.value(), "time to detect a failure"},
                          {plan.restart.value(), "time to restart"},
                          {plan.spares.repair.value(), "time of repair"},
                          {plan.stragglers.slow_by, "slowdown by stragglers"},
                          {plan.stragglers.slow_share, "share of slow hosts"},
                          {plan.stragglers.jitter, "jitter"},
                          {plan.data, "wait for data"}};
  for (const Check& one : checks) {
    if (one.value >= 0 && std::isfinite(one.value)) continue;
    return fail(fmt::format("{} is no {}", one.value, one.what), "zero or more");
  }
  if (plan.stragglers.slow_share > 1 || !(plan.stragglers.hosts >= 1)) {
    return fail("stragglers are a share, up to 100%, of at least one host");
  }
  if (plan.checkpoint.durable < plan.checkpoint.blocked) {
    return fail("a checkpoint cannot be durable before the step goes on");
  }
  return {};
}

}  // namespace

Seconds recovery_of(const RunPlan& plan) {
  return plan.detect + plan.restart + plan.checkpoint.load;
}

Result<Seconds> interval_of(const RunPlan& plan) {
  if (const auto sound = check(plan); !sound) return fail(sound.error());
  // The storage writes one checkpoint at a time, and there is none within a step.
  const Seconds least = plan.checkpoint.durable - plan.checkpoint.blocked;
  if (!plan.interval) {
    const Seconds best = best_interval(plan.checkpoint.blocked, plan.rates.mtbf());
    return std::max({best, least, plan.step});
  }
  if (!(*plan.interval > Seconds(0))) {
    return fail(fmt::format("{} s is no time between checkpoints", plan.interval->value()),
                "for example --checkpoint-interval '30 min', or auto");
  }
  if (*plan.interval < least) {
    return fail(
        fmt::format("a checkpoint takes {} to write, which does not fit in an interval of {}",
                    format_quantity(least), format_quantity(*plan.interval)),
        "a longer interval or a faster storage");
  }
  return std::max(*plan.interval, plan.step);
}

Result<RunEstimate> run_estimate(const RunPlan& plan) {
  const auto interval = interval_of(plan);
  if (!interval) return fail(interval.error());
  RunEstimate run;
  run.ideal = plan.steps * plan.step;
  run.mtbf = plan.rates.mtbf();
  run.interval = *interval;
  const double slowdown = expected_slowdown(plan.stragglers);
  const Seconds work = run.ideal * (1 + slowdown + plan.data);
  const Seconds piece = std::min(*interval, work);
  const bool writes = std::isfinite(run.interval.value());
  const Seconds blocked = writes ? plan.checkpoint.blocked : Seconds(0);
  // Work behind a checkpoint that was not yet durable is redone after each failure.
  const Seconds redone = plan.checkpoint.durable - plan.checkpoint.blocked;
  const Seconds recovery = recovery_of(plan);
  const double stretch = expected_stretch(piece, blocked, recovery + redone, run.mtbf);
  const double waiting = waiting_share(plan.spares, plan.rates.taking_nodes());
  const Seconds up = work * stretch;
  run.time = up / (1 - waiting);
  if (!(run.time <= kHopeless * run.ideal)) {
    return fail(fmt::format("the run makes no headway: a failure every {}, {} to recover, {} for a "
                            "checkpoint",
                            format_quantity(run.mtbf), format_quantity(recovery),
                            format_quantity(plan.checkpoint.blocked)),
                "more reliable parts, a smaller machine or more spare nodes");
  }
  const double time = run.time.value();
  run.shares.useful = run.ideal.value() / time;
  run.shares.stragglers = slowdown * run.shares.useful;
  run.shares.data = plan.data * run.shares.useful;
  run.shares.checkpoint = work / piece * blocked.value() / time;
  run.shares.waiting = waiting;
  if (plan.rates.total > Hertz(0)) {
    // Failures that begin a recovery: those of all attempts at all pieces.
    const double broken = work / piece * std::expm1((piece + blocked) / run.mtbf);
    run.shares.recovery = broken * std::expm1(recovery / run.mtbf) * run.mtbf.value() / time;
    const double used = run.shares.useful + run.shares.stragglers + run.shares.data +
                        run.shares.checkpoint + run.shares.recovery + run.shares.waiting;
    run.shares.lost = std::max(0.0, 1 - used);
  }
  for (const ComponentRate& part : plan.rates.parts) {
    run.failures[std::size_t(part.component)] = part.rate * up;
  }
  run.interruptions = plan.rates.total * up;
  run.time_spread = {time, time, time};
  run.goodput_spread = {run.shares.useful, run.shares.useful, run.shares.useful};
  return run;
}

}  // namespace fivefold
