// One client of ServeGen, from its two files.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "fivefold/traffic/archive.h"
#include "fivefold/traffic/gaps.h"

namespace fivefold::servegen {

struct Window {
  double begin = 0;
  double end = 0;
  double rate = 0;
  Gaps gaps;
};
struct Histogram {
  std::vector<std::int32_t> lengths;
  std::vector<double> up_to;  // sums of the probabilities

  std::int32_t draw(Random& random) const;
};
struct ClientLengths {
  Histogram input, output;
};
struct Client {
  int number = 0;
  const PackedFile* trace = nullptr;
  const PackedFile* dataset = nullptr;
  std::vector<Window> windows;
  std::map<double, ClientLengths> lengths;  // by the start of their window
};

// Reads what the stretch from `begin` to `end` needs. Returns where the client's trace ends.
Result<double> read_client(Client& client, const std::string& path, double begin, double end);

}  // namespace fivefold::servegen
