#include "fivefold/evidence/serving_case.h"

#include <fmt/format.h>

namespace fivefold {
namespace {

tl::unexpected<std::string> refuse(const Error& error) {
  return tl::unexpected<std::string>(error.problems.front().what);
}

// The formats that the row states over those that the program would choose.
tl::expected<Precision, std::string> precision_of(const ServingSetup& setup, const Model& model,
                                                  const Device& device) {
  Precision precision = serving_precision(model, device);
  const auto read = [](const std::string& text, Format& into) {
    const auto format = format_from_name(text);
    if (format) into = *format;
    return format.has_value();
  };
  // Weights published in MXFP4 stay so whatever the row calls them.
  if (!setup.dense.empty() && model.native_experts != Format::kMxFp4) {
    if (!read(setup.dense, precision.gemm_b)) {
      return tl::unexpected(fmt::format("format {} is not known", setup.dense));
    }
    precision.gemm_a = precision.gemm_b;
    const std::string& experts = setup.experts.empty() ? setup.dense : setup.experts;
    if (!read(experts, precision.expert_b)) {
      return tl::unexpected(fmt::format("format {} is not known", experts));
    }
    // Weights in INT4 are widened to the activations' format (W4A8).
    precision.expert_a =
        precision.expert_b == Format::kInt4 ? precision.gemm_a : precision.expert_b;
  }
  // A model published in FP8 with scales of blocks is served so; tables call both FP8. SGLang's
  // dense products take such scales at the pace of plain FP8 where it is told to (FlashInfer).
  const auto with_blocks = [&](Format published, Format& given) {
    if (setup.engine != "sglang" && given == Format::kFp8 && published == Format::kFp8Block)
      given = published;
  };
  with_blocks(model.native, precision.gemm_a);
  with_blocks(model.native, precision.gemm_b);
  with_blocks(model.native_experts, precision.expert_a);
  with_blocks(model.native_experts, precision.expert_b);
  if (!setup.cache.empty() && !read(setup.cache, precision.cache)) {
    return tl::unexpected(fmt::format("format {} is not known", setup.cache));
  }
  if (!setup.attention.empty() && !read(setup.attention, precision.attention)) {
    return tl::unexpected(fmt::format("format {} is not known", setup.attention));
  }
  return precision;
}

}  // namespace

std::unique_ptr<const Stack> ServingRigs::stack_of(const ServingSetup& setup) const {
  const auto chip = catalog_.chip(setup.chip);
  if (!chip) return nullptr;
  const Stack* kernels = &catalog_.default_stack(**chip);
  if (setup.engine.empty()) {
    return std::make_unique<const Stack>(with_engine(catalog_, *kernels, **chip));
  }
  if (const auto named = catalog_.stack(setup.engine)) kernels = *named;
  Stack joined = with_engine(catalog_, *kernels, **chip, "engine/" + setup.engine);
  joined.id = setup.engine;
  if (!engine_.empty()) {
    StackEntry over{.family = "serving", .architecture = "*", .format = "*", .parameters = {}};
    over.parameters.own().all = engine_;
    joined.entries.push_back(std::move(over));
  }
  return std::make_unique<const Stack>(std::move(joined));
}

std::string ServingRigs::chip_of(const ServingSetup& setup) const {
  const auto chip = catalog_.chip(setup.chip);
  return chip ? (*chip)->id : setup.chip;
}

tl::expected<std::unique_ptr<ServingRig>, std::string> ServingRigs::build(
    const ServingSetup& setup) const {
  const auto system = catalog_.system(setup.system);
  if (!system) return tl::unexpected(fmt::format("system {} is not in the catalog", setup.system));
  const auto model = catalog_.model(setup.model);
  if (!model) return tl::unexpected(fmt::format("model {} is not in the catalog", setup.model));
  auto stack = stack_of(setup);
  if (stack == nullptr) {
    return tl::unexpected(fmt::format("chip {} is not in the catalog", setup.chip));
  }
  auto machine = build_machine(**system, setup.chips, *stack);
  if (!machine) return refuse(machine.error());
  auto kernels = KernelModel::make(machine->device, *stack);
  if (!kernels) return refuse(kernels.error());
  const auto precision = precision_of(setup, **model, machine->device);
  if (!precision) return tl::unexpected(precision.error());
  auto rig = std::make_unique<ServingRig>(ServingRig{
      std::move(stack), std::move(*machine), std::move(*kernels), *model, *precision, {}});
  rig->serving =
      std::make_unique<const ServingModel>(rig->machine, **model, rig->kernels, *precision);
  return rig;
}

tl::expected<const ServingRig*, std::string> ServingRigs::find(const ServingSetup& setup) {
  const std::string key =
      fmt::format("{}|{}|{}|{}|{}|{}|{}|{}|{}", setup.system, setup.chip, setup.model, setup.engine,
                  setup.dense, setup.experts, setup.cache, setup.chips, setup.attention);
  auto found = rigs_.find(key);
  if (found == rigs_.end()) found = rigs_.emplace(key, build(setup)).first;
  if (!found->second) return tl::unexpected(found->second.error());
  return found->second->get();
}

}  // namespace fivefold
