#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/commands.h"
#include "fivefold/base/unit_text.h"
#include "fivefold/planner/comparison.h"
#include "fivefold/report/comparison.h"
#include "fivefold/report/html.h"

namespace fivefold::app {
namespace {

struct Options {
  std::string left, right, model;
  std::string stack, stack_vs;
  double input = 4096;
  double output = 1024;
  std::string tpot = "50 ms";
  std::string ttft = "2 s";
  int drafts = 0;
  double acceptance = 0.7;
  int global_batch = 1152;
  int seq_len = 4096;
  bool no_training = false;
  bool uncertainty = false;
  int samples = 200;
  std::uint64_t seed = 1;
  std::string explain;
  std::string html;
};

Result<Question> question_of(const Options& options) {
  Question question;
  question.serving.input = options.input;
  question.serving.output = options.output;
  question.serving.draft_tokens = options.drafts;
  question.serving.acceptance = options.acceptance;
  const auto tpot = parse_quantity_as<Seconds>(options.tpot);
  if (!tpot) return tl::unexpected(tpot.error());
  question.serving.tpot_limit = *tpot;
  if (!options.ttft.empty()) {
    const auto ttft = parse_quantity_as<Seconds>(options.ttft);
    if (!ttft) return tl::unexpected(ttft.error());
    question.serving.ttft_limit = *ttft;
  }
  question.training.global_batch = options.global_batch;
  question.training.seq_len = options.seq_len;
  question.with_training = !options.no_training;
  question.samples = options.samples;
  question.ranges_in_text = options.uncertainty;
  question.seed = options.seed;
  question.stack = options.stack;
  question.stack_vs = options.stack_vs;
  return question;
}

std::string command_of(const Options& options, const Context& context) {
  std::string command =
      fmt::format("fivefold compare {} {} --model {}", options.left, options.right, options.model);
  if (!options.stack.empty()) command += fmt::format(" --stack {}", options.stack);
  if (!options.stack_vs.empty()) command += fmt::format(" --stack-vs {}", options.stack_vs);
  if (!context.preferred_sources.empty()) {
    command += fmt::format(" --prefer {}", fmt::join(context.preferred_sources, ","));
  }
  return command;
}

std::string last_words(const Options& options) {
  const std::string next =
      fmt::format("fivefold compare {} {} --model {} --explain decode.per_chip", options.left,
                  options.right, options.model);
  if (options.html.empty()) {
    return fmt::format("Why a number is what it is: {}\n", next);
  }
  return fmt::format("The page is {}: open it in a browser. Try next: {}\n", options.html, next);
}

void run(const Options& options, Context& context) {
  const auto catalog = context.load();
  if (!catalog) return context.refuse(catalog.error());
  const auto left = catalog->system(options.left);
  if (!left) return context.refuse(left.error());
  const auto right = catalog->system(options.right);
  if (!right) return context.refuse(right.error());
  const auto model = catalog->model(options.model);
  if (!model) return context.refuse(model.error());
  const auto question = question_of(options);
  if (!question) return context.refuse(question.error());
  const auto comparison = compare(*catalog, **left, **right, **model, *question);
  if (!comparison) return context.refuse(comparison.error());
  const SourceOf source_of = [&](std::string_view id) { return catalog->source(id); };

  if (!options.explain.empty()) {
    const auto chains = explain(*comparison, options.explain);
    if (!chains) return context.refuse(chains.error());
    std::string text;
    for (const Explanation& chain : *chains) text += to_text(chain, source_of) + "\n";
    return print(text);
  }
  if (!options.html.empty()) {
    const auto written =
        write_file(options.html, to_html(*comparison, source_of, command_of(options, context)));
    if (!written) return context.refuse(written.error());
  }
  if (context.json) return print(to_json(*comparison, source_of));
  if (context.csv) return print(to_csv(*comparison));
  print(to_text(*comparison) + "\n" + last_words(options));
}

}  // namespace

void add_compare_command(CLI::App& app, Context& context) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("compare", "Two systems side by side, on paper and for a model");
  command->footer(
      "Example:\n  fivefold compare cloudmatrix384 gb200-nvl72 --model deepseek-ai/DeepSeek-R1 "
      "--tpot '50 ms' --html page.html\n"
      "With the figures of the article that started it:\n"
      "  fivefold compare cloudmatrix384 gb200-nvl72 --model deepseek-r1 --prefer "
      "SEMI-CM384,SEMI-AV,SEMI-REP\n");
  command
      ->add_option("left", options->left, "System that you can get (fivefold catalog list systems)")
      ->required();
  command->add_option("right", options->right, "System to match")->required();
  command
      ->add_option("--model", options->model,
                   "Model of the catalog, or the path of a Hugging Face config.json")
      ->required();
  command->add_option("--stack", options->stack,
                      "Software stack of the first system (default: that of its vendor; "
                      "fivefold catalog list stacks)");
  command->add_option("--stack-vs", options->stack_vs, "Software stack of the system to match");
  command->add_option("--input", options->input, "Prompt tokens")
      ->check(CLI::Range(1.0, 1e7))
      ->capture_default_str();
  command->add_option("--output", options->output, "Output tokens")
      ->check(CLI::Range(1.0, 1e7))
      ->capture_default_str();
  command->add_option("--tpot", options->tpot, "Longest time per output token")
      ->capture_default_str();
  command->add_option("--ttft", options->ttft, "Longest prefill of a prompt, queues apart")
      ->capture_default_str();
  command->add_option("--drafts", options->drafts, "Tokens drafted a step (multi-token prediction)")
      ->check(CLI::Range(0, 8))
      ->capture_default_str();
  command->add_option("--acceptance", options->acceptance, "Share of drafts that are accepted")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command->add_option("--global-batch", options->global_batch, "Sequences of a training step")
      ->check(CLI::Range(1, 1 << 24))
      ->capture_default_str();
  command->add_option("--seq", options->seq_len, "Tokens of a training sequence")
      ->check(CLI::Range(1, 1 << 24))
      ->capture_default_str();
  command->add_flag("--no-training", options->no_training, "Leave the training step out");
  command->add_flag("--uncertainty", options->uncertainty,
                    "Print the range of every computed line, not only of the chip counts");
  command
      ->add_option("--samples", options->samples,
                   "Draws of every uncertain fact within its range, for the ranges; 0: none")
      ->check(CLI::Range(0, 100000))
      ->capture_default_str();
  command->add_option("--seed", options->seed, "Of the draws")->capture_default_str();
  command
      ->add_option("--explain", options->explain,
                   "Print the chain behind one line, from the answer to the sources")
      ->type_name("LINE");
  command->add_option("--html", options->html, "Write a page with pictures")->type_name("FILE");
  command->callback([options, &context] { run(*options, context); });
}

}  // namespace fivefold::app
