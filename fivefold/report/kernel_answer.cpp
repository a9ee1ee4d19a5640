#include "fivefold/report/kernel_answer.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "fivefold/base/text.h"
#include "fivefold/kernel/parameters.h"

namespace fivefold {
namespace {

OpsPerSecond ops_rate(const KernelAnswer& answer) {
  return answer.work.ops / answer.time.time;
}

Bytes all_bytes(const KernelAnswer& answer) {
  return answer.work.weights + answer.work.activations;
}

TableCell time_cell(Seconds time) {
  return {time.value() * 1e6, format_quantity(time)};
}

// What the mechanism takes for the kernel that narrows activations before a product.
Seconds narrowing_of(const KernelModel& model, const AskedKernel& asked) {
  const Gemm* gemm = std::get_if<Gemm>(&asked.shape);
  if (gemm == nullptr || !gemm->quantises || !is_narrow(model.compute_format(asked.shape)))
    return Seconds(0);
  Gemm alone = *gemm;
  alone.quantises = false;
  return model.time(asked.family, asked.shape).memory - model.time(asked.family, alone).memory;
}

// The answers as a table; `swept` stands first.
Table answer_table(const KernelAnswers& answers) {
  Table table;
  if (!answers.swept.empty()) table.columns.push_back({answers.swept, Align::kRight});
  for (auto [heading, key, unit] : {std::tuple{"time", "time", "us"},
                                    {"compute", "compute", "us"},
                                    {"DRAM", "memory", "us"},
                                    {"overhead", "overhead", "us"},
                                    {"roofline", "roofline", "us"},
                                    {"achieved", "achieved", ""},
                                    {"arithmetic", "arithmetic", "op/s"},
                                    {"DRAM rate", "memory_rate", "B/s"}})
    table.columns.push_back({heading, Align::kRight, key, unit});
  const bool product = answers.answers.front().family == Family::kGemm;
  if (product) table.columns.push_back({"narrowing", Align::kRight, "narrowing", "us"});
  table.columns.push_back({"limit"});
  table.columns.push_back({"computes in", Align::kLeft, "compute_format"});
  for (const KernelAnswer& a : answers.answers) {
    std::vector<TableCell> cells;
    if (!answers.swept.empty()) {
      const double value = a.question.extents.find(answers.swept)->second;
      cells.emplace_back(value, fmt::format("{:.12g}", value));
    }
    for (const Seconds time :
         {a.time.time, a.time.compute, a.time.memory, a.time.overhead, a.roofline})
      cells.push_back(time_cell(time));
    cells.emplace_back(a.achieved(), format_percent(a.achieved()));
    cells.emplace_back(ops_rate(a).value(), format_quantity(ops_rate(a)));
    const BytesPerSecond rate = all_bytes(a) / a.time.time;
    cells.emplace_back(rate.value(), format_quantity(rate));
    if (product) cells.push_back(time_cell(a.narrowing));
    cells.emplace_back(name(a.time.limit));
    cells.emplace_back(name(a.compute));
    table.add(std::move(cells));
  }
  return table;
}

std::string fact_value(const Fact& fact) {
  if (!fact.is_number()) return std::string(readable_text(fact));
  const std::string number = fmt::format("{:.4g}", fact.written);
  return fact.unit.empty() ? number : number + " " + fact.unit;
}

std::string fact_range(const Fact& fact) {
  if (!fact.low || !fact.high) return "";
  const double unit = fact.number != 0 ? fact.written / fact.number : 1;
  return fmt::format("{:.4g} to {:.4g}", *fact.low * unit, *fact.high * unit);
}

std::string facts_text(const std::vector<const Fact*>& facts) {
  Table table;
  table.title = "What the stack gives (fivefold/kernel/parameters.h explains the names)";
  table.columns = {{"parameter"}, {"value", Align::kRight}, {"range"},
                   {"source"},    {"confidence"},           {"of"},
                   {"note"}};
  for (const Fact* fact : facts) {
    table.add({fact->path, fact_value(*fact), fact_range(*fact),
               fmt::format("{}", fmt::join(fact->sources, ", ")), name(fact->confidence),
               fact->owner, fact->note});
  }
  return to_text(table);
}

// Parts of one answer, one below the other, as a table of eleven columns would not fit.
std::string one_text(const KernelAnswer& a) {
  const KernelTime& t = a.time;
  std::string text;
  const auto line = [&](std::string_view label, const std::string& value, std::string_view why) {
    text += fmt::format("  {:<16} {:>11}", label, value);
    text += why.empty() ? "\n" : fmt::format("   {}\n", why);
  };
  line("time", format_quantity(t.time), fmt::format("limited by {}", name(t.limit)));
  line("compute", format_quantity(t.compute),
       a.work.ops > Ops(0) ? fmt::format("{} in {}", format_quantity(a.work.ops), name(a.compute))
                           : "none");
  line("DRAM", format_quantity(t.memory), format_quantity(all_bytes(a)) + " at least");
  if (a.narrowing > Seconds(0)) {
    line("of it narrowing", format_quantity(a.narrowing),
         "BF16 activations put into the product's format before it");
  }
  line("overhead", format_quantity(t.overhead), "launch, fill, drain");
  line("roofline", format_quantity(a.roofline), "at the data sheet's peak and bandwidth");
  line("achieved", format_percent(a.achieved()), "of the roofline");
  line("arithmetic rate", format_quantity(ops_rate(a)), "");
  line("DRAM rate", format_quantity(all_bytes(a) / t.time), "");
  return text;
}

nlohmann::ordered_json fact_json(const Fact& fact) {
  nlohmann::ordered_json one{{"name", fact.path}};
  if (fact.is_number()) one["value"] = fact.number;
  if (fact.low) one["low"] = *fact.low;
  if (fact.high) one["high"] = *fact.high;
  one["sources"] = fact.sources;
  one["confidence"] = name(fact.confidence);
  one["stack"] = fact.owner;
  if (!fact.note.empty()) one["note"] = fact.note;
  return one;
}

nlohmann::ordered_json answer_json(const KernelAnswer& a) {
  nlohmann::ordered_json one{{"family", name(a.family)}};
  for (const auto& [extent, value] : a.question.extents) one[extent] = value;
  for (const auto& [role, format] : a.question.formats) one[role] = format;
  for (const std::string& flag : a.question.flags) one[flag] = true;
  one["time_us"] = a.time.time.value() * 1e6;
  one["limit"] = name(a.time.limit);
  one["compute_us"] = a.time.compute.value() * 1e6;
  one["memory_us"] = a.time.memory.value() * 1e6;
  one["narrowing_us"] = a.narrowing.value() * 1e6;
  one["overhead_us"] = a.time.overhead.value() * 1e6;
  one["roofline_us"] = a.roofline.value() * 1e6;
  one["achieved"] = a.achieved();
  one["compute_format"] = name(a.compute);
  one["ops"] = a.work.ops.value();
  one["bytes"] = all_bytes(a).value();
  one["ops_per_second"] = ops_rate(a).value();
  one["bytes_per_second"] = (all_bytes(a) / a.time.time).value();
  return one;
}

}  // namespace

KernelAnswer answer_kernel(const KernelModel& model, const KernelQuestion& question,
                           const AskedKernel& asked) {
  const Format compute = model.compute_format(asked.shape);
  return {.question = question,
          .family = asked.family,
          .time = model.time(asked.family, asked.shape),
          .narrowing = narrowing_of(model, asked),
          .work = work(asked.shape),
          .roofline = roofline(model.device(), asked.shape, compute),
          .compute = compute};
}

Result<KernelAnswers> answer_kernels(const KernelModel& model, const KernelQuestion& question,
                                     const KernelSweep& sweep) {
  KernelAnswers result{model.device().chip, model.stack().id, sweep.extent, {}, {}};
  const std::vector<double> once = {0};
  for (const double value : sweep.values.empty() ? once : sweep.values) {
    KernelQuestion one = question;
    if (!sweep.extent.empty()) one.extents[sweep.extent] = value;
    const auto asked = asked_kernel(one);
    if (!asked) return tl::unexpected(asked.error());
    if (result.answers.empty())
      result.facts = facts_serving(model.device(), model.stack(), asked->family, asked->shape);
    result.answers.push_back(answer_kernel(model, one, *asked));
  }
  return result;
}

std::string kernel_text(const KernelAnswers& answers) {
  const KernelAnswer& first = answers.answers.front();
  KernelQuestion fixed = first.question;
  if (!answers.swept.empty()) fixed.extents.erase(answers.swept);
  std::string text = fmt::format("{} on {} under {}: {}\n", name(first.family), answers.chip,
                                 answers.stack, words_of(fixed));
  text += answers.swept.empty() ? one_text(first) : to_text(answer_table(answers), 120);
  return text + "\n" + facts_text(answers.facts);
}

std::string kernel_csv(const KernelAnswers& answers) {
  return to_csv(answer_table(answers));
}

std::string kernel_json(const KernelAnswers& answers) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const KernelAnswer& answer : answers.answers) rows.push_back(answer_json(answer));
  nlohmann::ordered_json facts = nlohmann::ordered_json::array();
  for (const Fact* fact : answers.facts) facts.push_back(fact_json(*fact));
  return nlohmann::ordered_json{{"chip", answers.chip},
                                {"stack", answers.stack},
                                {"rows", rows},
                                {"parameters", facts}}
             .dump(2) +
         "\n";
}

}  // namespace fivefold
