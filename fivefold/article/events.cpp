#include "fivefold/article/events.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "fivefold/catalog/fact_reader.h"

namespace fivefold {
namespace {

const std::vector<std::string> kEventKeys = {"id",         "date", "actor",  "action", "in_article",
                                             "confidence", "tag",  "source", "chips"};

Confidence confidence_of(const FactReader& reader, const yaml::Node& node) {
  const std::string text = reader.text(node, "confidence");
  if (text == "high") return Confidence::kHigh;
  if (text == "medium") return Confidence::kMedium;
  if (text != "low") {
    reader.problem(node, fmt::format("confidence '{}'", text), "high, medium or low");
  }
  return Confidence::kLow;
}

void read_field(const FactReader& reader, const yaml::Node& map, std::size_t index, Event& event,
                std::vector<Problem>& problems) {
  const std::string& key = map.keys[index];
  const yaml::Node& node = map.items[index];
  if (key == "id") {
    event.id = reader.text(node, key);
  } else if (key == "date") {
    event.written = reader.text(node, key);
    if (const auto quarter = parse_quarter(event.written)) {
      event.date = {quarter->first(), quarter->last()};
    } else if (const auto span = parse_date_span(event.written, reader.place(node))) {
      event.date = *span;
    } else {
      problems.insert(problems.end(), span.error().problems.begin(), span.error().problems.end());
    }
  } else if (key == "actor") {
    event.actor = reader.text(node, key);
  } else if (key == "action") {
    event.action = reader.text(node, key);
  } else if (key == "in_article") {
    const std::string text = reader.text(node, key);
    event.in_article = text == "true";
    if (text != "true" && text != "false") {
      reader.problem(node, fmt::format("in_article '{}'", text), "true or false");
    }
  } else if (key == "confidence") {
    event.confidence = confidence_of(reader, node);
  } else if (key == "tag") {
    event.tag = reader.text(node, key);
  } else if (key == "source") {
    event.sources = reader.texts(node, key);
  } else if (key == "chips") {
    event.chips = reader.texts(node, key);
  } else {
    reader.unknown_key(map, index, "an event", kEventKeys);
  }
}

Event read_event(const FactReader& reader, const yaml::Node& node, std::vector<Problem>& problems) {
  Event event;
  event.place = reader.place(node);
  if (!reader.expect_map(node, "an event")) return event;
  for (std::size_t i = 0; i < node.keys.size(); ++i) read_field(reader, node, i, event, problems);
  if (event.id.empty() || event.written.empty() || event.action.empty() || event.sources.empty()) {
    reader.problem(node, "an event needs id, date, action and source",
                   "- {id: T001, date: '2025-09-17', action: .., source: [..]}");
  }
  return event;
}

}  // namespace

Result<std::vector<Event>> read_events(const Catalog& catalog) {
  return read_events(catalog.files_with("events"));
}

Result<std::vector<Event>> read_events(const std::vector<const CatalogFile*>& files) {
  std::vector<Problem> problems;
  std::map<std::string, std::pair<int, Event>> events;  // by id, with the layer
  for (const CatalogFile* file : files) {
    const yaml::Node root = yaml::parse(file->text, file->name, problems);
    const FactReader reader(file->name, 0, problems);
    const yaml::Node* list = root.find("events");
    if (!list || !reader.expect_list(*list, "events")) continue;
    for (const yaml::Node& node : list->items) {
      Event event = read_event(reader, node, problems);
      const auto known = events.find(event.id);
      if (known != events.end() && known->second.first == file->layer) {
        const Place& first = known->second.second.place;
        reader.problem(node, fmt::format("event '{}' stands here again", event.id),
                       fmt::format("first in {}:{}", first.file, first.line));
        continue;
      }
      const std::string id = event.id;
      events[id] = {file->layer, std::move(event)};
    }
  }
  if (!problems.empty()) return fail(Error{std::move(problems)});
  std::vector<Event> sorted;
  for (auto& [id, event] : events) sorted.push_back(std::move(event.second));
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Event& a, const Event& b) { return a.date.first < b.date.first; });
  return sorted;
}

}  // namespace fivefold
