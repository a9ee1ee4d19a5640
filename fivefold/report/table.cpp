#include "fivefold/report/table.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace fivefold {
namespace {

constexpr std::string_view kGap = "  ";
constexpr std::size_t kNarrowest = 12;  // what a wrapped column keeps

std::string key_of(const Column& column) {
  return column.key.empty() ? column.heading : column.key;
}

bool has_groups(const Table& table) {
  return std::any_of(table.rows.begin(), table.rows.end(),
                     [](const Table::Row& row) { return !row.group.empty(); });
}

const TableCell& cell_of(const Table::Row& row, std::size_t column) {
  static const TableCell kEmpty;
  return column < row.cells.size() ? row.cells[column] : kEmpty;
}

// The code point that starts at `at`, which moves past it; a broken byte counts as itself.
char32_t next_code_point(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(at);
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 1;
  if (length == 1 || at + length > text.size()) {
    ++at;
    return first;
  }
  char32_t point = first & (0xFFu >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) point = (point << 6) | (byte(at + i) & 0x3Fu);
  at += length;
  return point;
}

// Unicode Standard Annex 11, the blocks that are wide throughout.
bool is_wide(char32_t point) {
  return (point >= 0x1100 && point <= 0x115F) || (point >= 0x2E80 && point <= 0xA4CF) ||
         (point >= 0xAC00 && point <= 0xD7A3) || (point >= 0xF900 && point <= 0xFAFF) ||
         (point >= 0xFE30 && point <= 0xFE6F) || (point >= 0xFF00 && point <= 0xFF60) ||
         (point >= 0x1F300 && point <= 0x1FAFF) || (point >= 0x20000 && point <= 0x3FFFD);
}

bool is_combining(char32_t point) {
  return (point >= 0x300 && point <= 0x36F) || (point >= 0x64B && point <= 0x65F) ||
         point == 0x61C || point == 0x200B || point == 0xFEFF;
}

std::vector<std::size_t> natural_widths(const Table& table) {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    std::size_t widest = display_width(table.columns[i].heading);
    for (const Table::Row& row : table.rows) {
      widest = std::max(widest, display_width(cell_of(row, i).text));
    }
    widths.push_back(widest);
  }
  return widths;
}

// Takes columns from the widest left-aligned column until the table fits or nothing can give.
std::vector<std::size_t> fitted_widths(const Table& table, std::size_t limit) {
  std::vector<std::size_t> widths = natural_widths(table);
  const auto total = [&] {
    std::size_t sum = has_groups(table) ? kGap.size() : 0;
    for (std::size_t width : widths) sum += width + kGap.size();
    return sum - (widths.empty() ? 0 : kGap.size());
  };
  while (total() > limit) {
    std::size_t widest = widths.size();
    for (std::size_t i = 0; i < widths.size(); ++i) {
      const bool can_give = table.columns[i].align == Align::kLeft && widths[i] > kNarrowest;
      if (can_give && (widest == widths.size() || widths[i] > widths[widest])) widest = i;
    }
    if (widest == widths.size()) break;
    --widths[widest];
  }
  return widths;
}

void strip_end(std::string& line) {
  const std::size_t last = line.find_last_not_of(' ');
  line.erase(last == std::string::npos ? 0 : last + 1);
}

// One row, on as many lines as its tallest cell needs.
std::string row_text(const std::vector<std::string>& texts, const std::vector<Column>& columns,
                     const std::vector<std::size_t>& widths, std::string_view indent) {
  std::vector<std::vector<std::string>> wrapped;
  std::size_t height = 1;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    wrapped.push_back(wrap(texts[i], widths[i]));
    height = std::max(height, wrapped.back().size());
  }
  std::string out;
  for (std::size_t l = 0; l < height; ++l) {
    std::string line(indent);
    for (std::size_t i = 0; i < wrapped.size(); ++i) {
      const std::string text = l < wrapped[i].size() ? wrapped[i][l] : "";
      const std::size_t used = std::min(display_width(text), widths[i]);
      const std::string pad(widths[i] - used, ' ');
      if (i > 0) line += kGap;
      line += columns[i].align == Align::kRight ? pad + text : text + pad;
    }
    strip_end(line);
    out += line + "\n";
  }
  return out;
}

