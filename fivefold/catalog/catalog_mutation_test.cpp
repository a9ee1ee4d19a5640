// A short, repeatable run of what fuzz/catalog_yaml_fuzz.cpp does at length: pieces of the shipped
// files with random damage are read or refused, never misread and never fatal.
#include <cmath>

#include <gtest/gtest.h>

#include "fivefold/base/random.h"
#include "fivefold/catalog/catalog_data.h"
#include "fivefold/catalog/embedded.h"

namespace fivefold {
namespace {

constexpr std::string_view kPieces[] = {
    "\n", ": ",   "- ",       "{",    "}",  "[",    "]",     ",",         "'",     "\"",
    "#",  "&a",   "*a",       "null", "~",  "none", "true",  "-1",        "1e308", ".nan",
    "0",  "999",  "unit",     "TB/s", "TB", "CNY",  "value", "extends: ", "id: ",  "also",
    "\t", "\xff", "\xe2\x82", "|",    ">",  "? ",   "---\n", "...\n",     "!!map", "%YAML"};

// Entries of one file: its head up to the first list, then each "- id:" part.
std::vector<std::string> entries_of(std::string_view text) {
  std::vector<std::string> entries;
  const std::size_t first = text.find("\n- ");
  if (first == std::string_view::npos) return {std::string(text.substr(0, 2000))};
  const std::string head(
      text.substr(text.rfind('\n', first - 1) + 1, first - text.rfind('\n', first - 1)));
  for (std::size_t at = first; at != std::string_view::npos;) {
    const std::size_t next = text.find("\n- ", at + 1);
    entries.push_back(head + std::string(text.substr(at + 1, next - at)));
    at = next;
  }
  return entries;
}

std::string damaged(std::string text, Random& random) {
  for (std::uint32_t n = 1 + random.below(4); n > 0 && !text.empty(); --n) {
    const std::size_t at = random.below(static_cast<std::uint32_t>(text.size()));
    const std::size_t length = std::min<std::size_t>(1 + random.below(20), text.size() - at);
    switch (random.below(4)) {
      case 0:
        text.erase(at, length);
        break;
      case 1:
        text.insert(at, kPieces[random.below(std::size(kPieces))]);
        break;
      case 2:
        text.insert(at, text.substr(random.below(static_cast<std::uint32_t>(text.size())), length));
        break;
      default:
        text[at] = static_cast<char>(random.below(256));
    }
  }
  return text;
}

void expect_sane(const Result<CatalogParts>& parts, const std::string& text) {
  if (!parts) {
    ASSERT_FALSE(parts.error().problems.empty()) << text;
    for (const Problem& problem : parts.error().problems)
      ASSERT_EQ(problem.place.file, "damaged.yaml") << text;
    return;
  }
  for (const Chip& chip : parts->chips) {
    for (const OpsPerSecond peak : chip.device.peak)
      ASSERT_TRUE(std::isfinite(peak.value())) << text;
    ASSERT_GE(chip.device.memory_bandwidth.value(), 0) << text;
  }
  for (const System& system : parts->systems) ASSERT_GE(system.devices(), 1) << text;
}

TEST(Mutations, damaged_catalog_files_are_read_or_refused) {
  constexpr int kRounds = 6;
  Random random(1, "mutations");
  int accepted = 0, refused = 0;
  for (const EmbeddedFile& file : embedded_catalog()) {
    for (const std::string& entry : entries_of(file.text)) {
      for (int round = 0; round < kRounds; ++round) {
        const std::string text = damaged(entry, random);
        const auto parts = read_catalog({{"damaged.yaml", text, 0}});
        expect_sane(parts, text);
        if (HasFatalFailure()) return;
        ++(parts ? accepted : refused);
      }
    }
  }
  // Neither may be all: then the damage would test nothing.
  EXPECT_GT(accepted, 50);
  EXPECT_GT(refused, 500);
}

}  // namespace
}  // namespace fivefold
