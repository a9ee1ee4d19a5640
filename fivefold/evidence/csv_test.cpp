#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "fivefold/evidence/evidence.h"
#include "fivefold/evidence/temporary_test.h"

namespace fivefold {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class CsvFile : public ::testing::Test {
 protected:
  std::string write(const std::string& text, const std::string& name = "table.csv") {
    const std::string path = temporary_path(name);
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  std::string refusal(const std::string& text) {
    const auto table = read_csv(write(text));
    return table ? "" : to_text(table.error());
  }
};

TEST_F(CsvFile, QuotedFieldsHoldCommasQuotesAndNewlines) {
  const auto table = read_csv(write("id,notes,end\nx,\"a, \"\"b\"\"\nc\",1\ny,,2\n"));
  ASSERT_TRUE(table) << to_text(table.error());
  EXPECT_THAT(table->columns, ElementsAre("id", "notes", "end"));
  EXPECT_EQ(table->at(0, "notes"), "a, \"b\"\nc");
  EXPECT_EQ(table->at(1, "notes"), "");
  EXPECT_EQ(table->number(1, "end"), 2);
  // The newline inside quotes counts: messages name the line of the file.
  EXPECT_THAT(table->lines, ElementsAre(2, 4));
}

TEST_F(CsvFile, ReadsWindowsLineEndsAndAByteOrderMark) {
  const auto table = read_csv(write("\xEF\xBB\xBFid,value\r\na,1.5\r\n\r\nb,\"2\"\r\n"));
  ASSERT_TRUE(table) << to_text(table.error());
  EXPECT_EQ(table->column("id"), 0);
  EXPECT_EQ(table->number(0, "value"), 1.5);
  EXPECT_EQ(table->number(1, "value"), 2);
}

TEST_F(CsvFile, ReadsGzip) {
  const std::string path = temporary_path("table.csv.gz");
  gzFile file = gzopen(path.c_str(), "wb");
  gzputs(file, "a,b\n1,2\n");
  gzclose(file);
  const auto table = read_csv(path);
  ASSERT_TRUE(table) << to_text(table.error());
  EXPECT_EQ(table->number(0, "b"), 2);
}

TEST_F(CsvFile, ACutGzipFileIsRefused) {
  const std::string whole = temporary_path("whole.csv.gz");
  gzFile file = gzopen(whole.c_str(), "wb");
  for (int i = 0; i < 1000; ++i) gzprintf(file, "%d,%d\n", i * i, i * 7919 % 1000);
  gzclose(file);
  const std::string cut = temporary_path("cut.csv.gz");
  std::filesystem::copy_file(whole, cut, std::filesystem::copy_options::overwrite_existing);
  std::filesystem::resize_file(cut, std::filesystem::file_size(whole) / 2);
  EXPECT_FALSE(read_csv(cut));
}

TEST_F(CsvFile, ARaggedRowIsRefusedWithItsLine) {
  const std::string text = refusal("a,b,c\n1,2,3\n1,2\n1,2,3\n1,2,3,4\n");
  EXPECT_THAT(text, HasSubstr(":3: 2 fields where the header has 3"));
  EXPECT_THAT(text, HasSubstr(":5: 4 fields"));  // all of them, not only the first
}

TEST_F(CsvFile, AnOpenQuoteIsRefusedWhereItOpened) {
  EXPECT_THAT(refusal("a,b\n1,2\n3,\"4\n5,6\n"), HasSubstr(":3: a quote is opened"));
}

TEST_F(CsvFile, AnEmptyFileAndAMissingOneAreRefused) {
  EXPECT_THAT(refusal(""), HasSubstr("no header"));
  EXPECT_FALSE(read_csv(temporary_path("absent.csv")));
  EXPECT_FALSE(read_csv(testing::TempDir()));
}

TEST_F(CsvFile, WhatIsNotANumberIsNotOne) {
  const auto table = read_csv(write("a,b,c,d\n1e3,12 GB/s,nan,\n"));
  ASSERT_TRUE(table);
  EXPECT_EQ(table->number(0, "a"), 1000);
  EXPECT_EQ(table->number(0, "b"), std::nullopt);
  EXPECT_EQ(table->number(0, "c"), std::nullopt);
  EXPECT_EQ(table->number(0, "d"), std::nullopt);
  EXPECT_EQ(table->number(0, "absent"), std::nullopt);
}

}  // namespace
}  // namespace fivefold
