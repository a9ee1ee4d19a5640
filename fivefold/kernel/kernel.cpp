#include "fivefold/kernel/kernel.h"

#include <algorithm>

#include "fivefold/kernel/parameters.h"

namespace fivefold {

std::string_view name(Limit limit) {
  switch (limit) {
    case Limit::kCompute:
      return "compute";
    case Limit::kMemory:
      return "memory";
    case Limit::kCache:
      return "cache";
    case Limit::kLaunch:
      return "launch";
    case Limit::kTail:
      return "tail";
  }
  return "?";
}

Result<KernelModel> KernelModel::make(const Device& device, const Stack& stack) {
  auto parameters = resolve_parameters(device, stack);
  if (!parameters) return tl::unexpected(parameters.error());
  KernelModel model;
  model.device_ = device;
  model.stack_ = &stack;
  model.parameters_ = std::make_shared<const Parameters>(*parameters);
  return model;
}

Format KernelModel::compute_format(Format a, Format b) const {
  return parameters_->compute_formats[static_cast<std::size_t>(a)][static_cast<std::size_t>(b)];
}

KernelTime KernelModel::time(Family family, const Shape& shape) const {
  const Parameters& all = *parameters_;
  struct Visitor {
    const Parameters& all;
    Family family;
    KernelTime operator()(const Streaming& s) const {
      return streaming_time(all.of(family, Format::kBf16), s);
    }
    KernelTime operator()(const Gemm& g) const {
      return gemm_time(all.product(family, g.a, g.b), all.cores, g);
    }
    KernelTime operator()(const MoeBlock& m) const {
      const FamilyParameters p =
          m.exchanged ? all.product(all.exchanged, m.a, m.b) : all.product(family, m.a, m.b);
      return moe_time(p, all.of(Family::kMemoryBound, Format::kBf16), all.cores, m);
    }
    FamilyParameters attention(Format compute, Format cache) const {
      FamilyParameters p = all.product(family, compute, compute);
      if (cache != compute) p.launch += p.convert;
      return p;
    }
    KernelTime operator()(const AttentionCore& a) const {
      return attention_time(attention(a.compute, a.cache), all.cores, a);
    }
    KernelTime operator()(const MlaCore& m) const {
      return mla_time(attention(m.compute, m.cache), all.cores, m);
    }
    KernelTime operator()(const LinearCore& l) const {
      return linear_time(all.product(family, Format::kBf16, Format::kBf16), all.cores, l);
    }
  };
  KernelTime result = std::visit(Visitor{all, family}, shape);
  return result;
}

KernelTime KernelModel::time(const Op& op) const {
  KernelTime one = time(op.family, op.shape);
  one.time *= op.repeat;
  one.compute *= op.repeat;
  one.memory *= op.repeat;
  one.overhead *= op.repeat;
  return one;
}

Seconds roofline(const Device& device, const Shape& shape, Format compute) {
  const Work needed = work(shape);
  const OpsPerSecond peak = device.peak_for(compute);
  const Seconds arithmetic = peak > OpsPerSecond(0) ? needed.ops / peak : Seconds(0);
  return std::max(arithmetic, (needed.weights + needed.activations) / device.memory_bandwidth);
}

}  // namespace fivefold
