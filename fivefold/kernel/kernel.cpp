#include "fivefold/kernel/kernel.h"

#include <algorithm>
#include <cmath>

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
  model.parameters_ = std::make_shared<const Parameters>(std::move(*parameters));
  return model;
}

Format KernelModel::compute_format(Format a, Format b) const {
  return parameters_->compute_formats[static_cast<std::size_t>(a)][static_cast<std::size_t>(b)];
}

Format KernelModel::compute_format(const Shape& shape) const {
  if (std::holds_alternative<Streaming>(shape)) return work(shape).compute;
  if (const auto* rest = std::get_if<ModuleRest>(&shape)) {
    const Format format = work(*rest).compute;
    return compute_format(format, format);
  }
  const ServedBy served = served_by(shape);
  return compute_format(served.a, served.b);
}

Variant variant_of(const MoeBlock& moe) {
  const bool mixed =
      bytes_per_value(moe.b) < bytes_per_value(moe.a) && is_narrow(moe.a) && is_narrow(moe.b);
  if (!moe.exchanged) return mixed ? Variant::kFourth : Variant::kPlain;
  return moe.step ? Variant::kOther : Variant::kThird;
}

Variant variant_of(const LinearCore& linear) {
  if (linear.part == LinearPart::kConvolution)
    return linear.step ? Variant::kFourth : Variant::kThird;
  return linear.step ? Variant::kOther : Variant::kPlain;
}

Family family_of(const ModuleRest& rest) {
  switch (rest.kind) {
    case ModuleKind::kDense:
    case ModuleKind::kDenseIndexed:
      return Family::kAttentionModule;
    case ModuleKind::kSparse:
      return Family::kSparseAttention;
    case ModuleKind::kCompressed:
    case ModuleKind::kHeavy:
      return Family::kCompressedAttention;
  }
  return Family::kAttentionModule;
}

Variant variant_of(const ModuleRest& rest) {
  const bool converted = rest.cache != rest.compute;
  switch (rest.kind) {
    case ModuleKind::kDense:
      return rest.step ? Variant::kOther : Variant::kPlain;
    case ModuleKind::kDenseIndexed:
      return Variant::kThird;
    case ModuleKind::kSparse:
      if (rest.step) return converted ? Variant::kFourth : Variant::kThird;
      return converted ? Variant::kOther : Variant::kPlain;
    case ModuleKind::kCompressed:
      return rest.step ? Variant::kOther : Variant::kPlain;
    case ModuleKind::kHeavy:
      return rest.step ? Variant::kFourth : Variant::kThird;
  }
  return Variant::kPlain;
}

namespace {

ServedBy serves(const Streaming& s) {
  return {.variant = s.quantise ? Variant::kOther : Variant::kPlain};
}
ServedBy serves(const Gemm& g) {
  return {g.batch > 1 ? Variant::kOther : Variant::kPlain, g.a, g.b};
}
ServedBy serves(const MoeBlock& m) {
  return {variant_of(m), m.a, m.b};
}
// Attention over a cache that is kept in another format is a variant.
ServedBy serves(const AttentionCore& a) {
  const bool converted = a.cache != a.compute;
  // MLA in prefill over its compressed cache: one key that all heads share, wider than any head.
  if (a.kv_heads == 1 && a.qk_dim > a.v_dim && a.v_dim >= 512)
    return {converted ? Variant::kFourth : Variant::kThird, a.compute, a.compute};
  return {converted ? Variant::kOther : Variant::kPlain, a.compute, a.compute};
}
ServedBy serves(const MlaCore& m) {
  return {m.cache != m.compute ? Variant::kOther : Variant::kPlain, m.compute, m.compute};
}
ServedBy serves(const LinearCore& l) {
  return {.variant = variant_of(l)};
}
ServedBy serves(const ModuleRest& m) {
  return {variant_of(m), m.compute, m.compute};
}

}  // namespace

ServedBy served_by(const Shape& shape) {
  return std::visit([](const auto& one) { return serves(one); }, shape);
}

FamilyParameters KernelModel::Parameters::serving(Family family, const Shape& shape) const {
  // One visit: a second one, for the kernel first, would cost as much as a mechanism.
  return std::visit([&](const auto& one) { return product(family, serves(one)); }, shape);
}

KernelTime mechanism(const FamilyParameters& p, double cores, const Shape& shape) {
  struct Visitor {
    const FamilyParameters& p;
    double cores;
    KernelTime operator()(const Streaming& s) const { return streaming_time(p, cores, s); }
    KernelTime operator()(const Gemm& g) const { return gemm_time(p, cores, g); }
    KernelTime operator()(const MoeBlock& m) const { return moe_time(p, cores, m); }
    KernelTime operator()(const AttentionCore& a) const { return attention_time(p, cores, a); }
    KernelTime operator()(const MlaCore& m) const { return mla_time(p, cores, m); }
    KernelTime operator()(const LinearCore& l) const { return linear_time(p, cores, l); }
    KernelTime operator()(const ModuleRest& m) const { return module_time(p, cores, m); }
  };
  return std::visit(Visitor{p, cores}, shape);
}

namespace {

// Extents of the matrices that kernels for many products at once were measured on, at most.
constexpr double kLargestAtOnce = 512;
bool is_large_at_once(const Gemm& g) {
  return g.batch > 1 && std::max(g.n, g.k) > kLargestAtOnce;
}

KernelTime corrected(const FamilyParameters& p, double cores, const Device& device, Format compute,
                     const Shape& shape) {
  KernelTime result = mechanism(p, cores, shape);
  const auto* rest = std::get_if<ModuleRest>(&shape);
  if (p.residual != nullptr) {
    Features features{};
    features_of(cores, shape, features);
    // No kernel is faster than its arithmetic at peak and its bytes at nominal bandwidth.
    Seconds least = roofline(device, shape, compute);
    if (rest == nullptr) least = std::max(least, Seconds(p.launch));
    // Products behind each other hide part of the launches that their tables timed, so that the
    // rest may take some of their time away; not more than that.
    constexpr double kLeastOfProducts = 0.4;
    if (rest != nullptr) least = std::max(least, kLeastOfProducts * rest->beside);
    result.time = std::max(result.time * std::exp(p.residual->at(features)), least);
  }
  if (rest != nullptr) result.time -= rest->beside;
  return result;
}

}  // namespace

KernelTime KernelModel::time(Family family, const Shape& shape) const {
  const Parameters& all = *parameters_;
  const Format compute = compute_format(shape);
  const auto* product = std::get_if<Gemm>(&shape);
  // A chip that computes in a wider format has nothing to narrow activations for.
  if (product != nullptr && product->quantises && !is_narrow(compute)) {
    Gemm wide = *product;
    wide.a = compute;
    wide.quantises = false;
    return time(family, wide);
  }
  const FamilyParameters p = all.serving(family, shape);
  if (product == nullptr || !is_large_at_once(*product))
    return corrected(p, all.cores, device_, compute, shape);
  // Libraries have kernels for many small products at once; large ones run as plain products do, if
  // no faster than the small ones that they hold.
  const ServedBy plain{Variant::kPlain, product->a, product->b};
  KernelTime result = corrected(all.product(family, plain), all.cores, device_, compute, shape);
  Gemm held = *product;
  held.n = std::min(held.n, kLargestAtOnce);
  held.k = std::min(held.k, kLargestAtOnce);
  result.time = std::max(result.time, corrected(p, all.cores, device_, compute, held).time);
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
