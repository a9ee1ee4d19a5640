// catalog/article/*.yaml: the article's statements and the words of its page.
#include <algorithm>
#include <charconv>
#include <map>

#include <fmt/format.h>

#include "fivefold/article/article.h"
#include "fivefold/article/events.h"
#include "fivefold/catalog/fact_reader.h"

namespace fivefold {
namespace {

const std::vector<std::string> kArticleKeys = {"title", "intro", "disclaimer", "sections", "items"};
const std::vector<std::string> kItemKeys = {"id",   "kind",   "paragraph", "section", "statement",
                                            "says", "labels", "evidence",  "picture", "sources"};
const std::vector<std::string> kPictureKeys = {"of", "mark", "says"};
const std::vector<std::string> kKinds = {"SYS", "PRO", "ACT", "QTY", "CAU"};

// What stands where, and in which layer: a twin in the same layer is a problem, one above replaces.
struct Stated {
  Place place;
  int layer = 0;
};
using StatedById = std::map<std::string, Stated, std::less<>>;

class ArticleReader {
 public:
  ArticleReader(Article& article, std::vector<Problem>& problems)
      : article_(article), problems_(problems) {}

  void file(const CatalogFile& file) {
    const yaml::Node root = yaml::parse(file.text, file.name, problems_);
    const FactReader reader(file.name, 0, problems_);
    if (const yaml::Node* node = root.find("article")) article(reader, *node, file.layer);
    if (const yaml::Node* node = root.find("words")) words(reader, *node, file.layer);
  }

 private:
  void article(const FactReader& reader, const yaml::Node& node, int layer) {
    if (!reader.expect_map(node, "article")) return;
    for (std::size_t i = 0; i < node.keys.size(); ++i) {
      const std::string& key = node.keys[i];
      const yaml::Node& item = node.items[i];
      Wording* text = key == "title"        ? &article_.title
                      : key == "intro"      ? &article_.intro
                      : key == "disclaimer" ? &article_.disclaimer
                                            : nullptr;
      if (text) {
        *text = wording(reader, item, key);
      } else if (key == "sections" && reader.expect_list(item, key)) {
        for (const yaml::Node& section : item.items) add_section(reader, section, layer);
      } else if (key == "items" && reader.expect_list(item, key)) {
        for (const yaml::Node& entry : item.items) add_item(reader, entry, layer);
      } else if (key != "sections" && key != "items") {
        reader.unknown_key(node, i, "article", kArticleKeys);
      }
    }
  }

  void words(const FactReader& reader, const yaml::Node& node, int layer) {
    if (!reader.expect_map(node, "words")) return;
    for (std::size_t i = 0; i < node.keys.size(); ++i) {
      if (!is_new(reader, node.items[i], "word", node.keys[i], layer, words_)) continue;
      article_.words[node.keys[i]] = wording(reader, node.items[i], node.keys[i]);
    }
  }

  // {en: .., ar: ..}, both needed.
  Wording wording(const FactReader& reader, const yaml::Node& node, std::string_view what) {
    Wording result;
    if (!reader.expect_map(node, what)) return result;
    for (std::size_t i = 0; i < node.keys.size(); ++i) {
      if (node.keys[i] == "en") {
        result.en = reader.text(node.items[i], "en");
      } else if (node.keys[i] == "ar") {
        result.ar = reader.text(node.items[i], "ar");
      } else {
        reader.unknown_key(node, i, what, {"en", "ar"});
      }
    }
    if (result.en.empty()) missing(reader, node, what, "English", "en");
    if (result.ar.empty()) missing(reader, node, what, "Arabic", "ar");
    return result;
  }

  void missing(const FactReader& reader, const yaml::Node& node, std::string_view what,
               std::string_view language, std::string_view key) {
    reader.problem(node, fmt::format("'{}' has no {} text", what, language),
                   fmt::format("add {}: '...'", key));
  }

