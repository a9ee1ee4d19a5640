// Any bytes as a trace of requests: a load in order that reads back as it is written, or an error
// with problems that name the file. The same bytes as the two files of a ServeGen client, cut at
// the first brace.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "fivefold/traffic/servegen.h"

namespace {

using fivefold::ReadLoad;
using fivefold::Result;

bool is_sound(const Result<ReadLoad>& read) {
  if (!read) return !read.error().problems.empty();
  double last = 0;
  for (const fivefold::Request& request : read->load.requests) {
    if (!std::isfinite(request.arrival) || request.arrival < last) return false;
    if (request.input < 1 || request.output < 1 || request.images < 0) return false;
    if (std::size_t(request.first_block) + request.blocks > read->load.block_ids.size())
      return false;
    last = request.arrival;
  }
  return !read->load.requests.empty();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const bool sort : {false, true}) {
    const auto read = fivefold::parse_load(text, "t", {.sort = sort});
    if (!is_sound(read)) std::abort();
    if (!read) continue;
    const auto again = fivefold::parse_load(fivefold::load_csv(read->load), "again");
    if (!again || again->load.requests.size() != read->load.requests.size()) std::abort();
    fivefold::summarise(read->load);
  }
  const std::size_t cut = text.find('{');
  if (cut == std::string_view::npos) return 0;
  const auto drawn =
      fivefold::draw_servegen({{"chunk-0-trace.csv", std::string(text.substr(0, cut))},
                               {"chunk-0-dataset.json", std::string(text.substr(cut))}},
                              "s", {.limit = 1000, .seconds = 60});
  if (!is_sound(drawn)) std::abort();
  return 0;
}
