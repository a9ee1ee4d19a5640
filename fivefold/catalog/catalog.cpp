#include "fivefold/catalog/catalog.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

#include "fivefold/catalog/catalog_data.h"
#include "fivefold/catalog/embedded.h"
#include "fivefold/catalog/entry.h"

namespace fivefold {

namespace fs = std::filesystem;

std::string normalized(std::string_view name) {
  std::string result;
  result.reserve(name.size());
  for (char c : name) {
    if (c == '-' || c == ' ' || c == '.') c = '_';
    result += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return result;
}

void NameIndex::add(std::string_view name, std::size_t position) {
  if (by_name.emplace(normalized(name), position).second) spelled.emplace_back(name);
}

const std::size_t* NameIndex::find(std::string_view name) const {
  const auto found = by_name.find(normalized(name));
  return found == by_name.end() ? nullptr : &found->second;
}

Catalog::Data::Data(const Data& other)
    : library(other.library),
      chips(other.chips),
      systems(other.systems),
      stacks(other.stacks),
      economics(other.economics) {
  for (System& system : systems) system.chip = chips.data() + (system.chip - other.chips.data());
}

void Catalog::Data::change_facts(const std::function<void(Fact&)>& change) {
  for (Chip& chip : chips) {
    for (Fact& fact : chip.facts.all) change(fact);
    refresh(chip);
  }
  for (System& system : systems) {
    for (Fact& fact : system.facts.all) change(fact);
    for (SystemLevel& level : system.levels) {
      for (Fact& fact : level.facts.all) change(fact);
    }
    refresh(system);
  }
  // What stacks share is changed once, and shared again.
  std::map<const Facts*, SharedFacts> changed;
  for (Stack& stack : stacks) {
    for (StackEntry& entry : stack.entries) {
      const auto [known, added] = changed.try_emplace(&*entry.parameters, entry.parameters);
      if (added) {
        for (Fact& fact : known->second.own().all) change(fact);
      }
      entry.parameters = known->second;
    }
  }
  for (Fact& fact : economics) change(fact);
}

namespace {

Result<std::string> read_text(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in)
    return fail("cannot be read", "does it exist, and may you read it?", {path.string(), 0, 0});
  return text.str();
}

bool is_yaml(const fs::path& path) {
  return path.extension() == ".yaml" || path.extension() == ".yml";
}

Result<void> add_directory(const std::string& directory, int layer,
                           std::vector<CatalogFile>& files) {
  std::error_code ignored;
  if (!fs::exists(directory, ignored)) {
    return fail(fmt::format("catalog folder '{}' does not exist", directory));
  }
  std::vector<fs::path> paths;
  if (fs::is_directory(directory, ignored)) {
    std::error_code problem;
    for (fs::recursive_directory_iterator it(directory, problem), end; !problem && it != end;
         it.increment(problem)) {
      if (it->is_regular_file(ignored) && is_yaml(it->path())) paths.push_back(it->path());
    }
    if (problem) return fail(fmt::format("catalog folder '{}': {}", directory, problem.message()));
  } else {
    paths.push_back(directory);
  }
  if (paths.empty()) {
    return fail(fmt::format("catalog folder '{}' holds no .yaml file", directory));
  }
  std::sort(paths.begin(), paths.end());
  for (const fs::path& path : paths) {
    auto text = read_text(path);
    if (!text) return fail(text.error());
    files.push_back({path.string(), std::move(*text), layer});
  }
  return {};
}

template <class Item>
std::vector<const Item*> pointers(const std::vector<Item>& items) {
  std::vector<const Item*> result;
  result.reserve(items.size());
  for (const Item& item : items) result.push_back(&item);
  return result;
}

template <class Item>
Result<const Item*> found(const std::vector<Item>& items, const NameIndex& names,
                          std::string_view name, std::string_view what) {
  if (const std::size_t* position = names.find(name)) return &items[*position];
  std::string hint = did_you_mean(name, names.spelled);
  if (hint.empty()) hint = fmt::format("`fivefold catalog list {}s` shows all", what);
  return fail(fmt::format("unknown {} '{}'", what, name), std::move(hint));
}

bool same_vendor(std::string_view a, std::string_view b) {
  return normalized(a) == normalized(b);
}

// The shipped folders that other rooms read.
bool is_elsewhere(std::string_view path) {
  return path.starts_with("claims/") || path.starts_with("deployments/") ||
         path.starts_with("benchmarks/") || path.starts_with("loads/");
}

}  // namespace

Result<Catalog> Catalog::load(const std::vector<std::string>& overlay_dirs) {
  std::vector<CatalogFile> files;
  for (const EmbeddedFile& file : embedded_catalog()) {
    if (is_elsewhere(file.path)) continue;
    files.push_back({"catalog/" + std::string(file.path), std::string(file.text), 0});
  }
  for (std::size_t i = 0; i < overlay_dirs.size(); ++i) {
    if (auto added = add_directory(overlay_dirs[i], static_cast<int>(i) + 1, files); !added) {
      return fail(added.error());
    }
  }
  auto parts = read_catalog(files);
  if (!parts) return fail(parts.error());
  auto data = std::make_shared<Data>();
  data->library = parts->library;
  data->chips = std::move(parts->chips);
  data->systems = std::move(parts->systems);
  data->stacks = std::move(parts->stacks);
  data->economics = std::move(parts->economics);
  Catalog catalog;
  catalog.data_ = std::move(data);
  return catalog;
}

Result<const Chip*> Catalog::chip(std::string_view name) const {
  return found(data_->chips, data_->library->chip_names, name, "chip");
}

Result<const System*> Catalog::system(std::string_view name) const {
  return found(data_->systems, data_->library->system_names, name, "system");
}

Result<const Model*> Catalog::model(std::string_view name) const {
  const Library& library = *data_->library;
  if (const std::size_t* position = library.model_names.find(name))
    return &library.models[*position];
  const std::string path(name);
  std::error_code ignored;
  const bool is_path = (name.find('/') != std::string_view::npos && name.ends_with(".json")) ||
                       fs::is_regular_file(path, ignored);
  if (!is_path) return found(library.models, library.model_names, name, "model");
  const std::lock_guard lock(library.imports_lock);
  if (const auto known = library.imports.find(path); known != library.imports.end())
    return known->second.get();
  auto model = read_hf_config(path);
  if (!model) return fail(model.error());
  return library.imports.emplace(path, std::make_unique<Model>(std::move(*model)))
      .first->second.get();
}

Result<const Stack*> Catalog::stack(std::string_view name) const {
  return found(data_->stacks, data_->library->stack_names, name, "stack");
}

const Stack& Catalog::default_stack(const Chip& chip) const {
  for (const Stack& stack : data_->stacks) {
    if (stack.is_default && same_vendor(stack.vendor, chip.vendor)) return stack;
  }
  static const Stack none{"none", "no stack", "*", {}, {}, {}, false, {}};
  const auto generic = stack("generic");
  return generic ? **generic : none;
}

Result<const Fact*> Catalog::economics(std::string_view id) const {
  const NameIndex& names = data_->library->economics_names;
  if (const std::size_t* position = names.find(id)) return &data_->economics[*position];
  return fail(fmt::format("no fact of economics is called '{}'", id),
              did_you_mean(id, names.spelled));
}

const Source* Catalog::source(std::string_view id) const {
  const std::size_t* position = data_->library->source_names.find(id);
  return position ? &data_->library->sources[*position] : nullptr;
}

std::vector<const Chip*> Catalog::chips() const {
  return pointers(data_->chips);
}
std::vector<const System*> Catalog::systems() const {
  return pointers(data_->systems);
}
std::vector<const Model*> Catalog::models() const {
  return pointers(data_->library->models);
}
std::vector<const Stack*> Catalog::stacks() const {
  return pointers(data_->stacks);
}
std::vector<const Source*> Catalog::sources() const {
  return pointers(data_->library->sources);
}
std::vector<const Fact*> Catalog::economics() const {
  return pointers(data_->economics);
}
std::vector<const CatalogFile*> Catalog::files_with(std::string_view key) const {
  std::vector<const CatalogFile*> files;
  for (const OtherFile& other : data_->library->others) {
    const auto& keys = other.keys;
    if (std::find(keys.begin(), keys.end(), key) != keys.end()) files.push_back(&other.file);
  }
  return files;
}

namespace {

bool names_source(const std::vector<std::string>& sources, std::string_view id) {
  return std::any_of(sources.begin(), sources.end(), [&](const std::string& source) {
    return normalized(source) == normalized(id);
  });
}

// The value of the preferred source becomes the fact's; what it was joins the others.
void prefer(Fact& fact, std::string_view id) {
  if (!fact.is_number() || names_source(fact.sources, id)) return;
  const auto other = std::find_if(fact.also.begin(), fact.also.end(), [&](const OtherValue& value) {
    return names_source(value.sources, id);
  });
  if (other == fact.also.end()) return;
  OtherValue before{fact.number, fact.sources, fact.note};
  if (fact.number != 0) fact.written *= other->value / fact.number;
  fact.number = other->value;
  fact.sources = other->sources;
  fact.note = other->note;
  if (fact.low) fact.low = std::min(*fact.low, fact.number);
  if (fact.high) fact.high = std::max(*fact.high, fact.number);
  *other = std::move(before);
}

}  // namespace

Result<Catalog> Catalog::preferring(const std::vector<std::string>& source_ids) const {
  std::vector<Problem> problems;
  for (const std::string& id : source_ids) {
    if (!source(id)) {
      Problem problem{Place{}, fmt::format("unknown source '{}'", id),
                      did_you_mean(id, data_->library->source_names.spelled)};
      problems.push_back(std::move(problem));
    }
  }
  if (!problems.empty()) return fail(Error{std::move(problems)});
  auto data = std::make_shared<Data>(*data_);
  data->change_facts([&](Fact& fact) {
    // The first named source that gives a value wins.
    for (auto id = source_ids.rbegin(); id != source_ids.rend(); ++id) prefer(fact, *id);
  });
  Catalog catalog;
  catalog.data_ = std::move(data);
  return catalog;
}

Catalog Catalog::with_values(const std::function<double(const Fact&)>& choose) const {
  auto data = std::make_shared<Data>(*data_);
  data->change_facts([&](Fact& fact) {
    if (!fact.is_number()) return;
    const double value = choose(fact);
    if (fact.number != 0) fact.written *= value / fact.number;
    fact.number = value;
  });
  Catalog catalog;
  catalog.data_ = std::move(data);
  return catalog;
}

}  // namespace fivefold
