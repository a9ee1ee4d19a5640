#include "fivefold/report/table.h"

#include <cmath>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "fivefold/evidence/evidence.h"

namespace fivefold {
namespace {

using testing::ElementsAre;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = text.find('\n', at);
    lines.push_back(text.substr(at, end - at));
    at = end == std::string::npos ? text.size() : end + 1;
  }
  return lines;
}

Table two_chips() {
  Table table;
  table.columns = {{"chip"}, {"bandwidth", Align::kRight, "bandwidth", "B/s"}, {"note"}};
  table.add({"Ascend 910C", {3.2e12, "3.2 TB/s"}, "two dies, \"one\" package"});
  table.add({"昇腾", {1.0 / 3.0, "0.33 B/s"}, ""});
  return table;
}

TEST(Table, columns_align_by_width_on_the_terminal_not_by_bytes) {
  const std::vector<std::string> lines = lines_of(to_text(two_chips()));
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0], "chip         bandwidth  note");
  EXPECT_EQ(lines[1], "Ascend 910C   3.2 TB/s  two dies, \"one\" package");
  EXPECT_EQ(lines[2], "昇腾          0.33 B/s");
}

TEST(Table, long_text_wraps_inside_its_column) {
  Table table;
  table.columns = {{"name"}, {"why"}, {"n", Align::kRight}};
  std::string words;
  for (int i = 0; i < 60; ++i) words += "word ";
  table.add({"a", words, count_cell(12345)});
  const std::vector<std::string> lines = lines_of(to_text(table, 60));
  EXPECT_GT(lines.size(), 5u);
  for (const std::string& line : lines) EXPECT_LE(display_width(line), 60u) << line;
  EXPECT_TRUE(lines[1].ends_with("12345"));
}

TEST(Table, group_headings_stand_where_the_group_changes) {
  Table table;
  table.columns = {{"name"}};
  table.add({"a"}, "first");
  table.add({"b"}, "first");
  table.add({"c"}, "second");
  EXPECT_THAT(lines_of(to_text(table)),
              ElementsAre("  name", "", "first", "  a", "  b", "", "second", "  c"));
}

TEST(Table, csv_reads_back_through_the_reader_of_measured_tables) {
  const auto path = std::filesystem::temp_directory_path() /
                    ("fivefold_table_" + std::to_string(getpid()) + ".csv");
  std::ofstream(path, std::ios::binary) << to_csv(two_chips());
  const Result<CsvTable> read = read_csv(path.string());
  std::filesystem::remove(path);
  ASSERT_TRUE(read) << to_text(read.error());
  EXPECT_THAT(read->columns, ElementsAre("chip", "bandwidth (B/s)", "note"));
  ASSERT_EQ(read->rows.size(), 2u);
  EXPECT_EQ(read->at(0, "note"), "two dies, \"one\" package");
  EXPECT_EQ(read->number(0, "bandwidth (B/s)"), 3.2e12);
  EXPECT_EQ(read->number(1, "bandwidth (B/s)"), 1.0 / 3.0);
}

TEST(Table, json_holds_exact_numbers_and_null_for_nothing) {
  Table table = two_chips();
  table.add({"broken", {std::nan(""), "nan"}, {}});
  const auto json = nlohmann::json::parse(to_json(table));
  EXPECT_EQ(json["units"]["bandwidth"], "B/s");
  EXPECT_EQ(json["rows"][0]["bandwidth"], 3.2e12);
  EXPECT_EQ(json["rows"][1]["bandwidth"].get<double>(), 1.0 / 3.0);
  EXPECT_TRUE(json["rows"][1]["note"].is_null());
  EXPECT_TRUE(json["rows"][2]["bandwidth"].is_null());
}

TEST(Table, fields_are_quoted_only_where_rfc_4180_needs_it) {
  EXPECT_EQ(csv_field("plain text"), "plain text");
  EXPECT_EQ(csv_field("a,b"), "\"a,b\"");
  EXPECT_EQ(csv_field("say \"x\""), "\"say \"\"x\"\"\"");
  EXPECT_EQ(csv_field("two\nlines"), "\"two\nlines\"");
}

TEST(Table, a_broken_byte_counts_as_one_column) {
  EXPECT_EQ(display_width("\xff\xfe"), 2u);
  EXPECT_EQ(display_width("ab\xe6"), 3u);  // cut in the middle of a character
}

}  // namespace
}  // namespace fivefold
