#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "fivefold/traffic/traffic.h"

namespace fivefold {
namespace {

std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"") == std::string::npos) return text;
  std::string result = "\"";
  for (const char c : text) result += c == '"' ? std::string("\"\"") : std::string(1, c);
  return result + "\"";
}

}  // namespace

std::string load_csv(const RequestLoad& load) {
  const auto any = [&](auto has) {
    return std::any_of(load.requests.begin(), load.requests.end(), has);
  };
  const bool tenants = !load.tenants.empty() || any([](const Request& r) { return r.tenant != 0; });
  const bool priorities = any([](const Request& r) { return r.priority != 0; });
  const bool images = any([](const Request& r) { return r.images != 0; });
  std::string text =
      fmt::format("arrival_s,input_tokens,output_tokens{}{}{}\n", tenants ? ",tenant" : "",
                  priorities ? ",priority" : "", images ? ",images" : "");
  const auto out = std::back_inserter(text);
  for (const Request& r : load.requests) {
    fmt::format_to(out, "{},{},{}", r.arrival, r.input, r.output);
    const auto tenant = std::size_t(r.tenant);
    if (tenants) {
      fmt::format_to(
          out, ",{}",
          tenant < load.tenants.size() ? quoted(load.tenants[tenant]) : std::to_string(r.tenant));
    }
    if (priorities) fmt::format_to(out, ",{}", r.priority);
    if (images) fmt::format_to(out, ",{}", r.images);
    text += '\n';
  }
  return text;
}

Result<std::string> load_jsonl(const RequestLoad& load) {
  constexpr std::int32_t kBlock = 512;
  if (load.block_tokens != 0 && load.block_tokens != kBlock) {
    return fail(fmt::format("contents in blocks of {} tokens do not fit this form, which has {}",
                            load.block_tokens, kBlock),
                "CSV leaves contents out");
  }
  std::string text;
  const auto out = std::back_inserter(text);
  for (const Request& r : load.requests) {
    fmt::format_to(out, R"({{"timestamp": {}, "input_length": {}, "output_length": {})",
                   r.arrival * 1e3, r.input, r.output);
    if (load.block_tokens > 0) {
      text += ", \"hash_ids\": [";
      const char* between = "";
      for (const std::uint32_t id : load.blocks_of(r)) {
        fmt::format_to(out, "{}{}", between, id);
        between = ", ";
      }
      text += ']';
    }
    text += "}\n";
  }
  return text;
}

}  // namespace fivefold
