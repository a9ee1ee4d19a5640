// `fivefold kernel`: how long one operator takes, why, and how well that holds.
#include <cmath>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/commands.h"
#include "fivefold/evidence/kernel_rows.h"
#include "fivefold/report/kernel_answer.h"
#include "fivefold/report/kernel_page.h"

namespace fivefold::app {
namespace {

struct TimeOptions {
  std::string chip, stack, family, sweep;
  std::map<std::string, double, std::less<>> extents;  // NAN: not given
  std::map<std::string, bool, std::less<>> flags;
  std::map<std::string, std::string, std::less<>> formats;
};

// A chip under a stack; the stack must outlive the model.
Result<KernelModel> model_of(const Catalog& catalog, const std::string& chip_name,
                             const std::string& stack_name) {
  const auto chip = catalog.chip(chip_name);
  if (!chip) return tl::unexpected(chip.error());
  const auto device = usable_device(**chip);
  if (!device) return tl::unexpected(device.error());
  const auto stack = stack_name.empty() ? Result<const Stack*>(&catalog.default_stack(**chip))
                                        : catalog.stack(stack_name);
  if (!stack) return tl::unexpected(stack.error());
  return KernelModel::make(**device, **stack);
}

KernelQuestion question_of(const TimeOptions& options) {
  KernelQuestion question{.family = options.family};
  for (const auto& [name, value] : options.extents) {
    if (!std::isnan(value)) question.extents[name] = value;
  }
  for (const auto& [name, given] : options.flags) {
    if (given) question.flags.insert(name);
  }
  for (const auto& [role, format] : options.formats) {
    if (!format.empty()) question.formats[role] = format;
  }
  return question;
}

void run_time(const TimeOptions& options, Context& context) {
  const auto catalog = context.load();
  if (!catalog) return context.refuse(catalog.error());
  const auto model = model_of(*catalog, options.chip, options.stack);
  if (!model) return context.refuse(model.error());
  KernelSweep sweep;
  if (!options.sweep.empty()) {
    auto parsed = parse_sweep(options.sweep);
    if (!parsed) return context.refuse(parsed.error());
    sweep = std::move(*parsed);
  }
  const auto answers = answer_kernels(*model, question_of(options), sweep);
  if (!answers) return context.refuse(answers.error());
  if (context.json) return print(kernel_json(*answers));
  print(context.csv ? kernel_csv(*answers) : kernel_text(*answers));
}

std::string families_help() {
  std::string text = "Families and what each takes:\n";
  for (const AskedFamily& family : asked_families())
    text += fmt::format("  {:<10} {}\n             {}\n", family.name, family.what, family.example);
  return text;
}

void add_time(CLI::App& kernel, Context& context) {
  const auto options = std::make_shared<TimeOptions>();
  CLI::App* command = kernel.add_subcommand(
      "time", "Time of one operator, what limits it and what it reaches of the roofline");
  command->add_option("--chip", options->chip, "Of the catalog")->required();
  command->add_option("--stack", options->stack, "Software stack; default: the vendor's");
  command->add_option("--family", options->family, "Kind of operator")->required();
  command->add_option("--sweep", options->sweep, "A table over powers of two of one extent")
      ->type_name("NAME=FROM..TO");
  for (const KernelExtent& extent : kernel_extents()) {
    double& value = options->extents[std::string(extent.name)] = NAN;
    command->add_option(option_of(extent.name), value, std::string(extent.what))
        ->type_name("N")
        ->group("Extents");
  }
  for (const KernelExtent& flag : kernel_flags()) {
    command
        ->add_flag(option_of(flag.name), options->flags[std::string(flag.name)],
                   std::string(flag.what))
        ->group("Kinds");
  }
  command->add_option("--format", options->formats["format"],
                      "Of weights, or in which attention computes; default: bf16");
  command->add_option("--activations", options->formats["activations"],
                      "Format of activations; default: as weights, BF16 beside 4-bit integers");
  command->add_option("--cache", options->formats["cache"], "Format of keys and values");
  command->footer(families_help() +
                  "\nFor example:\n  fivefold kernel time --chip h100_sxm --family gemm -n 7168 -k "
                  "2048 --format fp8_block --sweep m=1..32768\n");
  command->callback([options, &context] { run_time(*options, context); });
}

struct PlotOptions {
  std::string chip, stack, family, format;
  std::vector<std::string> measured;
  double noise = 0;  // percent
  std::string out = "kernel.html";
};

// Files that may hold rows of the chip: operator tables name theirs.
Result<std::vector<std::string>> tables_of(const Catalog& catalog, const std::string& chip,
                                           const std::vector<std::string>& paths) {
  auto files = measured_files(paths);
  if (!files) return files;
  std::erase_if(*files, [&](const std::string& file) {
    const auto named = table_name(file);
    const auto of = named ? catalog.chip(named->chip) : catalog.chip(chip);
    return !of || (*of)->id != chip;
  });
  return files;
}

Result<Predictions> measured_rows(const Catalog& catalog, const KernelModel& model,
                                  const PlotOptions& options) {
  if (options.measured.empty()) return Predictions{};
  const auto files = tables_of(catalog, model.device().chip, options.measured);
  if (!files) return tl::unexpected(files.error());
  std::vector<std::string> notes;
  auto evidence = validate(catalog, *files, notes, progress_bar());
  if (!evidence) return tl::unexpected(evidence.error());
  if (!options.stack.empty()) {
    std::erase_if(evidence->predictions,
                  [&](const Prediction& row) { return row.stack != model.stack().id; });
  }
  return std::move(evidence->predictions);
}

std::string command_of(const PlotOptions& options) {
  std::string text =
      fmt::format("fivefold kernel plot --chip {} --family {}", options.chip, options.family);
  if (!options.stack.empty()) text += " --stack " + options.stack;
  if (!options.format.empty()) text += " --format " + options.format;
  for (const std::string& path : options.measured) text += " --measured " + path;
  if (options.noise > 0) text += fmt::format(" --noise {:g}", options.noise);
  return text + " -o " + options.out;
}

void run_plot(const PlotOptions& options, Context& context) {
  const auto catalog = context.load();
  if (!catalog) return context.refuse(catalog.error());
  const auto model = model_of(*catalog, options.chip, options.stack);
  if (!model) return context.refuse(model.error());
  // A wrong family is said before a minute of tables is read.
  if (const auto page = kernel_page(*model, options.family, options.format, {}); !page)
    return context.refuse(page.error());
  const auto measured = measured_rows(*catalog, *model, options);
  if (!measured) return context.refuse(measured.error());
  auto page = kernel_page(*model, options.family, options.format, *measured);
  if (!page) return context.refuse(page.error());
  std::size_t rows = 0;
  for (const KernelSection& section : page->sections) rows += section.measured.size();
  if (!options.measured.empty() && rows == 0) {
    return context.refuse(make_error(fmt::format("no measured row of {} on {} can be predicted",
                                                 options.family, model->device().chip),
                                     "`fivefold validate` tells why rows are refused"));
  }
  page->noise = options.noise / 100;
  page->command = command_of(options);
  if (const auto written = write_file(options.out, to_html(*page)); !written)
    return context.refuse(written.error());
  print(rows > 0 ? fmt::format("{}: {} measured rows\n", options.out, rows)
                 : fmt::format("{}\n", options.out));
}

void add_plot(CLI::App& kernel, Context& context) {
  const auto options = std::make_shared<PlotOptions>();
  CLI::App* command = kernel.add_subcommand(
      "plot", "A page with pictures: what limits where, and predictions against measurements");
  command->add_option("--chip", options->chip, "Of the catalog")->required();
  command->add_option("--stack", options->stack,
                      "Software stack; default: the vendor's, and rows of all stacks");
  command->add_option("--family", options->family, "gemm, attention, attention_decode, mla, ...")
      ->required();
  command->add_option("--format", options->format, "Of the map; default: bf16");
  command->add_option("--measured", options->measured, "Files of measured operators, or folders")
      ->type_name("PATH");
  command->add_option("--noise", options->noise, "Of the measurements, drawn as a line")
      ->type_name("PERCENT")
      ->check(CLI::Range(0.0, 100.0));
  command->add_option("-o", options->out, "The page")->type_name("FILE")->capture_default_str();
  command->footer(
      "For example:\n  fivefold kernel plot --chip h100_sxm --family gemm --measured measured/ -o "
      "gemm.html\n");
  command->callback([options, &context] { run_plot(*options, context); });
}

}  // namespace

void add_kernel_command(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand(
      "kernel", "Time of one operator on a chip, and a page that shows how well it is known");
  command->require_subcommand(1);
  command->fallthrough();
  add_time(*command, context);
  add_plot(*command, context);
}

}  // namespace fivefold::app
