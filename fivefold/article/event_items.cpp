// Statements that only dated events bear out, or that no number can: S10, S12, S21, S22, S36, S38.
#include "fivefold/article/items.h"

namespace fivefold {
namespace {

void add_sources(Finding& finding, const Event& event) {
  for (const std::string& id : event.sources) {
    if (id != "ARTICLE") finding.sources.push_back(id);
  }
}

// What the article tells is borne out where somebody else reports it too.
bool independent(const Event& event) {
  for (const std::string& id : event.sources) {
    if (id != "ARTICLE") return true;
  }
  return false;
}

// S10: the stated ground is tracking inside the chips, an idea of American lawmakers.
Result<Finding> stated_ground(const Workbench& bench) {
  const auto summons = event_of(bench, "T028");
  if (!summons) return tl::unexpected(summons.error());
  const auto bill = event_of(bench, "T074");
  if (!bill) return tl::unexpected(bill.error());
  Finding finding;
  finding.verdict = independent(*summons) ? Verdict::kSupported : Verdict::kNotComputable;
  finding.missing = "missing.only_article";
  finding.values = {date_value("summons", summons->written), date_value("bill", bill->written)};
  add_sources(finding, *summons);
  add_sources(finding, *bill);
  return finding;
}

// S12: experts expected that approval would come in the end.
Result<Finding> expected_approval(const Workbench& bench) {
  const auto stop = event_of(bench, "T044");
  if (!stop) return tl::unexpected(stop.error());
  const auto conditional = event_of(bench, "T068");
  if (!conditional) return tl::unexpected(conditional.error());
  const auto withheld = event_of(bench, "T075");
  if (!withheld) return tl::unexpected(withheld.error());
  Finding finding;
  finding.verdict = Verdict::kContradicted;
  finding.values = {
      date_value("stop", stop->written), date_value("conditional", conditional->written),
      date_value("withheld", withheld->written),
      count_value("days", days_between(stop->date.first, withheld->date.first), "days")};
  for (const Event* event : {&*stop, &*conditional, &*withheld}) add_sources(finding, *event);
  return finding;
}

// S22: the maker's head says that he is disappointed.
Result<Finding> disappointed(const Workbench& bench) {
  const auto said = event_of(bench, "T045");
  if (!said) return tl::unexpected(said.error());
  Finding finding;
  finding.verdict = independent(*said) ? Verdict::kSupported : Verdict::kNotComputable;
  finding.missing = "missing.only_article";
  finding.values = {date_value("date", said->written)};
  add_sources(finding, *said);
  return finding;
}

// S36: refusing the weaker chips may win better ones. One followed the other; no more is shown.
Result<Finding> refusal_pays(const Workbench& bench) {
  const auto refusal = event_of(bench, "T044");
  if (!refusal) return tl::unexpected(refusal.error());
  const auto offer = event_of(bench, "T059");
  if (!offer) return tl::unexpected(offer.error());
  const int days = days_between(refusal->date.first, offer->date.first);
  Finding finding;
  finding.verdict = days > 0 ? Verdict::kDepends : Verdict::kContradicted;
  finding.values = {date_value("refusal", refusal->written), date_value("offer", offer->written),
                    count_value("days", days, "days")};
  add_sources(finding, *refusal);
  add_sources(finding, *offer);
  return finding;
}

}  // namespace

void add_event_items(ItemTable& table) {
  table["S10"] = stated_ground;
  table["S12"] = expected_approval;
  table["S21"] = [](const Workbench&) -> Result<Finding> {
    return not_computable("missing.opinion");
  };
  table["S22"] = disappointed;
  table["S36"] = refusal_pays;
  table["S38"] = [](const Workbench&) -> Result<Finding> {
    return not_computable("missing.intent");
  };
}

}  // namespace fivefold
