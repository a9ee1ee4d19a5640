#include "fivefold/serving/merge.h"

namespace fivefold::serving {
namespace {

bool same_product(const Gemm& a, const Gemm& b) {
  return a.n == b.n && a.k == b.k && a.batch == b.batch && a.a == b.a && a.b == b.b;
}

// Adds the tokens of `op` to `into`, if both pass through one kernel.
bool join(Op& into, const Op& op) {
  if (into.name != op.name || into.repeat != op.repeat) return false;
  auto* product = std::get_if<Gemm>(&into.shape);
  const auto* more_product = std::get_if<Gemm>(&op.shape);
  if (product != nullptr && more_product != nullptr && same_product(*product, *more_product)) {
    product->m += more_product->m;
    return true;
  }
  auto* stream = std::get_if<Streaming>(&into.shape);
  const auto* more = std::get_if<Streaming>(&op.shape);
  if (stream != nullptr && more != nullptr) {
    stream->read += more->read;
    stream->written += more->written;
    stream->ops += more->ops;
    stream->between += more->between;
    return true;
  }
  return false;
}

}  // namespace

MergedOps merged_ops(const OpList& first, const OpList& second) {
  MergedOps merged;
  for (const Op& op : first) merged.push_back(op);
  for (const Op& op : second) {
    bool joined = false;
    for (std::size_t i = 0; i < first.size() && !joined; ++i) joined = join(merged[i], op);
    if (!joined) merged.push_back(op);
  }
  return merged;
}

}  // namespace fivefold::serving
