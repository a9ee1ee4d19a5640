#include "fivefold/evidence/calibrate.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <set>

#include <fmt/format.h>

#include "fivefold/base/parallel.h"
#include "fivefold/evidence/kernel_rows.h"

namespace fivefold {
namespace {

// Groups that one fit takes together.
struct Pool {
  std::string architecture;
  std::vector<const KernelGroup*> groups;
  std::set<std::string> chips() const {
    std::set<std::string> chips;
    for (const KernelGroup* group : groups) chips.insert(group->chip);
    return chips;
  }
};

std::vector<Pool> pools_of(const std::vector<const KernelGroup*>& groups) {
  // Key: architecture ("*": all chips, first), stack, family, format, kernel. All chips share what
  // their stack runs by itself, whatever the kernel's name on each architecture.
  using Key = std::tuple<std::string, std::string, std::string, Format, std::string>;
  std::map<Key, Pool> pools;
  const auto put = [&](const std::string& architecture, const std::string& kernel,
                       const KernelGroup* group) {
    Pool& pool = pools[{architecture, group->stack, group->listed, group->format, kernel}];
    pool.architecture = architecture;
    pool.groups.push_back(group);
  };
  for (const KernelGroup* group : groups) {
    put("*", group->served ? "" : group->kernel, group);
    put(group->architecture, group->kernel, group);
  }
  std::vector<Pool> result;
  for (auto& [key, pool] : pools) result.push_back(std::move(pool));
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

// Mean over the chips of a pool of the error on each from a fit on the others.
double transfer_error(const Pool& pool) {
  const std::set<std::string> chips = pool.chips();
  double sum = 0;
  for (const std::string& chip : chips) {
    Pool others = pool, left = pool;
    std::erase_if(others.groups, [&](const KernelGroup* g) { return g->chip == chip; });
    std::erase_if(left.groups, [&](const KernelGroup* g) { return g->chip != chip; });
    const Family family = pool.groups.front()->family;
    sum += mean_error(fit_kernel(family, samples_of(others, false)), samples_of(left, false));
  }
  return sum / double(chips.size());
}

KernelLayer fit_pool(const Pool& pool, bool transfers) {
  const KernelGroup& first = *pool.groups.front();
  KernelLayer layer{.stack = first.stack,
                    .architecture = pool.architecture,
                    .listed = first.listed,
                    .kernel = first.kernel,
                    .served = first.served,
                    .family = first.family,
                    .format = first.format};
  const std::vector<KernelSample> fitted = samples_of(pool, false), held = samples_of(pool, true);
  layer.rows = fitted.size();
  layer.held_rows = held.size();
  layer.chips = pool.chips().size();
  layer.fit = fit_kernel(layer.family, fitted);
  layer.held_error = mean_error(layer.fit, held);
  if (transfers && pool.architecture == "*" && layer.chips > 1)
    layer.transfer_error = transfer_error(pool);
  for (const KernelSample& sample : held) {
    layer.held_bias +=
        std::log(fitted_seconds(layer.fit, sample) / sample.seconds) / double(held.size());
  }
  return layer;
}

// `transfers`: also how far each fit of all chips is off on a chip that it has not seen.
KernelLayers fit_pools(const std::vector<const KernelGroup*>& groups, bool transfers,
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
  std::mutex lock;
  std::size_t done = 0;
  parallel_for(pools.size(), [&](std::size_t i) {
    result.layers[i] = fit_pool(pools[i], transfers);
    const std::lock_guard guard(lock);
    if (progress) progress(double(++done) / double(pools.size()));
  });
  return result;
}

// The layer of the group's architecture, else that of all chips; null if neither was fitted.
const KernelLayer* layer_for(const KernelLayers& fitted, const KernelGroup& group) {
  const KernelLayer* best = nullptr;
  for (const KernelLayer& layer : fitted.layers) {
    if (layer.stack != group.stack || layer.listed != group.listed ||
        layer.format != group.format || layer.served != group.served)
      continue;
    if (!group.served && layer.kernel != group.kernel) continue;
    if (layer.architecture == group.architecture) return &layer;
    if (layer.architecture == "*") best = &layer;
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
  return fit_pools(pointers(groups), true, progress);
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
    const KernelLayers others = fit_pools(pointers(groups, chip), false, [&](double share) {
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
            p.predicted = fitted_seconds(layer->fit, sample) * 1e3;
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
