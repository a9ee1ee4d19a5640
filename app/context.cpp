#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <system_error>

#include <fmt/format.h>
#include <unistd.h>

#include "app/commands.h"

namespace fivefold::app {
namespace {

void show_progress(double share) {
  constexpr int kWidth = 40;
  const int done = int(share * kWidth + 0.5);
  fmt::print(stderr, "\r[{:<{}}] {:3.0f}%", std::string(std::size_t(done), '='), kWidth,
             share * 100);
  if (share >= 1) fmt::print(stderr, "\r{:{}}\r", "", kWidth + 8);
  std::fflush(stderr);
}

}  // namespace

std::function<void(double)> progress_bar() {
  if (isatty(STDERR_FILENO) == 0) return {};
  return show_progress;
}

Result<Catalog> Context::load() const {
  auto catalog = Catalog::load(catalog_dirs);
  if (!catalog || preferred_sources.empty()) return catalog;
  return catalog->preferring(preferred_sources);
}

void Context::refuse(const Error& error) {
  fmt::print(stderr, "fivefold: {}\n", to_text(error));
  exit_code = 2;
}

void print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

Result<void> write_file(const std::string& path, const std::string& text) {
  const std::string partial = path + ".partial";
  {
    std::ofstream out(partial, std::ios::binary | std::ios::trunc);
    out << text;
    out.flush();
    if (!out) {
      std::error_code ignored;
      std::filesystem::remove(partial, ignored);
      return fail(fmt::format("cannot write '{}'", path), "is the folder there and writable?");
    }
  }
  std::error_code problem;
  std::filesystem::rename(partial, path, problem);
  if (problem) {
    std::error_code ignored;
    std::filesystem::remove(partial, ignored);
    return fail(fmt::format("cannot write '{}': {}", path, problem.message()));
  }
  return {};
}

}  // namespace fivefold::app
