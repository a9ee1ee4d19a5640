#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>

#include <fmt/format.h>

#include "fivefold/catalog/embedded.h"
#include "fivefold/catalog/yaml_tree.h"
#include "fivefold/traffic/named.h"

namespace fivefold {
namespace {

class LoadReader {
 public:
  LoadReader(const std::string& file, std::vector<Problem>& problems)
      : file_(file), problems_(problems) {}

  NamedLoad read(const yaml::Node& node, const std::vector<double>& levels) {
    NamedLoad load;
    load.id = text(node, "id");
    load.what = text(node, "what");
    load.form = text(node, "form");
    load.url = text(node, "url");
    load.licence = text(node, "licence");
    load.source = text(node, "source");
    load.aliases = texts(node, "aliases");
    load.files = texts(node, "files");
    load.stated = texts(node, "stated");
    read_statistics(node, load.statistics);
    load.profile.levels = levels;
    load.profile.input = numbers(node, "input_quantiles");
    load.profile.output = numbers(node, "output_quantiles");
    load.profile.rank_correlation = number(node, "rank_correlation");
    for (const auto* quantiles : {&load.profile.input, &load.profile.output})
      check(node, *quantiles, levels);
    if (const yaml::Node* contents = node.find("contents")) {
      load.profile.block_tokens = std::int32_t(number(*contents, "block_tokens"));
      load.profile.common = std::uint32_t(number(*contents, "common"));
      load.profile.continued = number(*contents, "continued");
      load.profile.lag = number(*contents, "lag");
      load.profile.lag_sigma = number(*contents, "lag_sigma");
    }
    return load;
  }

  std::vector<double> numbers(const yaml::Node& node, const char* key) {
    std::vector<double> values;
    const yaml::Node* list = node.find(key);
    if (list == nullptr || !list->is_list()) {
      problem(node, fmt::format("no list '{}'", key));
      return values;
    }
    for (const yaml::Node& item : list->items) values.push_back(parsed(item));
    return values;
  }

 private:
  void problem(const yaml::Node& node, std::string what) {
    Problem& added = problems_.emplace_back();
    added.place = {file_, node.line, node.column};
    added.what = std::move(what);
  }

  double parsed(const yaml::Node& node) {
    double value = 0;
    const char* last = node.scalar.data() + node.scalar.size();
    const auto [end, failed] = std::from_chars(node.scalar.data(), last, value);
    if (!node.is_scalar() || failed != std::errc() || end != last || !std::isfinite(value)) {
      problem(node, fmt::format("'{}' is not a number", node.scalar));
      return 0;
    }
    return value;
  }

  // Absent: 0.
  double number(const yaml::Node& node, const char* key) {
    const yaml::Node* found = node.find(key);
    return found != nullptr ? parsed(*found) : 0;
  }

  std::string text(const yaml::Node& node, const char* key) {
    const yaml::Node* found = node.find(key);
    if (found == nullptr || !found->is_scalar()) {
      problem(node, fmt::format("no '{}'", key));
      return {};
    }
    return found->scalar;
  }

  std::vector<std::string> texts(const yaml::Node& node, const char* key) {
    std::vector<std::string> all;
    const yaml::Node* list = node.find(key);
    if (list == nullptr || !list->is_list()) {
      problem(node, fmt::format("no list '{}'", key));
      return all;
    }
    for (const yaml::Node& item : list->items) all.push_back(item.scalar);
    return all;
  }

  void read_statistics(const yaml::Node& node, LoadSummary& into) {
    const yaml::Node* all = node.find("statistics");
    const yaml::Node* input = node.find("input");
    const yaml::Node* output = node.find("output");
    if (all == nullptr || input == nullptr || output == nullptr) {
      return problem(node, "no statistics, input or output");
    }
    into.requests = std::size_t(number(*all, "requests"));
    into.span = number(*all, "span");
    into.rate = number(*all, "rate");
    into.gap_cv = number(*all, "gap_cv");
    if (all->find("reuse") != nullptr) into.reuse = number(*all, "reuse");
    into.input_mean = number(*input, "mean");
    into.input_p50 = number(*input, "p50");
    into.input_p99 = number(*input, "p99");
    into.input_max = number(*input, "max");
    into.output_mean = number(*output, "mean");
    into.output_p50 = number(*output, "p50");
    into.output_p99 = number(*output, "p99");
    into.output_max = number(*output, "max");
  }

  void check(const yaml::Node& node, const std::vector<double>& quantiles,
             const std::vector<double>& levels) {
    if (quantiles.size() != levels.size() || quantiles.empty() || quantiles.front() < 1 ||
        !std::is_sorted(quantiles.begin(), quantiles.end())) {
      problem(node, "quantiles are one or more tokens, rising, as many as levels");
    }
  }

  std::string file_;
  std::vector<Problem>& problems_;
};

}  // namespace

Result<std::vector<NamedLoad>> read_named_loads(const std::string& file, std::string_view text) {
  std::vector<Problem> problems;
  const yaml::Node root = yaml::parse(text, file, problems);
  std::vector<NamedLoad> loads;
  const yaml::Node* list = root.find("loads");
  if (problems.empty() && (list == nullptr || !list->is_list())) {
    return fail("no list of loads", "loads:", {file, 1, 1});
  }
  if (problems.empty()) {
    LoadReader reader(file, problems);
    const std::vector<double> levels = reader.numbers(root, "levels");
    for (const yaml::Node& node : list->items) loads.push_back(reader.read(node, levels));
  }
  if (!problems.empty()) return fail(Error{std::move(problems)});
  return loads;
}

Result<std::vector<NamedLoad>> named_loads() {
  std::vector<NamedLoad> all;
  for (const EmbeddedFile& file : embedded_catalog()) {
    if (!file.path.starts_with("loads/")) continue;
    auto loads = read_named_loads("catalog/" + std::string(file.path), file.text);
    if (!loads) return loads;
    std::move(loads->begin(), loads->end(), std::back_inserter(all));
  }
  return all;
}

}  // namespace fivefold
