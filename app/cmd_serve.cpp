#include <memory>
#include <optional>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/commands.h"
#include "app/load_args.h"
#include "app/serve_args.h"
#include "app/serve_estimate.h"
#include "fivefold/economics/economics.h"
#include "fivefold/planner/serving_choice.h"
#include "fivefold/report/serving_view.h"

namespace fivefold::app {
namespace {

struct Options {
  ServeArgs args;
  LoadArgs load;
  PolicyArgs policy;
  std::string layout, prefill, prefill_system;
  std::string slo;
  double share = 0.9;
  double batch = 0;           // 0: the largest within the limit
  double prefill_tokens = 0;  // 0: one prompt for each attention group
  int experts_apart = 0;      // devices that hold experts alone; 0: none
  int micro_batches = 3;
  bool no_search = false;
  std::string result_file, requests_file, timeline;
};

// The machines that serve: one, or one for prompts and one for answers.
struct Deployment {
  ServeBench bench;
  std::optional<ServeBench> other;  // prompts on a system of their own
  ServingInstances serving;
  std::optional<ServingInstances> prefill;
  bool chosen = false;  // by the planner
  const ServeBench& prompts() const { return other ? *other : bench; }
};

void take_plan(const ServingPlan& plan, Deployment& d) {
  d.serving = {int(plan.pools.decode_instances), plan.pools.decode};
  d.prefill.reset();
  if (plan.apart) d.prefill = {int(plan.pools.prefill_instances), plan.pools.prefill};
  d.bench.workload.draft_tokens = plan.drafts;
  d.chosen = true;
}

Result<SimulationSetup> setup_of(const Deployment& d, const Options& options,
                                 const RequestLoad& load);

// Of the planner's layouts the one that serves the begin of the load best.
Result<void> choose_layout(const Catalog& catalog, const Options& options, const RequestLoad& load,
                           const Slo& slo, Deployment& d) {
  // What the options say of engine and router is right or wrong whatever the layout.
  if (const auto setup = setup_of(d, options, load); !setup) return fail(setup.error());
  const ServingSpace space{*d.bench.serving, *d.bench.machine, *d.bench.model, d.bench.policy,
                           &catalog};
  const auto plan = choose_plan(space, d.bench.workload, load, slo, options.share,
                                [&](const ServingPlan& candidate) {
                                  take_plan(candidate, d);
                                  return *setup_of(d, options, load);
                                });
  if (!plan) return fail(plan.error());
  take_plan(*plan, d);
  return {};
}

Result<void> check_devices(const ServeBench& bench, double needed) {
  if (needed <= bench.machine->devices) return {};
  return fail(fmt::format("the instances need {:.0f} devices, {} has {}", needed,
                          bench.machine->system->id, bench.machine->devices),
              "fewer instances, or more systems: --system NAME:N");
}

Result<Deployment> deployment_of(const Catalog& catalog, const Options& options) {
  auto bench = serve_bench(catalog, options.args);
  if (!bench) return fail(std::move(bench.error()));
  Deployment d{std::move(*bench), {}, {}, {}};
  if (!options.layout.empty()) {
    const auto serving = parse_serving_layout(options.layout);
    if (!serving) return fail(serving.error());
    d.serving = *serving;
  }
  if (!options.prefill.empty()) {
    const auto prefill = parse_serving_layout(options.prefill);
    if (!prefill) return fail(prefill.error());
    d.prefill = *prefill;
  }
  if (!options.prefill_system.empty()) {
    auto other = serve_bench(catalog, options.args, options.prefill_system);
    if (!other) return fail(std::move(other.error()));
    d.other = std::move(*other);
  }
  const auto devices = [](const ServingInstances& i) {
    return double(i.count) * i.layout.devices();
  };
  double here = devices(d.serving);
  if (d.prefill && d.other) {
    if (auto fits = check_devices(*d.other, devices(*d.prefill)); !fits) return fail(fits.error());
  } else if (d.prefill) {
    here += devices(*d.prefill);
  }
  if (auto fits = check_devices(d.bench, here); !fits) return fail(fits.error());
  return d;
}

Result<SimulationSetup> setup_of(const Deployment& d, const Options& options,
                                 const RequestLoad& load) {
  SimulationSetup setup;
  const auto pool = [&](const ServeBench& bench,
                        const ServingInstances& instances) -> Result<ServingPool> {
    const auto policy = apply(options.policy, bench.policy);
    if (!policy) return fail(policy.error());
    return ServingPool{bench.serving.get(), instances.layout, instances.count, *policy};
  };
  const auto serving = pool(d.bench, d.serving);
  if (!serving) return fail(serving.error());
  setup.pool = *serving;
  if (d.prefill) {
    const auto prefill = pool(d.prompts(), *d.prefill);
    if (!prefill) return fail(prefill.error());
    setup.prefill = *prefill;
  }
  setup.options = d.bench.workload;
  // Prompts whose contents are known go where these were last.
  const bool contents = load.block_tokens > 0 && setup.pool.engine.prefix_cache;
  const std::string usual = contents ? "prefix" : "least";
  const auto router = router_named(options.policy.router.empty() ? usual : options.policy.router);
  if (!router) return fail(router.error());
  setup.router = *router;
  setup.concurrency = options.load.concurrency;
  setup.seed = options.load.seed;
  constexpr std::size_t kTimelineSteps = 50'000;
  if (!options.timeline.empty()) setup.record_steps = kTimelineSteps;
  return setup;
}

// The longest request that can be served at all.
Result<double> most_tokens(const Deployment& d, const SimulationSetup& setup) {
  const auto cache = cache_capacity(*d.bench.serving, setup.pool.layout, setup.pool.engine,
                                    setup.options.draft_tokens);
  if (!cache) return fail(cache.error());
  constexpr int kPages = 4;  // that a sequence's ends may waste
  double most = cache->tokens - kPages * setup.pool.engine.page_tokens;
  if (d.bench.model->max_context > 0) most = std::min(most, double(d.bench.model->max_context));
  return most;
}

std::vector<PoolView> pools_of(const Deployment& d, const SimulationResult& result) {
  std::vector<PoolView> pools;
  const auto add = [&](const char* name, const ServeBench& bench,
                       const ServingInstances& instances) {
    pools.push_back({name, bench.machine->system->id, bench.stack->name, instances,
                     bench.machine->system->chip->devices_per_chip, result.pools[pools.size()]});
  };
  if (d.prefill) add("prefill", d.prompts(), *d.prefill);
  add(d.prefill ? "decode" : "serving", d.bench, d.serving);
  return pools;
}

// Power of the systems by the share that the pools use of them, at the mean load over the time.
LoadCost cost_of(const Catalog& catalog, const Deployment& d, const ServingView& view) {
  LoadCost cost;
  Watts power{0};
  UsdPerSecond money{0};
  bool priced = true;
  for (std::size_t i = 0; i < view.pools.size(); ++i) {
    const PoolView& pool = view.pools[i];
    const ServeBench& bench = d.prefill && i == 0 ? d.prompts() : d.bench;
    const System& system = *bench.machine->system;
    const double time = view.metrics.duration * pool.instances.count;
    const Load load{.compute = std::min(1.0, pool.use.arithmetic / time),
                    .memory = std::min(1.0, pool.use.traffic / time)};
    const double systems = pool.chips() / system.chips;
    const auto watts = power_under_load(catalog, system, load);
    if (!watts) {
      cost.unknown = watts.error().problems.front().what;
      return cost;
    }
    power += systems * watts->value;
    const auto running = running_cost(catalog, system, load, Site{});
    if (!running) {
      cost.unknown = running.error().problems.front().what;
      priced = false;
      continue;
    }
    money += systems * running->total();
  }
  cost.power = power;
  const double rate = view.metrics.output_per_second();
  if (priced) cost.usd_per_million = cost_per_million_tokens(money, rate);
  return cost;
}

// Whether the engine was fitted on such runs, and what to expect of its times.
std::string range_note(const ServeBench& bench, const LoadSummary& load) {
  const FittedRange range = fitted_range(*bench.stack, bench.machine->device);
  std::vector<std::string> outside;
  if (!range.chip) {
    outside.push_back(
        fmt::format("no serving run of {} was fitted", bench.machine->system->chip->name));
  }
  const auto check = [&](const char* what, double mean, double low, double high) {
    if (high > 0 && (mean < low || mean > high)) {
      outside.push_back(fmt::format("{} of {:.0f} tokens on average are outside {:.0f} to {:.0f}",
                                    what, mean, low, high));
    }
  };
  check("prompts", load.input_mean, range.input_low, range.input_high);
  check("answers", load.output_mean, range.output_low, range.output_high);
  if (outside.empty()) {
    return fmt::format("take TPOT as +-{:.0f}%: inside of what its stack was fitted on",
                       100 * range.band);
  }
  return fmt::format("take TPOT as +-{:.0f}%, an assumption: {}", 100 * range.band_outside,
                     fmt::join(outside, "; "));
}

Result<std::string> simulated(const Catalog& catalog, const Options& options,
                              const Context& context) {
  auto deployment = deployment_of(catalog, options);
  if (!deployment) return fail(deployment.error());
  Deployment& d = *deployment;
  ServingView view;
  if (!options.slo.empty()) {
    const auto slo = parse_slo(options.slo);
    if (!slo) return fail(slo.error());
    view.slo = *slo;
  }
  const ServingWorkload& workload = d.bench.workload;
  auto chosen = choose_load(options.load, workload.input, workload.output);
  if (!chosen) return fail(chosen.error());
  if (options.layout.empty()) {
    if (!options.prefill.empty()) return fail("--prefill needs the --layout that decodes");
    const auto found = choose_layout(catalog, options, chosen->load, view.slo, d);
    if (!found) return fail(found.error());
  }
  const auto setup = setup_of(d, options, chosen->load);
  if (!setup) return fail(setup.error());
  if (options.load.skip_too_long) {
    const auto most = most_tokens(d, *setup);
    if (!most) return fail(most.error());
    if (const auto cut = leave_out_longer(*chosen, *most); !cut) return fail(cut.error());
  }
  const RequestLoad& load = chosen->load;
  const auto result = simulate(*setup, load);
  if (!result) return fail(result.error());
  view.model = d.bench.model->name;
  view.pools = pools_of(d, *result);
  view.load_name = load.name;
  view.load = summarise(load);
  view.timed = chosen->timed;
  view.concurrency = options.load.concurrency;
  view.notes = chosen->notes;
  view.notes.push_back(range_note(d.bench, view.load));
  if (d.chosen)
    view.notes.push_back(
        "of the planner's layouts (plan serve) this one served the begin of the load best; "
        "--layout sets one");
  view.share = options.share;
  view.metrics = metrics_of(*result, load, view.slo);
  view.preemptions = result->preemptions;
  view.cost = cost_of(catalog, d, view);
  if (view.slo.any() && view.timed && !options.no_search) {
    const auto largest = largest_load(*setup, load, view.slo, options.share);
    if (!largest) return fail(largest.error());
    view.largest = *largest;
  }
  const auto write = [](const std::string& file, auto text) -> Result<void> {
    return file.empty() ? Result<void>{} : write_file(file, text());
  };
  for (const auto& written :
       {write(options.result_file, [&] { return to_json(view); }),
        write(options.requests_file, [&] { return requests_csv(*result, load); }),
        write(options.timeline,
              [&] { return to_chrome_trace(timeline_of(*result, view.pools)); })}) {
    if (!written) return fail(written.error());
  }
  return context.json ? to_json(view) : context.csv ? to_csv(view) : to_text(view);
}

Result<std::string> estimated(const Catalog& catalog, const Options& options,
                              const Context& context) {
  const auto bench = serve_bench(catalog, options.args);
  if (!bench) return fail(bench.error());
  ServingWorkload workload = bench->workload;
  if (!bench->model->lm_head || bench->model->fixed_gflops_per_image > 0) {
    const auto limits = options.slo.empty() ? Result<Slo>(Slo{}) : parse_slo(options.slo);
    if (!limits) return fail(limits.error());
    return serve_images(*bench, limits->e2e, options.batch, context);
  }
  const auto slo = parse_slo(options.slo.empty() ? "tpot=50ms" : options.slo);
  if (!slo) return fail(slo.error());
  workload.tpot_limit = slo->tpot;
  workload.ttft_limit = slo->ttft;
  std::optional<ServingLayout> layout;
  if (!options.layout.empty()) {
    const auto instances = parse_serving_layout(options.layout);
    if (!instances) return fail(instances.error());
    layout = instances->layout;
  }
  if (options.experts_apart > 0) {
    if (!layout || options.batch <= 0) return fail("--experts-apart needs --layout and --batch");
    return serve_apart(*bench, *layout, options.experts_apart, options.micro_batches, options.batch,
                       context);
  }
  return serve_estimate(*bench, workload, layout, options.batch, options.prefill_tokens, context);
}

void run(const Options& options, Context& context) {
  const auto catalog = context.load();
  if (!catalog) return context.refuse(catalog.error());
  const auto answer = options.load.any() ? simulated(*catalog, options, context)
                                         : estimated(*catalog, options, context);
  if (!answer) return context.refuse(answer.error());
  print(*answer);
}

}  // namespace

void add_serve_command(CLI::App& app, Context& context) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "serve",
      "A model served: a load of requests played through an engine's scheduler (TTFT, TPOT, "
      "goodput, cache, power, the largest load within limits), or without a load prefill and "
      "decode in closed form.\n\nFor example:\n"
      "  fivefold serve --model deepseek-ai/DeepSeek-R1 --system cloudmatrix384 \\\n"
      "    --trace mooncake/conversation --slo ttft=2s,tpot=50ms\n"
      "  fivefold serve --model Qwen/Qwen3-32B --system h20-8 --layout '4x tp=2' --rate 8 \\\n"
      "    --isl 4000 --osl 500 --slo ttft=1s,tpot=40ms\n"
      "  fivefold serve --model deepseek-ai/DeepSeek-R1 --system h20-8:4 --isl 4096 --osl 1024\n");
  add_serve_args(*command, options->args);
  command
      ->add_option(
          "--layout", options->layout,
          "Instances and how each is cut: tp= dp= ep= pp=, with commas (default: searched)")
      ->type_name("[N x] KEY=VALUE,...");
  CLI::Option* prefill = command->add_option(
      "--prefill", options->prefill, "Prompts on instances of their own; --layout then decodes");
  prefill->type_name("[N x] KEY=VALUE,...");
  command->add_option("--prefill-system", options->prefill_system, "Of other chips")
      ->type_name("SYSTEM[:N]")
      ->needs(prefill);
  command->add_option("--slo", options->slo,
                      "Limits: ttft=2s,tpot=50ms,e2e=30s, or mlperf:MODEL/SCENARIO");
  command->add_option("--share", options->share, "Of requests that must hold the limits")
      ->capture_default_str()
      ->check(CLI::Range(0.01, 1.0));
  command->add_flag("--no-search", options->no_search, "Do not look for the largest load");
  add_load_args(*command, options->load);
  add_policy_args(*command, options->policy);
  command
      ->add_option(
          "--batch", options->batch,
          "Without a load: sequences an attention group (default: the largest in the limit)")
      ->check(CLI::PositiveNumber);
  command
      ->add_option("--prefill-tokens", options->prefill_tokens,
                   "Without a load: tokens of a prefill batch on a device")
      ->check(CLI::PositiveNumber);
  command
      ->add_option(
          "--experts-apart", options->experts_apart,
          "Without a load: experts on so many devices of their own, --layout the attention")
      ->check(CLI::PositiveNumber);
  command->add_option("--micro-batches", options->micro_batches, "Between attention and experts")
      ->capture_default_str()
      ->check(CLI::Range(1, 16))
      ->needs("--experts-apart");
  command
      ->add_option("--result", options->result_file,
                   "Write the result as vLLM's and SGLang's benchmarks do")
      ->type_name("OUT.json");
  command->add_option("--requests-csv", options->requests_file, "Write every request's times")
      ->type_name("OUT.csv");
  command
      ->add_option("--timeline", options->timeline,
                   "Write the first steps of all instances (Chrome JSON, for ui.perfetto.dev)")
      ->type_name("OUT.json");
  command->callback([options, &context] { run(*options, context); });
}

}  // namespace fivefold::app
