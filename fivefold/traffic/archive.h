// Files as they are published: plain, compressed, or many in a tar archive.
#pragma once

#include <string>
#include <vector>

#include "fivefold/base/error.h"

namespace fivefold {

struct PackedFile {
  std::string name;  // inside the archive; of a plain or only compressed file: empty
  std::string bytes;
};

// The regular files in `path`: one if it is no archive. gzip, bzip2, xz and zstd are undone.
Result<std::vector<PackedFile>> unpack(const std::string& path);

}  // namespace fivefold
