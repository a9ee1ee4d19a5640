// Machines of the catalog for the tests of this room.
#pragma once

#include "fivefold/catalog/catalog.h"
#include "fivefold/fabric/plan.h"

namespace fivefold {

inline const Catalog& catalog() {
  static const Catalog loaded = Catalog::load().value();
  return loaded;
}

inline Graph system_graph(const char* system, int chips, const GraphOptions& options = {}) {
  const auto machine =
      build_machine(**catalog().system(system), chips, **catalog().stack("comm/generic"));
  return build_graph(*machine, options).value();
}

}  // namespace fivefold
