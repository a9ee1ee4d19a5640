#include "fivefold/training/layout_text.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <vector>

#include <fmt/format.h>

namespace fivefold {
namespace {

template <class T>
struct Named {
  std::string_view text;
  T value;
};
constexpr std::array kSchedules = {
    Named<Schedule>{"gpipe", Schedule::kGpipe},
    Named<Schedule>{"1f1b", Schedule::k1F1B},
    Named<Schedule>{"interleaved", Schedule::kInterleaved},
    Named<Schedule>{"zb-h1", Schedule::kZbH1},
    Named<Schedule>{"zb-v", Schedule::kZbV},
    Named<Schedule>{"dualpipe", Schedule::kDualPipe},
};
constexpr std::array kRecomputes = {
    Named<Recompute>{"none", Recompute::kNone},
    Named<Recompute>{"selective", Recompute::kSelective},
    Named<Recompute>{"full", Recompute::kFull},
    Named<Recompute>{"ops", Recompute::kOps},
};
constexpr std::array kOrders = {
    Named<RankOrder>{"tp-cp-dp-pp", RankOrder::kTpCpDpPp},
    Named<RankOrder>{"tp-cp-pp-dp", RankOrder::kTpCpPpDp},
};
struct Number {
  std::string_view key;
  int TrainingLayout::*value;
};
constexpr std::array kNumbers = {
    Number{"tp", &TrainingLayout::tp},
    Number{"pp", &TrainingLayout::pp},
    Number{"dp", &TrainingLayout::dp},
    Number{"ep", &TrainingLayout::ep},
    Number{"cp", &TrainingLayout::cp},
    Number{"vpp", &TrainingLayout::vpp},
    Number{"etp", &TrainingLayout::etp},
    Number{"mb", &TrainingLayout::micro_batch},
    Number{"zero", &TrainingLayout::zero},
    Number{"shard", &TrainingLayout::shard},
    Number{"first", &TrainingLayout::first_layers},
    Number{"last", &TrainingLayout::last_layers},
};

template <class T, std::size_t N>
std::string known(const std::array<Named<T>, N>& names) {
  std::vector<std::string_view> texts;
  for (const auto& entry : names) texts.push_back(entry.text);
  return fmt::format("{}", fmt::join(texts, ", "));
}

template <class T, std::size_t N>
std::string_view text_of(const std::array<Named<T>, N>& names, T value) {
  const auto found = std::find_if(names.begin(), names.end(),
                                  [&](const Named<T>& entry) { return entry.value == value; });
  return found == names.end() ? std::string_view("?") : found->text;
}

template <class T, std::size_t N>
Result<void> set_named(std::string_view key, std::string_view value,
                       const std::array<Named<T>, N>& names, T& to) {
  for (const auto& entry : names) {
    if (entry.text != value) continue;
    to = entry.value;
    return {};
  }
  return fail(fmt::format("layout: {} '{}' is unknown", key, value), known(names));
}

Result<int> whole_number(std::string_view key, std::string_view value) {
  int number = 0;
  const char* const last = value.data() + value.size();
  const auto [end, code] = std::from_chars(value.data(), last, number);
  if (code != std::errc() || end != last || number < 0) {
    return fail(fmt::format("layout: {} '{}' is no whole number", key, value),
                fmt::format("for example {}=8", key));
  }
  return number;
}

// full:N, or modules joined by +, or a name.
Result<void> set_recompute(std::string_view value, TrainingLayout& l) {
  if (value.starts_with("full:")) {
    const auto layers = whole_number("recompute", value.substr(5));
    if (!layers) return fail(layers.error());
    l.recompute = Recompute::kFull;
    l.recompute_layers = *layers;
    return {};
  }
  if (set_named("recompute", value, kRecomputes, l.recompute)) return {};
  l.recompute = Recompute::kSelective;
  l.recompute_modules = {};
  for (std::string_view rest = value;;) {
    const std::size_t plus = std::min(rest.find('+'), rest.size());
    const auto module = module_named(rest.substr(0, plus));
    if (!module) break;
    l.recompute_modules = l.recompute_modules.with(*module);
    if (plus == rest.size()) return {};
    rest.remove_prefix(plus + 1);
  }
  std::vector<std::string_view> modules;
  for (int i = 0; i < kModules; ++i) modules.push_back(name(Module(i)));
  return fail(fmt::format("layout: recompute '{}' is unknown", value),
              fmt::format("{}, full:LAYERS, or modules joined by +: {}", known(kRecomputes),
                          fmt::join(modules, ", ")));
}

constexpr double kMostDevices = 1e8;  // products of sizes stay whole numbers

struct Reading {
  TrainingLayout layout;
  std::set<std::string_view> seen;
};

Result<void> set_one(std::string_view key, std::string_view value, TrainingLayout& l) {
  if (key == "recompute") return set_recompute(value, l);
  if (key == "schedule") return set_named(key, value, kSchedules, l.schedule);
  if (key == "order") return set_named(key, value, kOrders, l.order);
  const auto number = whole_number(key, value);
  if (key == "sp") {
    if (!number || *number > 1) return fail(fmt::format("layout: sp '{}' is not 0 or 1", value));
    l.sequence_parallel = *number == 1;
    return {};
  }
  for (const Number& field : kNumbers) {
    if (field.key != key) continue;
    if (!number) return fail(number.error());
    l.*field.value = *number;
    return {};
  }
  std::vector<std::string_view> keys;
  for (const Number& field : kNumbers) keys.push_back(field.key);
  return fail(fmt::format("layout: '{}' is unknown", key),
              fmt::format("known: {}, sp, recompute, schedule, order", fmt::join(keys, ", ")));
}

}  // namespace

std::string_view name(Schedule schedule) {
  return text_of(kSchedules, schedule);
}

std::string recompute_text(const TrainingLayout& l) {
  if (l.recompute == Recompute::kFull && l.recompute_layers > 0) {
    return fmt::format("full:{}", l.recompute_layers);
  }
  std::vector<std::string_view> modules;
  for (int i = 0; i < kModules; ++i) {
    if (l.recompute_modules.has(Module(i))) modules.push_back(name(Module(i)));
  }
  if (l.recompute == Recompute::kSelective && !modules.empty()) {
    return fmt::format("{}", fmt::join(modules, "+"));
  }
  return std::string(text_of(kRecomputes, l.recompute));
}

Result<TrainingLayout> parse_layout(std::string_view text) {
  Reading reading;
  TrainingLayout& l = reading.layout;
  l.dp = 0;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const std::string_view part = text.substr(0, comma);
    text.remove_prefix(std::min(comma + 1, text.size()));
    const std::size_t equals = part.find('=');
    if (equals == std::string_view::npos) {
      return fail(fmt::format("layout: '{}' has no value", part), "for example tp=8,pp=4,dp=16");
    }
    const std::string_view key = part.substr(0, equals);
    if (!reading.seen.insert(key).second) {
      return fail(fmt::format("layout: {} is given twice", key));
    }
    if (auto set = set_one(key, part.substr(equals + 1), l); !set) return fail(set.error());
  }
  const double most =
      std::max({double(l.tp) * l.pp * l.cp * std::max(1, l.dp), double(l.ep) * l.etp,
                double(l.pp) * l.vpp, double(std::max(1, l.dp)) * l.micro_batch});
  if (most > kMostDevices) {
    return fail(fmt::format("layout: {:.3g} is more than anything can be cut into", most),
                "products of tp, pp, dp, cp, of ep and etp, of pp and vpp, of dp and mb");
  }
  if (!reading.seen.contains("sp")) l.sequence_parallel = l.tp > 1;
  if (!reading.seen.contains("schedule") && l.vpp > 1) l.schedule = Schedule::kInterleaved;
  return l;
}

std::string to_text(const TrainingLayout& l) {
  const TrainingLayout usual;
  std::string text;
  const auto add = [&](std::string_view key, auto value) {
    text += fmt::format("{}{}={}", text.empty() ? "" : ",", key, value);
  };
  for (const Number& field : kNumbers) {
    const bool always = field.key == "tp" || field.key == "pp" || field.key == "dp";
    if (always || l.*field.value != usual.*field.value) add(field.key, l.*field.value);
  }
  if (l.tp > 1 && !l.sequence_parallel) add("sp", 0);
  const std::string recompute = recompute_text(l);
  if (recompute != recompute_text(usual)) add("recompute", recompute);
  const Schedule implied = l.vpp > 1 ? Schedule::kInterleaved : Schedule::k1F1B;
  if (l.schedule != implied) add("schedule", name(l.schedule));
  if (l.order != usual.order) add("order", text_of(kOrders, l.order));
  return text;
}

}  // namespace fivefold
