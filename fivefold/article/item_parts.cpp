#include <algorithm>

#include <fmt/format.h>

#include "fivefold/article/items.h"

namespace fivefold {
namespace {

Result<const Fact*> number_in(const Facts& facts, std::string_view owner, std::string_view path) {
  const Fact* fact = facts.find(path);
  if (fact && fact->is_number()) return fact;
  return fail(fmt::format("'{}' has no number '{}'", owner, path),
              "the article's items need it: add it to the catalog");
}

}  // namespace

Result<const Fact*> chip_number(const Catalog& catalog, std::string_view chip,
                                std::string_view path) {
  const auto found = catalog.chip(chip);
  if (!found) return tl::unexpected(found.error());
  return number_in((*found)->facts, (*found)->id, path);
}

Result<const Fact*> system_number(const Catalog& catalog, std::string_view system,
                                  std::string_view path) {
  const auto found = catalog.system(system);
  if (!found) return tl::unexpected(found.error());
  return number_in((*found)->facts, (*found)->id, path);
}

ArticleValue value_of(std::string name, const Fact& fact, double scale, int digits,
                      std::string unit) {
  ArticleValue value{std::move(name), fact.number * scale, {}, {}, digits, std::move(unit)};
  value.low = fact.lowest() * scale;
  value.high = fact.highest() * scale;
  return value;
}

ArticleValue ratio_of(std::string name, const Fact& above, const Fact& below, int digits,
                      double scale) {
  ArticleValue value{std::move(name), scale * above.number / below.number, {}, {}, digits, ""};
  value.low = scale * above.lowest() / below.highest();
  value.high = scale * above.highest() / below.lowest();
  return value;
}

void add_sources(Finding& finding, const Fact& fact) {
  for (const std::string& id : fact.sources) {
    if (std::find(finding.sources.begin(), finding.sources.end(), id) == finding.sources.end()) {
      finding.sources.push_back(id);
    }
  }
}

Result<Event> event_of(const Workbench& bench, std::string_view id) {
  const auto& events = bench.events();
  if (!events) return tl::unexpected(events.error());
  std::vector<std::string> known;
  for (const Event& event : *events) {
    if (event.id == id) return event;
    known.push_back(event.id);
  }
  return fail(fmt::format("the timeline has no event '{}'", id), did_you_mean(id, known));
}

ArticleValue date_value(std::string name, std::string_view written) {
  ArticleValue value;
  value.name = std::move(name);
  value.text = written;
  return value;
}

ArticleValue plain_value(std::string name, double value, int digits, std::string unit) {
  return {.name = std::move(name), .value = value, .digits = digits, .unit = std::move(unit)};
}

ArticleValue count_value(std::string name, double count, std::string unit) {
  return {std::move(name), count, {}, {}, 0, std::move(unit)};
}

Finding not_computable(std::string missing) {
  Finding finding;
  finding.missing = std::move(missing);
  return finding;
}

}  // namespace fivefold
