// What a catalog holds. Copies of a catalog (`preferring`, `with_values`) share what no value
// changes.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "fivefold/catalog/catalog.h"

namespace fivefold {

// Names to positions, compared without case and with '-', '_', ' ' and '.' alike.
struct NameIndex {
  std::map<std::string, std::size_t, std::less<>> by_name;
  std::vector<std::string> spelled;  // ids and aliases as written, for "did you mean"
  // An id is never hidden by an alias: add all ids first.
  void add(std::string_view name, std::size_t position);
  const std::size_t* find(std::string_view name) const;
};
std::string normalized(std::string_view name);

// What other rooms read: the file, and its top keys that are theirs.
struct OtherFile {
  CatalogFile file;
  std::vector<std::string> keys;
};

// Models, sources and names: the same in all copies.
struct Library {
  std::vector<OtherFile> others;
  std::vector<Model> models;
  std::vector<Source> sources;
  NameIndex chip_names, system_names, model_names, stack_names, source_names, economics_names;
  // Models imported by path, kept so that pointers stay good.
  mutable std::mutex imports_lock;
  mutable std::map<std::string, std::unique_ptr<Model>> imports;
};

struct Catalog::Data {
  std::shared_ptr<const Library> library;
  std::vector<Chip> chips;
  std::vector<System> systems;  // point into `chips`
  std::vector<Stack> stacks;
  std::vector<Fact> economics;

  Data() = default;
  Data(const Data& other);
  Data& operator=(const Data&) = delete;
  // Applies `change` to every fact, then works out the typed values again.
  void change_facts(const std::function<void(Fact&)>& change);
};

// Reads the given files in layers: within a layer an id may stand once, a later layer overlays.
// Catalog::Data is private to Catalog: the reader fills this, and Catalog::load takes it over.
struct CatalogParts {
  std::shared_ptr<Library> library = std::make_shared<Library>();
  std::vector<Chip> chips;
  std::vector<System> systems;  // point into `chips`
  std::vector<Stack> stacks;
  std::vector<Fact> economics;
};
Result<CatalogParts> read_catalog(const std::vector<CatalogFile>& files);

}  // namespace fivefold
