// What rules ask of a chip, out of the catalog.
#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>

#include <fmt/format.h>

#include "fivefold/base/text.h"
#include "fivefold/catalog/catalog_data.h"
#include "fivefold/policy/rule_data.h"

namespace fivefold {
namespace {

constexpr double kGiga = 1e9, kTera = 1e12;

// Bits of an operation in each format. TF32 counts as 32: its product is that of 16-bit formats.
struct FormatBits {
  const char* fact;
  double bits;
};
constexpr std::array<FormatBits, 10> kBits = {{{"bf16", 16},
                                               {"fp16", 16},
                                               {"fp8", 8},
                                               {"int8", 8},
                                               {"fp4", 4},
                                               {"fp6", 6},
                                               {"int4", 4},
                                               {"tf32", 32},
                                               {"fp32", 32},
                                               {"fp64", 64}}};

const Fact* number_fact(const Chip& chip, const std::string& path) {
  const Fact* fact = chip.facts.find(path);
  return fact && fact->is_number() ? fact : nullptr;
}

void add_sources(RuleValue& value, const std::vector<std::string>& ids) {
  for (const std::string& id : ids) {
    if (std::find(value.sources.begin(), value.sources.end(), id) == value.sources.end()) {
      value.sources.push_back(id);
    }
  }
}

// The surest that all parts are.
Confidence lesser(Confidence a, Confidence b) {
  return std::max(a, b);
}

RuleValue value_of(const Fact& fact, double per) {
  RuleValue value;
  value.value = fact.number / per;
  value.low = fact.lowest() / per;
  value.high = fact.highest() / per;
  value.from = fact.path;
  value.sources = fact.sources;
  value.confidence = fact.confidence;
  return value;
}

// TPP: dense tera-operations a second times the bits of an operation, the largest over all formats.
RuleValue tpp_of(const Chip& chip) {
  RuleValue tpp;
  std::string missing;
  for (const FormatBits& format : kBits) {
    const std::string path = std::string("peak_dense.") + format.fact;
    const Fact* stated = chip.facts.find(path);
    if (stated && stated->kind == Fact::Kind::kUnknown) {
      missing += (missing.empty() ? "" : ", ") + std::string(format.fact);
    }
    const Fact* fact = number_fact(chip, path);
    if (!fact) continue;
    const RuleValue one = value_of(*fact, kTera / format.bits);
    tpp.low = std::max(tpp.low.value_or(0), *one.low);
    tpp.high = std::max(tpp.high.value_or(0), *one.high);
    // Where formats give the same product the surest speaks.
    const bool same = tpp.value && std::abs(*one.value / *tpp.value - 1) < 1e-9;
    if (tpp.value && *one.value <= *tpp.value && !(same && one.confidence < tpp.confidence))
      continue;
    tpp.value = one.value;
    tpp.from = fmt::format("{:.0f} bit x {} TOPS dense ({})", format.bits,
                           plain_number(fact->number / kTera), format.fact);
    tpp.sources = one.sources;
    tpp.confidence = one.confidence;
  }
  if (tpp.value && !missing.empty()) tpp.from += "; not published: " + missing;
  return tpp;
}

// GB/s of a direction of "Gen5 x16 ...": 2, 4, 8 GB/s a lane in generations 4, 5, 6.
std::optional<double> bus_gbs(std::string_view text) {
  const std::size_t gen = text.find("Gen"), lanes = text.find(" x");
  if (gen == std::string_view::npos || lanes == std::string_view::npos) return std::nullopt;
  const auto digit = [&](std::size_t at) {
    return at < text.size() && std::isdigit(static_cast<unsigned char>(text[at])) ? text[at] - '0'
                                                                                  : -1;
  };
  const int generation = digit(gen + 3);
  int width = 0;
  for (std::size_t at = lanes + 2; digit(at) >= 0 && width < 100; ++at)
    width = 10 * width + digit(at);
  if (generation < 1 || width < 1 || width > 32) return std::nullopt;
  return width * 2.0 / 16 * (1 << generation);  // generation 3: 1 GB/s a lane
}

// Links to other chips and to the host, both directions. A card whose peers are reached over the
// bus has that bus once.
RuleValue io_of(const Chip& chip) {
  RuleValue io;
  const Fact* links = number_fact(chip, "scale_up.bandwidth_per_direction");
  const Fact* kind = chip.facts.find("scale_up.name");
  const Fact* bus = chip.facts.find("pcie");
  const bool links_are_bus = kind && kind->text.find("PCIe") != std::string::npos;
  const auto add = [&](double low, double gbs, double high, const std::string& what,
                       const Fact& fact) {
    io.low = io.low.value_or(0) + 2 * low;
    io.high = io.high.value_or(0) + 2 * high;
    io.from += fmt::format("{}2 x {} {}", io.value ? " + " : "", plain_number(gbs), what);
    io.confidence = io.value ? lesser(io.confidence, fact.confidence) : fact.confidence;
    io.value = io.value.value_or(0) + 2 * gbs;
    add_sources(io, fact.sources);
  };
  if (links) {
    add(links->lowest() / kGiga, links->number / kGiga, links->highest() / kGiga,
        links_are_bus ? "bus"
        : kind        ? kind->text
                      : "links",
        *links);
  }
  // A bridge that can be put on counts: the rule asks for the most that a part may have.
  if (const Fact* bridge = number_fact(chip, "bridge")) {
    add(bridge->lowest() / kGiga, bridge->number / kGiga, bridge->highest() / kGiga, "bridge",
        *bridge);
  }
  if (links_are_bus) return io;
  const auto host = bus && bus->kind == Fact::Kind::kText ? bus_gbs(bus->text) : std::nullopt;
  if (host) add(*host, *host, *host, "bus", *bus);
  const Fact* own = number_fact(chip, "host_link");
  if (own) {
    add(own->lowest() / kGiga, own->number / kGiga, own->highest() / kGiga, "host link", *own);
  }
  io.at_least = io.value && (!links || (!host && !own));
  if (io.at_least) io.from += links ? "; bus not published" : "; links not published";
  return io;
}

std::string country_of(const Catalog& catalog, const std::string& vendor) {
  std::string country;
  for (const CatalogFile* file : catalog.files_with("makers")) {
    std::vector<Problem> problems;
    const yaml::Node root = yaml::parse(file->text, file->name, problems);
    const yaml::Node* makers = root.find("makers");
    const yaml::Node* found = makers && makers->is_map() ? makers->find(vendor) : nullptr;
    if (found && found->is_scalar()) country = found->scalar;
  }
  return country;
}

}  // namespace

bool is_named(const RuleSubject& subject, const std::vector<std::string>& names) {
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    const std::string wanted = normalized(name);
    return std::any_of(subject.names.begin(), subject.names.end(),
                       [&](const std::string& own) { return normalized(own) == wanted; });
  });
}

