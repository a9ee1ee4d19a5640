// From files to the parts of a catalog: parse, gather the entries of each layer, overlay, extend,
// build.
#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "fivefold/base/parallel.h"
#include "fivefold/catalog/catalog_data.h"
#include "fivefold/catalog/entry.h"
#include "fivefold/catalog/model_yaml.h"
#include "fivefold/catalog/stack_reader.h"
#include "fivefold/catalog/yaml_tree.h"

namespace fivefold {
namespace {

const std::vector<std::string> kOwnKeys = {"chips",  "systems", "models",
                                           "stacks", "sources", "economics"};
// Read by the rooms evidence, policy and article.
const std::vector<std::string> kOtherKeys = {"claims",  "policy",  "makers", "rules",
                                             "actions", "gates",   "supply", "fleet",
                                             "events",  "article", "words"};
std::vector<std::string> top_keys() {
  std::vector<std::string> keys = kOwnKeys;
  keys.insert(keys.end(), kOtherKeys.begin(), kOtherKeys.end());
  return keys;
}
bool is_other(const std::string& key) {
  return std::find(kOtherKeys.begin(), kOtherKeys.end(), key) != kOtherKeys.end();
}
const std::vector<std::string> kSourceKeys = {"id",   "title", "url", "publisher",
                                              "date", "kind",  "note"};
constexpr std::string_view kExchangeRate = "fx.cny_per_usd";

struct Tree {
  const CatalogFile* file = nullptr;
  yaml::Node root;
};

// What the files say, before overlays and `extends`. Facts of economics are by id.
struct Gathered {
  std::vector<Entry> chips;
  std::vector<Entry> systems;
  std::vector<RawStack> stacks;
  std::vector<Model> models;
  std::vector<Source> sources;
  std::vector<Fact> economics;
};

template <class Item, class Id, class Over>
void add_layer(std::vector<Item>& all, std::vector<Item> layer, const Id& id,
               const Over& lay_over) {
  std::map<std::string, std::size_t, std::less<>> known;
  for (std::size_t i = 0; i < all.size(); ++i) known.emplace(normalized(id(all[i])), i);
  for (Item& item : layer) {
    const auto below = known.find(normalized(id(item)));
    if (below == known.end()) {
      all.push_back(std::move(item));
    } else {
      lay_over(all[below->second], std::move(item));
    }
  }
}

template <class Item, class Id, class Where>
void refuse_twins(const std::vector<Item>& layer, std::string_view what, const Id& id,
                  const Where& where, std::vector<Problem>& problems) {
  std::map<std::string, Place, std::less<>> seen;
  for (const Item& item : layer) {
    const auto [first, is_new] = seen.emplace(normalized(id(item)), where(item));
    if (is_new) continue;
    problems.push_back({where(item), fmt::format("{} '{}' stands here again", what, id(item)),
                        fmt::format("first in {}:{}", first->second.file, first->second.line)});
  }
}

Source read_source(const yaml::Node& node, const FactReader& reader) {
  Source source;
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    const std::string& key = node.keys[i];
    std::string* field = key == "id"          ? &source.id
                         : key == "title"     ? &source.title
                         : key == "url"       ? &source.url
                         : key == "publisher" ? &source.publisher
                         : key == "date"      ? &source.date
                         : key == "kind"      ? &source.kind
                                              : nullptr;
    if (field) {
      *field = reader.text(node.items[i], key);
    } else if (key != "note") {
      reader.unknown_key(node, i, "a source", kSourceKeys);
    }
  }
  return source;
}

// Sources are a mapping of ids, or a list of mappings with id.
void read_sources(const yaml::Node& node, const FactReader& reader, std::vector<Source>& into) {
  if (!node.is_map() && !reader.expect_list(node, "sources")) return;
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    if (!reader.expect_map(node.items[i], "a source")) continue;
    Source source = read_source(node.items[i], reader);
    if (node.is_map()) source.id = node.keys[i];
    if (source.id.empty()) {
      reader.problem(node.items[i], "a source without id");
    } else {
      into.push_back(std::move(source));
    }
  }
}

