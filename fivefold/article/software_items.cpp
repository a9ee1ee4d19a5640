// Statements about software and formats: S14, S26 and S29. A term of what people call the ecosystem
// is what the answer gains when that term alone is as good as Nvidia's.
#include <cmath>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "fivefold/article/items.h"
#include "fivefold/planner/answer.h"
#include "fivefold/planner/bench.h"
#include "fivefold/planner/serving_search.h"
#include "fivefold/workload/layer.h"

namespace fivefold {
namespace {

// --- S14 -----------------------------------------------------------------------------------------

// Kinds of operators that a model needs on a device, prompts and decoding together.
std::set<std::string> operator_kinds(const Model& model, const Precision& precision) {
  std::set<std::string> kinds;
  for (const bool decode : {false, true}) {
    const Batch batch{
        .sequences = 8, .q_len = decode ? 1.0 : 512.0, .context = 1024, .decode = decode};
    const auto add = [&](const OpList& ops) {
      for (const Op& op : ops) kinds.emplace(op.name);
    };
    for (const LayerGroup& layer : model.layers) add(layer_ops(model, layer, {}, batch, precision));
    add(head_ops(model, {}, batch, precision));
  }
  return kinds;
}

Result<Finding> tests_take_time(const Workbench& bench) {  // S14
  const auto service = usual_service(bench.catalog);
  const auto chip = bench.catalog.chip("ascend_910c");
  const auto effort = bench.catalog.economics("soft.op.effort");
  const auto wait = bench.catalog.economics("soft.support.wait");
  if (!service) return fail(service.error());
  if (!chip) return fail(chip.error());
  if (!effort) return fail(effort.error());
  if (!wait) return fail(wait.error());
  const Model& model = *service->model;
  const double kinds =
      double(operator_kinds(model, serving_precision(model, (*chip)->device)).size());
  Finding finding;
  finding.values = {count_value("operators", kinds),
                    plain_value("weeks", kinds * (*effort)->number, 2, "person-weeks"),
                    value_of("wait", **wait, 1, 2, "months")};
  finding.values[1].low = kinds * (*effort)->lowest();
  finding.values[1].high = kinds * (*effort)->highest();
  add_sources(finding, **effort);
  add_sources(finding, **wait);
  finding.verdict = Verdict::kDepends;
  finding.commands = {fmt::format("fivefold model show {}", model.id)};
  return finding;
}

// --- S26 -----------------------------------------------------------------------------------------

struct Rate {
  double tokens = 0;   // output tokens/s a chip, prompts included
  double weights = 0;  // bytes of the model
};

// The usual service on a system whose weights and products are in one format.
Result<Rate> rate_in(const Workbench& bench, const System& system, int chips, Format format) {
  const auto service = usual_service(bench.catalog);
  if (!service) return fail(service.error());
  const Chip& chip = *system.chip;
  Precision precision = serving_precision(*service->model, chip.device);
  precision.gemm_a = precision.gemm_b = precision.expert_a = precision.expert_b = format;
  const auto served =
      serving_bench(system, chips, *service->model,
                    with_engine(bench.catalog, bench.catalog.default_stack(chip), chip), precision);
  if (!served) return fail(served.error());
  const ServingSpace space{*served->serving, *served->machine, *service->model, served->policy,
                           &bench.catalog};
  const auto found = search_serving(space, {.workload = service->workload, .slo = service->slo}, 1);
  if (!found) return fail(found.error());
  return Rate{found->best.per_chip, total_weights(*service->model, precision).value()};
}

// The same system with chips that compute in FP8 as fast as in INT8.
struct WithFp8 {
  Chip chip;
  System system;
  explicit WithFp8(const System& from) : chip(*from.chip), system(from) {
    const auto fp8 = std::size_t(Format::kFp8), block = std::size_t(Format::kFp8Block);
    chip.device.peak[fp8] = chip.device.peak[block] = chip.device.peak_for(Format::kInt8);
    system.chip = &chip;
  }
};

Result<Finding> formats_fit(const Workbench& bench) {  // S26
  const auto system = bench.catalog.system("cloudmatrix384");
  if (!system) return fail(system.error());
  const int chips = (*system)->chips;
  const WithFp8 native(**system);
  const auto upcast = rate_in(bench, **system, chips, Format::kBf16);
  const auto integer = rate_in(bench, **system, chips, Format::kInt8);
  const auto fp8 = rate_in(bench, native.system, chips, Format::kFp8Block);
  if (!upcast) return fail(upcast.error());
  if (!integer) return fail(integer.error());
  if (!fp8) return fail(fp8.error());
  Finding finding;
  finding.values = {plain_value("bf16", upcast->tokens, 3, "tokens/s"),
                    plain_value("int8", integer->tokens, 3, "tokens/s"),
                    plain_value("fp8", fp8->tokens, 3, "tokens/s"),
                    plain_value("gain", fp8->tokens / upcast->tokens),
                    plain_value("gain_int8", fp8->tokens / integer->tokens),
                    plain_value("weights_bf16", upcast->weights / 1e9, 4, "GB"),
                    plain_value("weights_fp8", fp8->weights / 1e9, 4, "GB")};
  int with = 0;
  for (const Chip* chip : bench.catalog.chips()) {
    const Fact* fact = chip->facts.find("formats.mxfp8_ue8m0");
    if (fact == nullptr || fact->kind != Fact::Kind::kBool || !fact->flag) continue;
    if (rule_subject(bench.catalog, *chip).maker_country != "CN") continue;
    ++with;
    add_sources(finding, *fact);
  }
  finding.values.push_back(count_value("chips", with));
  finding.verdict =
      with == 0 || fp8->tokens <= upcast->tokens ? Verdict::kContradicted : Verdict::kSupported;
  finding.commands = {
      "fivefold plan serve --model deepseek-ai/DeepSeek-R1 --system cloudmatrix384 --format bf16 "
      "--slo tpot=50ms",
      "fivefold plan serve --model deepseek-ai/DeepSeek-R1 --system cloudmatrix384 --format int8 "
      "--slo tpot=50ms"};
  return finding;
}

// --- S29 -----------------------------------------------------------------------------------------

// Tokens/s of a whole system under a stack ("": its own).
struct Rates {
  double decode = 0, training = 0;
};
Result<Rates> rates_of(const Workbench& bench, const char* id, const char* stack,
                       bool with_training) {
  const auto system = bench.catalog.system(id);
  const auto service = usual_service(bench.catalog);
  if (!system) return fail(system.error());
  if (!service) return fail(service.error());
  Question question;
  question.serving = service->workload;
  question.serving.tpot_limit = service->slo.tpot;
  question.training.global_batch = 1152;  // as `compare`
  question.with_training = with_training;
  const auto answer = answer_for(bench.catalog, **system, *service->model, question, stack);
  if (!answer) return fail(answer.error());
  Rates rates{.decode = answer->decode_rate};
  if (answer->training) {
    rates.training = answer->training->estimate.tokens_per_second / answer->training_systems;
  }
  return rates;
}

struct Term {
  const char* name;
  const char* stack;
};
constexpr Term kTerms[] = {{"kernels", "cann-as-good-as-cuda"},
                           {"links", "cann-linked-like-nvlink"},
                           {"engine", "cann-run-like-sglang"},
                           {"all", "cann-all-as-nvidia"}};

Result<Finding> what_the_ecosystem_is(const Workbench& bench) {  // S29
  constexpr double kChips = 384;
  const auto own = rates_of(bench, "cloudmatrix384", "", true);
  const auto theirs = rates_of(bench, "gb200_nvl72", "", true);
  if (!own) return fail(own.error());
  if (!theirs) return fail(theirs.error());
  // 910C that decode as much as one NVL72, as if instances could be cut at will.
  const auto chips_at = [&](const Rates& rates) { return theirs->decode / rates.decode * kChips; };
  Finding finding;
  const double base = chips_at(*own);
  finding.values.push_back(count_value("base", std::round(base)));
  double all = base, fewest = base;
  std::string largest;
  for (const Term& term : kTerms) {
    // Training has a framework of its own: there the kernels alone are changed.
    const bool kernels = std::string_view(term.name) == "kernels";
    const auto rates = rates_of(bench, "cloudmatrix384", term.stack, kernels);
    if (!rates) return fail(rates.error());
    const double chips = chips_at(*rates);
    finding.values.push_back(count_value(term.name, std::round(chips)));
    if (std::string_view(term.name) == "all") {
      all = chips;
    } else if (chips < fewest) {
      fewest = chips;
      largest = term.name;
    }
    if (kernels && own->training > 0 && rates->training > 0) {
      finding.values.push_back(
          plain_value("training_gain", (rates->training / own->training - 1) * 100, 2, "%"));
    }
  }
  finding.values.push_back(plain_value("software_share", (1 - all / base) * 100, 2, "%"));
  const auto mfu = bench.catalog.economics("soft.mfu.pangu");
  const auto effort = bench.catalog.economics("soft.op.effort");
  if (!mfu) return fail(mfu.error());
  if (!effort) return fail(effort.error());
  finding.values.push_back(value_of("mfu", **mfu, 100, 2, "%"));
  finding.values.push_back(value_of("weeks_an_operator", **effort, 1, 2, "person-weeks"));
  add_sources(finding, **mfu);
  add_sources(finding, **effort);
  if (!largest.empty()) {
    finding.values.push_back(
        {.name = "largest", .digits = 0, .unit = "", .text = "term." + largest});
  }
  // What the ecosystem explains is what all its terms together save; the rest is hardware.
  finding.verdict = Verdict::kDepends;
  finding.says = all <= base / 2 ? "software" : "hardware";
  finding.commands = {
      "fivefold compare cloudmatrix384 gb200-nvl72 --model deepseek-ai/DeepSeek-R1 --stack "
      "cann-all-as-nvidia"};
  return finding;
}

}  // namespace

void add_software_items(ItemTable& table) {
  table["S14"] = tests_take_time;
  table["S26"] = formats_fit;
  table["S29"] = what_the_ecosystem_is;
}

}  // namespace fivefold
