// Traces as CSV, by the names in their header.
#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "fivefold/traffic/csv_forms.h"
#include "fivefold/traffic/trace_builder.h"

namespace fivefold {
namespace {

using csv::CsvForm;
using csv::FormColumn;
using csv::Role;
using csv::Time;

// Fields of one line, without quotes; doubled quotes inside stay doubled.
void split(std::string_view line, std::vector<std::string_view>& fields) {
  fields.clear();
  std::size_t at = 0;
  while (true) {
    std::size_t end = 0;
    if (at < line.size() && line[at] == '"') {
      std::size_t close = line.find('"', at + 1);
      while (close != std::string_view::npos && close + 1 < line.size() && line[close + 1] == '"') {
        close = line.find('"', close + 2);
      }
      if (close == std::string_view::npos) close = line.size();
      fields.push_back(line.substr(at + 1, close - at - 1));
      end = std::min(line.find(',', close), line.size());
    } else {
      const void* comma =
          at < line.size() ? std::memchr(line.data() + at, ',', line.size() - at) : nullptr;
      end = comma != nullptr ? std::size_t(static_cast<const char*>(comma) - line.data())
                             : line.size();
      fields.push_back(line.substr(at, end - at));
    }
    if (end >= line.size()) return;
    at = end + 1;
  }
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// "a""b" as it is written, a"b as it is meant.
std::string unquoted(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    result += text[i];
    if (text[i] == '"' && i + 1 < text.size() && text[i + 1] == '"') ++i;
  }
  return result;
}

class CsvReader {
 public:
  CsvReader(std::string_view text, const std::string& file, const ReadOptions& options)
      : text_(text), file_(file), builder_(file, options) {}

  Result<ReadLoad> read() {
    std::string_view line;
    if (!next_line(line)) return fail("the file is empty", {}, {file_, 0, 0});
    split(line, fields_);
    choose_form(line);
    if (builder_.failed()) return builder_.finish({}, false, 0);
    while (!builder_.done() && next_line(line)) {
      split(line, fields_);
      if (fields_.size() == names_.size()) {
        read_row(line);
      } else if (!trimmed(line).empty()) {
        builder_.problem(
            line_, 0,
            fmt::format("{} {} where the header has {}: '{}'", fields_.size(),
                        fields_.size() == 1 ? "field" : "fields", names_.size(), shown(line)),
            "is the file cut off?");
      }
    }
    return builder_.finish(std::string(form_->name), timed_, 0);
  }

 private:
  // Without its end, LF or CRLF.
  bool next_line(std::string_view& line) {
    if (at_ >= text_.size()) return false;
    const void* found = std::memchr(text_.data() + at_, '\n', text_.size() - at_);
    const std::size_t end = found != nullptr
                                ? std::size_t(static_cast<const char*>(found) - text_.data())
                                : text_.size();
    line = text_.substr(at_, end - at_);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    at_ = end + 1;
    ++line_;
    return true;
  }

  void choose_form(std::string_view header) {
    for (const std::string_view field : fields_) names_.emplace_back(trimmed(field));
    std::size_t best = 0;
    bool whole = false;  // no required column is missing
    for (const CsvForm& form : csv::forms()) {
      std::size_t known = 0;
      bool all = true;
      for (const FormColumn& column : form.columns) {
        known += here(column.name) ? 1 : 0;
        all = all && (!column.required || here(column.name));
      }
      if (known == 0 || (whole && !all) || (whole == all && known <= best)) continue;
      form_ = &form;
      best = known;
      whole = all;
    }
    if (form_ != nullptr) return take_columns();
    builder_.problem(1, 1, fmt::format("the header '{}' is of no known form", shown(header)),
                     "one's own form is arrival_s,input_tokens,output_tokens");
  }

  bool here(std::string_view name) const {
    return std::find(names_.begin(), names_.end(), name) != names_.end();
  }

