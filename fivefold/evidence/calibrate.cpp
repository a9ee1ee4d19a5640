#include "fivefold/evidence/calibrate.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <mutex>
#include <set>

#include <fmt/format.h>

#include "fivefold/base/parallel.h"
#include "fivefold/evidence/kernel_rows.h"

namespace fivefold {
namespace {

// What one fit takes together. `architecture` and `kernel` are "*" and "" where they differ.
struct PoolKey {
  std::string architecture, stack, listed, format, kernel;
  auto operator<=>(const PoolKey&) const = default;
};
struct Pool {
  PoolKey key;
  std::vector<const KernelGroup*> groups;
  std::set<std::string> architectures() const {
    std::set<std::string> result;
    for (const KernelGroup* group : groups) result.insert(group->architecture);
    return result;
  }
};

// "cuda" of "cuda/sglang"; a stack that is alone on its platform is the platform.
std::string platform_of(std::string_view stack) {
  return std::string(stack.substr(0, stack.find('/')));
}

PoolKey of_architecture(const KernelGroup& g) {
  return {g.architecture, g.stack, g.listed, std::string(name(g.format)), g.kernel};
}
// One kernel wherever it was measured.
PoolKey of_kernel(const KernelGroup& g) {
  return {"*", g.stack, g.listed, std::string(name(g.format)), g.kernel};
}
// What chips run by themselves under one stack, whatever the kernel's name on each architecture.
PoolKey of_stack(const KernelGroup& g) {
  return {"*", g.stack, g.listed, std::string(name(g.format)), ""};
}
PoolKey of_platform(const KernelGroup& g) {
  return {"*", platform_of(g.stack), g.listed,
          std::string(is_narrow(g.format) ? kNarrowFormats : name(g.format)), ""};
}

// Experts' kernels are picked by tables that libraries hold for each chip, and the host that issues
// a module's kernels outside a graph is the machine's: where several chips of an architecture were
// measured each has its own.
PoolKey of_chip(const KernelGroup& g) {
  PoolKey key = of_architecture(g);
  key.architecture = g.chip;
  return key;
}
bool differs_by_chip(const KernelGroup& g) {
  return g.family == Family::kMoe || g.listed == "attention_module_indexed" ||
         g.listed == "sparse_attention" || g.listed == "sparse_attention_converted";
}

// Whether a pool says more than those it stands over. `chosen`: of the kernels that some chip's
// stack leaves to its user.
bool tells(const Pool& pool, const std::map<PoolKey, Pool>& pools,
           const std::set<PoolKey>& chosen) {
  const KernelGroup& first = *pool.groups.front();
  if (pool.key == of_architecture(first) || pool.key == of_platform(first)) return true;
  // A chip that is alone is its architecture.
  if (pool.key == of_chip(first))
    return pools.at(of_architecture(first)).groups.size() != pool.groups.size();
  if (pool.architectures().size() < 2) return false;  // what one says of others, all say better
  if (pool.key == of_kernel(first)) return chosen.contains(pool.key);
  // Libraries differ more from chip to chip than narrow formats do, unless one kernel serves all.
  const auto is_same = [&](const KernelGroup* g) { return g->kernel == first.kernel; };
  return (!is_narrow(first.format) || std::ranges::all_of(pool.groups, is_same)) &&
         pool.groups.size() < pools.at(of_platform(first)).groups.size();
}

std::vector<Pool> pools_of(const std::vector<const KernelGroup*>& groups) {
  std::map<PoolKey, Pool> pools;
  std::set<PoolKey> chosen;
  for (const KernelGroup* group : groups) {
    std::set<PoolKey> keys = {of_architecture(*group), of_kernel(*group)};
    if (differs_by_chip(*group)) keys.insert(of_chip(*group));
    if (group->served) {
      keys.insert({of_stack(*group), of_platform(*group)});
    } else {
      chosen.insert(of_kernel(*group));
    }
    for (const PoolKey& key : keys) {
      Pool& pool = pools[key];
      pool.key = key;
      pool.groups.push_back(group);
    }
  }
  std::vector<Pool> result;
  for (const auto& [key, pool] : pools) {
    if (tells(pool, pools, chosen)) result.push_back(pool);
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

// Bytes that a core of the group's chip has to keep tiles in.
double scratch_of(const KernelGroup& group) {
  const auto& samples = group.fitted.empty() ? group.held : group.fitted;
  return samples.empty() ? 0 : samples.front().device->scratch_per_core.value();
}

KernelFit fit_of(const Pool& pool) {
  return fit_kernel(pool.groups.front()->family, samples_of(pool, false),
                    pool.key.format == kNarrowFormats);
}

// Mean over the architectures of a pool of the error on each from a fit on the others.
double transfer_error(const Pool& pool) {
  const std::set<std::string> architectures = pool.architectures();
  double sum = 0;
  for (const std::string& architecture : architectures) {
    Pool others = pool, left = pool;
    const auto is_left = [&](const KernelGroup* g) { return g->architecture == architecture; };
    std::erase_if(others.groups, is_left);
    std::erase_if(left.groups, std::not_fn(is_left));
    sum += mean_error(fit_of(others), samples_of(left, false));
  }
  return sum / double(architectures.size());
}

KernelLayer fit_pool(const Pool& pool, bool transfers) {
  const KernelGroup& first = *pool.groups.front();
  const bool chosen = pool.key.architecture == "*" && !pool.key.kernel.empty();
  KernelLayer layer{.stack = pool.key.stack,
                    .architecture = pool.key.architecture,
                    .listed = pool.key.listed,
                    .kernel = pool.key.kernel,
                    .format = pool.key.format,
                    .served = first.served && !chosen,
                    .family = first.family};
  layer.least_scratch = INFINITY;
  for (const KernelGroup* group : pool.groups)
    layer.least_scratch = std::min(layer.least_scratch, scratch_of(*group));
  const std::vector<KernelSample> fitted = samples_of(pool, false), held = samples_of(pool, true);
  layer.rows = fitted.size();
  layer.held_rows = held.size();
  layer.architectures = pool.architectures().size();
  layer.fit = fit_of(pool);
  layer.held_error = mean_error(layer.fit, held);
  if (transfers && layer.architecture == "*" && layer.architectures > 1)
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
    result.too_few.push_back(fmt::format(
        "{} {} {} ({}) on {}: {} rows, needs {}", pool.key.stack, pool.key.listed, pool.key.format,
        pool.groups.front()->kernel, pool.key.architecture, rows, kLeastSamples));
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

// The layer that counts for a group; null if none was fitted.
const KernelLayer* layer_for(const KernelLayers& fitted, const KernelGroup& group) {
  for (const PoolKey& key : {of_chip(group), of_architecture(group), of_kernel(group),
                             of_stack(group), of_platform(group)}) {
    for (const KernelLayer& layer : fitted.layers) {
      if (layer.stack != key.stack || layer.architecture != key.architecture ||
          layer.listed != key.listed || layer.format != key.format || layer.kernel != key.kernel)
        continue;
      // A kernel whose tiles fill larger cores' memory runs with others where there is less of it.
      if (layer.architecture == "*" && !layer.kernel.empty() &&
          scratch_of(group) < layer.least_scratch)
        continue;
      return &layer;
    }
  }
  return nullptr;
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
