#include "fivefold/traffic/archive.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

namespace fivefold {
namespace {

// A few kilobytes can unpack to more than any memory holds.
constexpr std::size_t kMostBytes = std::size_t(8) << 30;

struct CloseArchive {
  void operator()(archive* reader) const { archive_read_free(reader); }
};

tl::unexpected<Error> broken(archive* reader, const std::string& path) {
  const char* message = archive_error_string(reader);
  return fail(
      fmt::format("cannot be unpacked: {}", message != nullptr ? message : "unknown problem"),
      "is it cut off, or not whole?", {path, 0, 0});
}

Result<std::string> bytes_of(archive* reader, const std::string& path, std::size_t room) {
  std::string bytes;
  while (true) {
    const void* block = nullptr;
    std::size_t size = 0;
    la_int64_t offset = 0;
    const int code = archive_read_data_block(reader, &block, &size, &offset);
    if (code == ARCHIVE_EOF) return bytes;
    if (code != ARCHIVE_OK) return broken(reader, path);
    if (std::size_t(offset) > room || size > room - std::size_t(offset)) {
      return fail(fmt::format("unpacks to more than {} GB", kMostBytes >> 30),
                  "take out the part that is needed", {path, 0, 0});
    }
    bytes.resize(std::size_t(offset));  // a hole of a sparse file
    bytes.append(static_cast<const char*>(block), size);
  }
}

}  // namespace

Result<std::vector<PackedFile>> unpack(const std::string& path) {
  std::error_code problem;
  const auto size = std::filesystem::file_size(path, problem);
  if (problem) return fail(fmt::format("cannot be read: {}", problem.message()), {}, {path, 0, 0});
  if (size == 0) return fail("the file is empty", {}, {path, 0, 0});
  const std::unique_ptr<archive, CloseArchive> reader(archive_read_new());
  // Named one by one: others start programs of the system, or take any text for a listing of files.
  archive_read_support_filter_gzip(reader.get());
  archive_read_support_filter_bzip2(reader.get());
  archive_read_support_filter_xz(reader.get());
  archive_read_support_filter_zstd(reader.get());
  archive_read_support_format_tar(reader.get());
  archive_read_support_format_raw(reader.get());
  archive_read_support_format_empty(reader.get());
  if (archive_read_open_filename(reader.get(), path.c_str(), 1 << 18) != ARCHIVE_OK) {
    return broken(reader.get(), path);
  }
  std::vector<PackedFile> files;
  std::size_t room = kMostBytes;
  archive_entry* entry = nullptr;
  while (true) {
    const int code = archive_read_next_header(reader.get(), &entry);
    if (code == ARCHIVE_EOF) break;
    if (code != ARCHIVE_OK && code != ARCHIVE_WARN) return broken(reader.get(), path);
    const bool raw = archive_format(reader.get()) == ARCHIVE_FORMAT_RAW;
    if (!raw && archive_entry_filetype(entry) != AE_IFREG) continue;
    const char* name = raw ? "" : archive_entry_pathname(entry);
    auto bytes = bytes_of(reader.get(), path, room);
    if (!bytes) return fail(std::move(bytes.error()));
    room -= bytes->size();
    files.push_back({name != nullptr ? name : "", *std::move(bytes)});
  }
  if (files.empty()) return fail("nothing is inside", {}, {path, 0, 0});
  return files;
}

}  // namespace fivefold
