// A path in the temporary folder that no other test process uses: ctest runs them side by side.
#pragma once

#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

namespace fivefold {

inline std::string temporary_path(const std::string& name) {
  return testing::TempDir() + "fivefold_" + std::to_string(getpid()) + "_" + name;
}

}  // namespace fivefold
