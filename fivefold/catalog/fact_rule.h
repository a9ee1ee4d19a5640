// What each fact of a chip, system or level may hold: the one table of known paths, with the
// dimension and the range outside of which a value is a slip of the pen rather than a machine.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fivefold/base/units.h"

namespace fivefold {

enum class Scope { kChip, kSystem, kLevel, kGeneric };

struct FactRule {
  // A remark is kept as text and needs no source: notes, counts that only describe the structure.
  enum class Kind { kNumber, kText, kBool, kAny, kRemark };
  std::string_view
      path;  // "memory.capacity", or "peak_dense.*" for any one name, "claims.**" for any path
  Kind kind = Kind::kAny;
  Dim dim;
  double least = 0;  // coherent units
  double most = 0;
};

const FactRule* rule_for(Scope scope, std::string_view path);  // null: no such fact
// The names that may stand at `group` ("" or "memory"), for "did you mean".
std::vector<std::string> names_under(Scope scope, std::string_view group);
// True if some known fact lies below this path: it may be a mapping of facts.
bool is_group(Scope scope, std::string_view path);

}  // namespace fivefold