  void take_columns() {
    roles_.assign(names_.size(), Role::kIgnored);
    std::vector<std::string> known;
    for (const FormColumn& column : form_->columns) known.emplace_back(column.name);
    for (const FormColumn& column : form_->columns) {
      const auto found = std::find(names_.begin(), names_.end(), column.name);
      if (found == names_.end()) {
        if (column.required) refuse_missing(column, known);
        continue;
      }
      roles_[std::size_t(found - names_.begin())] = column.role;
      timed_ = timed_ || column.role == Role::kArrival;
      if (std::find(found + 1, names_.end(), column.name) != names_.end()) {
        builder_.problem(1, 0, fmt::format("column '{}' is there twice", column.name));
      }
    }
    for (std::size_t i = 0; !builder_.failed() && form_->own && i < names_.size(); ++i) {
      if (roles_[i] != Role::kIgnored) continue;
      builder_.problem(1, int(fields_[i].data() - text_.data()) + 1,
                       fmt::format("column '{}' is not known", shown(names_[i])),
                       did_you_mean(names_[i], known));
    }
  }

  void refuse_missing(const FormColumn& column, const std::vector<std::string>& known) {
    std::string hint;
    for (const std::string& near : nearest(column.name, names_)) {
      if (!hint.empty() || std::find(known.begin(), known.end(), near) != known.end()) continue;
      hint = fmt::format("is it '{}'?", near);
    }
    builder_.problem(
        1, 0, fmt::format("no column '{}' in a trace of the form '{}'", column.name, form_->name),
        std::move(hint));
  }

  void read_row(std::string_view line) {
    Request request;
    std::int32_t copies = 1;
    bool good = true;
    const auto take = [&](auto value, auto& into) {
      good = good && value.has_value();
      if (value) into = *value;
    };
    for (std::size_t i = 0; i < fields_.size(); ++i) {
      if (roles_[i] == Role::kIgnored) continue;
      const Field field{trimmed(fields_[i]), names_[i], int(fields_[i].data() - line.data()) + 1};
      const std::int32_t least = form_->own ? 1 : 0;
      switch (roles_[i]) {
        case Role::kIgnored:
          break;
        case Role::kArrival:
          take(arrival(field), request.arrival);
          break;
        case Role::kInput:
          take(builder_.whole(line_, field, least), request.input);
          break;
        case Role::kOutput:
          take(builder_.whole(line_, field, least), request.output);
          break;
        case Role::kTenant:
          tenant_ = field.text;
          break;
        case Role::kPriority:
          take(builder_.whole(line_, field, kLeastPriority), request.priority);
          break;
        case Role::kImages:
          take(builder_.whole(line_, field, 0), request.images);
          break;
        case Role::kCopies:
          take(builder_.whole(line_, field, 1), copies);
          break;
      }
    }
    if (!good) return;
    if (copies > kMostCopies) {
      builder_.problem(line_, 0, fmt::format("a batch of {} requests is too large", copies),
                       fmt::format("at most {}", kMostCopies));
      return;
    }
    if (request.input == 0 || request.output == 0) return builder_.add_failed();
    if (tenant_) request.tenant = builder_.tenant(unquoted(*tenant_));
    for (std::int32_t i = 0; i < copies; ++i) builder_.add(line_, request);
  }

  std::optional<double> arrival(const Field& field) {
    if (form_->time != Time::kDate) {
      const auto value = builder_.number(line_, field);
      if (!value) return std::nullopt;
      return form_->time == Time::kNanoseconds ? *value / 1e9 : *value;
    }
    const auto time = parse_timestamp(field.text);
    if (!time) {
      builder_.problem(line_, field.column,
                       fmt::format("{} '{}' is not a time", field.name, shown(field.text)),
                       "write it as 2023-11-16 18:15:46.68");
      return std::nullopt;
    }
    // From the first one on, so that a double keeps all digits.
    if (!origin_) origin_ = time;
    return double(*time - *origin_) / 1e9;
  }

  static constexpr std::int32_t kMostCopies = 4096;
  static constexpr std::int32_t kLeastPriority = -1'000'000;

  std::string_view text_;
  std::string file_;
  TraceBuilder builder_;
  const CsvForm* form_ = nullptr;
  std::vector<std::string> names_;
  std::vector<Role> roles_;
  std::vector<std::string_view> fields_;
  std::optional<std::string_view> tenant_;
  std::optional<std::int64_t> origin_;
  bool timed_ = false;
  std::size_t at_ = 0;
  int line_ = 0;
};

}  // namespace

Result<ReadLoad> parse_csv_load(std::string_view text, const std::string& file,
                                const ReadOptions& options) {
  return CsvReader(text, file, options).read();
}

}  // namespace fivefold
