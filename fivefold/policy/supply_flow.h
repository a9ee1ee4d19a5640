// One future, quarter by quarter: wafers, dies, memory, packages; internal to the room.
//
// Dies and memory that are not used stay in stock. What is scarce (memory, packaging) is shared in
// proportion to each vendor's wafers, and what one leaves goes to the others.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "fivefold/policy/supply_series.h"

namespace fivefold {

enum class SupplyLimit { kLogic, kMemory, kPackaging, kImports };
inline constexpr std::size_t kLimits = 4;
std::string_view name(SupplyLimit limit);

// A line of the output: a product, one of its bins, or what comes in finished.
struct SupplyLine {
  int vendor = 0;
  std::string chip, name;
};
std::vector<SupplyLine> supply_lines(const SupplyBook::Data& data);

// What a quarter had and took, for those who check it.
struct QuarterTrace {
  std::vector<double> memory, memory_used;  // by pool; in stock with what arrived
  double packaging = 0, packaging_used = 0;
  std::vector<double> wafers, wafers_used;  // by node
  std::vector<double> dies, dies_used;      // by vendor's die, in the order of the vendors
  std::vector<double> dies_made;            // good, new or out of the bank
};

struct VendorQuarter {
  double chips = 0, dies = 0;
  std::array<double, kLimits> votes{};  // packages whose number each limit set
};

class SupplyFuture {
 public:
  SupplyFuture(const SupplyBook::Data& data, const std::vector<SeriesView>& views, int quarters);
  // One number from 0 to 1 for each series: it holds for the whole future.
  void run(std::span<const double> draws);

  const VendorQuarter& vendor(int quarter, std::size_t vendor) const {
    return vendors_[std::size_t(quarter) * data_.vendors.size() + vendor];
  }
  double line(int quarter, std::size_t line) const {
    return lines_[std::size_t(quarter) * line_count_ + line];
  }
  const QuarterTrace& trace(int quarter) const { return trace_[std::size_t(quarter)]; }

 private:
  // A product's way through a quarter.
  struct Try {
    const SupplyProduct* product;
    std::size_t vendor, die, line;  // die: of all vendors'
    bool open = true;               // known of at that time
    double wanted = 0, packages = 0, stacks = 0, memory_share = 1, packaging_share = 1;
  };
  double level(int series, double time, int quarter) const;
  double yield_of(const SupplyNode& node, const SupplyDie& die, double time, int quarter) const;
  double gross_of(std::size_t die, double time, int quarter) const;
  bool known(int series) const { return drawn_[std::size_t(series)].known(); }
  void yields_to_defects();
  void divide_wafers(double wafers, const SupplyNode& node, const SupplyVendor& vendor,
                     std::size_t first_die, double time, int quarter);
  void make_wafers(const SupplyNode& node, double time, int quarter);
  void make_dies(int quarter);
  void choose_products(int quarter);
  void share_memory(int quarter);
  void share_packaging(int quarter);
  void finish(int quarter);
  void bring_in(int quarter);

  const SupplyBook::Data& data_;
  const std::vector<SeriesView>& views_;
  int quarters_;
  std::size_t line_count_ = 0;
  std::vector<double> gross_;  // by die, by formula
  std::vector<DrawnSeries> drawn_;
  double lead_ = 0;
  std::vector<double> stock_, memory_, weights_;
  std::vector<Try> tries_;
  std::vector<VendorQuarter> vendors_;
  std::vector<double> lines_;
  std::vector<QuarterTrace> trace_;
  std::vector<double> wants_, shares_;
};

// What each gets of a capacity: in proportion to the weights, none more than it wants, and all of
// it if the wants are as much. Weights above zero.
void share_out(std::span<const double> wants, std::span<const double> weights, double capacity,
               std::vector<double>& given);

}  // namespace fivefold
