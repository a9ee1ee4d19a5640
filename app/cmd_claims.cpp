#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/commands.h"
#include "fivefold/base/text.h"
#include "fivefold/evidence/claims.h"
#include "fivefold/report/explanation.h"
#include "fivefold/report/table.h"

namespace fivefold::app {
namespace {

std::string amount(const ClaimResult& result, const std::optional<double>& value) {
  if (!value) return "";
  const std::string_view unit = result.claim.unit == "x" ? "" : std::string_view(result.claim.unit);
  const std::string digits = *value >= 1000 ? format_count(*value) : fmt::format("{:.4g}", *value);
  return fmt::format("{}{}{}", digits, unit.empty() ? "x" : " ", unit);
}

TableCell number(const ClaimResult& result, const std::optional<double>& value) {
  return value ? TableCell(*value, amount(result, value)) : TableCell();
}

std::string reasons(const ClaimResult& result) {
  return fmt::format("{}", fmt::join(result.reasons, "; "));
}

// On a terminal what explains a difference stands below the table, since it takes a sentence.
Table table_of(const std::vector<ClaimResult>& results, bool explained) {
  Table table;
  table.title = "Published claims, recomputed";
  table.columns = {{"id"},
                   {"claim"},
                   {"published"},
                   {"computed", Align::kRight},
                   {"from catalog", Align::kRight},
                   {"difference", Align::kRight},
                   {"verdict"},
                   {"what explains it"}};
  int closing = 0, differing = 0, open = 0;
  for (const ClaimResult& result : results) {
    closing += result.verdict == ClaimVerdict::kCloses;
    differing += result.verdict == ClaimVerdict::kDiffers;
    open += result.verdict == ClaimVerdict::kOpen;
    const bool computed = result.computed.has_value();
    table.add(
        {result.claim.id, result.claim.text, result.claim.said, number(result, result.computed),
         number(result, result.with_catalog),
         computed ? TableCell(result.difference, fmt::format("{:+.1f}%", 100 * result.difference))
                  : TableCell(),
         std::string(name(result.verdict))},
        result.claim.heading);
    if (explained) table.rows.back().cells.push_back(reasons(result));
  }
  table.notes = {fmt::format("{} claims: {} close within 5%, {} differ, {} are open (their inputs "
                             "were not published).",
                             results.size(), closing, differing, open),
                 "'computed' takes the inputs of the source that made the claim, 'from catalog' "
                 "the catalog's first choice.",
                 "fivefold claims --explain C03 prints one claim's formula and inputs."};
  return table;
}

std::string explanations(const std::vector<ClaimResult>& results) {
  std::string text = "\nInputs that explain a difference\n\n";
  for (const ClaimResult& result : results) {
    for (const std::string& reason : result.reasons) {
      std::string label = fmt::format("  {:<5} ", result.claim.id);
      for (const std::string& line : wrap(reason, 90)) {
        text += label + line + "\n";
        label.assign(label.size(), ' ');
      }
    }
  }
  return text;
}

void run(const std::string& explain, Context& context) {
  const auto catalog = context.load();
  if (!catalog) return context.refuse(catalog.error());
  const auto claims = load_claims();
  if (!claims) return context.refuse(claims.error());
  std::vector<ClaimResult> results;
  std::vector<std::string> ids;
  for (const Claim& claim : *claims) {
    auto result = recompute(*catalog, claim);
    if (!result) return context.refuse(result.error());
    results.push_back(std::move(*result));
    ids.push_back(claim.id);
  }
  if (!explain.empty()) {
    for (const ClaimResult& result : results) {
      if (result.claim.id != explain) continue;
      std::string text =
          to_text(result.why, [&](std::string_view id) { return catalog->source(id); });
      if (!result.reasons.empty()) text += reasons(result) + "\n";
      return print(text);
    }
    return context.refuse(
        make_error(fmt::format("there is no claim '{}'", explain), did_you_mean(explain, ids)));
  }
  if (context.json) return print(to_json(table_of(results, true)));
  if (context.csv) return print(to_csv(table_of(results, true)));
  print(to_text(table_of(results, false)) + explanations(results));
}

}  // namespace

void add_claims_command(CLI::App& app, Context& context) {
  auto explain = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand(
      "claims", "Published claims recomputed: what closes, what differs, and why");
  command->footer("Example:\n  fivefold claims\n  fivefold claims --explain C09\n");
  command->add_option("--explain", *explain, "Print one claim's formula, inputs and sources")
      ->type_name("ID");
  command->callback([explain, &context] { run(*explain, context); });
}

}  // namespace fivefold::app
