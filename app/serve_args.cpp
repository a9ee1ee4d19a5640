#include "app/serve_args.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/machine_args.h"

namespace fivefold::app {
namespace {

Result<Stack> stack_of(const Catalog& catalog, const Chip& chip, const ServeArgs& args) {
  const Stack* kernels = &catalog.default_stack(chip);
  if (!args.stack.empty()) {
    const auto named = catalog.stack(args.stack);
    if (!named) return fail(named.error());
    kernels = *named;
  }
  if (args.engine.empty()) return with_engine(catalog, *kernels, chip);
  const std::string engine = "engine/" + args.engine;
  if (const auto known = catalog.stack(engine); !known) return fail(known.error());
  return with_engine(catalog, *kernels, chip, engine);
}

// The formats that were asked for over those that the program would choose.
Result<Precision> precision_of(const Model& model, const Device& device, const ServeArgs& args) {
  Precision precision = serving_precision(model, device);
  const auto read = [](const std::string& text, auto set) -> Result<void> {
    if (text.empty()) return {};
    const auto format = format_from_name(text);
    if (!format) return fail(fmt::format("format '{}' is unknown", text), "bf16, fp8, int8, ...");
    set(*format);
    return {};
  };
  const auto weights = read(args.format, [&](Format f) {
    precision.gemm_a = precision.gemm_b = precision.expert_a = precision.expert_b = f;
  });
  if (!weights) return fail(weights.error());
  const auto cache = read(args.cache, [&](Format f) { precision.cache = f; });
  if (!cache) return fail(cache.error());
  return precision;
}

}  // namespace

void add_serve_args(CLI::App& command, ServeArgs& args) {
  ServingWorkload& workload = args.workload;
  command.add_option("--system", args.system, "System of the catalog, and how many of it")
      ->type_name("SYSTEM[:N]")
      ->required();
  command.add_option("--chips", args.chips, "Use so many chips alone (default: all)")
      ->check(CLI::PositiveNumber);
  command.add_option("--model", args.model, "Model, or a config.json")->required();
  command.add_option("--stack", args.stack, "Kernels and communication (default: of the vendor)");
  command.add_option("--engine", args.engine,
                     "vllm, sglang, trtllm, cann, generic (default: of the vendor)");
  command.add_option("--format", args.format,
                     "Of weights and products: bf16, fp8, int8, nvfp4, ... (default: the model's)");
  command.add_option("--cache-format", args.cache, "Of the KV cache (default: BF16)");
  command.add_option("--isl", workload.input, "Tokens of a prompt")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  command.add_option("--osl", workload.output, "Tokens of an answer")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  command
      .add_option("--drafts", workload.draft_tokens,
                  "Tokens drafted a step (multi-token prediction)")
      ->check(CLI::Range(0, 8));
  command.add_option("--acceptance", workload.acceptance, "Share of drafts accepted")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
  command
      .add_option("--imbalance", workload.expert_imbalance,
                  "Busiest device's share of expert load over the mean (default: from routing "
                  "statistics)")
      ->check(CLI::Range(1.0, 64.0));
  command.add_option("--prefix-hit", workload.prefix_hit, "Share of a prompt that is cached")
      ->check(CLI::Range(0.0, 0.99));
  command.add_flag("--no-overlap", args.no_overlap, "No micro-batches that hide the exchange");
}

Result<ServeBench> serve_bench(const Catalog& catalog, const ServeArgs& args) {
  const auto machine_of = choose_system(catalog, args.system, args.chips);
  if (!machine_of) return fail(machine_of.error());
  const System& system = *machine_of->system;
  const auto model = catalog.model(args.model);
  if (!model) return fail(model.error());
  auto chosen = stack_of(catalog, *system.chip, args);
  if (!chosen) return fail(chosen.error());
  const auto precision = precision_of(**model, system.chip->device, args);
  if (!precision) return fail(precision.error());
  auto bench = serving_bench(system, machine_of->chips, **model, *std::move(chosen), *precision);
  if (!bench) return fail(bench.error());
  ServingWorkload workload = args.workload;
  workload.microbatch_overlap = !args.no_overlap;
  return ServeBench{*std::move(bench), workload};
}

Result<ServeBench> serve_bench(const Catalog& catalog, ServeArgs args, const std::string& system) {
  args.system = system;
  args.chips = 0;
  return serve_bench(catalog, args);
}

}  // namespace fivefold::app