  Wordings wordings(const FactReader& reader, const yaml::Node& node, std::string_view what) {
    Wordings result;
    if (!reader.expect_map(node, what)) return result;
    for (std::size_t i = 0; i < node.keys.size(); ++i) {
      result[node.keys[i]] = wording(reader, node.items[i], node.keys[i]);
    }
    return result;
  }

  void add_section(const FactReader& reader, const yaml::Node& node, int layer) {
    if (!reader.expect_map(node, "a section")) return;
    ArticleSection section;
    section.place = reader.place(node);
    for (std::size_t i = 0; i < node.keys.size(); ++i) {
      if (node.keys[i] == "id") {
        section.id = reader.text(node.items[i], "id");
      } else if (node.keys[i] == "heading") {
        section.heading = wording(reader, node.items[i], "heading");
      } else {
        reader.unknown_key(node, i, "a section", {"id", "heading"});
      }
    }
    if (section.id.empty()) return reader.problem(node, "a section without id");
    if (!is_new(reader, node, "section", section.id, layer, sections_)) return;
    lay_over(article_.sections, std::move(section));
  }

  void add_item(const FactReader& reader, const yaml::Node& node, int layer) {
    if (!reader.expect_map(node, "an item")) return;
    ArticleItem item;
    item.place = reader.place(node);
    for (std::size_t i = 0; i < node.keys.size(); ++i) item_field(reader, node, i, item);
    if (item.id.empty() || item.section.empty() || item.statement.en.empty()) {
      return reader.problem(node, "an item needs id, section and statement");
    }
    if (!is_new(reader, node, "item", item.id, layer, items_)) return;
    lay_over(article_.items, std::move(item));
  }

  void item_field(const FactReader& reader, const yaml::Node& map, std::size_t index,
                  ArticleItem& item) {
    const std::string& key = map.keys[index];
    const yaml::Node& node = map.items[index];
    if (key == "id") {
      item.id = reader.text(node, key);
    } else if (key == "kind") {
      item.kind = kinds(reader, node);
    } else if (key == "paragraph") {
      item.paragraph = reader.text(node, key);
    } else if (key == "section") {
      item.section = reader.text(node, key);
    } else if (key == "statement") {
      item.statement = wording(reader, node, key);
    } else if (key == "says") {
      item.says = wordings(reader, node, key);
    } else if (key == "labels") {
      item.labels = wordings(reader, node, key);
    } else if (key == "evidence") {
      item.evidence = wording(reader, node, key);
    } else if (key == "picture") {
      item.picture = picture(reader, node);
    } else if (key == "sources") {
      item.sources = reader.texts(node, key);
    } else {
      reader.unknown_key(map, index, "an item", kItemKeys);
    }
  }

  ArticlePicture picture(const FactReader& reader, const yaml::Node& node) {
    ArticlePicture result;
    if (!reader.expect_map(node, "picture")) return result;
    for (std::size_t i = 0; i < node.keys.size(); ++i) {
      if (node.keys[i] == "of") {
        result.of = reader.texts(node.items[i], "of");
      } else if (node.keys[i] == "mark") {
        result.mark = reader.text(node.items[i], "mark");
      } else if (node.keys[i] == "says") {
        result.says = wording(reader, node.items[i], "says");
      } else {
        reader.unknown_key(node, i, "picture", kPictureKeys);
      }
    }
    if (result.of.empty()) reader.problem(node, "a picture of nothing", "of: [ratio, ..]");
    return result;
  }

  std::string kinds(const FactReader& reader, const yaml::Node& node) {
    std::string joined;
    for (const std::string& kind : reader.texts(node, "kind")) {
      if (std::find(kKinds.begin(), kKinds.end(), kind) == kKinds.end()) {
        reader.problem(node, fmt::format("unknown kind '{}'", kind),
                       fmt::format("one of {}", fmt::join(kKinds, ", ")));
      }
      joined += joined.empty() ? kind : "/" + kind;
    }
    return joined;
  }