RuleValue ratio_of(const RuleValue& above, const RuleValue& below) {
  RuleValue ratio;
  if (!above.value || !below.value || !(*below.value > 0)) return ratio;
  ratio.value = *above.value / *below.value;
  const double least = below.low.value_or(*below.value), most = below.high.value_or(*below.value);
  if (most > 0) ratio.low = above.low.value_or(*above.value) / most;
  if (least > 0) ratio.high = above.high.value_or(*above.value) / least;
  ratio.at_least = above.at_least;
  ratio.from = fmt::format("{} / {}", plain_number(*above.value), plain_number(*below.value));
  ratio.sources = above.sources;
  add_sources(ratio, below.sources);
  ratio.confidence = lesser(above.confidence, below.confidence);
  return ratio;
}

// Of one part alone it is a lower bound.
RuleValue sum_of(const RuleValue& a, const RuleValue& b) {
  if (!a.value || !b.value) {
    RuleValue part = a.value ? a : b;
    part.at_least = part.value.has_value();
    return part;
  }
  RuleValue sum;
  sum.value = *a.value + *b.value;
  sum.low = a.low.value_or(*a.value) + b.low.value_or(*b.value);
  sum.high = a.high.value_or(*a.value) + b.high.value_or(*b.value);
  sum.at_least = a.at_least || b.at_least;
  sum.from = fmt::format("{} + {}", plain_number(*a.value), plain_number(*b.value));
  sum.sources = a.sources;
  add_sources(sum, b.sources);
  sum.confidence = lesser(a.confidence, b.confidence);
  return sum;
}

RuleSubject rule_subject(const Catalog& catalog, const Chip& chip) {
  RuleSubject subject;
  subject.id = chip.id;
  subject.name = chip.name;
  subject.vendor = chip.vendor;
  subject.names = chip.aliases;
  subject.names.push_back(chip.id);
  subject.maker_country = country_of(catalog, chip.vendor);
  for (const Fact& fact : chip.facts.all) {
    if (fact.is_number()) subject.values[fact.path] = value_of(fact, 1);
    if (fact.kind != Fact::Kind::kBool) continue;
    RuleValue flag;
    flag.value = fact.flag ? 1 : 0;
    flag.from = fact.path;
    flag.sources = fact.sources;
    flag.confidence = fact.confidence;
    subject.values[fact.path] = std::move(flag);
  }
  const auto stated = subject.values.find("data_center");
  subject.data_center_stated = stated != subject.values.end();
  if (subject.data_center_stated) subject.data_center = *stated->second.value > 0;
  subject.values["tpp"] = tpp_of(chip);
  subject.values["io_bw_2022_gbs"] = io_of(chip);
  if (const Fact* memory = number_fact(chip, "memory.bandwidth")) {
    subject.values["dram_bw_gbs"] = value_of(*memory, kGiga);
  }
  if (const Fact* area = number_fact(chip, "die_area")) {
    subject.values["die_area_mm2"] = value_of(*area, 1);
    subject.values["performance_density"] =
        ratio_of(subject.values["tpp"], subject.values["die_area_mm2"]);
  }
  return subject;
}

}  // namespace fivefold
