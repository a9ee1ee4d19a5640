#include "fivefold/base/error.h"

#include <algorithm>
#include <cctype>
#include <numeric>
#include <utility>

namespace fivefold {

Error make_error(std::string what, std::string hint, Place place) {
  return Error{{Problem{std::move(place), std::move(what), std::move(hint)}}};
}

tl::unexpected<Error> fail(std::string what, std::string hint, Place place) {
  return tl::unexpected<Error>(make_error(std::move(what), std::move(hint), std::move(place)));
}

tl::unexpected<Error> fail(Error error) {
  return tl::unexpected<Error>(std::move(error));
}

std::string to_text(const Error& error) {
  std::string text;
  for (const Problem& problem : error.problems) {
    if (!text.empty()) text += '\n';
    if (!problem.place.file.empty()) {
      text += problem.place.file;
      if (problem.place.line > 0) text += ':' + std::to_string(problem.place.line);
      if (problem.place.column > 0) text += ':' + std::to_string(problem.place.column);
      text += ": ";
    }
    text += problem.what;
    if (!problem.hint.empty()) text += " (" + problem.hint + ")";
  }
  return text;
}

namespace {

char folded(char c) {
  if (c == '_' || c == ' ' || c == '.') return '-';
  return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
}

// Edits (insertion, deletion, substitution, swap of neighbours) that turn one name into the other,
// case and separators apart.
int edit_distance(std::string_view a, std::string_view b) {
  std::vector<int> before_last(b.size() + 1), last(b.size() + 1), now(b.size() + 1);
  std::iota(last.begin(), last.end(), 0);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    now[0] = static_cast<int>(i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = folded(a[i - 1]) == folded(b[j - 1]);
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + (same ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && folded(a[i - 1]) == folded(b[j - 2]) &&
                           folded(a[i - 2]) == folded(b[j - 1]);
      if (swapped) now[j] = std::min(now[j], before_last[j - 2] + 1);
    }
    std::swap(before_last, last);
    std::swap(last, now);
  }
  return last[b.size()];
}

bool contains_folded(std::string_view whole, std::string_view part) {
  return std::search(whole.begin(), whole.end(), part.begin(), part.end(),
                     [](char a, char b) { return folded(a) == folded(b); }) != whole.end();
}

}  // namespace

std::vector<std::string> nearest(std::string_view name, const std::vector<std::string>& known) {
  constexpr std::size_t kMostShown = 3;
  constexpr std::size_t kLongestName = 200;  // longer input is no mistyped name
  std::vector<std::pair<int, std::string>> ranked;
  if (name.empty() || name.size() > kLongestName) return {};
  // A third of the name may be wrong; a name that holds the other ("h100" in "h100_sxm") also
  // counts.
  const int allowed = std::max(1, static_cast<int>(name.size()) / 3);
  for (const std::string& candidate : known) {
    const bool part = name.size() >= 3 && candidate.size() >= 3 &&
                      (contains_folded(candidate, name) || contains_folded(name, candidate));
    const int distance = edit_distance(name, candidate);
    if (distance <= allowed) {
      ranked.emplace_back(distance, candidate);
    } else if (part) {
      ranked.emplace_back(allowed + distance, candidate);
    }
  }
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> names;
  for (auto& [distance, candidate] : ranked) {
    if (names.size() == kMostShown) break;
    if (std::find(names.begin(), names.end(), candidate) == names.end()) {
      names.push_back(std::move(candidate));
    }
  }
  return names;
}

std::string did_you_mean(std::string_view name, const std::vector<std::string>& known) {
  const std::vector<std::string> names = nearest(name, known);
  if (names.empty()) return {};
  std::string text = "did you mean ";
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 == names.size() ? " or " : ", ";
    text += names[i];
  }
  return text + "?";
}

}  // namespace fivefold
