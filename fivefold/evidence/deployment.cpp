#include "fivefold/evidence/deployment.h"

#include <algorithm>
#include <charconv>
#include <iterator>

#include <fmt/format.h>

#include "fivefold/catalog/embedded.h"
#include "fivefold/catalog/yaml_tree.h"

namespace fivefold {
namespace {

const std::vector<std::string> kKeys = {
    "rows",  "system",  "model",       "chips",  "phase",      "tp",        "dp",     "ep",
    "pp",    "dense",   "experts",     "cache",  "engine",     "input",     "output", "tokens",
    "batch", "tpot_ms", "concurrency", "drafts", "acceptance", "imbalance", "overlap"};

class Reader {
 public:
  Reader(const yaml::Node& node, const std::string& file, std::vector<Problem>& problems)
      : node_(node), file_(file), problems_(problems) {}

  Deployment read() {
    Deployment d;
    d.place = {file_, node_.line, node_.column};
    refuse_unknown_keys();
    if (const yaml::Node* rows = node_.find("rows"); rows != nullptr && rows->is_list()) {
      for (const yaml::Node& row : rows->items) d.rows.push_back(row.scalar);
    }
    if (d.rows.empty()) problem(node_, "a deployment names no rows", "rows: [id, ...]");
    d.setup = {.system = text("system"),
               .chip = "",
               .model = text("model"),
               .engine = text("engine"),
               .dense = text("dense"),
               .experts = text("experts"),
               .cache = text("cache"),
               .chips = count("chips", 8)};
    d.layout = {
        .tp = count("tp", 1), .dp = count("dp", 1), .ep = count("ep", 1), .pp = count("pp", 1)};
    read_work(d);
    return d;
  }

 private:
  void read_work(Deployment& d) {
    const std::string phase = text("phase");
    if (phase != "prefill" && phase != "decode" && phase != "mixed") {
      problem(node_, fmt::format("phase '{}' is not known", phase), "prefill, decode or mixed");
    }
    d.phase = phase == "prefill"  ? Deployment::Phase::kPrefill
              : phase == "decode" ? Deployment::Phase::kDecode
                                  : Deployment::Phase::kMixed;
    d.input = number("input");
    d.output = number("output");
    d.tokens = number("tokens");
    d.batch = number("batch");
    d.concurrency = number("concurrency");
    d.workload.draft_tokens = count("drafts", 0);
    d.workload.acceptance = number("acceptance").value_or(d.workload.acceptance);
    d.workload.expert_imbalance = number("imbalance").value_or(0);
    d.workload.tpot_limit = Seconds(number("tpot_ms").value_or(0) / 1e3);
    d.workload.microbatch_overlap = text("overlap") != "false";
    if (d.phase == Deployment::Phase::kPrefill && !d.tokens) {
      problem(node_, "a prefill deployment without tokens", "tokens: of a batch, per device");
    }
    if (d.phase == Deployment::Phase::kDecode && !d.batch && d.workload.tpot_limit <= Seconds(0)) {
      problem(node_, "a decode deployment without batch", "batch: sequences, or tpot_ms: limit");
    }
  }

  void refuse_unknown_keys() {
    for (const std::string& key : node_.keys) {
      if (std::find(kKeys.begin(), kKeys.end(), key) == kKeys.end()) {
        problem(node_, fmt::format("'{}' is no key of a deployment", key),
                did_you_mean(key, kKeys));
      }
    }
  }

  std::string text(std::string_view key) const {
    const yaml::Node* node = node_.find(key);
    return node != nullptr && node->is_scalar() ? node->scalar : "";
  }

  std::optional<double> number(std::string_view key) {
    const std::string written = text(key);
    if (written.empty()) return std::nullopt;
    double value = 0;
    const char* end = written.data() + written.size();
    const auto [stop, error] = std::from_chars(written.data(), end, value);
    if (error != std::errc() || stop != end || value <= 0) {
      problem(*node_.find(key), fmt::format("{} '{}' is not a number above zero", key, written));
      return std::nullopt;
    }
    return value;
  }

  int count(std::string_view key, int otherwise) { return int(number(key).value_or(otherwise)); }

  void problem(const yaml::Node& node, std::string what, std::string hint = {}) {
    problems_.push_back({{file_, node.line, node.column}, std::move(what), std::move(hint)});
  }

  const yaml::Node& node_;
  const std::string& file_;
  std::vector<Problem>& problems_;
};

}  // namespace

Result<std::vector<Deployment>> read_deployments(const std::string& file, std::string_view text) {
  std::vector<Problem> problems;
  const yaml::Node root = yaml::parse(text, file, problems);
  std::vector<Deployment> deployments;
  const yaml::Node* list = root.find("deployments");
  if (list == nullptr || !list->is_list()) {
    if (!problems.empty()) return fail(Error{std::move(problems)});
    return fail("no list of deployments", "deployments:", {file, 1, 1});
  }
  for (const yaml::Node& node : list->items) {
    deployments.push_back(Reader(node, file, problems).read());
  }
  if (!problems.empty()) return fail(Error{std::move(problems)});
  return deployments;
}

Result<std::vector<Deployment>> load_deployments() {
  std::vector<Deployment> all;
  for (const EmbeddedFile& file : embedded_catalog()) {
    if (!file.path.starts_with("deployments/")) continue;
    auto deployments = read_deployments("catalog/" + std::string(file.path), file.text);
    if (!deployments) return deployments;
    std::move(deployments->begin(), deployments->end(), std::back_inserter(all));
  }
  return all;
}

}  // namespace fivefold
