// `fivefold rules`: what export rules say of a chip on a day, and what the buyer's state says.
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/commands.h"
#include "fivefold/base/unit_text.h"
#include "fivefold/report/rules_view.h"

namespace fivefold::app {
namespace {

struct Options {
  std::string chip, date, svg;
  Buyer buyer;
  // Of a chip that only the user knows.
  std::string tpp, die_area, dram, io;
  bool no_data_center = false;
  std::vector<std::string> values;
};

// The catalog, the rules and the question that all views ask.
struct Asked {
  Catalog catalog;
  RuleBook book;
  RulesQuestion question;
};

// Without a date the newest day that the rules know.
Result<std::unique_ptr<Asked>> asked(const Options& options, const Context& context) {
  auto catalog = context.load();
  if (!catalog) return fail(catalog.error());
  auto book = RuleBook::load(*catalog);
  if (!book) return fail(book.error());
  auto all = std::make_unique<Asked>(Asked{*std::move(catalog), *std::move(book), {}});
  all->question.catalog = &all->catalog;
  all->question.book = &all->book;
  const auto buyer = all->book.check_buyer(options.buyer);
  if (!buyer) return fail(buyer.error());
  all->question.buyer = *buyer;
  all->question.date = all->book.last_day();
  if (options.date.empty()) return all;
  const auto date = parse_date(options.date);
  if (!date) return fail(date.error());
  const auto known = all->book.check_date(*date);
  if (!known) return fail(known.error());
  all->question.date = *known;
  return all;
}

Result<void> state(RuleSubject& subject, const char* field, const std::string& text, Dim dim,
                   double per) {
  if (text.empty()) return {};
  const auto value = parse_quantity(text, dim);
  if (!value) return fail(value.error());
  RuleValue& stated = subject.values[field];
  stated = RuleValue{.value = *value / per, .from = "stated"};
  stated.confidence = Confidence::kHigh;
  return {};
}

// A chip of the catalog, with what the user states over it, or only that.
Result<RuleSubject> subject_of(const Asked& all, const Options& options) {
  RuleSubject subject;
  if (!options.chip.empty()) {
    const auto chip = all.catalog.chip(options.chip);
    if (!chip) return fail(chip.error());
    subject = rule_subject(all.catalog, **chip);
  } else if (options.tpp.empty() && options.values.empty()) {
    return fail("no chip is named", "name one of the catalog, or state --tpp and --die-area");
  } else {
    subject.name = "chip as stated";
  }
  if (!options.tpp.empty() || !options.die_area.empty()) {
    subject.values.erase("performance_density");  // made of the stated values
  }
  for (const auto& done :
       {state(subject, "tpp", options.tpp, Dim{}, 1),
        state(subject, "die_area_mm2", options.die_area, Dim{}, 1),
        state(subject, "dram_bw_gbs", options.dram, BytesPerSecond::kDim, 1e9),
        state(subject, "io_bw_2022_gbs", options.io, BytesPerSecond::kDim, 1e9)}) {
    if (!done) return fail(done.error());
  }
  if (options.no_data_center) {
    subject.data_center = false;
    subject.data_center_stated = true;
  }
  for (const std::string& assignment : options.values) {
    if (const auto done = all.book.state(subject, assignment); !done) return fail(done.error());
  }
  return subject;
}

void print_table(const Table& table, const Context& context) {
  print(context.json ? to_json(table) : context.csv ? to_csv(table) : to_text(table));
}

void run_classify(const Options& options, Context& context) {
  const auto all = asked(options, context);
  if (!all) return context.refuse(all.error());
  const auto subject = subject_of(**all, options);
  if (!subject) return context.refuse(subject.error());
  const RulesQuestion& question = (*all)->question;
  print(context.json  ? classify_json(question, *subject)
        : context.csv ? classify_csv(question, *subject)
                      : classify_text(question, *subject));
}

// A table about one chip.
void run_chip(const Options& options, Context& context, bool history) {
  const auto all = asked(options, context);
  if (!all) return context.refuse(all.error());
  const auto subject = subject_of(**all, options);
  if (!subject) return context.refuse(subject.error());
  if (history) return print_table(rules_history((*all)->question, *subject), context);
  const auto limit = rules_limit((*all)->question, *subject);
  if (!limit) return context.refuse(limit.error());
  print_table(*limit, context);
}

void run_table(const Options& options, Context& context) {
  const auto all = asked(options, context);
  if (!all) return context.refuse(all.error());
  if (!options.svg.empty()) {
    const auto written = write_file(options.svg, rules_picture((*all)->question));
    if (!written) return context.refuse(written.error());
  }
  print_table(rules_chips((*all)->question), context);
}

void run_admitted(const Options& options, Context& context) {
  const auto all = asked(options, context);
  if (!all) return context.refuse(all.error());
  print_table(rules_admitted((*all)->question), context);
}

void run_list(const Options& options, Context& context) {
  const auto all = asked(options, context);
  if (!all) return context.refuse(all.error());
  const bool of_the_day = !options.date.empty();
  if (context.json || context.csv) {
    return print_table(rules_list((*all)->question, of_the_day), context);
  }
  print(rules_list_text((*all)->question, of_the_day));
}

using Run = std::function<void(const Options&, Context&)>;

CLI::App* add(CLI::App& rules, Context& context, const std::shared_ptr<Options>& options,
              const char* name, const std::string& what, Run run) {
  CLI::App* command = rules.add_subcommand(name, what);
  command->callback([options, &context, run] { run(*options, context); });
  return command;
}

void add_question(CLI::App& command, Options& options) {
  command.add_option("--date", options.date, "Day, such as 2025-09-17 (default: the newest known)");
  command.add_option("--to", options.buyer.destination, "Destination, a country's code")
      ->capture_default_str();
  command.add_option("--headquarters", options.buyer.headquarters,
                     "Country of the buyer's ultimate parent (default: the destination)");
  command.add_flag("--state-funded", options.buyer.state_funded,
                   "For a data centre with money of the state");
}

void add_subject(CLI::App& command, Options& options) {
  command.add_option("CHIP", options.chip, "Of the catalog; what is stated below goes over it");
  command.add_option("--tpp", options.tpp, "Total processing performance: dense TOPS x bits");
  command.add_option("--die-area", options.die_area, "Of its logic, in mm2");
  command.add_option("--dram-bandwidth", options.dram, "Such as '1.4 TB/s'");
  command.add_option("--io", options.io, "Links and bus, both directions, such as '128 GB/s'");
  command.add_flag("--no-data-center", options.no_data_center, "Not made or sold for data centres");
  command.add_option("--value", options.values, "FIELD=VALUE of another field of the rules")
      ->type_name("FIELD=VALUE");
}

}  // namespace

void add_rules_command(CLI::App& app, Context& context) {
  CLI::App* rules = app.add_subcommand(
      "rules", "Export rules and what the buyer's state says, by date (no legal advice)");
  rules->require_subcommand(1);
  const auto options = std::make_shared<Options>();

  CLI::App* classify = add(*rules, context, options, "classify",
                           "What the rules say of a chip, with every number against its "
                           "threshold.\n\nFor example:\n"
                           "  fivefold rules classify h20 --date 2025-09-17 --to CN\n"
                           "  fivefold rules classify --tpp 2300 --die-area 750 "
                           "--dram-bandwidth '1.4 TB/s' --io '128 GB/s'\n",
                           run_classify);
  add_subject(*classify, *options);
  add_question(*classify, *options);

  CLI::App* history = add(*rules, context, options, "history",
                          "Each day on which the answer for a chip changed, on both sides.\n\n"
                          "For example:\n  fivefold rules history h20\n",
                          [](const Options& o, Context& c) { run_chip(o, c, true); });
  add_subject(*history, *options);
  add_question(*history, *options);

  CLI::App* table = add(*rules, context, options, "table",
                        "All chips of the catalog on a day.\n\nFor example:\n"
                        "  fivefold rules table --date 2023-11-17 --svg rules.svg\n",
                        run_table);
  add_question(*table, *options);
  table->add_option("--svg", options->svg, "Draws TPP against density into FILE")
      ->type_name("FILE");

  add_question(*add(*rules, context, options, "admitted",
                    "Which chips from abroad may be sold and bought on a day.\n\nFor example:\n"
                    "  fivefold rules admitted --date 2025-10-15\n",
                    run_admitted),
               *options);

  CLI::App* limit = add(*rules, context, options, "limit",
                        "How far a chip must be cut to pass without a licence.\n\nFor example:\n"
                        "  fivefold rules limit h100 --date 2023-11-17\n",
                        [](const Options& o, Context& c) { run_chip(o, c, false); });
  add_subject(*limit, *options);
  add_question(*limit, *options);

  CLI::App* list = add(*rules, context, options, "list",
                       "The rules themselves, with bills that are no law.\n\nFor example:\n"
                       "  fivefold rules list --date 2026-02-01\n",
                       run_list);
  list->add_option("--date", options->date, "Only what is there on the day");
}

}  // namespace fivefold::app
