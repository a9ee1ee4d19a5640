// What the model says of one kind of kernel on one chip, and what measurements say to that, as one
// page that needs nothing else.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fivefold/evidence/evidence.h"
#include "fivefold/report/kernel_answer.h"

namespace fivefold {

// Operators over two extents.
struct KernelMap {
  std::string x_label, y_label;
  std::string fixed;  // the extents that stay: "heads 32, kv-heads 8"
  std::vector<double> xs, ys;
  std::vector<KernelAnswer> cells;  // of ys[0] over all xs, then of ys[1], ...
  const KernelAnswer& at(std::size_t x, std::size_t y) const { return cells[y * xs.size() + x]; }
};

struct KernelSection {
  std::string family;  // as evidence names it: "attention_decode"
  OpsPerSecond peak;   // of the data sheet, in the format that is computed in
  BytesPerSecond bandwidth;
  KernelMap map;
  Predictions measured;  // of this chip and family, refused ones left out
};

struct KernelPage {
  std::string chip, stack;
  std::string format;
  double noise = 0;  // of the measurements, as a share; 0: not known
  std::vector<KernelSection> sections;
  std::string command;  // that makes it again
};

// Families that a page can show: those of asked_families(), and each of its parts by itself
// ("attention_decode"). Empty where the name is unknown.
std::vector<std::string> plotted_families(std::string_view name);
std::vector<std::string> plotted_names();

// `format` may be empty: BF16. `measured` may hold rows of any chip and family.
Result<KernelPage> kernel_page(const KernelModel& model, std::string_view family,
                               const std::string& format, const Predictions& measured);

std::string to_html(const KernelPage& page);

}  // namespace fivefold
