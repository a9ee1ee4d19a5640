// What the readers of all forms share: numbers with their errors, and requests as they come.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "fivefold/traffic/traffic.h"

namespace fivefold {

struct Field {
  std::string_view text;
  std::string_view name;  // of its column
  int column = 0;         // of its first character
};

class TraceBuilder {
 public:
  TraceBuilder(std::string file, const ReadOptions& options)
      : file_(std::move(file)), options_(options) {}

  // Lines with a problem are left out, so that one mistake is one message; reading goes on for a
  // while to find the others.
  void problem(int line, int column, std::string what, std::string hint = {});
  bool failed() const { return !problems_.empty(); }
  bool done() const;  // what was asked for is read, or too much is wrong

  // A whole number from `least` to the largest of 32 bits.
  std::optional<std::int32_t> whole(int line, const Field& field, std::int32_t least);
  std::optional<double> number(int line, const Field& field);
  std::int32_t tenant(std::string_view name);
  void add_block(std::int64_t id);  // to the request that is added next

  // `arrival` in seconds from anywhere.
  void add(int line, const Request& request);
  void add_failed() { ++left_out_; }  // counted, not taken

  Result<ReadLoad> finish(std::string form, bool timed, std::int32_t block_tokens);

 private:
  std::string file_;
  const ReadOptions& options_;
  RequestLoad load_;
  std::unordered_map<std::string, std::int32_t> tenants_;
  std::unordered_map<std::int64_t, std::uint32_t> block_of_;
  std::vector<Problem> problems_;
  std::size_t left_out_ = 0;
  std::uint32_t first_block_ = 0;
  double last_ = 0;
  int last_line_ = 0;
};

// Text as a message can show it: without control characters, cut.
std::string shown(std::string_view text, std::size_t most = 60);

// Seconds from 1970-01-01 UTC in units of 1e-9: "2023-11-16 18:15:46.6805900", with 'T', 'Z' or an
// offset such as +00:00. Nothing if it is no time.
std::optional<std::int64_t> parse_timestamp(std::string_view text);

Result<ReadLoad> parse_csv_load(std::string_view text, const std::string& file,
                                const ReadOptions& options);
Result<ReadLoad> parse_jsonl_load(std::string_view text, const std::string& file,
                                  const ReadOptions& options);

}  // namespace fivefold
