// Rows of one MoE layer: router, dispatch, experts and combine, forward and backward, as
// Megatron-Core times them apart (tests/functional_tests/test_cases/common/moe_perf).
#include <fmt/format.h>

#include "fivefold/evidence/training_case.h"
#include "fivefold/evidence/training_row.h"
#include "fivefold/training/model_cost.h"

namespace fivefold {
namespace {

struct LayerCase {
  System system;
  Stack stack;
  Model model;
  TrainingJob job;
  TrainingLayout layout;
  int chips = 0;
};

Model moe_model(const CsvTable& table, std::size_t row) {
  Model model;
  model.id = model.name = std::string(table.at(row, "layer"));
  model.hidden = whole(table, row, "hidden").value_or(0);
  model.vocabulary = 1;
  model.final_norm = false;
  model.lm_head = false;
  const int shared = whole(table, row, "shared_expert_ffn").value_or(0);
  LayerGroup layer;
  layer.count = 1;
  layer.norms = 0;
  layer.ffn = MoeFfn{.experts = whole(table, row, "experts").value_or(0),
                     .active = whole(table, row, "top_k").value_or(0),
                     .width = whole(table, row, "expert_ffn").value_or(0),
                     .shared = shared > 0 ? 1 : 0,
                     .shared_width = shared};
  model.layers = {layer};
  return model;
}

tl::expected<LayerCase, std::string> layer_case(const Catalog& catalog, const CsvTable& table,
                                                std::size_t row) {
  const auto chip = catalog.chip(table.at(row, "chip"));
  if (!chip) return tl::unexpected<std::string>("chip not in the catalog");
  LayerCase c;
  const System* found = nullptr;
  for (const System* system : catalog.systems()) {
    if (system->chip == *chip && found == nullptr) found = system;
  }
  if (found == nullptr) return tl::unexpected<std::string>("no system of the chip in the catalog");
  c.system = *found;
  c.stack = training_stack(catalog, **chip, "train/megatron-core");
  c.model = moe_model(table, row);
  const auto ranks = whole(table, row, "ranks"), tokens = whole(table, row, "tokens_per_rank");
  const MoeFfn& moe = std::get<MoeFfn>(c.model.layers.front().ffn);
  if (!ranks || !tokens || c.model.hidden < 1 || moe.experts < 1 || moe.active < 1) {
    return tl::unexpected<std::string>("sizes of the layer not published");
  }
  c.chips = *ranks;
  c.layout.tp = whole(table, row, "tp").value_or(1);
  c.layout.ep = whole(table, row, "ep").value_or(1);
  c.layout.dp = *ranks / c.layout.tp;
  c.layout.zero = 0;
  c.layout.sequence_parallel = c.layout.tp > 1;
  c.job.seq_len = *tokens;
  c.job.global_batch = c.layout.dp;
  c.job.format = has(table.at(row, "precision"), "fp8") ? Format::kFp8Block : Format::kBf16;
  if (moe.experts % c.layout.ep != 0)
    return tl::unexpected<std::string>("ep does not divide experts");
  return c;
}

struct LayerFigures {
  double forward_ms = 0, backward_ms = 0, allocated_gib = 0;
};

tl::expected<LayerFigures, std::string> figures_of(const LayerCase& c) {
  const auto machine = build_machine(c.system, c.chips, c.stack);
  if (!machine) return tl::unexpected<std::string>(machine.error().problems.front().what);
  const auto kernels = KernelModel::make(machine->device, c.stack);
  if (!kernels) return tl::unexpected<std::string>(kernels.error().problems.front().what);
  Subject subject{*machine, c.model, *kernels,
                  training_parameters(kernels->stack(), kernels->device(), c.job.format)};
  subject.parameters.sustained = 1;  // timed alone: the chip is not at its power limit
  const LayerCost cost = model_cost(subject, c.job, c.layout).layer;
  const double parameters = cost.dense_parameters + cost.expert_parameters;
  LayerFigures figures;
  figures.forward_ms = 1e3 * (cost.forward + cost.ep_forward + cost.tp_forward).value();
  figures.backward_ms = 1e3 * (cost.backward + cost.ep_backward + cost.tp_backward).value();
  // 16-bit weights and their gradients in 16 bit, and what the backward pass reads.
  figures.allocated_gib = (4 * parameters + cost.activations.kept.value()) / kGib;
  return figures;
}

}  // namespace

Predictions predict_moe_layers(const Catalog& catalog, const CsvTable& table) {
  Predictions predictions;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    Prediction p;
    p.form = "training";
    p.chip = std::string(table.at(row, "chip"));
    if (const auto chip = catalog.chip(p.chip)) p.chip = (*chip)->id;
    p.model = std::string(table.at(row, "layer"));
    p.row = fmt::format("{}:{} {}", file_stem(table.file), table.lines[row], table.at(row, "id"));
    tl::expected<LayerFigures, std::string> figures = LayerFigures{};
    if (const auto c = layer_case(catalog, table, row); !c) {
      figures = tl::unexpected(c.error());
    } else {
      p.stack = c->stack.id;
      figures = figures_of(*c);
    }
    if (!figures) p.refused = figures.error();
    const auto add = [&](const char* family, const char* column, const char* unit, double value) {
      Prediction part = p;
      part.family = family;
      part.unit = unit;
      part.measured = table.number(row, column).value_or(0);
      part.predicted = value;
      if (part.measured > 0) predictions.push_back(std::move(part));
    };
    const LayerFigures known = figures.value_or(LayerFigures{});
    add("moe_layer_forward", "forward_ms", "ms", known.forward_ms);
    add("moe_layer_backward", "backward_ms", "ms", known.backward_ms);
    add("moe_layer_memory", "max_allocated_GiB", "GiB", known.allocated_gib);
  }
  return predictions;
}

}  // namespace fivefold
