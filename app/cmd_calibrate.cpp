// `fivefold calibrate`: the parameters of stacks' kernels from measured operator tables, and of
// their communication libraries from measured collectives.
#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/commands.h"
#include "fivefold/evidence/calibrate.h"
#include "fivefold/evidence/calibrate_collectives.h"
#include "fivefold/evidence/calibrate_serving.h"
#include "fivefold/evidence/calibrate_training.h"
#include "fivefold/report/table.h"

namespace fivefold::app {
namespace {

struct Options {
  std::vector<std::string> paths;
  std::string out, source = "CALIBRATED";
  bool collectives = false, training = false, serving = false;
};

TableCell percent_cell(double share) {
  return {share, fmt::format("{:.1f}%", share * 100)};
}

Table table_of(const KernelLayers& fitted) {
  Table table;
  table.columns = {{"stack"},
                   {"family"},
                   {"fitted on", Align::kLeft, "fitted_on"},
                   {"format"},
                   {"rows", Align::kRight},
                   {"held", Align::kRight},
                   {"mechanism", Align::kRight},
                   {"fitted", Align::kRight},
                   {"held out", Align::kRight, "held_out"},
                   {"bias", Align::kRight},
                   {"kernel"}};
  for (const KernelLayer& layer : fitted.layers) {
    table.add({layer.stack,
               layer.listed,
               layer.architecture == "*" ? "all chips" : layer.architecture,
               layer.format,
               count_cell(static_cast<long>(layer.rows)),
               count_cell(static_cast<long>(layer.held_rows)),
               percent_cell(layer.fit.mechanism_error),
               percent_cell(layer.fit.error),
               percent_cell(layer.held_error),
               {layer.held_bias, fmt::format("{:+.3f}", layer.held_bias)},
               layer.kernel});
  }
  return table;
}

Table table_of(const CollectiveLayers& fitted) {
  Table table;
  table.columns = {{"stack"},
                   {"fabric"},
                   {"traffic"},
                   {"rows", Align::kRight},
                   {"held", Align::kRight},
                   {"fitted", Align::kRight},
                   {"held out", Align::kRight, "held_out"},
                   {"bias", Align::kRight}};
  for (const CollectiveLayer& layer : fitted.layers) {
    table.add({layer.stack,
               layer.fabric,
               layer.traffic,
               count_cell(layer.rows),
               count_cell(layer.held_rows),
               percent_cell(layer.error),
               percent_cell(layer.held_error),
               {layer.held_bias, fmt::format("{:+.3f}", layer.held_bias)}});
  }
  return table;
}

std::string source_text(const Options& options, const Catalog& catalog, std::string_view what) {
  if (catalog.source(options.source) != nullptr) return "";
  return fmt::format(
      "sources:\n  {}: {{title: Own measurements of {}, publisher: the user, kind: derived}}\n",
      options.source, what);
}

// The file says how it came about, and defines the source that its facts name if nobody else does.
std::string file_text(const Options& options, const Catalog& catalog, const KernelLayers& fitted,
                      const KernelGroups& groups) {
  std::string text =
      "# Written by `fivefold calibrate`: do not edit by hand. The names of the parameters are\n"
      "# explained in fivefold/kernel/parameters.h, the residual in fivefold/kernel/residual.h.\n";
  text += source_text(options, catalog, "operators");
  return text + stack_yaml(catalog, fitted, groups.groups, options.source);
}

void print_table(const Table& table, const Context& context) {
  constexpr std::size_t kWidth = 180;  // kernels have long names
  if (context.json) return print(to_json(table));
  print(context.csv ? to_csv(table) : to_text(table, kWidth));
}

void run_collectives(const Options& options, const Catalog& catalog, Context& context) {
  const auto fitted = fit_collectives(catalog, options.paths, options.source, progress_bar());
  if (!fitted) return context.refuse(fitted.error());
  for (const auto& [reason, rows] : fitted->refused)
    fmt::print(stderr, "fivefold: {} rows left out: {}\n", rows, reason);
  for (const std::string& group : fitted->too_few)
    fmt::print(stderr, "fivefold: not fitted: {}\n", group);
  if (fitted->layers.empty()) {
    return context.refuse(make_error("no library has rows enough to fit: nothing is written",
                                     "give tables of collectives, as docs/accuracy.md names them"));
  }
  if (!options.out.empty()) {
    const std::string text =
        "# Written by `fivefold calibrate --collectives`: do not edit by hand. The names of the\n"
        "# parameters are explained in fivefold/fabric/library.h.\n" +
        source_text(options, catalog, "collectives") + collective_yaml(*fitted, options.source);
    const auto written = write_file(options.out, text);
    if (!written) return context.refuse(written.error());
  }
  print_table(table_of(*fitted), context);
}

Table table_of(const TrainingFit& fit) {
  Table table;
  table.columns = {{"table"},
                   {"chip"},
                   {"rows", Align::kRight},
                   {"held", Align::kRight},
                   {"fitted", Align::kRight},
                   {"held out", Align::kRight, "held_out"}};
  for (const TrainingFit::Table& t : fit.tables) {
    table.add({t.file, t.chip, count_cell(t.rows), count_cell(t.held_rows), percent_cell(t.error),
               percent_cell(t.held_error)});
  }
  return table;
}

void run_training(const Options& options, const Catalog& catalog, Context& context) {
  const auto fit = fit_training(catalog, options.paths, options.source, progress_bar());
  if (!fit) return context.refuse(fit.error());
  if (fit->values.empty()) {
    return context.refuse(make_error("no training step to fit: nothing is written",
                                     "give tables of training steps whose files the calibration "
                                     "of their stack names"));
  }
  if (!options.out.empty()) {
    const std::string text =
        "# Written by `fivefold calibrate --training`: do not edit by hand. The names of the\n"
        "# parameters are explained in fivefold/training/parameters.h.\n" +
        source_text(options, catalog, "training steps") + training_yaml(*fit, options.source);
    const auto written = write_file(options.out, text);
    if (!written) return context.refuse(written.error());
  }
  print_table(table_of(*fit), context);
}

Table table_of(const ServingFit& fit) {
  Table table;
  table.columns = {{"engine"},
                   {"chip"},
                   {"family"},
                   {"rows", Align::kRight},
                   {"held", Align::kRight},
                   {"fitted", Align::kRight},
                   {"held out", Align::kRight, "held_out"},
                   {"without the chip", Align::kRight, "left_out"}};
  for (const ServingFit::Cell& c : fit.cells) {
    table.add({c.engine, c.chip, c.family, count_cell(c.rows), count_cell(c.held_rows),
               percent_cell(c.error), percent_cell(c.held_error), percent_cell(c.left_out_error)});
  }
  return table;
}

void run_serving(const Options& options, const Catalog& catalog, Context& context) {
  const auto fit = fit_serving(catalog, options.paths, progress_bar());
  if (!fit) return context.refuse(fit.error());
  if (fit->values.empty()) {
    return context.refuse(make_error("no closed loop to fit: nothing is written",
                                     "give tables with ttft_ms, tpot_ms and concurrency"));
  }
  if (!options.out.empty()) {
    const std::string text =
        "# Written by `fivefold calibrate --serving`: do not edit by hand. The names of the\n"
        "# parameters are explained in fivefold/serving/serving.h.\n" +
        source_text(options, catalog, "serving engines") + serving_yaml(*fit, options.source);
    const auto written = write_file(options.out, text);
    if (!written) return context.refuse(written.error());
  }
  print_table(table_of(*fit), context);
}

void run(const Options& options, Context& context) {
  const auto catalog = context.load();
  if (!catalog) return context.refuse(catalog.error());
  if (options.collectives) return run_collectives(options, *catalog, context);
  if (options.training) return run_training(options, *catalog, context);
  if (options.serving) return run_serving(options, *catalog, context);
  const auto groups = read_kernel_groups(*catalog, options.paths);
  if (!groups) return context.refuse(groups.error());
  for (const std::string& note : groups->notes) fmt::print(stderr, "fivefold: {}\n", note);
  for (const auto& [reason, rows] : groups->refused)
    fmt::print(stderr, "fivefold: {} rows left out: {}\n", rows, reason);
  const KernelLayers fitted = fit_layers(groups->groups, progress_bar());
  for (const std::string& group : fitted.too_few)
    fmt::print(stderr, "fivefold: not fitted: {}\n", group);
  if (fitted.layers.empty()) {
    return context.refuse(make_error("no kernel has rows enough to fit: nothing is written",
                                     "give tables named CHIP__STACK-VERSION__TABLE.csv"));
  }
  if (!options.out.empty()) {
    const auto written = write_file(options.out, file_text(options, *catalog, fitted, *groups));
    if (!written) return context.refuse(written.error());
  }
  print_table(table_of(fitted), context);
}

}  // namespace

void add_calibrate_command(CLI::App& app, Context& context) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "calibrate", "Fit the parameters of a stack to measured operator tables or collectives");
  command->add_option("PATH", options->paths, "Files (CSV, gzipped or not) or folders of them")
      ->required();
  command
      ->add_option("-o,--out", options->out,
                   "Write a stack file, to lay over the catalog with --catalog")
      ->type_name("STACK.yaml");
  command->add_option("--source", options->source, "Id of the source that its facts shall name")
      ->capture_default_str();
  command->add_flag("--collectives", options->collectives,
                    "Fit communication libraries to the collectives among the files");
  command->add_flag("--training", options->training,
                    "Fit training frameworks to the training steps among the files");
  command->add_flag("--serving", options->serving,
                    "Fit serving engines to the closed loops among the files");
  command->callback([options, &context] { run(*options, context); });
}

}  // namespace fivefold::app
