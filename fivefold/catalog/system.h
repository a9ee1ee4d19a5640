// A built product: so many chips joined by levels of links, from the inside out.
#pragma once

#include <string>
#include <vector>

#include "fivefold/catalog/chip.h"

namespace fivefold {

enum class LevelKind {
  kDirect,
  kFullMesh,
  kNdFullMesh,
  kSwitch,
  kClos,
  kTorus,
  kPcieSwitch,
  kHost,
  kUnknown
};

struct SystemLevel {
  std::string name;
  LevelKind kind = LevelKind::kUnknown;
  int size = 1;              // devices (ranks) that the level joins, all inner levels included
  BytesPerSecond bandwidth;  // what one device can send at this level, per direction; zero: unknown
  BytesPerSecond
      link_bandwidth;  // one link between a pair, where the level is a mesh; zero: unknown
  Seconds latency;     // end to end of a small message at this level; zero: unknown
  double oversubscription = 1;
  std::vector<int> dims;  // torus or nD full mesh
  int devices_per_port =
      1;        // how many devices share the stated `bandwidth`: 1, or those of a package
  Facts facts;  // "bandwidth", "latency", ...: for explanations
};

struct System {
  std::string id;
  std::string name;
  std::string vendor;
  std::string status;
  std::vector<std::string> aliases;
  const Chip* chip = nullptr;
  int chips = 0;  // packages
  std::vector<SystemLevel> levels;
  BytesPerSecond scale_out_per_device;  // per direction; zero: unknown
  std::string scale_out_name;
  Watts power;  // all in, as published; zero: not published
  Usd price;    // zero: not published
  Facts facts;
  int devices() const { return chips * chip->devices_per_chip; }
};

}  // namespace fivefold
