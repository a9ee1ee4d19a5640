// A trace of any form: what is in the file says which.
#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "fivefold/traffic/archive.h"
#include "fivefold/traffic/servegen.h"
#include "fivefold/traffic/trace_builder.h"

namespace fivefold {
namespace {

namespace fs = std::filesystem;

bool is_garbage(char c) {
  return static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\r' && c != '\n';
}

Result<std::vector<PackedFile>> files_in(const std::string& folder) {
  std::vector<PackedFile> files;
  std::error_code problem;
  auto entry = fs::recursive_directory_iterator(folder, problem);
  for (; !problem && entry != fs::recursive_directory_iterator(); entry.increment(problem)) {
    const std::string name = fs::relative(entry->path(), folder, problem).string();
    if (!entry->path().filename().string().starts_with("chunk-") || !entry->is_regular_file()) {
      continue;
    }
    auto packed = unpack(entry->path().string());
    if (!packed) return fail(std::move(packed.error()));
    files.push_back({name, std::move(packed->front().bytes)});
  }
  if (problem)
    return fail(fmt::format("cannot be read: {}", problem.message()), {}, {folder, 0, 0});
  return files;
}

}  // namespace

Result<ReadLoad> parse_load(std::string_view text, const std::string& file,
                            const ReadOptions& options) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return fail("the file is empty", {}, {file, 0, 0});
  const std::string_view head = text.substr(0, 4096);
  if (const auto found = std::find_if(head.begin(), head.end(), is_garbage); found != head.end()) {
    const auto before = std::string_view(head.begin(), found);
    const int line = 1 + int(std::count(before.begin(), before.end(), '\n'));
    return fail("is not text", "a trace is CSV or JSONL, plain, compressed or in a tar archive",
                {file, line, int(before.size() - (before.rfind('\n') + 1)) + 1});
  }
  if (text[begin] == '[') {
    return fail("is a JSON list", "a trace in JSON has one {...} a line", {file, 1, 1});
  }
  return text[begin] == '{' ? parse_jsonl_load(text, file, options)
                            : parse_csv_load(text, file, options);
}

Result<ReadLoad> read_load(const std::string& path, const ReadOptions& options) {
  std::error_code ignored;
  const bool folder = fs::is_directory(path, ignored);
  auto files = folder ? files_in(path) : unpack(path);
  if (!files) return fail(std::move(files.error()));
  const bool servegen = std::any_of(files->begin(), files->end(), [](const PackedFile& file) {
    return is_servegen_trace(file.name);
  });
  if (servegen) return draw_servegen(*files, path, options);
  if (folder) {
    return fail("is a folder without clients of ServeGen (chunk-N-trace.csv)", "name a file",
                {path, 0, 0});
  }
  if (files->size() > 1) {
    return fail(fmt::format("holds {} files, such as {} and {}", files->size(),
                            shown(files->front().name), shown(files->back().name)),
                "unpack it and name one of them", {path, 0, 0});
  }
  const std::string& name = files->front().name;
  return parse_load(files->front().bytes, name.empty() ? path : path + "/" + name, options);
}

}  // namespace fivefold
