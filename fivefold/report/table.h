// A table of results, printed three ways: aligned for a terminal, as CSV and as JSON.
//
// A cell carries what a person reads ("3.2 TB/s") and, where it is a number, the exact value for
// programs (3.2e12, in the column's unit). Text goes to the terminal, exact values to CSV and JSON.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fivefold {

enum class Align { kLeft, kRight };

struct Column {
  std::string heading;
  Align align = Align::kLeft;
  std::string key = {};   // of CSV and JSON; empty: the heading
  std::string unit = {};  // of the exact values, if all rows have the same
};

struct TableCell {
  std::string text;
  std::optional<double> number;  // exact

  TableCell() = default;
  TableCell(std::string shown) : text(std::move(shown)) {}
  TableCell(std::string_view shown) : text(shown) {}
  TableCell(const char* shown) : text(shown) {}
  TableCell(double exact, std::string shown) : text(std::move(shown)), number(exact) {}
};
// A whole number, shown with all its digits.
TableCell count_cell(long count);

struct Table {
  struct Row {
    std::vector<TableCell> cells;  // as many as columns, or fewer: the rest is empty
    std::string group;  // a heading is printed where it changes; a column "group" in CSV and JSON
  };
  std::string title;
  std::vector<Column> columns;
  std::vector<Row> rows;
  std::vector<std::string> notes;  // printed below

  void add(std::vector<TableCell> cells, std::string group = {});
};

inline constexpr std::size_t kTextWidth = 100;  // columns of what is printed

// Columns are padded to their widest cell; what does not fit in `width` wraps inside the widest
// left-aligned columns. Ends with a newline.
std::string to_text(const Table& table, std::size_t width = kTextWidth);
// RFC 4180: a header line of keys, CRLF line ends, quotes where they are needed. A unit follows its
// key in the header: "bandwidth (B/s)". Notes and title are left out.
std::string to_csv(const Table& table);
// {"title": ..., "units": {key: unit}, "rows": [{key: number or text}, ...], "notes": [...]},
// indented, with a newline at the end. Empty cells are null.
std::string to_json(const Table& table);

// One field or one record of a CSV file, for writers with a form of their own.
std::string csv_field(std::string_view text);
std::string csv_record(const std::vector<std::string>& fields);
// The shortest decimal text that reads back as the same number.
std::string exact_text(double number);

// Columns that a UTF-8 text takes on a terminal (Chinese, Japanese and Korean characters take two).
std::size_t display_width(std::string_view text);
// Lines of at most `width` columns, broken at spaces; a longer word stands alone.
std::vector<std::string> wrap(std::string_view text, std::size_t width);

}  // namespace fivefold
