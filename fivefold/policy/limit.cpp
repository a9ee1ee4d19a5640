// How far a chip must be cut to pass: the edges of the rules in force are tried, alone and
// together.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "fivefold/base/text.h"
#include "fivefold/policy/rule_run.h"

namespace fivefold {
namespace {

using Cut = ChipLimit::Cut;

const std::vector<std::string> kCuttable = {"tpp", "dram_bw_gbs", "io_bw_2022_gbs"};
constexpr double kJustBelow = 1 - 1e-12;

// A threshold that a rule in force holds against a field.
struct Edge {
  const RuleField* field = nullptr;
  double threshold = 0;
  const Rule* rule = nullptr;
  std::string clause;
};

struct Search {
  const RuleBook& book;
  const RuleSubject& subject;  // as a product without a name
  Date date;
  Buyer buyer;
  std::vector<Edge> edges;

  double value(const std::string& field) const { return *subject.values.find(field)->second.value; }
};

void gather(const std::optional<RuleCondition>& condition, const RuleBook::Data& data,
            const Rule& rule, const std::string& clause, std::vector<Edge>& edges) {
  if (!condition) return;
  if (condition->kind == RuleCondition::Kind::kNumber) {
    edges.push_back({data.field(condition->field), condition->number, &rule, clause});
  }
  for (const RuleCondition& part : condition->parts) gather(part, data, rule, clause, edges);
}

std::vector<Edge> edges_of(const RuleBook::Data& data, const Classification& now) {
  std::vector<Edge> edges;
  for (const Rule& rule : data.rules) {
    const bool found = std::any_of(now.findings.begin(), now.findings.end(),
                                   [&](const RuleFinding& one) { return one.rule == rule.id; });
    if (!found) continue;
    for (const RuleParagraph& paragraph : rule.paragraphs) {
      gather(paragraph.when, data, rule, paragraph.clause, edges);
      for (const RuleEffect& effect : paragraph.effects) {
        gather(effect.when, data, rule, paragraph.clause, edges);
      }
    }
  }
  return edges;
}

RuleSubject with(const RuleSubject& subject, const std::vector<Cut>& cuts, bool below) {
  RuleSubject cut = subject;
  cut.values.erase("performance_density");  // made of the new values
  for (const Cut& one : cuts) {
    RuleValue& value = cut.values[one.field];
    value.value = one.limit * (below ? kJustBelow : 1);
    value.low = value.high = std::nullopt;
  }
  return cut;
}

bool passes(const Search& search, const std::vector<Cut>& cuts, bool below = true) {
  const RuleSubject cut = with(search.subject, cuts, below);
  return search.book.classify(cut, search.date, search.buyer).access == Access::kFree;
}

// What the edge is for `field`, the other fields being `cuts` or as they are.
std::optional<double> edge_for(const Edge& edge, const std::string& field, const Search& search,
                               const std::vector<Cut>& cuts) {
  const auto other = [&](const std::string& id) -> std::optional<double> {
    for (const Cut& cut : cuts) {
      if (cut.field == id) return cut.limit;
    }
    const auto found = search.subject.values.find(id);
    return found == search.subject.values.end() ? std::nullopt : found->second.value;
  };
  if (edge.field->id == field) return edge.threshold;
  if (edge.field->ratio.size() == 2 && edge.field->ratio[0] == field) {
    const auto below = other(edge.field->ratio[1]);
    return below ? std::optional(edge.threshold * *below) : std::nullopt;
  }
  const auto& sum = edge.field->sum;
  if (!is_among(sum, field)) return std::nullopt;
  double rest = edge.threshold;
  for (const std::string& part : sum) {
    if (part != field) rest -= other(part).value_or(0);
  }
  return rest;
}

std::vector<double> limits_for(const std::string& field, const Search& search,
                               const std::vector<Cut>& cuts) {
  std::vector<double> limits;
  for (const Edge& edge : search.edges) {
    const auto limit = edge_for(edge, field, search, cuts);
    if (limit && *limit > 0 && *limit <= search.value(field)) limits.push_back(*limit);
  }
  std::sort(limits.begin(), limits.end());
  limits.erase(std::unique(limits.begin(), limits.end()), limits.end());
  return limits;
}

double left_over(const std::vector<Cut>& cuts) {
  double product = 1;
  for (const Cut& cut : cuts) product *= cut.factor;
  return product;
}

// Tries every edge of each of the fields from `next` on; keeps the passing way that leaves most.
void try_fields(const std::vector<std::string>& fields, std::size_t next, const Search& search,
                std::vector<Cut>& cuts, std::vector<Cut>& best) {
  if (next == fields.size()) {
    if ((best.empty() || left_over(cuts) > left_over(best)) && passes(search, cuts)) best = cuts;
    return;
  }
  const double own = search.value(fields[next]);
  for (const double limit : limits_for(fields[next], search, cuts)) {
    Cut cut{.field = fields[next], .value = own, .limit = limit, .factor = limit / own};
    cuts.push_back(std::move(cut));
    try_fields(fields, next + 1, search, cuts, best);
    cuts.pop_back();
  }
}

std::string shown(const RuleField& field, double value) {
  return plain_number(value) + (field.unit.empty() ? "" : " " + field.unit);
}

// Which thresholds the limit lies on, in words.
void explain(const Search& search, const std::vector<Cut>& way, Cut& cut) {
  const RuleBook::Data& data = search.book.data();
  for (const Edge& edge : search.edges) {
    const auto limit = edge_for(edge, cut.field, search, way);
    if (!limit || std::abs(*limit - cut.limit) > 1e-9 * cut.limit) continue;
    std::string text =
        fmt::format("{} below {}", edge.field->name, shown(*edge.field, edge.threshold));
    if (edge.field->ratio.size() == 2) {
      const RuleField& per = *data.field(edge.field->ratio[1]);
      text += fmt::format(" at {}", shown(per, search.value(per.id)));
    }
    for (const std::string& part : edge.field->sum) {
      if (part == cut.field) continue;
      double other = search.value(part);
      for (const Cut& one : way) other = one.field == part ? one.limit : other;
      text +=
          fmt::format(" with {} of {}", shown(*data.field(part), other), data.field(part)->name);
    }
    if (cut.binding.find(text) != std::string::npos) continue;
    if (cut.rule.empty()) {
      cut.rule = edge.rule->id;
      cut.clause = edge.clause;
    }
    cut.binding += (cut.binding.empty() ? "" : "; ") + text;
  }
}

ChipLimit::Way best_way(const std::vector<std::string>& fields, const Search& search) {
  std::vector<std::string> order = fields;
  std::vector<Cut> best;
  do {  // a sum's edge depends on which of its parts is cut first
    std::vector<Cut> cuts;
    try_fields(order, 0, search, cuts, best);
  } while (std::next_permutation(order.begin(), order.end()));
  for (Cut& cut : best) explain(search, best, cut);
  const bool open = !best.empty() && !passes(search, best, false);
  for (Cut& cut : best) cut.open = open;
  return best;
}

// All groups of fields, the smaller first, as bits over kCuttable.
std::vector<unsigned> groups() {
  std::vector<unsigned> all;
  for (unsigned bits = 1; bits < (1u << kCuttable.size()); ++bits) all.push_back(bits);
  std::stable_sort(all.begin(), all.end(), [](unsigned a, unsigned b) {
    return __builtin_popcount(a) < __builtin_popcount(b);
  });
  return all;
}

Result<void> check_values(const RuleSubject& subject, const RuleBook::Data& data) {
  for (const std::string& field : kCuttable) {
    const auto found = subject.values.find(field);
    const bool known =
        found != subject.values.end() && found->second.value && !found->second.at_least;
    if (known) continue;
    return fail(fmt::format("{} of {} is not published in full, so no cut can be named",
                            data.field(field) ? data.field(field)->name : field, subject.name),
                "state it in a file of your own and pass --catalog DIR");
  }
  return {};
}

}  // namespace

Result<ChipLimit> limit_of(const RuleBook& book, const RuleSubject& subject, Date date,
                           const Buyer& buyer) {
  RuleSubject product = subject;
  product.id.clear();
  product.names.clear();
  product.maker_country.clear();  // as if every rule reached it
  if (const auto known = check_values(product, book.data()); !known) return fail(known.error());
  const Classification now = book.classify(product, date, buyer);
  ChipLimit limit;
  limit.passes = now.access == Access::kFree;
  if (limit.passes) return limit;
  const Search search{book, product, date, buyer, edges_of(book.data(), now)};
  std::vector<unsigned> enough;
  for (const unsigned bits : groups()) {
    const bool more = std::any_of(enough.begin(), enough.end(),
                                  [&](unsigned less) { return (bits & less) == less; });
    if (more) continue;
    std::vector<std::string> fields;
    for (std::size_t i = 0; i < kCuttable.size(); ++i) {
      if (bits & (1u << i)) fields.push_back(kCuttable[i]);
    }
    std::sort(fields.begin(), fields.end());
    ChipLimit::Way way = best_way(fields, search);
    if (way.empty()) continue;
    enough.push_back(bits);
    if (limit.cuts.empty() || left_over(way) > left_over(limit.cuts)) limit.cuts = way;
    limit.ways.push_back(std::move(way));
  }
  if (limit.ways.empty()) {
    return fail(fmt::format("no cut of compute, memory bandwidth or links lets {} pass on {}",
                            subject.name, to_text(date)),
                now.outcome);
  }
  return limit;
}

}  // namespace fivefold
