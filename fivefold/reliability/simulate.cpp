// Runs played event by event: pieces of work with a checkpoint behind each, until a failure comes.
#include <cmath>
#include <functional>
#include <optional>
#include <queue>
#include <vector>

#include <fmt/format.h>

#include "fivefold/base/parallel.h"
#include "fivefold/base/statistics.h"
#include "fivefold/reliability/run.h"

namespace fivefold {
namespace {

constexpr double kMostEvents = 5e7;  // pieces and failures of all runs

// Seconds of one run by what they went to; and how often what failed.
struct Played {
  double useful = 0, stragglers = 0, data = 0, checkpoint = 0, lost = 0, recovery = 0, waiting = 0;
  std::array<double, kComponentCount> failures{};
  double time() const {
    return useful + stragglers + data + checkpoint + lost + recovery + waiting;
  }
};

struct Piece {
  double useful = 0, stragglers = 0, data = 0, checkpoint = 0;
  double time() const { return useful + stragglers + data + checkpoint; }
};

class Player {
 public:
  Player(const RunPlan& plan, const RunEstimate& expected, std::uint64_t seed, std::uint64_t index)
      : plan_(plan),
        random_(seed, "run", index),
        mtbf_(expected.mtbf.value()),
        ideal_(expected.ideal.value()),
        recovery_(recovery_of(plan).value()) {
    const double stretched = 1 + expected_slowdown(plan.stragglers) + plan.data;
    piece_ =
        std::isfinite(expected.interval.value()) ? expected.interval.value() / stretched : ideal_;
    writes_ = std::isfinite(expected.interval.value());
  }

  Played play() {
    slow_ = draw_slow();
    next_failure_ = draw_failure();
    while (played_.useful < ideal_ * (1 - 1e-12)) {
      const Piece piece = next_piece();
      if (now_ + piece.time() > next_failure_) {
        lose(next_failure_ - now_);
        recover();
        continue;
      }
      now_ += piece.time();
      keep(piece, 1);
      pending_ = piece;
      durable_at_ = now_ + (plan_.checkpoint.durable - plan_.checkpoint.blocked).value();
    }
    return played_;
  }

 private:
  bool draw_slow() { return random_.uniform() < chance_of_slow(plan_.stragglers); }

  double draw_failure() { return std::isfinite(mtbf_) ? now_ + random_.exponential(mtbf_) : mtbf_; }

  Piece next_piece() {
    Piece piece;
    piece.useful = std::min(piece_, ideal_ - played_.useful);
    const double steps = piece.useful / plan_.step.value();
    piece.stragglers = piece.useful * drawn_slowdown(plan_.stragglers, slow_, steps, random_);
    piece.data = piece.useful * plan_.data;
    piece.checkpoint = writes_ ? plan_.checkpoint.blocked.value() : 0;
    return piece;
  }

  void keep(const Piece& piece, double sign) {
    played_.useful += sign * piece.useful;
    played_.stragglers += sign * piece.stragglers;
    played_.data += sign * piece.data;
    played_.checkpoint += sign * piece.checkpoint;
  }

  // What the piece had done so far, and the piece before it if its checkpoint is not yet durable.
  void lose(double begun) {
    now_ = next_failure_;
    played_.lost += begun;
    if (pending_ && durable_at_ > now_) {
      keep(*pending_, -1);
      played_.lost += pending_->time();
    }
    pending_.reset();
  }

  void recover() {
    for (;;) {
      fail_part();
      wait_for_node();
      next_failure_ = draw_failure();
      if (now_ + recovery_ <= next_failure_) break;
      played_.recovery += next_failure_ - now_;
      now_ = next_failure_;
    }
    now_ += recovery_;
    played_.recovery += recovery_;
    slow_ = draw_slow();
  }

  void fail_part() {
    double left = random_.uniform() * plan_.rates.total.value();
    const std::vector<ComponentRate>& parts = plan_.rates.parts;
    std::size_t hit = 0;
    while (hit + 1 < parts.size() && left >= parts[hit].rate.value()) {
      left -= parts[hit++].rate.value();
    }
    const Component part = parts[hit].component;
    played_.failures[std::size_t(part)] += 1;
    if (takes_node(part) && plan_.spares.nodes >= 0) {
      back_.push(now_ + random_.exponential(plan_.spares.repair.value()));
    }
  }

  void wait_for_node() {
    while (!back_.empty() && back_.top() <= now_) back_.pop();
    while (back_.size() > std::size_t(std::max(0, plan_.spares.nodes))) {
      played_.waiting += back_.top() - now_;
      now_ = back_.top();
      back_.pop();
    }
  }

  const RunPlan& plan_;
  Random random_;
  double mtbf_, ideal_, recovery_;
  double piece_ = 0;  // of ideal work
  bool writes_ = true;
  Played played_;
  double now_ = 0, next_failure_ = 0;
  bool slow_ = false;
  std::optional<Piece> pending_;  // kept, its checkpoint durable at:
  double durable_at_ = 0;
  std::priority_queue<double, std::vector<double>, std::greater<>> back_;  // nodes in repair
};

Spread spread_of(const std::vector<double>& values) {
  return {quantile(values, 0.1), quantile(values, 0.5), quantile(values, 0.9)};
}

double mean_of(const std::vector<Played>& all, const std::function<double(const Played&)>& value) {
  std::vector<double> values;
  values.reserve(all.size());
  for (const Played& one : all) values.push_back(value(one));
  return mean(values);
}

}  // namespace

Result<RunEstimate> simulate_run(const RunPlan& plan, int runs, std::uint64_t seed) {
  if (runs < 1) return fail(fmt::format("{} runs cannot be simulated", runs), "one or more");
  auto run = run_estimate(plan);
  if (!run) return run;
  const double pieces = std::isfinite(run->interval.value()) ? run->time / run->interval : 1;
  if (const double events = runs * (pieces + run->interruptions); events > kMostEvents) {
    return fail(fmt::format("{} runs have about {:.2g} checkpoints and failures", runs, events),
                "fewer runs, or a longer interval");
  }
  std::vector<Played> all(static_cast<std::size_t>(runs));
  parallel_for(all.size(), [&](std::size_t i) { all[i] = Player(plan, *run, seed, i).play(); });

  const double time = mean_of(all, &Played::time);
  run->runs = runs;
  run->time = Seconds(time);
  run->shares = {.useful = mean_of(all, [](const Played& p) { return p.useful; }) / time,
                 .stragglers = mean_of(all, [](const Played& p) { return p.stragglers; }) / time,
                 .data = mean_of(all, [](const Played& p) { return p.data; }) / time,
                 .checkpoint = mean_of(all, [](const Played& p) { return p.checkpoint; }) / time,
                 .lost = mean_of(all, [](const Played& p) { return p.lost; }) / time,
                 .recovery = mean_of(all, [](const Played& p) { return p.recovery; }) / time,
                 .waiting = mean_of(all, [](const Played& p) { return p.waiting; }) / time};
  run->interruptions = 0;
  for (std::size_t part = 0; part < kComponentCount; ++part) {
    run->failures[part] = mean_of(all, [part](const Played& p) { return p.failures[part]; });
    run->interruptions += run->failures[part];
  }
  std::vector<double> times, goodputs;
  for (const Played& one : all) {
    times.push_back(one.time());
    goodputs.push_back(one.useful / one.time());
  }
  run->time_spread = spread_of(times);
  run->goodput_spread = spread_of(goodputs);
  return run;
}

}  // namespace fivefold
