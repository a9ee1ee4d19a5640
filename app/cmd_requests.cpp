// `fivefold requests`: traces of real services, what they hold, and loads drawn like them.
#include <algorithm>
#include <limits>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "fivefold/base/statistics.h"
#include "fivefold/base/text.h"
#include "fivefold/report/table.h"
#include "fivefold/traffic/named.h"

namespace fivefold::app {
namespace {

using Json = nlohmann::ordered_json;

struct ShowOptions {
  std::string trace;
  ReadOptions read;
};

struct DrawOptions {
  double rate = 1, cv = 1;
  Lengths lengths;
  std::string like, profile;
  std::size_t count = 1000;
  std::uint64_t seed = 1;
  bool closed = false;
  std::string out;
};

constexpr double kShares[] = {0, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1};

std::vector<double> quantiles(const RequestLoad& load, std::int32_t Request::*length) {
  std::vector<double> lengths;
  for (const Request& request : load.requests) lengths.push_back(request.*length);
  std::sort(lengths.begin(), lengths.end());
  std::vector<double> result;
  for (const double share : kShares) result.push_back(quantile(lengths, share));
  return result;
}

std::string heading(double share) {
  return share == 0 ? "least" : share == 1 ? "most" : fmt::format("{:g}%", share * 100);
}

Table lengths_table(const RequestLoad& load, const LoadSummary& summary) {
  Table table;
  table.columns = {{"tokens"}, {"mean", Align::kRight}};
  for (const double share : kShares) {
    table.columns.push_back({heading(share), Align::kRight, fmt::format("quantile_{:g}", share)});
  }
  const auto add = [&](const char* name, double mean, std::int32_t Request::*length) {
    std::vector<TableCell> cells = {name, {mean, format_number(mean, 5)}};
    for (const double value : quantiles(load, length)) {
      cells.push_back({value, format_count(value)});
    }
    table.add(std::move(cells));
  };
  add("prompt", summary.input_mean, &Request::input);
  add("answer", summary.output_mean, &Request::output);
  return table;
}

std::string as_text(const ReadLoad& read) {
  const LoadSummary s = summarise(read.load);
  std::string text = fmt::format("{} (form: {})\n\n", read.load.name, read.form);
  text += fmt::format("{} request{}", format_count(double(s.requests)), s.requests == 1 ? "" : "s");
  if (!read.timed) {
    text += ", lengths alone";
  } else if (s.span > 0) {
    text += fmt::format(" in {}: {} a second, gaps of cv {}", format_quantity(Seconds(s.span)),
                        format_number(s.rate), format_number(s.gap_cv));
  } else {
    text += ", all at once";
  }
  if (!read.load.tenants.empty()) {
    const std::size_t count = read.load.tenants.size();
    text += fmt::format(", of {} tenant{}", format_count(double(count)), count == 1 ? "" : "s");
  }
  text += '\n';
  if (s.reuse) {
    text += fmt::format("{} of prompt blocks of {} tokens came before, in an endless cache\n",
                        format_percent(*s.reuse), read.load.block_tokens);
  }
  text += '\n' + to_text(lengths_table(read.load, s));
  for (const std::string& note : read.notes) text += fmt::format("\n{}\n", note);
  return text;
}

Json as_json(const ReadLoad& read) {
  const LoadSummary s = summarise(read.load);
  const auto lengths = [&](double mean, std::int32_t Request::*length) {
    return Json{{"mean", mean}, {"quantiles", quantiles(read.load, length)}};
  };
  return {{"name", read.load.name},
          {"form", read.form},
          {"requests", s.requests},
          {"timed", read.timed},
          {"span_s", s.span},
          {"rate_per_s", read.timed && s.span > 0 ? Json(s.rate) : Json()},
          {"gap_cv", read.timed && s.span > 0 ? Json(s.gap_cv) : Json()},
          {"tenants", read.load.tenants.size()},
          {"block_tokens", read.load.block_tokens},
          {"reuse", s.reuse ? Json(*s.reuse) : Json()},
          {"shares", kShares},
          {"prompt", lengths(s.input_mean, &Request::input)},
          {"answer", lengths(s.output_mean, &Request::output)},
          {"notes", read.notes}};
}

void print_summary(const ReadLoad& read, const Context& context) {
  if (context.json) return print(as_json(read).dump(2) + "\n");
  if (context.csv) return print(to_csv(lengths_table(read.load, summarise(read.load))));
  print(as_text(read));
}

void run_show(const ShowOptions& options, Context& context) {
  const auto read = find_load(options.trace, options.read);
  if (!read) return context.refuse(read.error());
  print_summary(*read, context);
}

void run_list(Context& context) {
  const auto loads = named_loads();
  if (!loads) return context.refuse(loads.error());
  // Where a trace is from is for programs here, and for people when they need it.
  const bool whole = context.json || context.csv;
  Table table;
  table.title = "Named traces";
  table.columns = {{"name"},
                   {"requests", Align::kRight},
                   {"a second", Align::kRight, "rate"},
                   {"prompt", Align::kRight, "prompt_mean"},
                   {"answer", Align::kRight, "answer_mean"},
                   {"reuse", Align::kRight},
                   {"what"}};
  if (whole) {
    for (const char* more : {"licence", "source", "url"}) table.columns.push_back({more});
  }
  for (const NamedLoad& load : *loads) {
    const LoadSummary& s = load.statistics;
    std::vector<TableCell> cells = {
        load.id,
        {double(s.requests), format_count(double(s.requests))},
        s.rate > 0 ? TableCell(s.rate, format_number(s.rate)) : TableCell(),
        {s.input_mean, format_count(s.input_mean)},
        {s.output_mean, format_count(s.output_mean)},
        s.reuse ? TableCell(*s.reuse, format_percent(*s.reuse)) : TableCell(),
        load.what};
    if (whole) cells.insert(cells.end(), {load.licence, load.source, load.url});
    table.add(std::move(cells));
  }
  table.notes = {
      "The traces are not shipped: asked for one that is not there, the program says where to get "
      "it and where to put it. profile:NAME draws requests like its own without it."};
  if (context.json) return print(to_json(table));
  print(context.csv ? to_csv(table) : to_text(table));
}

Result<ReadLoad> drawn(const DrawOptions& options) {
  ReadLoad result{.form = "drawn", .timed = !options.closed};
  if (!options.profile.empty()) {
    auto load = draw_profile(options.profile, options.count, options.seed);
    if (!load) return fail(std::move(load.error()));
    result.load = *std::move(load);
    result.timed = result.load.span() > 0;
    return result;
  }
  Lengths lengths = options.lengths;
  if (lengths.spread < 1) lengths.kind = Lengths::Kind::kUniform;
  if (lengths.input_cv > 0 || lengths.output_cv > 0) {
    if (lengths.spread < 1) {
      return fail("--spread and --isl-cv or --osl-cv are two ways to vary lengths", "take one");
    }
    lengths.kind = Lengths::Kind::kLognormal;
  }
  Result<ReadLoad> like;
  if (!options.like.empty()) {
    like = find_load(options.like, {.seed = options.seed});
    if (!like) return like;
    lengths.kind = Lengths::Kind::kTrace;
    lengths.trace = &like->load;
  }
  result.load = options.closed ? draw_closed(lengths, options.count, options.seed)
                               : draw_load(lengths, {.rate = options.rate, .cv = options.cv},
                                           options.count, options.seed);
  return result;
}

void run_draw(const DrawOptions& options, Context& context) {
  const auto read = drawn(options);
  if (!read) return context.refuse(read.error());
  const auto text = options.out.ends_with(".jsonl") ? load_jsonl(read->load)
                                                    : Result<std::string>(load_csv(read->load));
  if (!text) return context.refuse(text.error());
  if (options.out.empty()) return print(*text);
  if (const auto written = write_file(options.out, *text); !written) {
    return context.refuse(written.error());
  }
  print_summary(*read, context);
}

void add_show(CLI::App& parent, Context& context) {
  const auto options = std::make_shared<ShowOptions>();
  CLI::App* command = parent.add_subcommand(
      "show",
      "What a trace holds: requests, rate, burstiness, lengths, shared prompts.\n\nFor example:\n"
      "  fivefold requests show AzureLLMInferenceTrace_conv.csv\n");
  command
      ->add_option("TRACE", options->trace,
                   "A file, packed or not, a folder of ServeGen, a named trace, or profile:NAME")
      ->required();
  command->add_option("--limit", options->read.limit, "The first so many requests (0: all)");
  command->add_flag("--sort", options->read.sort, "Sort a trace that is out of order");
  command->add_option("--seconds", options->read.seconds, "ServeGen: so long a stretch is drawn")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--begin", options->read.begin, "ServeGen: from this second on")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_option("--seed", options->read.seed, "Of what is drawn")->capture_default_str();
  command->callback([options, &context] { run_show(*options, context); });
}

void add_draw(CLI::App& parent, Context& context) {
  const auto options = std::make_shared<DrawOptions>();
  CLI::App* command = parent.add_subcommand(
      "draw",
      "Requests drawn from distributions, as a file that --load and `requests show` read.\n\n"
      "For example:\n"
      "  fivefold requests draw --rate 4 --cv 2 --isl 4096 --osl 1024 --count 1000 -o load.csv\n");
  const CLI::Range length(1.0, double(std::numeric_limits<std::int32_t>::max()));
  Lengths& lengths = options->lengths;
  command->add_option("--rate", options->rate, "Requests a second")
      ->check(CLI::Range(1e-9, 1e9))
      ->capture_default_str();
  command->add_option("--cv", options->cv, "Spread of the gaps over their mean (1: Poisson)")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
  command->add_option("--isl", lengths.input, "Tokens of a prompt")
      ->check(length)
      ->capture_default_str();
  command->add_option("--osl", lengths.output, "Tokens of an answer")
      ->check(length)
      ->capture_default_str();
  command->add_option("--spread", lengths.spread, "Lengths from this share of these up to them")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command->add_option("--isl-cv", lengths.input_cv, "Lognormal prompts, spread over mean")
      ->check(CLI::Range(0.0, 100.0));
  command->add_option("--osl-cv", lengths.output_cv, "Lognormal answers, spread over mean")
      ->check(CLI::Range(0.0, 100.0));
  CLI::Option* like = command->add_option("--like", options->like,
                                          "Pairs of lengths of this trace, whatever `show` takes");
  command
      ->add_option("--profile", options->profile,
                   "Lengths, arrivals and shared prompts like this named trace's, without it")
      ->excludes(like);
  command->add_option("--count", options->count, "Requests")
      ->check(CLI::Range(std::size_t(1), std::size_t(100'000'000)))
      ->capture_default_str();
  command->add_option("--seed", options->seed, "Another one, another draw")->capture_default_str();
  command->add_flag("--closed", options->closed, "All at once, for a closed loop");
  command->add_option("-o,--out", options->out,
                      "File to write: own form, or Mooncake's if it ends in .jsonl");
  command->callback([options, &context] { run_draw(*options, context); });
}

}  // namespace

void add_requests_command(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand(
      "requests",
      "Requests as they reach a service: traces, named traces, drawn loads.\n\nFor example:\n"
      "  fivefold requests show profile:mooncake/conversation\n");
  command->require_subcommand(1);
  add_show(*command, context);
  CLI::App* list = command->add_subcommand("list", "Named traces of real services");
  list->callback([&context] { run_list(context); });
  add_draw(*command, context);
}

}  // namespace fivefold::app
