#include "fivefold/evidence/claims.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "fivefold/base/unit_text.h"
#include "fivefold/evidence/formula.h"

namespace fivefold {
namespace {

constexpr double kAgreement = 0.05;

Fact count_of(std::string path, std::string owner, double value) {
  Fact fact;
  fact.path = std::move(path);
  fact.owner = std::move(owner);
  fact.kind = Fact::Kind::kNumber;
  fact.number = fact.written = value;
  fact.confidence = Confidence::kHigh;
  return fact;
}

// "cloudmatrix384.power" -> the fact of that system or chip.
Result<Fact> find_fact(const Catalog& catalog, const Claim& claim, std::string_view name) {
  for (const Fact& input : claim.inputs) {
    if (input.path == name) return input;
  }
  const std::size_t dot = name.find('.');
  const std::string_view id = name.substr(0, dot);
  const std::string_view path = dot == name.npos ? std::string_view{} : name.substr(dot + 1);
  const Facts* facts = nullptr;
  if (const auto system = catalog.system(id)) {
    if (path == "chips") return count_of("chips", (*system)->id, (*system)->chips);
    facts = &(*system)->facts;
  } else if (const auto chip = catalog.chip(id)) {
    facts = &(*chip)->facts;
  } else {
    return fail(
        fmt::format("claim {}: '{}' is no chip, system or input of the claim", claim.id, id), {},
        claim.place);
  }
  const Fact* fact = facts->find(path);
  if (fact == nullptr || !fact->is_number()) {
    return fail(fmt::format("claim {}: '{}' has no number '{}'", claim.id, id, path), {},
                claim.place);
  }
  return *fact;
}

Result<double> compute(const Catalog& catalog, const Claim& claim) {
  const auto look_up = [&](std::string_view name) -> Result<Amount> {
    return find_fact(catalog, claim, name).map([](const Fact& fact) {
      return Amount{fact.number, fact.dim};
    });
  };
  const auto amount = evaluate(claim.formula, look_up);
  if (!amount) return tl::unexpected(amount.error());
  const Unit unit = parse_unit(claim.unit);
  const Dim expected = unit.known ? unit.dim : Dim{};
  if (amount->dim != expected) {
    return fail(fmt::format("claim {}: the formula gives {}, the claim is in '{}'", claim.id,
                            describe(amount->dim), claim.unit),
                {}, claim.place);
  }
  return amount->value / (unit.known ? unit.scale : 1);
}

bool agrees(const Claim& claim, double computed) {
  if (claim.published_low && claim.published_high && computed >= *claim.published_low &&
      computed <= *claim.published_high) {
    return true;
  }
  return std::abs(computed / claim.published - 1) <= kAgreement;
}

std::string written(const Fact& fact, double value) {
  const double scale = fact.written != 0 ? fact.number / fact.written : 1;
  return fmt::format("{:.6g}{}{}", value / scale, fact.unit.empty() ? "" : " ", fact.unit);
}

// Inputs that the claim's source and the catalog take differently.
std::vector<std::string> differing_inputs(const Catalog& published, const Catalog& catalog,
                                          const Claim& claim) {
  std::vector<std::string> found;
  const auto names = names_in(claim.formula);
  if (!names) return found;
  for (const std::string& name : *names) {
    const auto theirs = find_fact(published, claim, name);
    const auto ours = find_fact(catalog, claim, name);
    if (!theirs || !ours || theirs->number == ours->number) continue;
    found.push_back(fmt::format("{} is {} by {}, {} by {}", name, written(*theirs, theirs->number),
                                fmt::join(theirs->sources, ", "), written(*ours, ours->number),
                                fmt::join(ours->sources, ", ")));
  }
  return found;
}

// One input at a time takes each other value that a source gives it: those that make claim and
// computation agree explain the difference.
std::vector<std::string> explaining_inputs(const Catalog& catalog, const Claim& claim) {
  std::vector<std::string> reasons;
  const auto names = names_in(claim.formula);
  if (!names) return reasons;
  for (const std::string& name : *names) {
    const auto fact = find_fact(catalog, claim, name);
    if (!fact) continue;
    for (const OtherValue& other : fact->also) {
      Claim changed = claim;
      Fact input = *fact;
      input.path = name;
      input.number = other.value;
      changed.inputs.insert(changed.inputs.begin(), input);
      const auto computed = compute(catalog, changed);
      if (!computed || !agrees(claim, *computed)) continue;
      reasons.push_back(fmt::format("{} by {} instead of {} by {} for {} would give {:.4g}",
                                    written(*fact, other.value), fmt::join(other.sources, ", "),
                                    written(*fact, fact->number), fmt::join(fact->sources, ", "),
                                    name, *computed));
    }
  }
  return reasons;
}

Explanation explain(const Catalog& catalog, const Claim& claim, double computed) {
  Explanation why;
  why.statement = fmt::format("{}: {} {:.4g} {}; published {}", claim.id, claim.text, computed,
                              claim.unit, claim.said);
  why.formula = claim.formula;
  const auto names = names_in(claim.formula);
  if (!names) return why;
  for (const std::string& name : *names) {
    if (const auto fact = find_fact(catalog, claim, name)) why.facts.push_back(*fact);
  }
  return why;
}

}  // namespace

std::string_view name(ClaimVerdict verdict) {
  switch (verdict) {
    case ClaimVerdict::kCloses:
      return "closes";
    case ClaimVerdict::kDiffers:
      return "differs";
    case ClaimVerdict::kOpen:
      return "open";
  }
  return "open";
}

Result<ClaimResult> recompute(const Catalog& catalog, const Claim& claim) {
  ClaimResult result;
  result.claim = claim;
  if (claim.formula.empty()) {
    result.reasons.push_back(claim.note);
    return result;
  }
  const auto with_catalog = compute(catalog, claim);
  if (!with_catalog) return tl::unexpected(with_catalog.error());
  const auto published =
      claim.prefer.empty() ? Result<Catalog>(catalog) : catalog.preferring(claim.prefer);
  if (!published) return tl::unexpected(published.error());
  const auto computed = compute(*published, claim);
  if (!computed) return tl::unexpected(computed.error());

  result.with_catalog = *with_catalog;
  result.computed = *computed;
  result.difference = *computed / claim.published - 1;
  const bool closes = agrees(claim, *computed);
  result.verdict = closes ? ClaimVerdict::kCloses : ClaimVerdict::kDiffers;
  result.reasons =
      closes ? differing_inputs(*published, catalog, claim) : explaining_inputs(*published, claim);
  if (!closes && result.reasons.empty()) {
    result.reasons.push_back(claim.note.empty() ? "no input on which sources disagree explains it"
                                                : claim.note);
  }
  result.why = explain(*published, claim, *computed);
  return result;
}

}  // namespace fivefold
