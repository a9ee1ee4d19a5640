#include "fivefold/evidence/deployment.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "fivefold/catalog/embedded.h"
#include "fivefold/catalog/yaml_tree.h"

namespace fivefold {
namespace {

const std::vector<std::string> kKeys = {
    "rows",         "refused",   "system",  "model",       "chips",     "phase",
    "tp",           "dp",        "ep",      "pp",          "instances", "prefill",
    "dense",        "experts",   "cache",   "engine",      "input",     "output",
    "tokens",       "batch",     "tpot_ms", "concurrency", "rounds",    "drafts",
    "acceptance",   "imbalance", "overlap", "prefix_hit",  "reserve",   "most_batch",
    "batch_tokens", "grows",     "against", "calibrates",  "attention", "streams"};

const std::pair<std::string_view, Deployment::Phase> kPhases[] = {
    {"prefill", Deployment::Phase::kPrefill}, {"decode", Deployment::Phase::kDecode},
    {"mixed", Deployment::Phase::kMixed},     {"full", Deployment::Phase::kFull},
    {"pools", Deployment::Phase::kPools},     {"load", Deployment::Phase::kLoad}};

class Reader {
 public:
  // What `over` states comes before what `node` does.
  Reader(const yaml::Node& node, const yaml::Node* over, const std::string& file,
         std::vector<Problem>& problems)
      : node_(node), over_(over), file_(file), problems_(problems) {}

  Deployment read() {
    Deployment d;
    d.place = {file_, node_.line, node_.column};
    refuse_unknown_keys(over_ != nullptr ? *over_ : node_);
    if (const yaml::Node* rows = node_.find("rows"); rows != nullptr && rows->is_list()) {
      for (const yaml::Node& row : rows->items) d.rows.push_back(row.scalar);
    }
    if (d.rows.empty()) problem(node_, "a deployment names no rows", "rows: [id, ...]");
    d.refused = text("refused");
    if (!d.refused.empty()) return d;
    d.setup = {.system = text("system"),
               .chip = "",
               .model = text("model"),
               .engine = text("engine"),
               .dense = text("dense"),
               .experts = text("experts"),
               .cache = text("cache"),
               .chips = count("chips", 8),
               .attention = text("attention")};
    d.layout = layout();
    d.instances = number("instances").value_or(1);
    d.calibrates = text("calibrates") == "true";
    read_work(d);
    if (d.phase == Deployment::Phase::kPools) read_pools(d);
    if (const yaml::Node* against = node_.find("against"); over_ == nullptr && against != nullptr) {
      d.against.push_back(Reader(node_, against, file_, problems_).read());
    }
    return d;
  }

 private:
  ServingLayout layout() {
    return {.tp = count("tp", 1), .dp = count("dp", 1), .ep = count("ep", 1), .pp = count("pp", 1)};
  }

  void read_pools(Deployment& d) {
    const yaml::Node* prefill = node_.find("prefill");
    if (prefill == nullptr || !d.concurrency) {
      problem(node_, "pools without prefill instances or concurrency",
              "prefill: {tp: 1, dp: 8, ep: 8, instances: 2}, concurrency: requests");
      return;
    }
    Reader pool(*prefill, nullptr, file_, problems_);
    pool.refuse_unknown_keys(*prefill);
    d.prefill_layout = pool.layout();
    d.prefill_instances = pool.number("instances").value_or(1);
  }

  void read_work(Deployment& d) {
    const std::string phase = text("phase");
    const auto* known = std::find_if(std::begin(kPhases), std::end(kPhases),
                                     [&](const auto& entry) { return entry.first == phase; });
    if (known == std::end(kPhases)) {
      problem(node_, fmt::format("phase '{}' is not known", phase),
              "prefill, decode, mixed, full, pools or load");
      return;
    }
    d.phase = known->second;
    d.input = number("input");
    d.output = number("output");
    d.tokens = number("tokens");
    d.batch = number("batch");
    d.concurrency = number("concurrency");
    d.workload.loop_rounds = number("rounds").value_or(0);
    d.workload.draft_tokens = int(number("drafts", true).value_or(0));
    d.workload.acceptance = number("acceptance").value_or(d.workload.acceptance);
    d.workload.expert_imbalance = number("imbalance").value_or(0);
    d.workload.prefix_hit = number("prefix_hit", true).value_or(0);
    d.workload.memory_reserve = number("reserve").value_or(d.workload.memory_reserve);
    d.workload.tpot_limit = Seconds(number("tpot_ms").value_or(0) / 1e3);
    d.workload.microbatch_overlap = text("overlap") != "false";
    if (text("streams") == "false") d.workload.stream_interval = kNoStream;
    d.limits.sequences = number("most_batch").value_or(0);
    d.limits.batch_tokens = number("batch_tokens").value_or(d.limits.batch_tokens);
    d.limits.grows = text("grows") == "true";
    if (d.phase == Deployment::Phase::kPrefill && !d.tokens) {
      problem(node_, "a prefill deployment without tokens", "tokens: of a batch, per device");
    }
    if (d.phase == Deployment::Phase::kDecode && !d.batch && d.workload.tpot_limit <= Seconds(0)) {
      problem(node_, "a decode deployment without batch", "batch: sequences, or tpot_ms: limit");
    }
    if (d.phase == Deployment::Phase::kMixed && !d.concurrency) {
      problem(node_, "a mixed deployment without concurrency", "concurrency: requests");
    }
  }

  void refuse_unknown_keys(const yaml::Node& node) {
    for (const std::string& key : node.keys) {
      if (std::find(kKeys.begin(), kKeys.end(), key) == kKeys.end()) {
        problem(node, fmt::format("'{}' is no key of a deployment", key), did_you_mean(key, kKeys));
      }
    }
  }

  const yaml::Node* find(std::string_view key) const {
    const yaml::Node* found = over_ != nullptr ? over_->find(key) : nullptr;
    return found != nullptr ? found : node_.find(key);
  }

  std::string text(std::string_view key) const {
    const yaml::Node* node = find(key);
    return node != nullptr && node->is_scalar() ? node->scalar : "";
  }

  std::optional<double> number(std::string_view key, bool zero_too = false) {
    const std::string written = text(key);
    if (written.empty()) return std::nullopt;
    double value = 0;
    const char* end = written.data() + written.size();
    const auto [stop, error] = std::from_chars(written.data(), end, value);
    const bool small = value < 0 || (value == 0 && !zero_too);
    if (error != std::errc() || stop != end || small) {
      problem(*find(key), fmt::format("{} '{}' is not a number above zero", key, written));
      return std::nullopt;
    }
    return value;
  }

  int count(std::string_view key, int otherwise) { return int(number(key).value_or(otherwise)); }

  void problem(const yaml::Node& node, std::string what, std::string hint = {}) {
    problems_.push_back({{file_, node.line, node.column}, std::move(what), std::move(hint)});
  }

  const yaml::Node& node_;
  const yaml::Node* over_;
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
    deployments.push_back(Reader(node, nullptr, file, problems).read());
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

const Deployment* deployment_of(const std::vector<Deployment>& deployments, std::string_view id) {
  const Deployment* by_pattern = nullptr;
  std::size_t longest = 0;
  for (const Deployment& d : deployments) {
    for (const std::string& row : d.rows) {
      if (row == id) return &d;
      if (row.size() <= longest || !row.ends_with('*')) continue;
      if (!id.starts_with(row.substr(0, row.size() - 1))) continue;
      by_pattern = &d;
      longest = row.size();
    }
  }
  return by_pattern;
}

}  // namespace fivefold