nlohmann::ordered_json json_value(const TableCell& cell) {
  if (cell.number) {
    return std::isfinite(*cell.number) ? nlohmann::ordered_json(*cell.number)
                                       : nlohmann::ordered_json();
  }
  return cell.text.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(cell.text);
}

}  // namespace

TableCell count_cell(long count) {
  return {static_cast<double>(count), fmt::format("{}", count)};
}

void Table::add(std::vector<TableCell> cells, std::string group) {
  rows.push_back({std::move(cells), std::move(group)});
}

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t at = 0; at < text.size();) {
    const char32_t point = next_code_point(text, at);
    width += is_combining(point) ? 0 : is_wide(point) ? 2 : 1;
  }
  return width;
}

std::vector<std::string> wrap(std::string_view text, std::size_t width) {
  std::vector<std::string> lines(1);
  while (!text.empty()) {
    const std::size_t space = text.find(' ');
    const std::string_view word = text.substr(0, space);
    text.remove_prefix(space == std::string_view::npos ? text.size() : space + 1);
    std::string& line = lines.back();
    if (line.empty()) {
      line = word;
    } else if (display_width(line) + 1 + display_width(word) <= width) {
      line += ' ';
      line += word;
    } else {
      lines.emplace_back(word);
    }
  }
  return lines;
}

std::string to_text(const Table& table, std::size_t width) {
  const std::vector<std::size_t> widths = fitted_widths(table, width);
  const std::string_view indent = has_groups(table) ? kGap : std::string_view();
  std::string out;
  if (!table.title.empty()) out += table.title + "\n\n";
  std::vector<std::string> headings;
  for (const Column& column : table.columns) headings.push_back(column.heading);
  out += row_text(headings, table.columns, widths, indent);
  std::string group;
  for (const Table::Row& row : table.rows) {
    if (row.group != group) {
      out += "\n";
      for (const std::string& line : wrap(row.group, width)) out += line + "\n";
    }
    group = row.group;
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < table.columns.size(); ++i) texts.push_back(cell_of(row, i).text);
    out += row_text(texts, table.columns, widths, indent);
  }
  if (!table.notes.empty()) out += "\n";
  for (const std::string& note : table.notes) {
    for (const std::string& line : wrap(note, width)) out += line + "\n";
  }
  return out;
}

std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

std::string csv_record(const std::vector<std::string>& fields) {
  std::string record;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (i > 0) record += ',';
    record += csv_field(fields[i]);
  }
  return record + "\r\n";
}

std::string exact_text(double number) {
  return fmt::format("{}", number);
}

std::string to_csv(const Table& table) {
  const bool grouped = has_groups(table);
  std::vector<std::string> fields;
  if (grouped) fields.push_back("group");
  for (const Column& column : table.columns) {
    fields.push_back(column.unit.empty() ? key_of(column)
                                         : fmt::format("{} ({})", key_of(column), column.unit));
  }
  std::string out = csv_record(fields);
  for (const Table::Row& row : table.rows) {
    fields.clear();
    if (grouped) fields.push_back(row.group);
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      const TableCell& cell = cell_of(row, i);
      fields.push_back(cell.number ? exact_text(*cell.number) : cell.text);
    }
    out += csv_record(fields);
  }
  return out;
}

std::string to_json(const Table& table) {
  nlohmann::ordered_json json;
  json["title"] = table.title;
  json["units"] = nlohmann::ordered_json::object();
  for (const Column& column : table.columns) {
    if (!column.unit.empty()) json["units"][key_of(column)] = column.unit;
  }
  json["rows"] = nlohmann::ordered_json::array();
  for (const Table::Row& row : table.rows) {
    nlohmann::ordered_json object = nlohmann::ordered_json::object();
    if (has_groups(table)) object["group"] = row.group;
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      object[key_of(table.columns[i])] = json_value(cell_of(row, i));
    }
    json["rows"].push_back(std::move(object));
  }
  json["notes"] = table.notes;
  return json.dump(2) + "\n";
}

}  // namespace fivefold
