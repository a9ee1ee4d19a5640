#include "fivefold/serving/text.h"

#include <array>
#include <charconv>
#include <set>
#include <vector>

#include <fmt/format.h>

#include "fivefold/base/unit_text.h"

namespace fivefold {
namespace {

struct Preset {
  std::string_view name;
  double ttft, tpot;  // seconds, at the 99th percentile
};
constexpr std::array kPresets = {
    Preset{"mlperf:llama2-70b/server", 2, 0.2},
    Preset{"mlperf:llama2-70b/interactive", 0.45, 0.04},
    Preset{"mlperf:llama3.1-8b/server", 2, 0.1},
    Preset{"mlperf:llama3.1-8b/interactive", 0.5, 0.03},
    Preset{"mlperf:llama3.1-405b/server", 6, 0.175},
    Preset{"mlperf:llama3.1-405b/interactive", 4.5, 0.08},
    Preset{"mlperf:mixtral-8x7b/server", 2, 0.2},
    Preset{"mlperf:deepseek-r1/server", 2, 0.08},
    Preset{"mlperf:deepseek-r1/interactive", 1.5, 0.015},
    Preset{"mlperf:gpt-oss-120b/server", 3, 0.08},
    Preset{"mlperf:gpt-oss-120b/interactive", 2, 0.02},
};

struct Pair {
  std::string_view key, value;
};

// "a=1,b=2": each key once.
Result<std::vector<Pair>> pairs_of(std::string_view text, std::string_view what,
                                   std::string_view example) {
  std::vector<Pair> pairs;
  std::set<std::string_view> seen;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const std::string_view part = text.substr(0, comma);
    text.remove_prefix(std::min(comma + 1, text.size()));
    const std::size_t equals = part.find('=');
    if (equals == std::string_view::npos) {
      return fail(fmt::format("{}: '{}' has no value", what, part),
                  fmt::format("for example {}", example));
    }
    pairs.push_back({part.substr(0, equals), part.substr(equals + 1)});
    if (!seen.insert(pairs.back().key).second) {
      return fail(fmt::format("{}: {} is given twice", what, pairs.back().key));
    }
  }
  if (pairs.empty()) {
    return fail(fmt::format("{}: nothing is said", what), fmt::format("for example {}", example));
  }
  return pairs;
}

bool whole_number(std::string_view text, int& number) {
  const char* const last = text.data() + text.size();
  const auto [end, code] = std::from_chars(text.data(), last, number);
  constexpr int kMost = 1'000'000;
  return code == std::errc() && end == last && number >= 1 && number <= kMost;
}

}  // namespace

Result<Slo> parse_slo(std::string_view text) {
  Slo slo;
  if (text.starts_with("mlperf:")) {
    std::vector<std::string_view> names;
    for (const Preset& preset : kPresets) {
      if (preset.name == text) return Slo{Seconds(preset.ttft), Seconds(preset.tpot), {}};
      names.push_back(preset.name);
    }
    return fail(fmt::format("slo: '{}' is unknown", text),
                fmt::format("known: {}", fmt::join(names, ", ")));
  }
  const auto pairs = pairs_of(text, "slo", "ttft=2s,tpot=50ms");
  if (!pairs) return fail(pairs.error());
  for (const auto& [key, value] : *pairs) {
    Seconds* limit = key == "ttft"   ? &slo.ttft
                     : key == "tpot" ? &slo.tpot
                     : key == "e2e"  ? &slo.e2e
                                     : nullptr;
    if (limit == nullptr) {
      return fail(fmt::format("slo: '{}' is unknown", key), "known: ttft, tpot, e2e");
    }
    const auto time = parse_quantity_as<Seconds>(value);
    if (!time) return fail(time.error());
    if (!(*time > Seconds(0))) return fail(fmt::format("slo: {} is not above 0", key));
    *limit = *time;
  }
  return slo;
}

std::string to_text(const Slo& slo) {
  std::vector<std::string> parts;
  const auto add = [&](std::string_view name, Seconds limit) {
    if (limit <= Seconds(0)) return;
    parts.push_back(limit < Seconds(1) ? fmt::format("{} {:g} ms", name, limit.value() * 1e3)
                                       : fmt::format("{} {:g} s", name, limit.value()));
  };
  add("TTFT", slo.ttft);
  add("TPOT", slo.tpot);
  add("E2E", slo.e2e);
  return fmt::format("{}", fmt::join(parts, ", "));
}

Result<ServingInstances> parse_serving_layout(std::string_view text) {
  ServingInstances result;
  const std::string_view whole = text;
  const std::size_t times = text.find('x');
  if (times != std::string_view::npos) {
    if (!whole_number(text.substr(0, times), result.count)) {
      return fail(fmt::format("layout: '{}' is no number of instances", text.substr(0, times)),
                  "for example 6x tp=2,dp=16,ep=32");
    }
    text.remove_prefix(times + 1);
    while (text.starts_with(' ')) text.remove_prefix(1);
  }
  const auto pairs = pairs_of(text, "layout", "tp=8 or 6x dp=32,ep=32");
  if (!pairs) return fail(pairs.error());
  ServingLayout& l = result.layout;
  for (const auto& [key, value] : *pairs) {
    int* field = key == "tp"   ? &l.tp
                 : key == "dp" ? &l.dp
                 : key == "ep" ? &l.ep
                 : key == "pp" ? &l.pp
                               : nullptr;
    if (field == nullptr) {
      return fail(fmt::format("layout: '{}' is unknown", key), "known: tp, dp, ep, pp");
    }
    if (!whole_number(value, *field)) {
      return fail(fmt::format("layout: {} '{}' is no whole number above 0", key, value),
                  fmt::format("for example {}=8", key));
    }
  }
  if (double(l.tp) * l.dp * l.pp * result.count > 1e8) {
    return fail(fmt::format("layout: '{}' is more than anything can be cut into", whole));
  }
  return result;
}

std::string to_text(const ServingLayout& l) {
  std::string text = fmt::format("tp={}", l.tp);
  if (l.dp > 1) text += fmt::format(",dp={}", l.dp);
  if (l.ep > 1) text += fmt::format(",ep={}", l.ep);
  if (l.pp > 1) text += fmt::format(",pp={}", l.pp);
  return text;
}

}  // namespace fivefold
