// Any bytes as a user's rules over the shipped ones: a book whose answers are in order, or an error
// whose problems name a file.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <unistd.h>

#include "fivefold/policy/rules.h"

namespace {

using namespace fivefold;

const std::string& folder() {
  static const std::string path = [] {
    const std::string made = (std::filesystem::temp_directory_path() /
                              ("fivefold_rules_fuzz_" + std::to_string(getpid())))
                                 .string();
    std::filesystem::create_directories(made);
    return made;
  }();
  return path;
}

void check(const RuleBook& book, const RuleSubject& subject) {
  for (const Date day : book.turning_days()) {
    const Classification answer = book.classify(subject, day);
    if (answer.least > answer.most) std::abort();
    if (answer.access != Access::kUnknown && answer.least != answer.most) std::abort();
    if (answer.access == Access::kUnknown && answer.outcome.empty()) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string file = folder() + "/fuzz.yaml";
  {
    std::ofstream out(file, std::ios::binary);
    out.write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  }
  const auto catalog = Catalog::load({folder()});
  if (!catalog) return 0;  // catalog_yaml_fuzz looks at these
  const auto book = RuleBook::load(*catalog);
  if (!book) {
    if (book.error().problems.empty() || to_text(book.error()).empty()) std::abort();
    return 0;
  }
  const auto chips = catalog->chips();
  if (!chips.empty()) check(*book, rule_subject(*catalog, *chips.front()));
  RuleSubject unknown;
  unknown.name = "unknown";
  check(*book, unknown);
  return 0;
}
