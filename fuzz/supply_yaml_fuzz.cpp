// Any bytes as a supply file, by themselves and over a small whole one: a book whose futures are
// finite and keep within what there is, or an error whose problems name a file.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "fivefold/policy/supply_flow.h"
#include "fivefold/policy/supply_sample_test.h"

namespace {

void check_problems(const fivefold::Error& error) {
  if (error.problems.empty() || fivefold::to_text(error).empty()) std::abort();
  for (const fivefold::Problem& problem : error.problems) {
    if (problem.place.file.empty()) std::abort();
  }
}

void check_book(const fivefold::SupplyBook::Data& data) {
  using namespace fivefold;
  constexpr int kQuarters = 6;
  const auto views = views_of(data, {}, kQuarters);
  for (const int needed : {data.lead, data.place_in_span, data.packaging}) {
    if (!views[std::size_t(needed)].known()) return;
  }
  SupplyFuture future(data, views, kQuarters);
  for (const double u : {0.0, 0.3, 1.0}) {
    future.run(std::vector<double>(views.size(), u));
    for (int q = 0; q < kQuarters; ++q) {
      for (std::size_t v = 0; v < data.vendors.size(); ++v) {
        const double chips = future.vendor(q, v).chips;
        if (std::isnan(chips) || chips < 0) std::abort();
      }
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fivefold;
  const std::string text(data, data + size);
  const CatalogFile fuzzed{"fuzz.yaml", text, 1};
  static const std::string whole = SmallBook().text();
  for (const auto& files :
       {std::vector<CatalogFile>{fuzzed}, std::vector<CatalogFile>{file_of(whole), fuzzed}}) {
    const auto book = read_supply(files);
    if (book) {
      check_book(*book);
    } else {
      check_problems(book.error());
    }
  }
  return 0;
}