// Economics is a list of facts with id and `what`, or a mapping of facts by id.
void read_economics(const yaml::Node& node, const FactReader& reader, std::vector<Fact>& into) {
  if (!node.is_map() && !reader.expect_list(node, "economics")) return;
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    const yaml::Node& item = node.items[i];
    if (!reader.expect_map(item, "a fact of economics")) continue;
    const yaml::Node* id = item.find("id");
    if (!node.is_map() && (!id || !id->is_scalar())) {
      reader.problem(item, "a fact of economics without id", "add id:");
      continue;
    }
    auto fact = reader.fact(item, node.is_map() ? node.keys[i] : id->scalar, nullptr);
    if (!fact) continue;
    fact->owner = "economics";
    if (fact->is_number() && fact->number < 0) {
      reader.problem(item, fmt::format("{}: {} is negative", fact->path, fact->written));
      continue;
    }
    if (const yaml::Node* what = item.find("what"); what && fact->text.empty()) {
      fact->text = reader.text(*what, "what");
    }
    into.push_back(std::move(*fact));
  }
}

std::vector<Tree> parse_all(const std::vector<CatalogFile>& files, std::vector<Problem>& problems) {
  std::vector<Tree> trees(files.size());
  std::vector<std::vector<Problem>> found(files.size());
  parallel_for(files.size(), [&](std::size_t i) {
    trees[i] = {&files[i], yaml::parse(files[i].text, files[i].name, found[i])};
  });
  for (std::vector<Problem>& of_file : found) {
    std::move(of_file.begin(), of_file.end(), std::back_inserter(problems));
  }
  return trees;
}

// The rate is needed before any price in yuan is read; the highest layer that states one wins.
double exchange_rate(const std::vector<Tree>& trees) {
  double rate = 0;
  for (const Tree& tree : trees) {
    const yaml::Node* economics = tree.root.find("economics");
    if (!economics) continue;
    for (std::size_t i = 0; i < economics->items.size(); ++i) {
      const yaml::Node& item = economics->items[i];
      const yaml::Node* id = item.find("id");
      const std::string_view name = economics->is_map() ? std::string_view(economics->keys[i])
                                    : id                ? std::string_view(id->scalar)
                                                        : std::string_view();
      if (normalized(name) != normalized(kExchangeRate)) continue;
      const yaml::Node* value = item.find("value") ? item.find("value") : item.find("mid");
      std::vector<Problem> ignored;  // the fact itself is read and refused later
      if (value) rate = FactReader("", 0, ignored).number(*value).value_or(rate);
    }
  }
  return rate;
}

void gather(const Tree& tree, double yuan_per_usd, Gathered& layer,
            std::vector<Problem>& problems) {
  const FactReader reader(tree.file->name, yuan_per_usd, problems);
  const yaml::Node& root = tree.root;
  if (root.is_null()) return;  // an empty file, or one that was refused
  if (!reader.expect_map(root, "the file")) return;
  for (std::size_t i = 0; i < root.keys.size(); ++i) {
    const std::string& key = root.keys[i];
    const yaml::Node& node = root.items[i];
    if (node.is_null()) continue;
    if (key == "chips") {
      read_chips(node, reader, layer.chips);
    } else if (key == "systems") {
      read_systems(node, reader, layer.systems);
    } else if (key == "stacks") {
      read_stacks(node, reader, layer.stacks);
    } else if (key == "sources") {
      read_sources(node, reader, layer.sources);
    } else if (key == "economics") {
      read_economics(node, reader, layer.economics);
    } else if (key == "models") {
      auto models = read_models(tree.file->name, tree.file->text);
      if (!models) {
        problems.insert(problems.end(), models.error().problems.begin(),
                        models.error().problems.end());
      } else {
        std::move(models->begin(), models->end(), std::back_inserter(layer.models));
      }
    } else if (!is_other(key)) {
      reader.unknown_key(root, i, "a catalog file", top_keys());
    }
  }
}

template <class Item>
void replace(Item& below, Item above) {
  below = std::move(above);
}

void overlay(Gathered& all, Gathered layer, std::vector<Problem>& problems) {
  const auto entry_id = [](const Entry& entry) { return entry.id; };
  const auto entry_place = [](const Entry& entry) { return entry.place; };
  const auto stack_id = [](const RawStack& raw) { return raw.stack.id; };
  const auto stack_place = [](const RawStack& raw) { return raw.place; };
  const auto fact_id = [](const Fact& fact) { return fact.path; };
  const auto fact_place = [](const Fact& fact) { return fact.place; };
  const auto model_id = [](const Model& model) { return model.id; };
  const auto source_id = [](const Source& source) { return source.id; };
  refuse_twins(layer.chips, "chip", entry_id, entry_place, problems);
  refuse_twins(layer.systems, "system", entry_id, entry_place, problems);
  refuse_twins(layer.stacks, "stack", stack_id, stack_place, problems);
  refuse_twins(layer.economics, "fact", fact_id, fact_place, problems);
  const auto lay_entry = [](Entry& below, Entry above) { lay_over(below, std::move(above)); };
  const auto lay_stack = [](RawStack& below, RawStack above) { lay_over(below, std::move(above)); };
  add_layer(all.chips, std::move(layer.chips), entry_id, lay_entry);
  add_layer(all.systems, std::move(layer.systems), entry_id, lay_entry);
  add_layer(all.stacks, std::move(layer.stacks), stack_id, lay_stack);
  add_layer(all.models, std::move(layer.models), model_id, replace<Model>);
  add_layer(all.sources, std::move(layer.sources), source_id, replace<Source>);
  add_layer(all.economics, std::move(layer.economics), fact_id, replace<Fact>);
}