  bool is_new(const FactReader& reader, const yaml::Node& node, std::string_view what,
              const std::string& id, int layer, StatedById& stated) {
    const auto [known, fresh] = stated.emplace(id, Stated{reader.place(node), layer});
    if (fresh) return true;
    if (known->second.layer == layer) {
      reader.problem(
          node, fmt::format("{} '{}' stands here again", what, id),
          fmt::format("first in {}:{}", known->second.place.file, known->second.place.line));
      return false;
    }
    known->second = {reader.place(node), layer};
    return true;
  }

  template <class Item>
  void lay_over(std::vector<Item>& all, Item above) {
    const auto below =
        std::find_if(all.begin(), all.end(), [&](const Item& item) { return item.id == above.id; });
    if (below == all.end()) {
      all.push_back(std::move(above));
    } else {
      *below = std::move(above);
    }
  }

  Article& article_;
  std::vector<Problem>& problems_;
  StatedById sections_, items_, words_;
};

// "S22b" comes behind S22 and before S23.
std::pair<int, std::string> order_of(const std::string& id) {
  const std::size_t digits = std::min(id.find_first_of("0123456789"), id.size());
  int number = 0;
  const auto end = std::from_chars(id.data() + digits, id.data() + id.size(), number).ptr;
  return {number, std::string(end, id.data() + id.size())};
}

void check_sections(const Article& article, std::vector<Problem>& problems) {
  std::vector<std::string> known;
  for (const ArticleSection& section : article.sections) known.push_back(section.id);
  for (const ArticleItem& item : article.items) {
    if (std::find(known.begin(), known.end(), item.section) != known.end()) continue;
    problems.push_back(
        {item.place, fmt::format("item '{}' is in the unknown section '{}'", item.id, item.section),
         fmt::format("one of {}", fmt::join(known, ", "))});
  }
}

}  // namespace

Result<Article> read_article(const Catalog& catalog) {
  std::vector<const CatalogFile*> files = catalog.files_with("article");
  for (const CatalogFile* file : catalog.files_with("words")) {
    if (std::find(files.begin(), files.end(), file) == files.end()) files.push_back(file);
  }
  std::stable_sort(files.begin(), files.end(),
                   [](const CatalogFile* a, const CatalogFile* b) { return a->layer < b->layer; });
  return read_article(files);
}

Result<Article> read_article(const std::vector<const CatalogFile*>& files) {
  Article article;
  std::vector<Problem> problems;
  ArticleReader reader(article, problems);
  for (const CatalogFile* file : files) reader.file(*file);
  std::stable_sort(
      article.items.begin(), article.items.end(),
      [](const ArticleItem& a, const ArticleItem& b) { return order_of(a.id) < order_of(b.id); });
  check_sections(article, problems);
  if (!problems.empty()) return fail(Error{std::move(problems)});
  return article;
}

std::vector<Problem> check_article(const Catalog& catalog) {
  std::vector<Problem> problems;
  const auto unknown_sources = [&](std::string_view what, std::string_view id, const Place& place,
                                   const std::vector<std::string>& sources) {
    for (const std::string& source : sources) {
      if (catalog.source(source)) continue;
      std::vector<std::string> known;
      for (const Source* one : catalog.sources()) known.push_back(one->id);
      problems.push_back({place, fmt::format("{} {}: unknown source '{}'", what, id, source),
                          did_you_mean(source, known)});
    }
  };
  const auto article = read_article(catalog);
  const auto events = read_events(catalog);
  if (!article) problems = article.error().problems;
  if (!events) {
    problems.insert(problems.end(), events.error().problems.begin(), events.error().problems.end());
  }
  if (!article || !events) return problems;
  for (const ArticleItem& item : article->items) {
    unknown_sources("item", item.id, item.place, item.sources);
  }
  for (const Event& event : *events) {
    unknown_sources("event", event.id, event.place, event.sources);
  }
  return problems;
}

}  // namespace fivefold
