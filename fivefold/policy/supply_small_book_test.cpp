#include <fmt/format.h>

#include "fivefold/policy/supply_sample_test.h"

namespace fivefold {

std::string SmallBook::text() const {
  const auto fact = [](const std::string& id, const std::string& value) {
    return fmt::format("{{id: {}, at: 2020, value: {}, as_of: 2020, source: recalled}}", id, value);
  };
  const auto series = [&](const std::string& id, const std::string& kind, const std::string& form,
                          const std::string& unit, const std::string& points) {
    return fmt::format(
        "  - {{id: {}, what: x, kind: {}, form: {}, unit: {}, points: [\n    {}]}}\n", id, kind,
        form, unit, points);
  };
  const auto amount = [](const std::string& id, const std::string& value) {
    return fmt::format(
        "{{id: {}, from: 2024-01-01, to: 2024-03-31, value: {}, as_of: 2020, source: recalled}}",
        id, value);
  };
  const auto none = "{value: 0, unit: fraction, source: assumption}";
  std::string out = fmt::format(
      "supply:\n  start: 2024Q1\n  spread: {{high: {0}, medium: {0}, low: {0}}}\n"
      "  lead: lead\n  place_in_span: place\n  packaging: packaging\n  series:\n",
      none);
  out += series("lead", "time", "level", "weeks", fact("lead.1", lead));
  out += series("place", "time", "level", "fraction", fact("place.1", "0.5"));
  out += series("packaging", "packaging", "rate", "modules/month", fact("packaging.1", packaging));
  out += series("wafers", "wafers", "rate", "wafers/month", fact("wafers.1", wafers) + more);
  out += series("yield", "yield", "level", "fraction", fact("yield.1", yield));
  out += series("gross", "dies", "level", "dies/wafer", fact("gross.1", "100"));
  out += series("pack", "packaging_yield", "level", "fraction", fact("pack.1", pack_yield));
  out += series("stacks", "stacks", "level", "stacks/chip", fact("stacks.1", stacks));
  out += series("memory", "hbm", "amount", "stacks", amount("memory.1", memory));
  out += series("bank", "dies", "amount", "dies", amount("bank.1", bank));
  out += series("share_a", "shares", "level", "fraction", fact("share_a.1", share_a));
  out += series("share_b", "shares", "level", "fraction", fact("share_b.1", share_b));
  out +=
      "  dies:\n  - {id: die, width: 20, height: 30, gross: gross, source: recalled}\n"
      "  nodes:\n  - {id: fab, name: fab, wafers: wafers, yield: yield, reference: die}\n"
      "  memory:\n  - {id: hbm, name: hbm, from: [memory]}\n  vendors:\n";
  for (const char* vendor : {"a", "b"}) {
    out += fmt::format(
        "  - id: {0}\n    name: {0}\n    origin: CN\n    wafers: [{{node: fab, share: "
        "share_{0}}}]\n    dies:\n    - die: die\n      bank: [{1}]\n      products:\n      - "
        "{{name: chip, dies: {2}, modules: {3}, memory: hbm, stacks: stacks, packaging_yield: "
        "pack}}\n",
        vendor, vendor == std::string("a") ? "bank" : "", dies, modules);
  }
  return out;
}

}  // namespace fivefold
