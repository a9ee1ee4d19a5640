// Traces with one JSON object a line.
#include <cstring>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "fivefold/traffic/trace_builder.h"

namespace fivefold {
namespace {

using nlohmann::json;

struct JsonForm {
  const char* name;
  const char* mark;  // the key by which it is known
  const char* arrival;
  double per_second;  // of its unit of time
  const char* input;
  const char* output;
  std::int32_t block_tokens = 0;
};
// The first whose mark is there: Bailian's has the keys of Mooncake's too.
constexpr JsonForm kForms[] = {
    {"bailian", "chat_id", "timestamp", 1, "input_length", "output_length", 16},
    {"mooncake", "input_length", "timestamp", 1e3, "input_length", "output_length", 512},
    {"apex", "StartTimeOffset", "StartTimeOffset", 1e9, "ContextTokens", "GeneratedTokens"},
    {"recorded", "arrival_time_ns", "arrival_time_ns", 1e9, "input_toks", "output_toks"},
    {"recorded", "input_toks", "arrival_time", 1, "input_toks", "output_toks"},
};
constexpr const char* kBlocks = "hash_ids";

class JsonlReader {
 public:
  JsonlReader(std::string_view text, const std::string& file, const ReadOptions& options)
      : text_(text), file_(file), builder_(file, options) {}

  Result<ReadLoad> read() {
    while (at_ < text_.size() && !builder_.done()) {
      const std::size_t end = std::min(text_.find('\n', at_), text_.size());
      const std::string_view line = text_.substr(at_, end - at_);
      at_ = end + 1;
      ++line_;
      if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
      const auto object = parsed(line);
      if (!object) continue;
      if (form_ == nullptr) form_ = form_of(*object);
      if (form_ == nullptr) {
        return fail("these keys are of no known form",
                    "Mooncake's are timestamp, input_length, output_length and hash_ids",
                    {file_, line_, 0});
      }
      read_row(*object);
    }
    return builder_.finish(form_ != nullptr ? form_->name : "", true,
                           form_ != nullptr ? form_->block_tokens : 0);
  }

 private:
  std::optional<json> parsed(std::string_view line) {
    try {
      json value = json::parse(line);
      if (value.is_object()) return value;
      builder_.problem(line_, 1, "is not a JSON object", "one {...} a line");
    } catch (const json::parse_error& error) {
      builder_.problem(line_, int(error.byte), fmt::format("is not JSON: '{}'", shown(line)),
                       "one {...} a line; is the file cut off?");
    } catch (const json::exception&) {
      builder_.problem(line_, 0, "holds a number that is too large");
    }
    return std::nullopt;
  }

  static const JsonForm* form_of(const json& object) {
    for (const JsonForm& form : kForms) {
      if (object.contains(form.mark)) return &form;
    }
    return nullptr;
  }

  // The number under a key as text, which has one reader and one set of messages for all forms.
  std::optional<std::string> text_of(const json& object, const char* key) {
    const auto found = object.find(key);
    if (found == object.end()) {
      std::vector<std::string> keys;
      for (const auto& item : object.items()) keys.push_back(item.key());
      builder_.problem(line_, 0, fmt::format("no '{}'", key), did_you_mean(key, keys));
    } else if (!found->is_number()) {
      builder_.problem(line_, 0, fmt::format("'{}' is not a number", key));
    } else {
      return found->dump();
    }
    return std::nullopt;
  }

  std::optional<std::int32_t> tokens(const json& object, const char* key) {
    const auto text = text_of(object, key);
    return text ? builder_.whole(line_, {*text, key, 0}, 0) : std::nullopt;
  }

  void read_row(const json& object) {
    const auto time = text_of(object, form_->arrival);
    const auto arrival = time ? builder_.number(line_, {*time, form_->arrival, 0}) : std::nullopt;
    const auto input = tokens(object, form_->input);
    const auto output = tokens(object, form_->output);
    if (!arrival || !input || !output) return;
    if (*input == 0 || *output == 0) return builder_.add_failed();
    if (form_->block_tokens > 0 && !read_blocks(object, *input)) return;
    builder_.add(line_,
                 {.arrival = *arrival / form_->per_second, .input = *input, .output = *output});
  }

  bool read_blocks(const json& object, std::int32_t input) {
    const auto found = object.find(kBlocks);
    if (found == object.end()) return true;
    const auto is_id = [](const json& id) { return id.is_number_integer(); };
    if (!found->is_array() || !std::all_of(found->begin(), found->end(), is_id)) {
      builder_.problem(line_, 0, fmt::format("'{}' is not a list of whole numbers", kBlocks));
      return false;
    }
    // The last one may be in part.
    const std::int32_t most = (input - 1) / form_->block_tokens + 1;
    if (found->size() > std::size_t(most)) {
      builder_.problem(line_, 0,
                       fmt::format("{} blocks of {} tokens in a prompt of {}", found->size(),
                                   form_->block_tokens, input),
                       fmt::format("at most {}", most));
      return false;
    }
    for (const json& id : *found) builder_.add_block(id.get<std::int64_t>());
    return true;
  }

  std::string_view text_;
  std::string file_;
  TraceBuilder builder_;
  const JsonForm* form_ = nullptr;
  std::size_t at_ = 0;
  int line_ = 0;
};

}  // namespace

Result<ReadLoad> parse_jsonl_load(std::string_view text, const std::string& file,
                                  const ReadOptions& options) {
  return JsonlReader(text, file, options).read();
}

}  // namespace fivefold
