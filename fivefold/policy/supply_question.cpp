// What can be asked: vendors, quarters, scales; and that enough was known.
#include "fivefold/policy/supply_question.h"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

namespace fivefold {
namespace {

constexpr int kMostSamples = 1'000'000;
constexpr int kLastYear = 2035;

bool is_address(std::string_view source) {
  return source.starts_with("arXiv:") || source.starts_with("http");
}

}  // namespace

Result<std::vector<std::size_t>> asked_vendors(const SupplyBook& book,
                                               const std::vector<std::string>& wanted) {
  const std::vector<std::string> known = book.vendors();
  std::vector<std::size_t> asked;
  std::vector<Problem> problems;
  for (const std::string& id : wanted) {
    const auto found = std::find(known.begin(), known.end(), id);
    if (found != known.end()) {
      const auto index = std::size_t(found - known.begin());
      if (std::find(asked.begin(), asked.end(), index) == asked.end()) asked.push_back(index);
      continue;
    }
    std::string hint = did_you_mean(id, known);
    if (hint.empty()) hint = fmt::format("known: {}", fmt::join(known, ", "));
    Problem& problem = problems.emplace_back();
    problem.what = fmt::format("unknown vendor '{}'", id);
    problem.hint = std::move(hint);
  }
  if (!problems.empty()) return fail(Error{std::move(problems)});
  if (wanted.empty()) {
    asked.resize(known.size());
    std::iota(asked.begin(), asked.end(), std::size_t{0});
  }
  return asked;
}

Result<void> check_question(const SupplyBook::Data& data, const SupplyQuestion& question) {
  if (question.samples < 1 || question.samples > kMostSamples)
    return fail(fmt::format("{} samples", question.samples), "from 1 to a million");
  if (question.from > question.to)
    return fail(fmt::format("{} is after {}", to_text(question.from), to_text(question.to)),
                "--from is the earlier quarter");
  if (question.from < data.start)
    return fail(fmt::format("{} is before the facts begin", to_text(question.from)),
                fmt::format("from {} on", to_text(data.start)));
  if (question.to.year > kLastYear)
    return fail(fmt::format("{} is further than the facts reach", to_text(question.to)),
                fmt::format("to {}Q4", kLastYear));
  for (const SupplyQuestion::Scale& scale : question.scaled) {
    if (scale.from && (*scale.from < data.start || scale.from->year > kLastYear))
      return fail(fmt::format("'{}' is scaled from {}", scale.what, to_text(*scale.from)),
                  fmt::format("from {} to {}Q4", to_text(data.start), kLastYear));
  }
  return {};
}

// Without these there is no answer; what else is not known yet is not made yet.
Result<void> check_known(const SupplyBook::Data& data, const SupplyQuestion& question,
                         const std::vector<SeriesView>& views) {
  std::vector<Problem> problems;
  const auto need = [&](int series) {
    const SeriesView& view = views[std::size_t(series)];
    if (view.known()) return;
    problems.push_back(
        {view.series->place,
         fmt::format("nothing was known of {} ({}){}", view.series->id, view.series->what,
                     question.known_by ? " by " + to_text(*question.known_by) : std::string()),
         "state an assumption with an earlier as_of, or a later --known-by"});
  };
  for (const int series : {data.lead, data.place_in_span, data.packaging}) need(series);
  bool wafers = false;
  for (const SupplyNode& node : data.nodes) {
    if (!views[std::size_t(node.wafers)].known()) continue;
    need(node.yield);
    wafers = true;
  }
  for (const SupplyDie& die : data.dies) {
    if (wafers && die.yield >= 0) need(die.yield);
  }
  if (!problems.empty()) return fail(Error{std::move(problems)});
  return {};
}

// Every source and chip that the book names is of the catalog.
Result<void> check_names(const Catalog& catalog, const SupplyBook::Data& data) {
  std::vector<Problem> problems;
  std::vector<std::string> known;
  for (const Source* source : catalog.sources()) known.push_back(source->id);
  const auto sources = [&](const std::string& of, const std::vector<std::string>& ids,
                           const Place& place) {
    for (const std::string& id : ids) {
      if (!is_address(id) && !catalog.source(id))
        problems.push_back(
            {place, fmt::format("{}: unknown source '{}'", of, id), did_you_mean(id, known)});
    }
  };
  const auto fact = [&](const Fact& f) { sources(f.path, f.sources, f.place); };
  for (const SupplySeries& series : data.series) {
    for (const SupplyPoint& point : series.points) fact(point.fact);
  }
  for (const auto* spread : {&data.spread_high, &data.spread_medium, &data.spread_low})
    fact(**spread);
  for (const SupplyCheck& check : data.checks) fact(check.fact);
  for (const SupplyDie& die : data.dies) sources(die.id, die.sources, die.place);
  for (const SupplyLine& line : supply_lines(data)) {
    if (line.chip.empty()) continue;
    const auto chip = catalog.chip(line.chip);
    if (!chip)
      problems.push_back({data.vendors[std::size_t(line.vendor)].place,
                          chip.error().problems.front().what, chip.error().problems.front().hint});
  }
  if (!problems.empty()) return fail(Error{std::move(problems)});
  return {};
}

}  // namespace fivefold
