// Dated events around the article (catalog/article/timeline.yaml, key `events`).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fivefold/base/date.h"
#include "fivefold/catalog/catalog.h"

namespace fivefold {

struct Event {
  std::string id;       // "T044"
  std::string written;  // "2025-09-17", "2025-10": as exact as it is known
  DateSpan date;
  std::string actor, action, tag;
  bool in_article = false;  // the article itself names it
  Confidence confidence = Confidence::kLow;
  std::vector<std::string> chips;    // as named by the press
  std::vector<std::string> sources;  // ids; "ARTICLE" is the article itself
  Place place;
};

// In the order of dates, then of ids. A higher layer of the catalog replaces events of the same id;
// every problem of the files at once.
Result<std::vector<Event>> read_events(const Catalog& catalog);
Result<std::vector<Event>> read_events(const std::vector<const CatalogFile*>& files);

}  // namespace fivefold
