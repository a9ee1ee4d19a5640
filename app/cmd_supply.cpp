// `fivefold supply`: chips that can be made or brought in, quarter by quarter; its checks against
// what was published; and what tripling would take.
#include <charconv>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/commands.h"
#include "fivefold/report/supply_view.h"

namespace fivefold::app {
namespace {

struct Options {
  std::vector<std::string> vendors, scales;
  std::string from = "2024Q1", to = "2027Q4", known_by, svg;
  int samples = 10000;
  std::uint64_t seed = 1;
  bool explain = false;
};

// "yield=1.2", "hbm=2@2026Q1"
Result<SupplyQuestion::Scale> parse_scale(const std::string& text) {
  const std::string how = "write it as --scale yield=1.2 or --scale hbm=2@2026Q1";
  const std::size_t equal = text.find('=');
  if (equal == std::string::npos || equal == 0)
    return fail(fmt::format("'{}' scales nothing", text), how);
  SupplyQuestion::Scale scale;
  scale.what = text.substr(0, equal);
  const std::size_t at = text.find('@', equal);
  const std::string number = text.substr(equal + 1, at == std::string::npos ? at : at - equal - 1);
  const char* last = number.data() + number.size();
  const auto [stop, error] = std::from_chars(number.data(), last, scale.factor);
  if (error != std::errc() || stop != last)
    return fail(fmt::format("'{}' in '{}' is not a number", number, text), how);
  if (at == std::string::npos) return scale;
  const auto quarter = parse_quarter(text.substr(at + 1));
  if (!quarter) return fail(quarter.error());
  scale.from = *quarter;
  return scale;
}

Result<SupplyQuestion> question_of(const Options& options) {
  SupplyQuestion question;
  question.vendors = options.vendors;
  const auto from = parse_quarter(options.from), to = parse_quarter(options.to);
  if (!from) return fail(from.error());
  if (!to) return fail(to.error());
  question.from = *from;
  question.to = *to;
  question.samples = options.samples;
  question.seed = options.seed;
  if (!options.known_by.empty()) {
    const auto day = parse_date_span(options.known_by);
    if (!day) return fail(day.error());
    question.known_by = day->last;
  }
  for (const std::string& text : options.scales) {
    const auto scale = parse_scale(text);
    if (!scale) return fail(scale.error());
    question.scaled.push_back(*scale);
  }
  return question;
}

// Loads, asks, prints; the three commands differ in what they ask.
template <class Ask>
void answer(const Options& options, Context& context, const Ask& ask) {
  const auto catalog = context.load();
  if (!catalog) return context.refuse(catalog.error());
  const auto book = SupplyBook::load(*catalog);
  if (!book) return context.refuse(book.error());
  const auto question = question_of(options);
  if (!question) return context.refuse(question.error());
  const auto answered = ask(*book, *question, progress_bar());
  if (!answered) return context.refuse(answered.error());
  if constexpr (std::is_same_v<std::decay_t<decltype(*answered)>, SupplyResult>) {
    if (!options.svg.empty()) {
      const auto written = write_file(options.svg, supply_picture(*answered));
      if (!written) return context.refuse(written.error());
    }
    if (options.explain && !context.json && !context.csv)
      return print(to_text(*answered) + "\n" + explain_text(*answered, *catalog));
  }
  print(context.json ? to_json(*answered) : context.csv ? to_csv(*answered) : to_text(*answered));
}

void add_shared(CLI::App& command, Options& options) {
  command.add_option("--samples", options.samples, "Futures that are drawn")->capture_default_str();
  command.add_option("--seed", options.seed, "Of the draws")->capture_default_str();
  command.add_option("--known-by", options.known_by,
                     "Only what was said by that day: 2024-12-31 (or 2024)");
  command
      .add_option("--scale", options.scales,
                  "What if: a kind (wafers, yield, hbm, packaging, dies, imports), a series or a "
                  "fact times a factor, from a quarter on if one is named: hbm=2@2026Q1")
      ->type_name("WHAT=FACTOR");
}

}  // namespace

void add_supply_command(CLI::App& app, Context& context) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "supply",
      "Accelerators that China can make or bring in, quarter by quarter, and what limits them.\n\n"
      "For example:\n"
      "  fivefold supply --vendor huawei --from 2024Q1 --to 2027Q4 --svg supply.svg\n"
      "  fivefold supply checks --known-by 2025-12-31\n");
  command->require_subcommand(0, 1);
  command->add_option("--vendor", options->vendors, "huawei, cambricon, nvidia, ... (default: all)")
      ->delimiter(',');
  command->add_option("--from", options->from, "First quarter")->capture_default_str();
  command->add_option("--to", options->to, "Last quarter")->capture_default_str();
  add_shared(*command, *options);
  command->add_option("--svg", options->svg, "Write a picture of the quarters")->type_name("FILE");
  command->add_flag("--explain", options->explain, "What it rests on: facts and assumptions");
  CLI::App* checks = command->add_subcommand(
      "checks",
      "Published totals, each with the quantile of the model at which it lies.\n\nFor example:\n"
      "  fivefold supply checks --known-by 2025-12-31\n");
  add_shared(*checks, *options);
  checks->callback([options, &context] { answer(*options, context, check_supply); });
  CLI::App* tripling = command->add_subcommand(
      "tripling",
      "How likely China's output of 2026 is three times that of 2025, and what it would take.\n\n"
      "For example:\n  fivefold supply tripling --samples 2000\n");
  add_shared(*tripling, *options);
  tripling->callback([options, &context] { answer(*options, context, examine_tripling); });
  command->callback([options, command, &context] {
    if (command->get_subcommands().empty()) answer(*options, context, simulate_supply);
  });
}

}  // namespace fivefold::app
