// The catalog: chips, systems, models, stacks, prices and their sources, read from YAML.
//
// The shipped catalog is embedded in the program; a user's own directory of the same form overlays it
// (`--catalog DIR`): a new id adds an entry, a known id replaces the facts that it states. An entry may
// say `extends: ID` and then states only what differs. Ids and aliases are compared without case and with
// '-', '_', ' ' and '.' alike. Reading reports every problem of a file with line and column.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fivefold/catalog/chip.h"
#include "fivefold/catalog/fact.h"
#include "fivefold/catalog/model.h"
#include "fivefold/catalog/stack.h"
#include "fivefold/catalog/system.h"

namespace fivefold {

// A file of the catalog as it stands: what other rooms read out of it.
struct CatalogFile {
  std::string name;  // as messages show it
  std::string text;
  int layer = 0;  // 0 is shipped; a user's directories follow in order
};

class Catalog {
 public:
  // The embedded catalog, then each directory over it, in order.
  static Result<Catalog> load(const std::vector<std::string>& overlay_dirs = {});

  // Unknown names are errors that carry the nearest known ones. Pointers live as long as the catalog.
  Result<const Chip*> chip(std::string_view name) const;
  Result<const System*> system(std::string_view name) const;
  // A catalog id or alias, or the path of a Hugging Face config.json (contains '/' and ends in ".json",
  // or names an existing file).
  Result<const Model*> model(std::string_view name) const;
  Result<const Stack*> stack(std::string_view name) const;
  const Stack& default_stack(const Chip& chip) const;  // the default of its vendor, else "generic"
  Result<const Fact*> economics(std::string_view id) const;  // "elec.us.avg"
  const Source* source(std::string_view id) const;           // null if unknown

  std::vector<const Chip*> chips() const;  // in the order of the files
  std::vector<const System*> systems() const;
  std::vector<const Model*> models() const;
  std::vector<const Stack*> stacks() const;
  std::vector<const Source*> sources() const;
  std::vector<const Fact*> economics() const;

  // The files, lowest layer first, that hold a list or mapping under a top key of another room
  // ("rules", "supply"). Their sources and economics are read here like those of any file.
  std::vector<const CatalogFile*> files_with(std::string_view key) const;

  // The same catalog with every fact that the named source also gives replaced by that source's value:
  // answers "what if I take SemiAnalysis's figures" (`--prefer SEMI-CM384`). Unknown source: error.
  Result<Catalog> preferring(const std::vector<std::string>& source_ids) const;

  // The same catalog with each numeric fact replaced by choose(fact, owner id): how uncertainty is
  // propagated. `choose` returns a value within [fact.lowest(), fact.highest()].
  Catalog with_values(const std::function<double(const Fact&)>& choose) const;

  // Units, plausibility, sources: everything that `fivefold catalog check` reports.
  std::vector<Problem> check() const;

 private:
  struct Data;
  std::shared_ptr<const Data> data_;
};

}  // namespace fivefold
