#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <memory>

#include <fmt/format.h>
#include <zlib.h>

#include "fivefold/evidence/evidence.h"

namespace fivefold {
namespace {

struct CloseGz {
  void operator()(gzFile file) const { gzclose(file); }
};

// zlib reads plain files as they are.
Result<std::string> read_text(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    return fail(fmt::format("'{}' is a folder", path), "name a CSV file", {path, 0, 0});
  }
  errno = 0;
  const std::unique_ptr<gzFile_s, CloseGz> file(gzopen(path.c_str(), "rb"));
  if (!file) {
    return fail(fmt::format("cannot open '{}': {}", path, std::strerror(errno)), {}, {path, 0, 0});
  }
  std::string text;
  std::array<char, 1 << 16> buffer{};
  while (true) {
    const int got = gzread(file.get(), buffer.data(), unsigned(buffer.size()));
    if (got > 0) text.append(buffer.data(), std::size_t(got));
    if (got < int(buffer.size())) {
      int code = Z_OK;
      const char* message = gzerror(file.get(), &code);
      if (got < 0 || code == Z_BUF_ERROR) {
        return fail(fmt::format("'{}' is broken: {}", path, message), "is it cut off, or not gzip?",
                    {path, 0, 0});
      }
      break;
    }
  }
  return text;
}

// RFC 4180, with '\n' or "\r\n" at line ends.
class Reader {
 public:
  Reader(std::string_view text, const std::string& file) : text_(text), file_(file) {
    if (text_.starts_with("\xEF\xBB\xBF")) text_.remove_prefix(3);
  }
  bool done() const { return at_ >= text_.size(); }
  int line() const { return line_; }

  Result<std::vector<std::string>> record() {
    std::vector<std::string> fields;
    while (true) {
      auto field = next_field();
      if (!field) return fail(std::move(field.error()));
      fields.push_back(*std::move(field));
      if (done()) return fields;
      const char end = text_[at_++];
      if (end == ',') {
        if (done()) {
          fields.emplace_back();
          return fields;
        }
        continue;
      }
      ++line_;
      return fields;
    }
  }

 private:
  // Leaves `at_` on the comma or newline that ends the field.
  Result<std::string> next_field() {
    std::string field;
    if (done() || text_[at_] != '"') {
      const std::size_t end = std::min(text_.find_first_of(",\n", at_), text_.size());
      field = text_.substr(at_, end - at_);
      at_ = end;
      if (!field.empty() && field.back() == '\r' && (done() || text_[at_] == '\n'))
        field.pop_back();
      return field;
    }
    const int opened = line_;
    for (++at_; !done(); ++at_) {
      const char c = text_[at_];
      if (c == '\n') ++line_;
      if (c != '"') {
        field += c;
        continue;
      }
      if (at_ + 1 < text_.size() && text_[at_ + 1] == '"') {
        field += '"';
        ++at_;
        continue;
      }
      ++at_;
      if (!done() && text_[at_] == '\r') ++at_;
      if (done() || text_[at_] == ',' || text_[at_] == '\n') return field;
      return fail("text after a closing quote", "double the quotes inside a quoted field",
                  {file_, line_, 0});
    }
    return fail("a quote is opened and never closed", {}, {file_, opened, 0});
  }

  std::string_view text_;
  std::string file_;
  std::size_t at_ = 0;
  int line_ = 1;
};

Error ragged(const CsvTable& table, int line, std::size_t fields) {
  return make_error(fmt::format("{} fields where the header has {}", fields, table.columns.size()),
                    "quote fields that hold commas", {table.file, line, 0});
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

}  // namespace

int CsvTable::column(std::string_view name) const {
  const auto found = std::find(columns.begin(), columns.end(), name);
  return found == columns.end() ? -1 : int(found - columns.begin());
}

std::string_view CsvTable::at(std::size_t row, std::string_view column_name) const {
  const int index = column(column_name);
  return index < 0 ? std::string_view() : std::string_view(rows[row][std::size_t(index)]);
}

std::optional<double> CsvTable::number(std::size_t row, std::string_view column_name) const {
  const std::string_view text = trimmed(at(row, column_name));
  double value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
    return std::nullopt;
  return value;
}

Result<CsvTable> read_csv(const std::string& path) {
  auto text = read_text(path);
  if (!text) return fail(std::move(text.error()));
  CsvTable table;
  table.file = path;
  Reader reader(*text, path);
  Error problems;
  while (!reader.done()) {
    const int line = reader.line();
    auto record = reader.record();
    if (!record) {
      problems.problems.insert(problems.problems.end(), record.error().problems.begin(),
                               record.error().problems.end());
      break;
    }
    if (record->size() == 1 && record->front().empty()) continue;  // an empty line
    if (table.columns.empty()) {
      table.columns = *std::move(record);
      for (std::string& name : table.columns) name = std::string(trimmed(name));
    } else if (record->size() != table.columns.size()) {
      const Error error = ragged(table, line, record->size());
      problems.problems.push_back(error.problems.front());
    } else {
      table.rows.push_back(*std::move(record));
      table.lines.push_back(line);
    }
  }
  if (!problems.problems.empty()) return fail(std::move(problems));
  if (table.columns.empty()) return fail("no header line", "the file is empty", {path, 1, 0});
  return table;
}

}  // namespace fivefold
