#include "fivefold/serving/step_table.h"

#include <algorithm>
#include <cmath>

#include "fivefold/serving/vision.h"

namespace fivefold::serving {
namespace {

// Every whole number to 16, then in steps of a twelfth to the limit.
std::vector<double> counts(double limit) {
  std::vector<double> axis;
  for (double n = 1; n < limit; n = n < 16 ? n + 1 : std::ceil(n * 1.085)) axis.push_back(n);
  axis.push_back(std::max(limit, axis.empty() ? 1 : axis.back() + 1));
  return axis;
}

std::vector<double> lengths(double first, double limit) {
  std::vector<double> axis = {0};
  for (double n = first; n < limit; n *= 1.6) axis.push_back(std::round(n));
  axis.push_back(std::max(limit, axis.back() + 1));
  return axis;
}

struct Place {
  std::size_t below = 0;
  double share = 0;  // of the way to the next entry; beyond the ends the line is continued
};

Place place_of(const std::vector<double>& axis, double value) {
  if (axis.size() < 2) return {};
  const auto above = std::upper_bound(axis.begin() + 1, axis.end() - 1, value);
  const auto below = std::size_t(above - axis.begin()) - 1;
  return {below, (value - axis[below]) / (axis[below + 1] - axis[below])};
}

double blend(double a, double b, double share) {
  return a + (b - a) * share;
}

void add(const StepTime& part, StepTime& sum, double factor = 1) {
  sum.time += factor * part.time;
  sum.arithmetic += factor * part.arithmetic;
  sum.traffic += factor * part.traffic;
}

}  // namespace

StepTime StepTable::Line::at(double value) const {
  const Place p = place_of(x, value);
  if (y.size() < 2) return y.empty() ? StepTime{} : y[0];
  const StepTime &a = y[p.below], &b = y[p.below + 1];
  return {std::max(0.0, blend(a.time, b.time, p.share)),
          std::max(0.0, blend(a.arithmetic, b.arithmetic, p.share)),
          std::max(0.0, blend(a.traffic, b.traffic, p.share))};
}

StepTime StepTable::Plane::at(double first, double second) const {
  const Place p = place_of(x, first), q = place_of(y, second);
  const std::size_t width = y.size();
  const StepTime* low = values.data() + p.below * width + q.below;
  const StepTime* high = low + width;
  const auto mix = [&](double StepTime::*part) {
    const double a = blend(low[0].*part, low[1].*part, q.share);
    const double b = blend(high[0].*part, high[1].*part, q.share);
    return std::max(0.0, blend(a, b, p.share));
  };
  return {mix(&StepTime::time), mix(&StepTime::arithmetic), mix(&StepTime::traffic)};
}

StepTable::StepTable(const Instance& in, const ServingWorkload& options, const Range& range)
    : in_(in), options_(options), drafts_(options.draft_tokens), stages_(in.layout.pp) {
  image_ = tower_time(in.kernels, in.model, in.precision, in.layout.tp, 1).value();
  const Pass base{.expert_imbalance = options.expert_imbalance};
  const auto decode = [&](double n, double context) {
    Pass pass = base;
    pass.sequences = n;
    pass.q_len = 1 + drafts_;
    pass.context = context;
    pass.decode = true;
    return pass;
  };
  const auto prompt = [&](double tokens, double context) {
    Pass pass = base;
    pass.q_len = tokens;
    pass.context = context;
    return pass;
  };
  const auto point = [](const StepParts& parts) {
    return StepTime{parts.total().value(), parts.arithmetic.value(), parts.traffic.value()};
  };
  // The cores of attention alone; what else attention does is in the rows.
  const auto core = [](const Sides& sides) { return sides.attention.attention.value(); };

  prompt_operators_ = pass_time(in, prompt(1, 0)).operators;
  const std::vector<double> sequences = counts(range.sequences);
  const std::vector<double> tokens = counts(range.tokens);
  const std::vector<double> contexts = lengths(128, range.context);

  // Rows hold attention with an empty cache: the cores are what a context adds.
  const auto fill_rows = [&](Rows& rows, const std::vector<double>& axis, auto pass_of) {
    rows.attention.x = rows.ffn.x = axis;
    for (const double n : axis) {
      const Sides sides = sides_time(in, pass_of(n));
      StepTime attention = point(sides.attention);
      attention.time -= core(sides);
      rows.attention.y.push_back(attention);
      rows.ffn.y.push_back(point(sides.ffn));
    }
  };
  fill_rows(decode_rows_, sequences, [&](double n) { return decode(n, 0); });
  fill_rows(prompt_rows_, tokens, [&](double n) { return prompt(n, 0); });

  const auto fill_core = [&](Plane& plane, const std::vector<double>& axis, auto pass_of) {
    plane.x = axis;
    plane.y = contexts;
    for (const double n : axis) {
      const Sides empty = sides_time(in, pass_of(n, 0));
      for (const double context : contexts) {
        const Sides sides = sides_time(in, pass_of(n, context));
        plane.values.push_back({core(sides),
                                (sides.attention.arithmetic - empty.attention.arithmetic).value(),
                                (sides.attention.traffic - empty.attention.traffic).value()});
      }
    }
  };
  fill_core(decode_core_, sequences, decode);
  fill_core(prompt_core_, lengths(64, range.tokens),
            [&](double n, double context) { return prompt(std::max(1.0, n), context); });

  head_.x = sequences;
  drafting_.x = sequences;
  for (const double n : sequences) {
    const Pass pass = decode(n, range.context / 2);
    Pass single = pass;
    single.q_len = 1;
    head_.y.push_back({head_and_logits_time(in, single).value(), 0, 0});
    drafting_.y.push_back({draft_time(in, pass, options.draft_tokens).value(), 0, 0});
  }

  if (!options.microbatch_overlap || !in.exchanges) return;
  const auto fill_overlap = [&](Plane& plane, const std::vector<double>& axis, auto pass_of) {
    plane.x = axis;
    plane.y = contexts;
    for (const double n : axis) {
      for (const double context : contexts) {
        Pass pass = pass_of(n, context);
        const double apart = pass_time(in, pass).total().value();
        pass.overlap = true;
        plane.values.push_back({pass_time(in, pass).total().value() / apart, 0, 0});
      }
    }
  };
  fill_overlap(decode_overlap_, sequences, decode);
  fill_overlap(prompt_overlap_, counts(range.tokens), prompt);
}

// What the host adds, as the closed forms have it.
double StepTable::overhead(double kernels, double decodes, double prompts) const {
  const auto host = [&](double sequences, double device) {
    return exposed_host(in_, options_, sequences, Seconds(device)).value();
  };
  if (prompts <= 0) return in_.engine.step_overhead.value() + host(decodes, kernels);
  StepParts parts;
  parts.overhead = Seconds(kernels);
  parts.operators = prompt_operators_;
  const double issued_in = issued(in_, parts).total().value();
  return issued_in - kernels + (decodes > 0 ? host(decodes + prompts, issued_in) : 0);
}

// Of one group, for all its tokens.
StepTime StepTable::attention(const StepLoad& load) const {
  StepTime sum;
  if (load.decodes > 0) add(decode_core_.at(load.decodes, load.context / load.decodes), sum);
  if (load.prompts > 0) {
    // Several prompts are one kernel: their work adds up, its floor is there once.
    StepTime each =
        prompt_core_.at(load.prompt_tokens / load.prompts, load.prompt_context / load.prompts);
    const double floor = prompt_core_.values.front().time;
    each.time = std::max(0.0, each.time - floor);
    add(each, sum, load.prompts);
    sum.time += floor;
    add(prompt_rows_.attention.at(load.prompt_tokens + load.decodes * (1 + drafts_)), sum);
  } else if (load.decodes > 0) {
    add(decode_rows_.attention.at(load.decodes), sum);
  }
  return sum;
}

double StepTable::attention_time(const StepLoad& load) const {
  return attention(load).time + load.images * image_;
}

StepTime StepTable::time(const StepLoad& slowest, double mean_decodes,
                         double mean_prompt_tokens) const {
  StepLoad load = slowest;
  if (stages_ > 1) {
    // As many micro-batches as stages are under way.
    for (double* part :
         {&load.decodes, &load.context, &load.prompts, &load.prompt_tokens, &load.prompt_context,
          &load.finishing, &mean_decodes, &mean_prompt_tokens}) {
      *part /= stages_;
    }
  }
  const bool prompts = mean_prompt_tokens > 0;
  const double rows = mean_prompt_tokens + mean_decodes * (1 + drafts_);
  StepTime step = attention(load);
  add(prompts ? prompt_rows_.ffn.at(rows) : decode_rows_.ffn.at(mean_decodes), step);
  if (!decode_overlap_.values.empty()) {
    const double context = load.decodes > 0 ? load.context / load.decodes : 0;
    const double chunk = load.prompts > 0 ? load.prompt_context / load.prompts : 0;
    const double left = prompts ? prompt_overlap_.at(rows, chunk).time
                                : decode_overlap_.at(mean_decodes, context).time;
    step.time *= std::min(1.0, left);
  }
  const double asking = load.decodes * (1 + drafts_) + load.finishing;
  if (asking > 0) add(head_.at(asking), step);
  if (drafts_ > 0 && load.decodes > 0) add(drafting_.at(load.decodes), step);
  step.time += slowest.images * image_;
  step.time += overhead(step.time, load.decodes, prompts ? slowest.prompts : 0);
  return step;
}

}  // namespace fivefold::serving
