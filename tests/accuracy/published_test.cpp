// Published figures (published.csv), predicted and held to a bound each. A row says in `question`
// what was run, as the columns of the measured form of its kind (key=value; ...), or for `product`
// a matrix product by chip, m, n, k, batch and format; `bound` is on |predicted/published - 1|;
// `fitted` tells rows that parameters of the catalog were set by.
#include <cmath>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "fivefold/evidence/evidence.h"
#include "fivefold/kernel/kernel.h"

namespace fivefold {
namespace {

const Catalog& catalog() {
  static const Catalog catalog = *Catalog::load();
  return catalog;
}

const CsvTable& published() {
  static const CsvTable table = *read_csv(FIVEFOLD_SOURCE_DIR "/tests/accuracy/published.csv");
  return table;
}

std::string trimmed(std::string text) {
  text.erase(0, text.find_first_not_of(' '));
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

// The question as a table of one row. Columns that a form needs and the question leaves out are
// empty.
CsvTable table_of(std::size_t row) {
  CsvTable table{.file = "published.csv", .rows = {{}}, .lines = {published().lines[row]}};
  const auto add = [&](std::string column, std::string value) {
    if (table.column(column) >= 0) return;
    table.columns.push_back(std::move(column));
    table.rows[0].push_back(std::move(value));
  };
  const std::string question(published().at(row, "question"));
  for (std::size_t from = 0; from < question.size();) {
    const std::size_t end = std::min(question.find(';', from), question.size());
    const std::string part = question.substr(from, end - from);
    const std::size_t equals = part.find('=');
    add(trimmed(part.substr(0, equals)), trimmed(part.substr(equals + 1)));
    from = end + 1;
  }
  const std::string unit(published().at(row, "unit")), value(published().at(row, "published"));
  add("id", std::string(published().at(row, "id")));
  add("unit", unit);
  add("value", value);
  add("time_us", unit == "us" ? value : "");
  add("algbw_GBps", unit == "GB/s" ? value : "");
  add("busbw_GBps", unit == "GB/s bus" ? value : "");
  for (const char* column :
       {"system", "fabric", "algorithm", "bytes_meaning", "library", "group", "notes", "lib",
        "mode", "ranks_per_node", "phase", "input_len", "output_len", "micro_batch", "model"}) {
    add(column, "");
  }
  return table;
}

// Predicted over published.
Result<double> product_ratio(const CsvTable& table) {
  const auto chip = catalog().chip(table.at(0, "chip"));
  if (!chip) return fail(chip.error());
  const auto model = KernelModel::make((*chip)->device, catalog().default_stack(**chip));
  if (!model) return fail(model.error());
  const auto number = [&](const char* column) { return table.number(0, column).value_or(1); };
  const Format format = format_from_name(table.at(0, "format")).value_or(Format::kBf16);
  const Gemm gemm{.m = number("m"),
                  .n = number("n"),
                  .k = number("k"),
                  .batch = number("batch"),
                  .a = format,
                  .b = format};
  const double rate =
      2 * gemm.m * gemm.n * gemm.k * gemm.batch / model->time(Family::kGemm, gemm).time.value();
  const double unit =
      table.at(0, "unit") == "% of peak" ? model->device().peak_for(format).value() / 100 : 1e12;
  return rate / unit / number("value");
}

Result<double> ratio_of(std::size_t row) {
  const std::string form(published().at(row, "form"));
  const CsvTable table = table_of(row);
  if (form == "product") return product_ratio(table);
  const auto predictions = form == "collectives" ? predict_collectives(catalog(), table)
                           : form == "training"  ? predict_training(catalog(), table)
                                                 : predict_serving(catalog(), table);
  if (!predictions) return fail(predictions.error());
  if (predictions->empty()) return fail("no prediction");
  const Prediction& first = predictions->front();
  if (!first.refused.empty()) return fail(first.refused);
  return first.predicted / first.measured;
}

TEST(Published, figures_are_met_within_their_bounds) {
  ASSERT_GE(published().rows.size(), 25U);
  for (std::size_t row = 0; row < published().rows.size(); ++row) {
    const std::string id(published().at(row, "id"));
    const auto ratio = ratio_of(row);
    ASSERT_TRUE(ratio) << id << ": " << to_text(ratio.error());
    const double error = *ratio - 1;
    fmt::print("{:<44} {:>8} {:<14} off by {:+6.1f}%, bound {:.0f}%{}\n", id,
               published().at(row, "published"), published().at(row, "unit"), error * 100,
               published().number(row, "bound").value() * 100,
               published().at(row, "fitted") == "1" ? ", fitted" : "");
    EXPECT_LE(std::abs(error), published().number(row, "bound").value()) << id;
  }
}

TEST(Published, every_figure_has_a_source_and_a_wide_bound_a_note) {
  for (std::size_t row = 0; row < published().rows.size(); ++row) {
    const auto id = published().at(row, "id");
    EXPECT_FALSE(published().at(row, "source").empty()) << id;
    const auto bound = published().number(row, "bound");
    ASSERT_TRUE(bound) << id;
    EXPECT_TRUE(*bound <= 0.6 || !published().at(row, "note").empty()) << id;
  }
}

}  // namespace
}  // namespace fivefold
