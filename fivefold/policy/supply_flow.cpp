#include "fivefold/policy/supply_flow.h"

#include <algorithm>
#include <cmath>

namespace fivefold {
namespace {

constexpr double kWantVote = 1e-9;
constexpr double kWeeksInQuarter = 365.25 / 7 / 4;

}  // namespace

std::string_view name(SupplyLimit limit) {
  switch (limit) {
    case SupplyLimit::kLogic:
      return "logic dies";
    case SupplyLimit::kMemory:
      return "memory stacks";
    case SupplyLimit::kPackaging:
      return "packaging";
    case SupplyLimit::kImports:
      break;
  }
  return "imports";
}

std::vector<SupplyLine> supply_lines(const SupplyBook::Data& data) {
  std::vector<SupplyLine> lines;
  for (std::size_t v = 0; v < data.vendors.size(); ++v) {
    for (const SupplyVendorDie& die : data.vendors[v].dies) {
      for (const SupplyProduct& product : die.products) {
        if (product.bins.empty()) lines.push_back({int(v), product.chip, product.name});
        for (const SupplyBin& bin : product.bins) lines.push_back({int(v), bin.chip, bin.name});
      }
    }
    for (const SupplyImport& import : data.vendors[v].imports)
      lines.push_back({int(v), import.chip, import.name});
  }
  return lines;
}

void share_out(std::span<const double> wants, std::span<const double> weights, double capacity,
               std::vector<double>& given) {
  given.assign(wants.size(), 0);
  double left = capacity;
  // Each round either serves somebody in full or is the last.
  for (std::size_t round = 0; round <= wants.size() && left > 0; ++round) {
    double weight = 0;
    for (std::size_t i = 0; i < wants.size(); ++i) {
      if (given[i] < wants[i]) weight += weights[i];
    }
    if (!(weight > 0)) return;
    const double part = left / weight;
    bool served = false;
    for (std::size_t i = 0; i < wants.size(); ++i) {
      if (!(given[i] < wants[i]) || wants[i] - given[i] > part * weights[i]) continue;
      left -= wants[i] - given[i];
      given[i] = wants[i];
      served = true;
    }
    if (served) continue;
    for (std::size_t i = 0; i < wants.size(); ++i) {
      if (given[i] < wants[i]) given[i] += part * weights[i];
    }
    return;
  }
}

SupplyFuture::SupplyFuture(const SupplyBook::Data& data, const std::vector<SeriesView>& views,
                           int quarters)
    : data_(data), views_(views), quarters_(quarters), drawn_(data.series.size()) {
  for (const SupplyDie& die : data.dies)
    gross_.push_back(gross_dies(die.width, die.height, data.wafer));
  std::size_t dies = 0, line = 0;
  for (std::size_t v = 0; v < data.vendors.size(); ++v) {
    for (const SupplyVendorDie& die : data.vendors[v].dies) {
      for (const SupplyProduct& product : die.products) {
        tries_.push_back({&product, v, dies, line});
        line += std::max<std::size_t>(product.bins.size(), 1);
      }
      ++dies;
    }
    line += data.vendors[v].imports.size();
  }
  line_count_ = line;
  stock_.resize(dies);
  memory_.resize(data.pools.size());
  weights_.resize(data.vendors.size());
  vendors_.resize(std::size_t(quarters) * data.vendors.size());
  lines_.resize(std::size_t(quarters) * line_count_);
  trace_.resize(std::size_t(quarters));
  for (QuarterTrace& trace : trace_) {
    trace.memory.resize(data.pools.size());
    trace.memory_used.resize(data.pools.size());
    trace.wafers.resize(data.nodes.size());
    trace.wafers_used.resize(data.nodes.size());
    for (auto* of_dies : {&trace.dies, &trace.dies_used, &trace.dies_made}) of_dies->resize(dies);
  }
}

double SupplyFuture::level(int series, double time, int quarter) const {
  const DrawnSeries& drawn = drawn_[std::size_t(series)];
  return drawn.level(time) * drawn.view().factor(quarter);
}

void SupplyFuture::run(std::span<const double> draws) {
  const std::size_t place_at = std::size_t(data_.place_in_span);
  drawn_[place_at].draw(views_[place_at], draws[place_at], 0.5);
  const double place = drawn_[place_at].level(0);
  for (std::size_t s = 0; s < drawn_.size(); ++s) {
    if (s != place_at) drawn_[s].draw(views_[s], draws[s], place);
  }
  lead_ = level(data_.lead, 0, 0) / kWeeksInQuarter;
  yields_to_defects();
  std::fill(stock_.begin(), stock_.end(), 0);
  std::fill(memory_.begin(), memory_.end(), 0);
  std::fill(vendors_.begin(), vendors_.end(), VendorQuarter{});
  std::fill(lines_.begin(), lines_.end(), 0);
  for (int q = 0; q < quarters_; ++q) {
    make_dies(q);
    choose_products(q);
    share_memory(q);
    share_packaging(q);
    finish(q);
    bring_in(q);
  }
}

// All dies in stock are meant for packages, divided by the mix.
void SupplyFuture::choose_products(int quarter) {
  const double time = quarter + 0.5;
  const auto mix_of = [&](const SupplyProduct& product) {
    return drawn_[std::size_t(product.mix)].known() ? level(product.mix, time, quarter) : 0;
  };
  const auto is_open = [&](const SupplyProduct& product) {
    const bool stacked = product.memory < 0 || drawn_[std::size_t(product.stacks)].known();
    return stacked && drawn_[std::size_t(product.packaging_yield)].known();
  };
  for (std::size_t i = 0; i < tries_.size();) {
    std::size_t end = i;
    double named = 0;
    int unnamed = 0;
    for (; end < tries_.size() && tries_[end].die == tries_[i].die; ++end) {
      const SupplyProduct& product = *tries_[end].product;
      tries_[end].open = is_open(product);
      if (!tries_[end].open) continue;
      if (product.mix < 0) ++unnamed;
      if (product.mix >= 0) named += mix_of(product);
    }
    for (; i < end; ++i) {
      Try& one = tries_[i];
      const SupplyProduct& product = *one.product;
      one.memory_share = one.packaging_share = 1;
      one.stacks = one.packages = one.wanted = 0;
      if (!one.open) continue;
      const double mix = product.mix < 0 ? std::max(0.0, 1 - named) / unnamed
                                         : mix_of(product) / std::max(named, 1.0);
      one.packages = one.wanted = stock_[one.die] * mix / product.dies;
      if (product.memory >= 0) one.stacks = level(product.stacks, time, quarter);
    }
  }
}

void SupplyFuture::share_memory(int quarter) {
  QuarterTrace& trace = trace_[std::size_t(quarter)];
  for (std::size_t p = 0; p < data_.pools.size(); ++p) {
    for (const int series : data_.pools[p].from) {
      if (drawn_[std::size_t(series)].known())
        memory_[p] += drawn_[std::size_t(series)].arriving(quarter);
    }
    trace.memory[p] = memory_[p];
    wants_.assign(data_.vendors.size(), 0);
    for (const Try& one : tries_) {
      if (one.product->memory == int(p)) wants_[one.vendor] += one.packages * one.stacks;
    }
    share_out(wants_, weights_, memory_[p], shares_);
    for (Try& one : tries_) {
      if (one.product->memory != int(p) || !(wants_[one.vendor] > 0) || !(one.stacks > 0)) continue;
      one.memory_share = shares_[one.vendor] / wants_[one.vendor];
      one.packages *= one.memory_share;
    }
  }
}

void SupplyFuture::share_packaging(int quarter) {
  QuarterTrace& trace = trace_[std::size_t(quarter)];
  trace.packaging = drawn_[std::size_t(data_.packaging)].arriving(quarter);
  trace.packaging_used = 0;
  wants_.assign(data_.vendors.size(), 0);
  for (const Try& one : tries_) wants_[one.vendor] += one.packages * one.product->modules;
  share_out(wants_, weights_, trace.packaging, shares_);
  for (Try& one : tries_) {
    if (one.product->modules == 0 || !(wants_[one.vendor] > 0)) continue;
    one.packaging_share = shares_[one.vendor] / wants_[one.vendor];
    one.packages *= one.packaging_share;
    trace.packaging_used += one.packages * one.product->modules;
  }
}

void SupplyFuture::finish(int quarter) {
  QuarterTrace& trace = trace_[std::size_t(quarter)];
  std::fill(trace.dies_used.begin(), trace.dies_used.end(), 0);
  std::fill(trace.memory_used.begin(), trace.memory_used.end(), 0);
  constexpr double kFull = 1 - 1e-9;
  for (const Try& one : tries_) {
    const SupplyProduct& product = *one.product;
    const double dies = one.packages * product.dies;
    trace.dies_used[one.die] += dies;
    if (product.memory >= 0)
      trace.memory_used[std::size_t(product.memory)] += one.packages * one.stacks;
    if (!one.open) continue;
    const double chips =
        one.packages * std::min(1.0, level(product.packaging_yield, quarter + 0.5, quarter));
    VendorQuarter& vendor = vendors_[std::size_t(quarter) * data_.vendors.size() + one.vendor];
    vendor.chips += chips;
    vendor.dies += dies;
    // Packaging comes last: while it is short, more of what comes before makes no more packages.
    const SupplyLimit limit = one.packaging_share < kFull ? SupplyLimit::kPackaging
                              : one.memory_share < kFull  ? SupplyLimit::kMemory
                                                          : SupplyLimit::kLogic;
    // What was wanted decides only where nothing could be made.
    vendor.votes[std::size_t(limit)] += chips + kWantVote * one.wanted;
    double* line = &lines_[std::size_t(quarter) * line_count_ + one.line];
    if (product.bins.empty()) *line = chips;
    for (std::size_t b = 0; b < product.bins.size(); ++b) line[b] = chips * product.bins[b].share;
  }
  for (std::size_t d = 0; d < stock_.size(); ++d)
    stock_[d] = std::max(0.0, stock_[d] - trace.dies_used[d]);
  for (std::size_t p = 0; p < memory_.size(); ++p)
    memory_[p] = std::max(0.0, memory_[p] - trace.memory_used[p]);
}

void SupplyFuture::bring_in(int quarter) {
  std::size_t line = 0;
  for (std::size_t v = 0; v < data_.vendors.size(); ++v) {
    for (const SupplyVendorDie& die : data_.vendors[v].dies) {
      for (const SupplyProduct& product : die.products)
        line += std::max<std::size_t>(product.bins.size(), 1);
    }
    for (const SupplyImport& import : data_.vendors[v].imports) {
      const DrawnSeries& amount = drawn_[std::size_t(import.amount)];
      const double chips = amount.known() ? amount.arriving(quarter) : 0;
      VendorQuarter& vendor = vendors_[std::size_t(quarter) * data_.vendors.size() + v];
      vendor.chips += chips;
      vendor.votes[std::size_t(SupplyLimit::kImports)] += chips;
      lines_[std::size_t(quarter) * line_count_ + line++] = chips;
    }
  }
}

}  // namespace fivefold
