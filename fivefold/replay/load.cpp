// Traces from files: one a rank.
#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <memory>

#include <fmt/format.h>
#include <zlib.h>

#include "fivefold/replay/trace.h"

namespace fivefold {
namespace {

namespace fs = std::filesystem;

struct CloseTrace {
  void operator()(gzFile file) const { gzclose(file); }
};

// zlib reads plain files as they are.
Result<std::string> read_bytes(const std::string& path) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) return fail("is a folder", "name a file", {path, 0, 0});
  errno = 0;
  const std::unique_ptr<gzFile_s, CloseTrace> file(gzopen(path.c_str(), "rb"));
  if (!file) {
    return fail(fmt::format("cannot be opened: {}", std::strerror(errno)), {}, {path, 0, 0});
  }
  std::string bytes;
  std::array<char, 1 << 16> buffer{};
  while (true) {
    const int got = gzread(file.get(), buffer.data(), unsigned(buffer.size()));
    if (got > 0) bytes.append(buffer.data(), std::size_t(got));
    if (got == int(buffer.size())) continue;
    int code = Z_OK;
    const char* message = gzerror(file.get(), &code);
    if (got < 0 || code == Z_BUF_ERROR) {
      return fail(fmt::format("cannot be unpacked: {}", message), "is it cut off, or not gzip?",
                  {path, 0, 0});
    }
    return bytes;
  }
}

constexpr std::array<std::string_view, 4> kEndings = {".et", ".et.gz", ".json", ".json.gz"};

// The rank in "base.<rank>.et", -1 if the name is none of these.
int rank_of(std::string_view file, const std::string& base) {
  if (!file.starts_with(base + ".")) return -1;
  file.remove_prefix(base.size() + 1);
  int rank = -1;
  const auto [end, problem] = std::from_chars(file.data(), file.data() + file.size(), rank);
  if (problem != std::errc() || rank < 0) return -1;
  const std::string_view rest = file.substr(std::size_t(end - file.data()));
  return std::find(kEndings.begin(), kEndings.end(), rest) != kEndings.end() ? rank : -1;
}

// Prefixes of the traces that lie in a folder, for a hint.
std::vector<std::string> prefixes_in(const fs::path& folder) {
  std::vector<std::string> found;
  std::error_code problem;
  for (const auto& entry : fs::directory_iterator(folder, problem)) {
    std::string file = entry.path().filename().string();
    for (const std::string_view ending : kEndings) {
      if (!file.ends_with(".0" + std::string(ending))) continue;
      file.resize(file.size() - 2 - ending.size());
      found.push_back((folder == "." ? fs::path(file) : folder / file).string());
      break;
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

Error no_traces(const std::string& prefix, const fs::path& folder) {
  std::error_code ignored;
  const bool is_folder = fs::is_directory(prefix, ignored);
  const std::vector<std::string> there = prefixes_in(is_folder ? fs::path(prefix) : folder);
  std::string hint = did_you_mean(prefix, there);
  if (hint.empty() && !there.empty()) hint = fmt::format("there is {}", there.front());
  if (hint.empty()) hint = "a set of traces is one file a rank, PREFIX.0.et, PREFIX.1.et and so on";
  return make_error(fmt::format("no traces {}.<rank>.et", prefix), std::move(hint));
}

// The file of each rank.
Result<std::vector<std::string>> files_of(const std::string& prefix, int ranks) {
  const fs::path path(prefix);
  const std::string base = path.filename().string();
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  std::map<int, std::string> files;
  std::error_code problem;
  for (const auto& entry : fs::directory_iterator(folder, problem)) {
    const int rank = base.empty() ? -1 : rank_of(entry.path().filename().string(), base);
    if (rank < 0) continue;
    const std::string file = prefix + entry.path().filename().string().substr(base.size());
    const auto [other, fresh] = files.try_emplace(rank, file);
    if (!fresh) {
      return fail(fmt::format("two traces of rank {}: {} and {}", rank,
                              std::min(other->second, file), std::max(other->second, file)),
                  "remove one of them");
    }
  }
  if (files.empty()) return tl::unexpected(no_traces(prefix, folder));
  const int wanted = ranks > 0 ? ranks : files.rbegin()->first + 1;
  std::string missing;
  int count = 0;
  for (int rank = 0; rank < wanted; ++rank) {
    if (files.contains(rank)) continue;
    if (++count <= 5) missing += fmt::format("{}{}", count > 1 ? ", " : "", rank);
  }
  if (count > 5) missing += ", ...";
  if (count > 0) {
    return fail(fmt::format("no trace of rank{} {} ({} of {} are there)", count > 1 ? "s" : "",
                            missing, wanted - count, wanted),
                fmt::format("each rank has its file, such as {}.{}.et", prefix,
                            missing.substr(0, missing.find(','))));
  }
  if (int(files.size()) > wanted) {
    return fail(fmt::format("{} traces for {} ranks", files.size(), wanted),
                fmt::format("--ranks {}", files.size()));
  }
  std::vector<std::string> result;
  for (const auto& [rank, file] : files) result.push_back(file);
  return result;
}

}  // namespace

Result<Trace> load_trace(const std::string& path) {
  const auto bytes = read_bytes(path);
  if (!bytes) return fail(bytes.error());
  const bool is_json = path.ends_with(".json") || path.ends_with(".json.gz");
  return is_json ? read_json_trace(*bytes, path) : read_trace(*bytes, path);
}

Result<std::vector<Trace>> load_traces(const std::string& prefix, int ranks) {
  const auto files = files_of(prefix, ranks);
  if (!files) return fail(files.error());
  std::vector<Trace> traces;
  std::vector<Problem> problems;
  for (const std::string& file : *files) {
    auto trace = load_trace(file);
    if (trace) {
      traces.push_back(*std::move(trace));
      continue;
    }
    for (Problem& problem : trace.error().problems) problems.push_back(std::move(problem));
    if (problems.size() >= kMostProblems) break;
  }
  if (!problems.empty()) return fail(Error{std::move(problems)});
  return traces;
}

Result<RankGroups> load_groups(const std::string& path) {
  const auto bytes = read_bytes(path);
  if (!bytes) return fail(bytes.error());
  return read_groups(*bytes, path);
}

}  // namespace fivefold
