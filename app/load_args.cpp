#include "app/load_args.h"

#include <algorithm>
#include <charconv>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace fivefold::app {
namespace {

// "fixed", "uniform:0.8", "lognormal:0.5" (the coefficient of variation of both lengths).
Result<Lengths> lengths_of(const std::string& text, double isl, double osl) {
  Lengths lengths{.input = isl, .output = osl};
  const std::size_t colon = text.find(':');
  const std::string kind = text.substr(0, colon);
  double number = 0;
  if (colon != std::string::npos) {
    const char* const last = text.data() + text.size();
    const auto [end, code] = std::from_chars(text.data() + colon + 1, last, number);
    if (code != std::errc() || end != last || number <= 0) number = -1;
  }
  if (kind == "fixed" && colon == std::string::npos) return lengths;
  if (kind == "uniform" && number > 0 && number <= 1) {
    lengths.kind = Lengths::Kind::kUniform;
    lengths.spread = number;
    return lengths;
  }
  if (kind == "lognormal" && number > 0) {
    lengths.kind = Lengths::Kind::kLognormal;
    lengths.input_cv = lengths.output_cv = number;
    return lengths;
  }
  return fail(fmt::format("lengths '{}' are unknown", text),
              "fixed, uniform:0.8 (down to that share of --isl and --osl), or lognormal:0.5 "
              "(deviation over mean)");
}

Result<ChosenLoad> from_trace(const LoadArgs& args) {
  auto read = find_load(args.trace, {.limit = args.requests, .sort = args.sort, .seed = args.seed});
  if (!read) return fail(std::move(read.error()));
  ChosenLoad chosen{std::move(read->load), read->timed, std::move(read->notes)};
  if (args.repeat > 1) chosen.load = repeated(chosen.load, args.repeat);
  if (args.rate > 0) {
    // Lengths and contents of the trace, in its order; arrivals drawn.
    const RequestLoad drawn =
        draw_load({}, {args.rate, args.cv}, chosen.load.requests.size(), args.seed);
    for (std::size_t i = 0; i < drawn.requests.size(); ++i) {
      chosen.load.requests[i].arrival = drawn.requests[i].arrival;
    }
    chosen.timed = true;
  }
  if (args.scale != 1) chosen.load = scaled(std::move(chosen.load), args.scale);
  return chosen;
}

Result<ChosenLoad> drawn(const LoadArgs& args, double isl, double osl) {
  const auto lengths = lengths_of(args.lengths, isl, osl);
  if (!lengths) return fail(lengths.error());
  // Ten for each client of a loop, as InferenceX sends.
  constexpr std::size_t kDrawn = 1000, kRounds = 10;
  std::size_t count = args.requests;
  if (count == 0) count = args.concurrency > 0 ? kRounds * std::size_t(args.concurrency) : kDrawn;
  if (args.concurrency > 0) return ChosenLoad{draw_closed(*lengths, count, args.seed), false, {}};
  return ChosenLoad{draw_load(*lengths, {args.rate, args.cv}, count, args.seed), true, {}};
}

}  // namespace

void add_load_args(CLI::App& command, LoadArgs& args) {
  CLI::Option* trace = command.add_option(
      "--trace", args.trace,
      "Requests of a trace: a file (docs/requests.md has the forms), or a known one such as "
      "mooncake/conversation, azure/conversation-2023");
  command
      .add_option("--rate", args.rate, "Requests a second, drawn (with a trace: in place of its)")
      ->check(CLI::PositiveNumber);
  command.add_option("--cv", args.cv, "Deviation over mean of the gaps; 1: Poisson")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 100.0))
      ->needs("--rate");
  command
      .add_option("--concurrency", args.concurrency,
                  "Closed loop: so many requests at a time, each followed by the next")
      ->check(CLI::Range(1, 10'000'000))
      ->excludes("--rate");
  command.add_option("--requests", args.requests, "The first so many of a trace, or so many drawn")
      ->check(CLI::Range(1, 100'000'000));
  command.add_option("--scale", args.scale, "Times the trace's arrivals")
      ->check(CLI::Range(1e-6, 1e6))
      ->needs(trace);
  command.add_option("--repeat", args.repeat, "The trace end to end so many times")
      ->check(CLI::Range(1, 100'000))
      ->needs(trace);
  command
      .add_option("--lengths", args.lengths, "Of drawn requests: fixed, uniform:0.8, lognormal:0.5")
      ->capture_default_str()
      ->excludes(trace);
  command.add_flag("--skip-too-long", args.skip_too_long,
                   "Leave out requests over the model's context or the cache");
  command.add_flag("--sort", args.sort, "Sort a trace whose times go back")->needs(trace);
  command.add_option("--seed", args.seed, "Of everything that is drawn")->capture_default_str();
}

Result<ChosenLoad> choose_load(const LoadArgs& args, double isl, double osl) {
  auto chosen = args.trace.empty() ? drawn(args, isl, osl) : from_trace(args);
  if (chosen && args.concurrency > 0) {
    for (Request& r : chosen->load.requests) r.arrival = 0;
    chosen->timed = false;
  }
  return chosen;
}

Result<void> leave_out_longer(ChosenLoad& chosen, double most_tokens) {
  const std::size_t removed = std::erase_if(chosen.load.requests, [&](const Request& r) {
    return double(r.input) + r.output > most_tokens;
  });
  if (removed > 0) {
    chosen.notes.push_back(
        fmt::format("{} of {} requests are longer than {:.0f} tokens and left out", removed,
                    removed + chosen.load.requests.size(), most_tokens));
  }
  if (chosen.load.requests.empty()) return fail("no request is short enough");
  return {};
}

void add_policy_args(CLI::App& command, PolicyArgs& args) {
  command.add_option("--max-num-seqs", args.max_sequences, "Running at once in an attention group")
      ->check(CLI::Range(1, 1'000'000));
  command
      .add_option("--max-num-batched-tokens", args.max_step_tokens,
                  "Tokens of a step in an attention group")
      ->check(CLI::Range(16, 10'000'000));
  command.add_option("--block-size", args.page_tokens, "Tokens of a page of the cache")
      ->check(CLI::Range(1, 65536));
  command.add_option("--gpu-memory-utilization", args.memory_share, "Share of a device's memory")
      ->check(CLI::Range(0.05, 1.0));
  command.add_option("--order", args.order, "Who is served first: arrival, priority, fair");
  command.add_option(
      "--router", args.router,
      "Which instance: least, in-turn, prefix (default: prefix where contents are known, else "
      "least)");
  command.add_flag("--no-prefix-cache", args.no_prefix_cache, "Finished prompts are forgotten");
  command.add_flag("--swap", args.swap,
                   "Victims go to the host's memory, not to be computed again");
}

Result<EnginePolicy> apply(const PolicyArgs& args, EnginePolicy policy) {
  if (args.max_sequences > 0) policy.max_sequences = args.max_sequences;
  if (args.max_step_tokens > 0) policy.max_step_tokens = args.max_step_tokens;
  if (args.page_tokens > 0) policy.page_tokens = args.page_tokens;
  if (args.memory_share > 0) policy.memory_share = args.memory_share;
  if (args.no_prefix_cache) policy.prefix_cache = false;
  if (args.swap) policy.swaps = true;
  if (!args.order.empty()) {
    const auto order = queue_order_named(args.order);
    if (!order) return fail(order.error());
    policy.order = *order;
  }
  return policy;
}

}  // namespace fivefold::app
