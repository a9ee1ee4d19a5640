#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "fivefold/traffic/named.h"

namespace fivefold {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kProfile = "profile:";
constexpr const char* kFolders = "FIVEFOLD_DATA";

std::vector<fs::path> folders() {
  std::vector<fs::path> all;
  const char* named = std::getenv(kFolders);
  std::string_view rest = named != nullptr ? named : "";
  while (!rest.empty()) {
    const std::size_t colon = std::min(rest.find(':'), rest.size());
    if (colon > 0) all.emplace_back(rest.substr(0, colon));
    rest.remove_prefix(std::min(colon + 1, rest.size()));
  }
  all.emplace_back("data/traces");
  all.emplace_back("../shared/data/traces");
  return all;
}

Result<NamedLoad> named(const std::string& name) {
  auto all = named_loads();
  if (!all) return fail(std::move(all.error()));
  std::vector<std::string> known;
  for (NamedLoad& load : *all) {
    if (load.id == name ||
        std::find(load.aliases.begin(), load.aliases.end(), name) != load.aliases.end()) {
      return std::move(load);
    }
    known.push_back(load.id);
    known.insert(known.end(), load.aliases.begin(), load.aliases.end());
  }
  std::string hint = did_you_mean(name, known);
  if (hint.empty()) hint = "`fivefold requests list` lists the named ones";
  return fail(fmt::format("'{}' is no file and no named trace", name), std::move(hint));
}

Result<ReadLoad> profile_of(const NamedLoad& like, const ReadOptions& options) {
  const std::size_t count = options.limit > 0 ? options.limit : like.statistics.requests;
  ReadLoad result{.load = draw_profile(like, count, options.seed),
                  .form = "profile",
                  .timed = like.statistics.rate > 0};
  result.notes.push_back(
      fmt::format("drawn from the distribution of {}, not its requests", like.id));
  return result;
}

}  // namespace

Result<ReadLoad> find_load(const std::string& name, const ReadOptions& options) {
  std::error_code ignored;
  if (name.starts_with(kProfile)) {
    const auto like = named(name.substr(kProfile.size()));
    if (!like) return fail(like.error());
    return profile_of(*like, options);
  }
  if (fs::exists(name, ignored)) return read_load(name, options);
  const auto like = named(name);
  if (!like) return fail(like.error());
  for (const fs::path& folder : folders()) {
    for (const std::string& file : like->files) {
      for (const char* packed : {"", ".gz", ".xz"}) {
        const fs::path path = folder / (file + packed);
        if (!fs::exists(path, ignored)) continue;
        auto read = read_load(path.string(), options);
        if (read) read->load.name = like->id;
        return read;
      }
    }
  }
  return fail(
      fmt::format("the trace {} is not here: {} ({}, {})", like->id, like->what, like->source,
                  like->licence),
      fmt::format("get it from {}, put {} into data/traces or a folder of {}, or take {}{}, drawn "
                  "from its distribution",
                  like->url, fmt::join(like->files, " or "), kFolders, kProfile, like->id));
}

Result<RequestLoad> draw_profile(const std::string& name, std::size_t count, std::uint64_t seed) {
  const auto like = named(name);
  if (!like) return fail(like.error());
  return draw_profile(*like, count, seed);
}

}  // namespace fivefold
