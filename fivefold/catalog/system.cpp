#include "fivefold/catalog/system.h"

#include "fivefold/catalog/entry.h"

namespace fivefold {
namespace {

template <class Q>
Q quantity(const Facts& facts, std::string_view path) {
  const Fact* fact = facts.find(path);
  return Q(fact && fact->is_number() ? fact->number : 0);
}

void refresh(SystemLevel& level) {
  level.bandwidth = quantity<BytesPerSecond>(level.facts, "bandwidth") /
                    static_cast<double>(level.devices_per_port);
  level.link_bandwidth = quantity<BytesPerSecond>(level.facts, "link");
  level.latency = quantity<Seconds>(level.facts, "latency");
  const Fact* oversubscription = level.facts.find("oversubscription");
  level.oversubscription =
      oversubscription && oversubscription->is_number() ? oversubscription->number : 1;
}

}  // namespace

void refresh(System& system) {
  for (SystemLevel& level : system.levels) refresh(level);
  system.scale_out_per_device = quantity<BytesPerSecond>(system.facts, "scale_out.per_chip") /
                                static_cast<double>(system.chip->devices_per_chip);
  const Fact* name = system.facts.find("scale_out.name");
  system.scale_out_name = name ? name->text : std::string();
  system.power = quantity<Watts>(system.facts, "power");
  system.price = quantity<Usd>(system.facts, "price");
}

System build_system(const Entry& entry, const Chip& chip) {
  System system;
  system.id = entry.id;
  system.name = entry.name.empty() ? entry.id : entry.name;
  system.vendor = entry.vendor;
  system.status = entry.status;
  system.aliases = entry.aliases;
  system.chip = &chip;
  system.chips = entry.chips;
  for (const RawLevel& raw : entry.levels) {
    if (raw.size == 0) continue;
    const int devices = raw.counts_devices ? 1 : chip.devices_per_chip;
    SystemLevel level;
    level.name = raw.name;
    level.kind = raw.kind;
    level.size = raw.size * devices;
    level.dims = raw.dims;
    level.devices_per_port = devices;
    level.facts.all = raw.facts;
    system.levels.push_back(std::move(level));
  }
  system.facts.all = entry.facts;
  refresh(system);
  return system;
}

}  // namespace fivefold
