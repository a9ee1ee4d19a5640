// `fivefold catalog list | show | check | sources`.
#include <algorithm>
#include <functional>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "fivefold/article/article.h"
#include "fivefold/base/text.h"
#include "fivefold/report/table.h"

namespace fivefold::app {
namespace {

void print_table(const Table& table, const Context& context) {
  print(context.json ? to_json(table) : context.csv ? to_csv(table) : to_text(table));
}

template <Dim D>
TableCell cell(Quantity<D> quantity) {
  if (quantity.value() == 0) return {};
  return {quantity.value(), format_quantity(quantity)};
}

std::string joined(const std::vector<std::string>& texts) {
  return fmt::format("{}", fmt::join(texts, ", "));
}

Table list_chips(const Catalog& catalog) {
  Table table;
  table.title = "Chips (a package as sold; dense rates)";
  table.columns = {{"id"},
                   {"name"},
                   {"BF16", Align::kRight, "bf16", "op/s"},
                   {"FP8", Align::kRight, "fp8", "op/s"},
                   {"memory", Align::kRight, "memory", "B"},
                   {"bandwidth", Align::kRight, "memory_bandwidth", "B/s"},
                   {"scale-up", Align::kRight, "scale_up", "B/s"},
                   {"TDP", Align::kRight, "tdp", "W"},
                   {"devices", Align::kRight}};
  for (const Chip* chip : catalog.chips()) {
    table.add(
        {chip->id, chip->name, cell(chip->peak(Format::kBf16)), cell(chip->peak(Format::kFp8)),
         cell(chip->memory_capacity), cell(chip->memory_bandwidth), cell(chip->scale_up_bandwidth),
         cell(chip->tdp), count_cell(chip->devices_per_chip)},
        chip->vendor);
  }
  return table;
}

Table list_systems(const Catalog& catalog) {
  Table table;
  table.title = "Systems";
  table.columns = {{"id"},
                   {"name"},
                   {"chips", Align::kRight},
                   {"chip"},
                   {"BF16", Align::kRight, "bf16", "op/s"},
                   {"memory", Align::kRight, "memory", "B"},
                   {"power", Align::kRight, "power", "W"},
                   {"price", Align::kRight, "price", "USD"}};
  for (const System* system : catalog.systems()) {
    const double count = system->chips;
    table.add(
        {system->id, system->name, count_cell(system->chips), system->chip->id,
         cell(system->chip->peak(Format::kBf16) * count),
         cell(system->chip->memory_capacity * count), cell(system->power), cell(system->price)},
        system->vendor);
  }
  return table;
}

Table list_models(const Catalog& catalog) {
  Table table;
  table.title = "Models";
  table.columns = {{"id"},
                   {"name"},
                   {"parameters", Align::kRight},
                   {"active", Align::kRight},
                   {"layers", Align::kRight},
                   {"weights"}};
  const auto billions = [](double count) {
    return count == 0 ? TableCell() : TableCell(count, format_number(count / 1e9) + " B");
  };
  for (const Model* model : catalog.models()) {
    const ParameterCount count = count_parameters(*model);
    table.add({model->id, model->name, billions(count.total), billions(count.active),
               count_cell(model->layer_count()), name(model->native)});
  }
  return table;
}

Table list_stacks(const Catalog& catalog) {
  Table table;
  table.title = "Software stacks";
  table.columns = {{"id"}, {"name"}, {"vendor"}, {"default"}, {"entries", Align::kRight}};
  for (const Stack* stack : catalog.stacks()) {
    table.add({stack->id, stack->name, stack->vendor, stack->is_default ? "yes" : "",
               count_cell(static_cast<long>(stack->entries.size()))});
  }
  return table;
}

struct Kind {
  const char* name;
  Table (*list)(const Catalog&);
};
constexpr Kind kKinds[] = {{"chips", list_chips},
                           {"systems", list_systems},
                           {"models", list_models},
                           {"stacks", list_stacks}};

void run_list(const std::string& wanted, Context& context) {
  const auto catalog = context.load();
  if (!catalog) return context.refuse(catalog.error());
  std::vector<std::string> known;
  for (const Kind& kind : kKinds) known.push_back(kind.name);
  if (!wanted.empty() && std::find(known.begin(), known.end(), wanted) == known.end()) {
    return context.refuse(
        make_error(fmt::format("the catalog has no '{}'", wanted), "it lists " + joined(known)));
  }
  for (const Kind& kind : kKinds) {
    if (wanted.empty() ? kind.list != list_chips && kind.list != list_systems : wanted != kind.name)
      continue;
    print_table(kind.list(*catalog), context);
    if (wanted.empty() && (context.json || context.csv)) break;  // one document
    if (wanted.empty() && kind.list == list_chips) print("\n");
  }
}

// As the file writes it, in `fact.unit`.
std::string value_of(const Fact& fact) {
  switch (fact.kind) {
    case Fact::Kind::kNumber:
      return fmt::format("{:.15g}", fact.written);
    case Fact::Kind::kText:
      return std::string(readable_text(fact));
    case Fact::Kind::kBool:
      return fact.flag ? "yes" : "no";
    case Fact::Kind::kNone:
      return "none";
    case Fact::Kind::kUnknown:
      break;
  }
  return "not published";
}

// A coherent value in the unit that the fact is written in.
std::string in_unit_of(const Fact& fact, double value) {
  if (fact.number == 0) return fmt::format("{:.6g}", value);
  return fmt::format("{:.6g}", value * (fact.written / fact.number));
}

std::string range_of(const Fact& fact) {
  if (!fact.low && !fact.high) return {};
  return fmt::format("{} to {}", in_unit_of(fact, fact.low.value_or(fact.number)),
                     in_unit_of(fact, fact.high.value_or(fact.number)));
}

std::string remarks_of(const Fact& fact, const std::string& shown_for) {
  std::vector<std::string> remarks;
  if (!fact.reading.empty() && fact.reading != "remark") remarks.push_back(fact.reading);
  if (fact.is_number() && fact.unit.starts_with("CNY")) {
    remarks.push_back("= " + format_quantity(fact.number, fact.dim));
  }
  if (!fact.note.empty()) remarks.push_back(fact.note);
  for (const OtherValue& other : fact.also) {
    std::string text = fmt::format("{} says {}", joined(other.sources),
                                   fact.is_number() ? in_unit_of(fact, other.value) : other.note);
    if (fact.is_number() && !other.note.empty()) text += " (" + other.note + ")";
    remarks.push_back(std::move(text));
  }
  if (!fact.owner.empty() && fact.owner != shown_for) remarks.push_back("from " + fact.owner);
  return fmt::format("{}", fmt::join(remarks, "; "));
}

Table facts_table(std::string title) {
  Table table;
  table.title = std::move(title);
  table.columns = {{"fact"},    {"value"},      {"unit"},   {"range"},
                   {"sources"}, {"confidence"}, {"remarks"}};
  return table;
}

void add_facts(Table& table, const std::vector<Fact>& facts, const std::string& owner,
               const std::string& group) {
  for (const Fact& fact : facts) {
    const bool remark = fact.reading == "remark";
    TableCell value =
        fact.is_number() ? TableCell(fact.written, value_of(fact)) : TableCell(value_of(fact));
    table.add({fact.path, std::move(value), fact.unit, range_of(fact), joined(fact.sources),
               remark ? std::string_view() : name(fact.confidence), remarks_of(fact, owner)},
              group);
  }
}

Table show_chip(const Chip& chip) {
  Table table = facts_table(fmt::format("{} ({}), {}", chip.name, chip.id, chip.vendor));
  add_facts(table, chip.facts.all, chip.id, "");
  if (!chip.status.empty()) table.notes.push_back("status: " + chip.status);
  if (chip.devices_per_chip > 1) {
    table.notes.push_back(fmt::format("{} devices a package; one is {} BF16, {} at {}",
                                      chip.devices_per_chip,
                                      format_quantity(chip.device.peak_for(Format::kBf16)),
                                      format_quantity(chip.device.memory_capacity),
                                      format_quantity(chip.device.memory_bandwidth)));
  }
  if (!chip.aliases.empty()) table.notes.push_back("also called: " + joined(chip.aliases));
  if (const auto usable = usable_device(chip); !usable)
    table.notes.push_back(usable.error().problems.front().what);
  return table;
}

Table show_system(const System& system) {
  Table table = facts_table(fmt::format("{} ({}), {}: {} x {}", system.name, system.id,
                                        system.vendor, system.chips, system.chip->id));
  for (const SystemLevel& level : system.levels) {
    add_facts(table, level.facts.all, system.id,
              fmt::format("level of {} devices: {}", level.size, level.name));
  }
  add_facts(table, system.facts.all, system.id, "system");
  if (!system.status.empty()) table.notes.push_back("status: " + system.status);
  if (!system.aliases.empty()) table.notes.push_back("also called: " + joined(system.aliases));
  return table;
}

Table show_stack(const Stack& stack) {
  Table table = facts_table(fmt::format("{} ({}), for {}", stack.name, stack.id, stack.vendor));
  for (const StackEntry& entry : stack.entries) {
    add_facts(table, entry.parameters->all, stack.id,
              fmt::format("{} on {}, format {}", entry.family, entry.architecture, entry.format));
  }
  for (const Calibration& rows : stack.calibration) {
    table.notes.push_back(fmt::format("fitted on {} {} of {} ({}), {:.0f}% held out", rows.form,
                                      rows.data, rows.chip, rows.family, 100 * rows.held_out));
  }
  return table;
}

Table show_economics(const Fact& fact) {
  Table table = facts_table(fact.text);
  add_facts(table, {fact}, fact.owner, "");
  return table;
}

// The unknown name with the nearest of all kinds.
Error unknown_name(const Catalog& catalog, const std::string& wanted) {
  std::vector<std::string> known;
  for (const Chip* chip : catalog.chips()) known.push_back(chip->id);
  for (const System* system : catalog.systems()) known.push_back(system->id);
  for (const Model* model : catalog.models()) known.push_back(model->id);
  for (const Stack* stack : catalog.stacks()) known.push_back(stack->id);
  std::string hint = did_you_mean(wanted, known);
  if (hint.empty()) hint = "`fivefold catalog list chips` (systems, models, stacks) shows all";
  return make_error(fmt::format("the catalog has no '{}'", wanted), std::move(hint));
}

void run_show(const std::string& id, Context& context) {
  const auto catalog = context.load();
  if (!catalog) return context.refuse(catalog.error());
  if (const auto chip = catalog->chip(id)) return print_table(show_chip(**chip), context);
  if (const auto system = catalog->system(id)) return print_table(show_system(**system), context);
  if (const auto stack = catalog->stack(id)) return print_table(show_stack(**stack), context);
  if (const auto fact = catalog->economics(id)) return print_table(show_economics(**fact), context);
  if (catalog->model(id)) {
    return context.refuse(
        make_error(fmt::format("'{}' is a model", id), "see `fivefold model show " + id + "`"));
  }
  context.refuse(unknown_name(*catalog, id));
}

void run_check(Context& context) {
  const auto catalog = context.load();
  if (!catalog) return context.refuse(catalog.error());
  std::vector<Problem> problems = catalog->check();
  const std::vector<Problem> of_article = check_article(*catalog);
  problems.insert(problems.end(), of_article.begin(), of_article.end());
  if (context.json || context.csv) {
    Table table;
    table.title = "Problems of the catalog";
    table.columns = {{"file"}, {"line", Align::kRight}, {"problem"}, {"hint"}};
    for (const Problem& problem : problems) {
      table.add({problem.place.file, count_cell(problem.place.line), problem.what, problem.hint});
    }
    print_table(table, context);
  } else if (!problems.empty()) {
    print(to_text(Error{problems}) + "\n");
  } else {
    print(fmt::format(
        "The catalog is sound: {} chips, {} systems, {} models, {} stacks, {} sources, {} "
        "prices.\n",
        catalog->chips().size(), catalog->systems().size(), catalog->models().size(),
        catalog->stacks().size(), catalog->sources().size(), catalog->economics().size()));
  }
  context.exit_code = problems.empty() ? 0 : 1;
}

// Calls with every fact of the catalog where it is stated.
void for_each_fact(const Catalog& catalog, const std::function<void(const Fact&)>& visit) {
  const auto all = [&](const Facts& facts, const std::string& owner) {
    for (const Fact& fact : facts.all) {
      if (fact.owner == owner) visit(fact);
    }
  };
  for (const Chip* chip : catalog.chips()) all(chip->facts, chip->id);
  for (const System* system : catalog.systems()) {
    all(system->facts, system->id);
    for (const SystemLevel& level : system->levels) all(level.facts, system->id);
  }
  for (const Stack* stack : catalog.stacks()) {
    for (const StackEntry& entry : stack->entries) all(*entry.parameters, stack->id);
  }
  for (const Fact* fact : catalog.economics()) visit(*fact);
}

bool rests_on(const Fact& fact, const std::string& source) {
  const auto names = [&](const std::vector<std::string>& ids) {
    return std::find(ids.begin(), ids.end(), source) != ids.end();
  };
  return names(fact.sources) ||
         std::any_of(fact.also.begin(), fact.also.end(),
                     [&](const OtherValue& other) { return names(other.sources); });
}

Table list_sources(const Catalog& catalog) {
  Table table;
  table.title = "Sources, and how many facts name them";
  table.columns = {{"id"}, {"title"}, {"publisher"}, {"date"}, {"kind"}, {"facts", Align::kRight}};
  for (const Source* source : catalog.sources()) {
    long facts = 0;
    for_each_fact(catalog, [&](const Fact& fact) { facts += rests_on(fact, source->id); });
    table.add({source->id, source->title, source->publisher, source->date, source->kind,
               count_cell(facts)});
  }
  return table;
}

Table show_source(const Catalog& catalog, const Source& source) {
  Table table;
  table.title = fmt::format("{}: {}", source.id, source.title);
  table.columns = {{"of"}, {"fact"}, {"value"}, {"unit"}, {"confidence"}, {"remarks"}};
  for_each_fact(catalog, [&](const Fact& fact) {
    if (!rests_on(fact, source.id)) return;
    table.add({fact.owner, fact.path, value_of(fact), fact.unit, name(fact.confidence),
               remarks_of(fact, fact.owner)});
  });
  table.notes = {fmt::format("{}, {}, {}", source.publisher, source.date, source.kind), source.url};
  return table;
}

void run_sources(const std::string& id, Context& context) {
  const auto catalog = context.load();
  if (!catalog) return context.refuse(catalog.error());
  if (id.empty()) return print_table(list_sources(*catalog), context);
  const Source* source = catalog->source(id);
  if (source) return print_table(show_source(*catalog, *source), context);
  std::vector<std::string> known;
  for (const Source* one : catalog->sources()) known.push_back(one->id);
  context.refuse(make_error(fmt::format("unknown source '{}'", id), did_you_mean(id, known)));
}

}  // namespace

void add_catalog_command(CLI::App& app, Context& context) {
  CLI::App* catalog =
      app.add_subcommand("catalog", "Chips, systems, models, stacks and their sources");
  catalog->require_subcommand(1);
  const auto id = std::make_shared<std::string>();

  CLI::App* list = catalog->add_subcommand("list", "What the catalog holds");
  list->add_option("kind", *id, "chips, systems, models or stacks; without it chips and systems");
  list->callback([id, &context] { run_list(*id, context); });

  CLI::App* show = catalog->add_subcommand("show", "Every fact of one entry with its sources");
  show->add_option("id", *id, "A chip, system, stack or fact of economics")->required();
  show->callback([id, &context] { run_show(*id, context); });

  CLI::App* check = catalog->add_subcommand(
      "check", "Looks for facts without source and figures that do not fit");
  check->callback([&context] { run_check(context); });

  CLI::App* sources = catalog->add_subcommand("sources", "All sources, or what one of them says");
  sources->add_option("source", *id, "Id of a source");
  sources->callback([id, &context] { run_sources(*id, context); });
}

}  // namespace fivefold::app
