// `fivefold gap`: what is supplied, installed and missing by year, in chips and in work, and how
// much of it comes from abroad.
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/commands.h"
#include "fivefold/base/unit_text.h"
#include "fivefold/report/gap_view.h"
#include "fivefold/serving/text.h"

namespace fivefold::app {
namespace {

struct Options {
  std::string from = "2024Q1", to = "2027Q4", model, slo;
  double input = 0, output = 0;
  bool training = false;
  SupplyQuestion question;
};

Result<Service> service_of(const Catalog& catalog, const Options& options) {
  auto service = usual_service(catalog);
  if (!service) return service;
  if (!options.model.empty()) {
    const auto model = catalog.model(options.model);
    if (!model) return fail(model.error());
    service->model = *model;
  }
  if (options.input > 0) service->workload.input = options.input;
  if (options.output > 0) service->workload.output = options.output;
  if (!options.slo.empty()) {
    const auto slo = parse_slo(options.slo);
    if (!slo) return fail(slo.error());
    service->slo = *slo;
  }
  return service;
}

Result<GapView> view_of(const Catalog& catalog, const Options& options) {
  GapView view;
  view.question = options.question;
  view.training = options.training;
  const auto from = parse_quarter(options.from), to = parse_quarter(options.to);
  if (!from) return fail(from.error());
  if (!to) return fail(to.error());
  view.question.from = *from;
  view.question.to = *to;
  auto service = service_of(catalog, options);
  if (!service) return fail(service.error());
  view.service = *std::move(service);
  std::optional<TrainingTask> task;
  if (options.training) {
    const auto usual = usual_training(catalog);
    if (!usual) return fail(usual.error());
    task = *usual;
  }
  const auto book = SupplyBook::load(catalog);
  if (!book) return fail(book.error());
  const auto supply = simulate_supply(*book, view.question);
  if (!supply) return fail(supply.error());
  auto gap = gap_of(catalog, *supply, view.service, task ? &*task : nullptr, progress_bar());
  if (!gap) return fail(gap.error());
  view.gap = *std::move(gap);
  return view;
}

void run(const Options& options, Context& context) {
  const auto catalog = context.load();
  if (!catalog) return context.refuse(catalog.error());
  const auto view = view_of(*catalog, options);
  if (!view) return context.refuse(view.error());
  print(context.json ? to_json(*view) : context.csv ? to_csv(*view) : to_text(*view));
}

}  // namespace

void add_gap_command(CLI::App& app, Context& context) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "gap",
      "What is supplied, installed and missing in China by year, in chips and in the work that "
      "they do,\nand how much of it comes from abroad.\n\nFor example:\n"
      "  fivefold gap --from 2024Q1 --to 2027Q4 --model deepseek-ai/DeepSeek-R1 --slo tpot=50ms\n");
  command->add_option("--from", options->from, "First quarter; stocks are those before 2024")
      ->capture_default_str();
  command->add_option("--to", options->to, "Last quarter")->capture_default_str();
  command->add_option("--model", options->model, "Model that is served (default: of the catalog)");
  command->add_option("--isl", options->input, "Tokens of a prompt")->check(CLI::PositiveNumber);
  command->add_option("--osl", options->output, "Tokens of an answer")->check(CLI::PositiveNumber);
  command->add_option("--slo", options->slo, "Limits of the means: ttft=2s,tpot=50ms");
  command->add_flag("--training", options->training,
                    "Training runs as well: searches layouts of a thousand chips of each kind");
  command->add_option("--samples", options->question.samples, "Futures that are drawn")
      ->capture_default_str()
      ->check(CLI::Range(100, 1000000));
  command->add_option("--seed", options->question.seed, "Of the draws")->capture_default_str();
  command->callback([options, &context] { run(*options, context); });
}

}  // namespace fivefold::app
