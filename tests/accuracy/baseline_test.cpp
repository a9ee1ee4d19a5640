// Errors over all measured rows may not grow beyond those of baseline.csv. The rows are not part of
// this repository; where they are absent the test is skipped. FIVEFOLD_UPDATE_BASELINE=1 writes the
// baseline anew (`make baseline`): its difference then says what a change did to the errors.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "fivefold/evidence/evidence.h"

namespace fivefold {
namespace {

constexpr int kLeastRows = 20;  // of a cell: fewer are noise
constexpr double kRelative = 0.10, kAbsolute = 0.01;

// Form, family, chip, whether parameters were fitted on the rows. Stacks are taken together.
using Key = std::tuple<std::string, std::string, std::string, bool>;
struct Figures {
  int predicted = 0;
  double mean_error = 0;  // absolute, as a fraction of the measured value
};
using Table = std::map<Key, Figures>;

std::string text(const Key& key) {
  const auto& [form, family, chip, calibrated] = key;
  return fmt::format("{} {} on {}, {}", form, family, chip, calibrated ? "fitted" : "not fitted");
}

std::string baseline_path() {
  return FIVEFOLD_SOURCE_DIR "/tests/accuracy/baseline.csv";
}

Table summed(const std::vector<Cell>& cells) {
  Table table;
  for (const Cell& cell : cells) {
    Figures& figures = table[{cell.form, cell.family, cell.chip, cell.calibrated}];
    const double sum = figures.mean_error * figures.predicted + cell.mean_ape * cell.predicted;
    figures.predicted += cell.predicted;
    figures.mean_error = figures.predicted > 0 ? sum / figures.predicted : 0;
  }
  std::erase_if(table, [](const auto& cell) { return cell.second.predicted < kLeastRows; });
  return table;
}

void write_baseline(const Table& table) {
  std::ofstream file(baseline_path());
  file << "form,family,chip,fitted,predicted,mean_error\n";
  for (const auto& [key, figures] : table) {
    const auto& [form, family, chip, calibrated] = key;
    file << fmt::format("{},{},\"{}\",{},{},{:.4f}\n", form, family, chip, int(calibrated),
                        figures.predicted, figures.mean_error);
  }
}

Table read_baseline() {
  Table table;
  const auto csv = read_csv(baseline_path());
  EXPECT_TRUE(csv) << to_text(csv.error());
  for (std::size_t row = 0; csv && row < csv->rows.size(); ++row) {
    const auto field = [&](const char* column) { return std::string(csv->at(row, column)); };
    table[{field("form"), field("family"), field("chip"), field("fitted") == "1"}] = {
        int(csv->number(row, "predicted").value()), csv->number(row, "mean_error").value()};
  }
  return table;
}

// One line for each cell that is worse than it was.
std::vector<std::string> worse(const Table& before, const Table& now) {
  std::vector<std::string> lines;
  for (const auto& [key, was] : before) {
    const auto found = now.find(key);
    const Figures is = found == now.end() ? Figures{} : found->second;
    if (is.predicted < was.predicted) {
      lines.push_back(
          fmt::format("{}: predicted {} rows, now {}", text(key), was.predicted, is.predicted));
    }
    if (is.mean_error > was.mean_error * (1 + kRelative) + kAbsolute) {
      lines.push_back(fmt::format("{}: mean error {:.1f}%, now {:.1f}%", text(key),
                                  was.mean_error * 100, is.mean_error * 100));
    }
  }
  return lines;
}

TEST(Measured, errors_do_not_grow) {
  const std::string measured = FIVEFOLD_SHARED_DIR "/measured";
  if (!std::filesystem::exists(measured)) GTEST_SKIP() << "no measured rows beside the repository";
  std::vector<std::string> notes;
  const auto catalog = Catalog::load();
  ASSERT_TRUE(catalog);
  const auto evidence = validate(*catalog, {measured}, notes);
  ASSERT_TRUE(evidence) << to_text(evidence.error());
  const Table now = summed(evidence->cells);
  ASSERT_FALSE(now.empty());
  if (std::getenv("FIVEFOLD_UPDATE_BASELINE") != nullptr) {
    write_baseline(now);
    GTEST_SKIP() << "wrote " << baseline_path();
  }
  const Table before = read_baseline();
  ASSERT_FALSE(before.empty());
  EXPECT_THAT(worse(before, now), ::testing::IsEmpty())
      << "If a change of mechanism or data is right in spite of this, `make baseline` writes "
         "tests/accuracy/baseline.csv anew; say in the commit why errors grew.";
}

TEST(Baseline, a_worse_error_and_a_lost_row_are_seen) {
  const Key key{"kernels", "gemm", "h20_96g", false};
  const Table before{{key, {100, 0.10}}};
  EXPECT_THAT(worse(before, {{key, {100, 0.119}}}), ::testing::IsEmpty());
  EXPECT_THAT(worse(before, {{key, {100, 0.121}}}),
              ::testing::ElementsAre("kernels gemm on h20_96g, not fitted: mean error 10.0%, now "
                                     "12.1%"));
  EXPECT_EQ(worse(before, {{key, {99, 0.10}}}).size(), 1U);
  EXPECT_EQ(worse(before, {}).size(), 1U);
}

}  // namespace
}  // namespace fivefold
