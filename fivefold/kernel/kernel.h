// How long one operator takes on one device under one software stack, and why.
#pragma once

#include <memory>

#include "fivefold/catalog/chip.h"
#include "fivefold/catalog/stack.h"
#include "fivefold/workload/op.h"

namespace fivefold {

enum class Limit : std::uint8_t { kCompute, kMemory, kCache, kLaunch, kTail };
std::string_view name(Limit limit);

struct KernelTime {
  Seconds time;
  Seconds compute;   // the arithmetic alone, at the rate this kernel sustains
  Seconds memory;    // the DRAM traffic alone
  Seconds overhead;  // launch, fill, drain
  Limit limit = Limit::kLaunch;
};

// A device under a stack, resolved once so that a time is arithmetic only.
class KernelModel {
 public:
  static Result<KernelModel> make(const Device& device, const Stack& stack);
  KernelTime time(const Op& op) const;  // of all op.repeat runs
  KernelTime time(Family family, const Shape& shape) const;
  const Device& device() const { return device_; }
  const Stack& stack() const { return *stack_; }
  // The format in which this device really computes a product of formats a and b, weights upcast if
  // it must.
  Format compute_format(Format a, Format b) const;
  Format compute_format(const Shape& shape) const;  // of an operator's products

  // Mechanism parameters of one family on one device: resolved facts of the stack.
  struct Parameters;

 private:
  Device device_;
  const Stack* stack_ = nullptr;
  std::shared_ptr<const Parameters> parameters_;
};

// No kernel is faster: arithmetic at peak, bytes at nominal bandwidth.
Seconds roofline(const Device& device, const Shape& shape, Format compute);

}  // namespace fivefold
