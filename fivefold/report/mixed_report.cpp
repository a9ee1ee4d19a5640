#include "fivefold/report/mixed_report.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "fivefold/training/layout_text.h"

namespace fivefold {
namespace {

using Json = nlohmann::ordered_json;
using Islands = std::array<Island, 2>;

double rate_alone(const MixedSearch& search, std::size_t i) {
  return search.alone[i] ? search.alone[i]->estimate.tokens_per_second : 0;
}

// Tokens a second together, over the sum of what each island trains by itself; 0: one cannot.
double joined_share(const MixedSearch& search, const MixedPlan& plan) {
  if (!search.alone[0] || !search.alone[1]) return 0;
  return plan.estimate.tokens_per_second / (rate_alone(search, 0) + rate_alone(search, 1));
}

std::string island_name(const Island& island) {
  return fmt::format("{} x {}", island.machine->chips, island.machine->system->chip->name);
}

const char* kind_name(MixedPlan::Kind kind) {
  return kind == MixedPlan::Kind::kReplicas ? "replicas" : "stages";
}

// What of the work is an island's: sequences of a step, or layers.
std::string share_text(const MixedPlan& plan, std::size_t i) {
  if (plan.kind == MixedPlan::Kind::kReplicas) {
    return fmt::format("{} sequences of {}", plan.batch[i], plan.batch[0] + plan.batch[1]);
  }
  const int own =
      i == 0 ? plan.layouts[0].front_stages : plan.layouts[1].pp - plan.layouts[1].front_stages;
  return fmt::format("{} layers of {} on {} stages", plan.layers[i],
                     plan.layers[0] + plan.layers[1], own);
}

std::string plan_text(const Islands& islands, const MixedSearch& search, const MixedPlan& plan) {
  const MixedEstimate& e = plan.estimate;
  std::string text = fmt::format("{:<18}{:>10.4g} s  {:>10.0f} tokens/s", kind_name(plan.kind),
                                 e.step.value(), e.tokens_per_second);
  if (const double share = joined_share(search, plan); share > 0) {
    text += fmt::format(", {:.0f}% of the sum of both alone", 100 * share);
  }
  text += "\n";
  for (std::size_t i = 0; i < 2; ++i) {
    text += fmt::format("  {}\n    {}, {:.4g} s of work, {:.1f} GB, {}\n", island_name(islands[i]),
                        share_text(plan, i), e.alone[i].value(), e.memory[i].total.value() / 1e9,
                        to_text(plan.layouts[i]));
  }
  return text + fmt::format("  over the link, seen: {:.4g} s\n", e.exchange.value());
}

Json plan_json(const MixedSearch& search, const MixedPlan& plan) {
  Json json;
  json["kind"] = kind_name(plan.kind);
  json["step_s"] = plan.estimate.step.value();
  json["tokens_per_second"] = plan.estimate.tokens_per_second;
  json["share_of_sum"] = joined_share(search, plan);
  json["exchange_s"] = plan.estimate.exchange.value();
  for (std::size_t i = 0; i < 2; ++i) {
    json["islands"].push_back({{"layout", to_text(plan.layouts[i])},
                               {"sequences", plan.batch[i]},
                               {"layers", plan.layers[i]},
                               {"work_s", plan.estimate.alone[i].value()},
                               {"memory_bytes", plan.estimate.memory[i].total.value()}});
  }
  return json;
}

std::string formats_remark(const Islands& islands) {
  if (islands[0].job.format == islands[1].job.format) return {};
  return fmt::format(
      "The first island multiplies in {}, the second in {}: replicas then differ in their "
      "rounding.\n",
      name(islands[0].job.format), name(islands[1].job.format));
}

}  // namespace

std::string mixed_text(const Islands& islands, const Model& model, const IslandLink& link,
                       const MixedSearch& search) {
  const TrainingJob& job = islands[0].job;
  std::string text = fmt::format(
      "{} on {} with {}, {} sequences of {} tokens; {:.4g} GB/s a device between the islands\n\n",
      model.name, island_name(islands[0]), island_name(islands[1]), job.global_batch, job.seq_len,
      link.per_device.value() / 1e9);
  for (std::size_t i = 0; i < 2; ++i) {
    if (search.alone[i]) {
      text += fmt::format("{:<18}{:>10.4g} s  {:>10.0f} tokens/s\n",
                          fmt::format("island {} alone", i + 1),
                          search.alone[i]->estimate.step.value(), rate_alone(search, i));
    } else {
      text += fmt::format("{:<18}does not hold the model\n", fmt::format("island {} alone", i + 1));
    }
  }
  text += search.replicas ? plan_text(islands, search, *search.replicas)
                          : fmt::format("{:<18}{}\n", "replicas", search.replicas_refusal);
  text += search.stages ? plan_text(islands, search, *search.stages)
                        : fmt::format("{:<18}{}\n", "stages", search.stages_refusal);
  return text + formats_remark(islands);
}

std::string mixed_json(const Islands& islands, const Model& model, const IslandLink& link,
                       const MixedSearch& search) {
  Json json;
  json["model"] = model.id;
  for (std::size_t i = 0; i < 2; ++i) {
    json["islands"].push_back({{"system", islands[i].machine->system->id},
                               {"chips", islands[i].machine->chips},
                               {"format", name(islands[i].job.format)},
                               {"tokens_per_second_alone", rate_alone(search, i)}});
  }
  json["link_bytes_per_second"] = link.per_device.value();
  const auto add = [&](const char* key, const std::optional<MixedPlan>& plan,
                       const std::string& refusal) {
    if (plan) {
      json[key] = plan_json(search, *plan);
    } else {
      json[key] = {{"refused", refusal}};
    }
  };
  add("replicas", search.replicas, search.replicas_refusal);
  add("stages", search.stages, search.stages_refusal);
  return json.dump(2) + "\n";
}

}  // namespace fivefold
