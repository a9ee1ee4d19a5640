#include "fivefold/evidence/calibrate.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <set>
#include <thread>

#include <fmt/format.h>

#include "fivefold/evidence/kernel_rows.h"

namespace fivefold {
namespace {

// Calls work(i) for all i below count on all cores; the order of calls does not matter to results.
void in_parallel(std::size_t count, const std::function<void(std::size_t)>& work,
                 const std::function<void(double)>& progress) {
  std::atomic<std::size_t> next{0}, done{0};
  const auto run = [&](bool shows) {
    for (std::size_t i = next++; i < count; i = next++) {
      work(i);
      ++done;
      if (shows && progress) progress(double(done) / double(count));
    }
  };
  std::vector<std::thread> others;
  for (unsigned t = 1; t < std::max(1U, std::thread::hardware_concurrency()); ++t)
    others.emplace_back(run, false);
  run(true);
  for (std::thread& other : others) other.join();
  if (progress) progress(1);
}

// Groups that one fit takes together.
struct Pool {
  std::string architecture;
  std::vector<const KernelGroup*> groups;
};

std::vector<Pool> pools_of(const std::vector<const KernelGroup*>& groups) {
  // Key: layer (0 all chips, 1 architecture, 2 chip), its name, stack, family, format, kernel. All
  // chips share what their stack runs by itself, whatever the kernel's name on each architecture.
  using Key = std::tuple<int, std::string, std::string, std::string, Format, std::string>;
  std::map<Key, Pool> pools;
  const auto put = [&](int layer, const std::string& name, const std::string& kernel,
                       const KernelGroup* group) {
    Pool& pool = pools[{layer, name, group->stack, group->listed, group->format, kernel}];
    pool.architecture = name;
    pool.groups.push_back(group);
  };
  for (const KernelGroup* group : groups) {
    put(0, "*", group->served ? "" : group->kernel, group);
    put(1, group->architecture, group->kernel, group);
    put(2, group->chip, group->kernel, group);
  }
  std::vector<Pool> result;
  for (auto& [key, pool] : pools) {
    // A chip alone in its architecture is that architecture.
    std::set<std::string> chips;
    for (const KernelGroup* group : pool.groups) chips.insert(group->chip);
    const int layer = std::get<0>(key);
    if (layer == 2) {
      const Key wider{1,
                      pool.groups[0]->architecture,
                      std::get<2>(key),
                      std::get<3>(key),
                      std::get<4>(key),
                      std::get<5>(key)};
      std::set<std::string> siblings;
      for (const KernelGroup* group : pools[wider].groups) siblings.insert(group->chip);
      if (siblings.size() < 2) continue;
    }
    result.push_back(std::move(pool));
  }
  return result;
}

std::vector<KernelSample> samples_of(const Pool& pool, bool held) {
  std::vector<KernelSample> samples;
  for (const KernelGroup* group : pool.groups) {
    const std::vector<KernelSample>& from = held ? group->held : group->fitted;
    samples.insert(samples.end(), from.begin(), from.end());
  }
  return samples;
}

double error_of(const KernelFit& fit, Family family, const std::vector<KernelSample>& samples) {
  double sum = 0;
  for (const KernelSample& sample : samples)
    sum += std::abs(fitted_seconds(fit, family, sample) / sample.seconds - 1);
  return samples.empty() ? 0 : sum / double(samples.size());
}

// Mean over the chips of a pool of the error on each from a fit on the others.
double transfer_error(const Pool& pool, const std::set<std::string>& chips) {
  double sum = 0;
  for (const std::string& chip : chips) {
    Pool others = pool, left = pool;
    std::erase_if(others.groups, [&](const KernelGroup* g) { return g->chip == chip; });
    std::erase_if(left.groups, [&](const KernelGroup* g) { return g->chip != chip; });
    const Family family = pool.groups.front()->family;
    sum += error_of(fit_kernel(family, samples_of(others, false)), family, samples_of(left, false));
  }
  return sum / double(chips.size());
}

KernelLayer fit_pool(const Pool& pool) {
  const KernelGroup& first = *pool.groups.front();
  KernelLayer layer{.stack = first.stack,
                    .architecture = pool.architecture,
                    .listed = first.listed,
                    .kernel = first.kernel,
                    .served = first.served,
                    .family = first.family,
                    .format = first.format};
  std::set<std::string> chips;
  for (const KernelGroup* group : pool.groups) chips.insert(group->chip);
  const std::vector<KernelSample> fitted = samples_of(pool, false), held = samples_of(pool, true);
  layer.rows = fitted.size();
  layer.held_rows = held.size();
  layer.chips = chips.size();
  layer.fit = fit_kernel(layer.family, fitted);
  if (pool.architecture == "*" && chips.size() > 1)
    layer.transfer_error = transfer_error(pool, chips);
  layer.held_error = error_of(layer.fit, layer.family, held);
  for (const KernelSample& sample : held) {
    layer.held_bias += std::log(fitted_seconds(layer.fit, layer.family, sample) / sample.seconds) /
                       double(held.size());
  }
  return layer;
}

KernelLayers fit_pools(const std::vector<const KernelGroup*>& groups,
                       const std::function<void(double)>& progress) {
  KernelLayers result;
  std::vector<Pool> pools;
  for (Pool& pool : pools_of(groups)) {
    const std::size_t rows = samples_of(pool, false).size();
    if (rows >= kLeastSamples) {
      pools.push_back(std::move(pool));
      continue;
    }
    const KernelGroup& one = *pool.groups.front();
    result.too_few.push_back(fmt::format("{} {} {} ({}) on {}: {} rows, needs {}", one.stack,
                                         one.listed, name(one.format), one.kernel,
                                         pool.architecture, rows, kLeastSamples));
  }
  result.layers.resize(pools.size());
  in_parallel(
      pools.size(), [&](std::size_t i) { result.layers[i] = fit_pool(pools[i]); }, progress);
  return result;
}

// The narrowest layer that was fitted for this kernel.
const KernelLayer* layer_for(const KernelLayers& fitted, const KernelGroup& group) {
  const KernelLayer* best = nullptr;
  int narrowest = -1;
  for (const KernelLayer& layer : fitted.layers) {
    if (layer.stack != group.stack || layer.listed != group.listed ||
        layer.format != group.format || layer.served != group.served)
      continue;
    if (!group.served && layer.kernel != group.kernel) continue;
    const int width = layer.architecture == group.chip           ? 2
                      : layer.architecture == group.architecture ? 1
                      : layer.architecture == "*"                ? 0
                                                                 : -1;
    if (width > narrowest) {
      narrowest = width;
      best = &layer;
    }
  }
  return best;
}

std::vector<const KernelGroup*> pointers(const std::vector<KernelGroup>& groups,
                                         std::string_view without = {}) {
  std::vector<const KernelGroup*> result;
  for (const KernelGroup& group : groups) {
    if (group.chip != without) result.push_back(&group);
  }
  return result;
}

}  // namespace

KernelLayers fit_layers(const std::vector<KernelGroup>& groups,
                        const std::function<void(double)>& progress) {
  return fit_pools(pointers(groups), progress);
}

Result<Evidence> validate_without_chip(const Catalog& catalog,
                                       const std::vector<std::string>& paths,
                                       std::vector<std::string>& notes,
                                       const std::function<void(double)>& progress) {
  auto read = read_kernel_groups(catalog, paths);
  if (!read) return fail(std::move(read.error()));
  notes = std::move(read->notes);
  const std::vector<KernelGroup>& groups = read->groups;
  std::set<std::string> chips;
  for (const KernelGroup& group : groups) chips.insert(group.chip);
  Evidence evidence;
  evidence.refused = std::move(read->refused);
  double done = 0;
  for (const std::string& chip : chips) {
    const KernelLayers others = fit_pools(pointers(groups, chip), [&](double share) {
      if (progress) progress((done + share) / double(chips.size()));
    });
    done += 1;
    for (const KernelGroup& group : groups) {
      if (group.chip != chip) continue;
      const KernelLayer* layer = layer_for(others, group);
      for (const auto* samples : {&group.fitted, &group.held}) {
        for (const KernelSample& sample : *samples) {
          Prediction p{.form = "kernels",
                       .family = group.report,
                       .chip = group.chip,
                       .stack = group.stack,
                       .format = std::string(name(group.format)),
                       .size = size_of(sample.shape),
                       .row = fmt::format("{}:{}", group.data, sample.line),
                       .measured = sample.seconds * 1e3,
                       .unit = "ms"};
          if (layer == nullptr) {
            p.refused = fmt::format("no other chip has {} in {}", group.listed, name(group.format));
          } else {
            p.predicted = fitted_seconds(layer->fit, group.family, sample) * 1e3;
          }
          evidence.predictions.push_back(std::move(p));
        }
      }
    }
  }
  for (const Prediction& row : evidence.predictions) {
    if (!row.refused.empty()) ++evidence.refused[row.refused];
  }
  evidence.cells = summarise(evidence.predictions);
  return evidence;
}

std::string alternative_stack(std::string_view stack, std::string_view kernel) {
  std::string id = fmt::format("{}/{}", stack, kernel);
  std::replace(id.begin() + std::ptrdiff_t(stack.size()) + 1, id.end(), '/', '.');
  return id;
}

}  // namespace fivefold
