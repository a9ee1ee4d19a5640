#include "fivefold/report/training_report.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "fivefold/report/table.h"
#include "fivefold/training/layout_text.h"
#include "fivefold/training/parts.h"

namespace fivefold {
namespace {

using Json = nlohmann::ordered_json;

std::string key_of(std::string_view name) {
  std::string key(name);
  std::replace(key.begin(), key.end(), ' ', '_');
  return key;
}

std::string caption_text(const TrainingCaption& c) {
  const std::string computed = c.computed == c.job.format
                                   ? std::string()
                                   : fmt::format(" computed as {}: the chip has no {}",
                                                 name(c.computed), name(c.job.format));
  return fmt::format("{} on {} x {} ({} devices), {} sequences of {} tokens, {}{}\n", c.model->name,
                     c.machine->chips, c.machine->system->chip->name, c.machine->devices,
                     c.job.global_batch, c.job.seq_len, name(c.job.format), computed);
}

Json caption_json(const TrainingCaption& c) {
  return {{"system", c.machine->system->id},    {"model", c.model->id},
          {"chips", c.machine->chips},          {"devices", c.machine->devices},
          {"global_batch", c.job.global_batch}, {"seq_len", c.job.seq_len},
          {"format", name(c.job.format)},       {"computed_as", name(c.computed)}};
}

Json layout_json(const TrainingLayout& l) {
  return {{"text", to_text(l)},
          {"tp", l.tp},
          {"pp", l.pp},
          {"dp", l.dp},
          {"ep", l.ep},
          {"etp", l.etp},
          {"cp", l.cp},
          {"vpp", l.vpp},
          {"micro_batch", l.micro_batch},
          {"zero", l.zero},
          {"schedule", name(l.schedule)},
          {"recompute", recompute_text(l)}};
}

Json plan_json(const TrainingPlan& plan) {
  const TrainingEstimate& e = plan.estimate;
  Json json;
  json["layout"] = layout_json(plan.layout);
  json["step_s"] = e.step.value();
  for (const StepPart& part : step_parts(e)) json["parts_s"][key_of(part.name)] = part.time.value();
  for (const MemoryPart& part : memory_parts(e.memory)) {
    json["memory_bytes"][key_of(part.name)] = part.bytes.value();
  }
  json["memory_bytes"]["total"] = e.memory.total.value();
  json["mfu"] = e.mfu;
  json["tokens_per_second"] = e.tokens_per_second;
  return json;
}

std::string gigabytes(Bytes bytes) {
  return fmt::format("{:.1f} GB", bytes.value() / 1e9);
}

Table plans_table(std::string title, const std::vector<TrainingPlan>& plans, bool why) {
  Table table;
  table.title = std::move(title);
  table.columns = {{"layout"},
                   {"step", Align::kRight, "step", "s"},
                   {"MFU", Align::kRight, "mfu"},
                   {"memory", Align::kRight, "memory", "B"}};
  if (why) table.columns.push_back({"slower by", Align::kLeft, "slower_by"});
  for (const TrainingPlan& plan : plans) {
    const TrainingEstimate& e = plan.estimate;
    std::vector<TableCell> cells = {
        to_text(plan.layout),
        {e.step.value(), fmt::format("{:.4g} s", e.step.value())},
        {e.mfu, fmt::format("{:.1f}%", 100 * e.mfu)},
        {e.memory.total.value(), gigabytes(e.memory.total)},
    };
    if (why) cells.emplace_back(why_slower(e, plans.front().estimate));
    table.add(std::move(cells));
  }
  return table;
}

}  // namespace

std::string training_text(const TrainingCaption& c, const TrainingPlan& plan) {
  const TrainingEstimate& e = plan.estimate;
  std::string text = caption_text(c) + to_text(plan.layout) + "\n\n";
  const auto seconds = [](Seconds time) { return fmt::format("{:.4g} s", time.value()); };
  text += fmt::format("{:<18}{:>12}\n", "step", seconds(e.step));
  for (const StepPart& part : step_parts(e)) {
    if (part.time <= Seconds()) continue;
    text += fmt::format("  {:<16}{:>12}{:>8.1f}%\n", part.name, seconds(part.time),
                        100 * (part.time / e.step));
  }
  text += fmt::format("\n{:<18}{:>12}\n", "memory a device",
                      "of " + gigabytes(c.machine->device.memory_capacity));
  for (const MemoryPart& part : memory_parts(e.memory)) {
    if (part.bytes <= Bytes()) continue;
    text += fmt::format("  {:<16}{:>12}\n", part.name, gigabytes(part.bytes));
  }
  text += fmt::format("  {:<16}{:>12}\n", "total", gigabytes(e.memory.total));
  text += fmt::format("\n{:<18}{:>11.1f}%\n{:<18}{:>12.0f}\n{:<18}{:>12.1f}\n", "MFU", 100 * e.mfu,
                      "tokens/s", e.tokens_per_second, "tokens/s/chip",
                      e.tokens_per_second / c.machine->chips);
  return text;
}

std::string training_json(const TrainingCaption& c, const TrainingPlan& plan) {
  Json json = caption_json(c);
  json.update(plan_json(plan));
  json["tokens_per_second_per_chip"] = plan.estimate.tokens_per_second / c.machine->chips;
  return json.dump(2) + "\n";
}

std::string training_csv(const TrainingPlan& plan) {
  const TrainingEstimate& e = plan.estimate;
  std::string text = fmt::format("quantity,unit,value\nstep,s,{}\n", e.step.value());
  for (const StepPart& part : step_parts(e)) {
    text += fmt::format("{},s,{}\n", key_of(part.name), part.time.value());
  }
  for (const MemoryPart& part : memory_parts(e.memory)) {
    text += fmt::format("memory_{},bytes,{}\n", key_of(part.name), part.bytes.value());
  }
  return text + fmt::format("memory_total,bytes,{}\nmfu,,{}\ntokens_per_second,tokens/s,{}\n",
                            e.memory.total.value(), e.mfu, e.tokens_per_second);
}

std::string search_text(const TrainingCaption& c, const TrainingSearch& search) {
  const long timed = search.layouts - search.too_large - search.too_slow;
  return caption_text(c) +
         fmt::format(
             "{} layouts divide: {} need too much memory, {} take longer by their compute "
             "alone, {} were timed\n\n",
             search.layouts, search.too_large, search.too_slow, timed) +
         to_text(plans_table("The best of each cut", search.best, true)) + "\n" +
         to_text(plans_table("Time against memory", search.pareto, false));
}

std::string search_json(const TrainingCaption& c, const TrainingSearch& search) {
  Json json = caption_json(c);
  json["layouts"] = search.layouts;
  json["too_large"] = search.too_large;
  json["too_slow"] = search.too_slow;
  json["best"] = Json::array();
  for (const TrainingPlan& plan : search.best) {
    json["best"].push_back(plan_json(plan));
    json["best"].back()["slower_by"] = why_slower(plan.estimate, search.best.front().estimate);
  }
  json["pareto"] = Json::array();
  for (const TrainingPlan& plan : search.pareto) json["pareto"].push_back(plan_json(plan));
  return json.dump(2) + "\n";
}

std::string search_csv(const TrainingSearch& search) {
  return to_csv(plans_table("", search.best, true));
}

}  // namespace fivefold