// Sources that every file may name: what a value rests on when nobody published it.
void add_own_sources(std::vector<Source>& sources) {
  const Source own[] = {
      {"derived", "Arithmetic on other facts; the note says which", "", "this catalog", "",
       "derived"},
      {"recalled", "Recalled and not verified; always of low confidence", "", "this catalog", "",
       "unverified"},
      {"assumption", "Assumed, with a range", "", "this catalog", "", "assumption"}};
  for (const Source& source : own) {
    const bool stated = std::any_of(sources.begin(), sources.end(),
                                    [&](const Source& s) { return s.id == source.id; });
    if (!stated) sources.push_back(source);
  }
}

void build_systems(const Gathered& all, CatalogParts& parts, std::vector<Problem>& problems) {
  const NameIndex& names = parts.library->chip_names;
  for (const Entry& entry : all.systems) {
    if (entry.chip.empty()) {
      problems.push_back({entry.place,
                          fmt::format("system '{}' does not say which chips it has", entry.id),
                          "write chips: [{id: ..., count: ...}]"});
      continue;
    }
    const std::size_t* chip = names.find(entry.chip);
    if (!chip) {
      problems.push_back({entry.chip_place,
                          fmt::format("system '{}': unknown chip '{}'", entry.id, entry.chip),
                          did_you_mean(entry.chip, names.spelled)});
      continue;
    }
    parts.systems.push_back(build_system(entry, parts.chips[*chip]));
  }
}

std::vector<OtherFile> files_of_others(const std::vector<Tree>& trees) {
  std::vector<OtherFile> others;
  for (const Tree& tree : trees) {
    OtherFile other;
    for (const std::string& key : tree.root.keys) {
      if (is_other(key)) other.keys.push_back(key);
    }
    if (other.keys.empty()) continue;
    other.file = *tree.file;
    others.push_back(std::move(other));
  }
  return others;
}

template <class Item>
void index_names(const std::vector<Item>& items, NameIndex& index) {
  for (std::size_t i = 0; i < items.size(); ++i) index.add(items[i].id, i);
  for (std::size_t i = 0; i < items.size(); ++i) {
    for (const std::string& alias : items[i].aliases) index.add(alias, i);
  }
}

}  // namespace

Result<CatalogParts> read_catalog(const std::vector<CatalogFile>& files) {
  std::vector<Problem> problems;
  std::vector<Tree> trees = parse_all(files, problems);
  const double yuan_per_usd = exchange_rate(trees);
  Gathered all;
  for (std::size_t first = 0; first < trees.size();) {
    Gathered layer;
    std::size_t next = first;
    for (; next < trees.size() && trees[next].file->layer == trees[first].file->layer; ++next) {
      gather(trees[next], yuan_per_usd, layer, problems);
    }
    overlay(all, std::move(layer), problems);
    first = next;
  }
  resolve_extends(all.chips, "chip", problems);
  resolve_extends(all.systems, "system", problems);
  add_own_sources(all.sources);

  CatalogParts parts;
  Library& library = *parts.library;
  for (const Entry& entry : all.chips) parts.chips.push_back(build_chip(entry));
  index_names(parts.chips, library.chip_names);
  build_systems(all, parts, problems);
  parts.stacks = resolve_stacks(all.stacks, parts.chips, problems);
  library.others = files_of_others(trees);
  library.models = std::move(all.models);
  library.sources = std::move(all.sources);
  parts.economics = std::move(all.economics);
  index_names(parts.systems, library.system_names);
  index_names(library.models, library.model_names);
  index_names(parts.stacks, library.stack_names);
  for (std::size_t i = 0; i < library.sources.size(); ++i)
    library.source_names.add(library.sources[i].id, i);
  for (std::size_t i = 0; i < parts.economics.size(); ++i)
    library.economics_names.add(parts.economics[i].path, i);
  if (!problems.empty()) return fail(Error{std::move(problems)});
  return parts;
}

}  // namespace fivefold
