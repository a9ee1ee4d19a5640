#include <algorithm>
#include <mutex>

#include <fmt/format.h>

#include "fivefold/article/items.h"
#include "fivefold/base/parallel.h"

namespace fivefold {
namespace {

Result<std::vector<const ArticleItem*>> chosen(const Article& article,
                                               const std::vector<std::string>& only) {
  std::vector<std::string> known;
  for (const ArticleItem& item : article.items) known.push_back(item.id);
  std::vector<Problem> problems;
  for (const std::string& id : only) {
    if (std::find(known.begin(), known.end(), id) != known.end()) continue;
    problems.push_back(
        Problem{Place(), fmt::format("the article has no item '{}'", id), did_you_mean(id, known)});
  }
  if (!problems.empty()) return fail(Error{std::move(problems)});
  std::vector<const ArticleItem*> items;
  for (const ArticleItem& item : article.items) {
    if (only.empty() || std::find(only.begin(), only.end(), item.id) != only.end()) {
      items.push_back(&item);
    }
  }
  return items;
}

// What a function found, once for all the items that it answers (S02 and S09).
using Found = std::map<ItemFunction, Shared<Finding>>;

Result<Finding> examined(const Workbench& bench, Found& found, const ArticleItem& item) {
  const auto function = item_table().find(item.id);
  Result<Finding> finding = not_computable("missing.function");
  if (function != item_table().end()) {
    finding = found.at(function->second).get([&] { return function->second(bench); });
  }
  if (finding) {
    finding->item = item.id;
    return finding;
  }
  Error error = finding.error();
  for (Problem& problem : error.problems) {
    problem.what = fmt::format("item {}: {}", item.id, problem.what);
  }
  return fail(std::move(error));
}

}  // namespace

const ItemTable& item_table() {
  static const ItemTable table = [] {
    ItemTable all;
    add_event_items(all);
    add_system_items(all);
    add_machine_items(all);
    add_work_items(all);
    add_software_items(all);
    add_access_items(all);
    add_rule_items(all);
    add_trend_items(all);
    add_supply_items(all);
    add_money_items(all);
    return all;
  }();
  return table;
}

Result<std::vector<Finding>> examine(const Catalog& catalog, const Article& article,
                                     const ArticleOptions& options,
                                     const std::function<void(double)>& progress) {
  const auto items = chosen(article, options.only);
  if (!items) return tl::unexpected(items.error());
  const Workbench bench(catalog, options);
  Found found;  // all keys before the loop: it only looks up
  for (const auto& [id, function] : item_table()) found[function];
  std::vector<Result<Finding>> results(items->size());
  std::mutex lock;
  std::size_t done = 0;
  parallel_for(items->size(), [&](std::size_t i) {
    results[i] = examined(bench, found, *(*items)[i]);
    const std::lock_guard guard(lock);
    ++done;
    if (progress) progress(double(done) / double(items->size()));
  });
  std::vector<Finding> findings;
  std::vector<Problem> problems;
  for (Result<Finding>& result : results) {
    if (result) {
      findings.push_back(std::move(*result));
    } else {
      problems.insert(problems.end(), result.error().problems.begin(),
                      result.error().problems.end());
    }
  }
  if (!problems.empty()) return fail(Error{std::move(problems)});
  return findings;
}

}  // namespace fivefold
