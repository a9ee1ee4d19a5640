#include "fivefold/traffic/servegen.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "fivefold/base/text.h"
#include "fivefold/traffic/servegen_client.h"

namespace fivefold {
namespace {

using servegen::Client;
using servegen::ClientLengths;
using servegen::Window;

constexpr double kMostRequests = 5e7;
constexpr std::string_view kTraceEnd = "-trace.csv";

// The number in "folder/chunk-12-trace.csv", or -1.
int number_in(std::string_view name, std::string_view end) {
  name.remove_prefix(name.rfind('/') + 1);  // npos + 1 is 0
  if (!name.starts_with("chunk-") || !name.ends_with(end)) return -1;
  name.remove_prefix(6);
  name.remove_suffix(std::min(end.size(), name.size()));
  int number = -1;
  const auto [last, failed] = std::from_chars(name.data(), name.data() + name.size(), number);
  return failed == std::errc() && last == name.data() + name.size() ? number : -1;
}

std::string_view folder_of(std::string_view name) {
  return name.substr(0, name.rfind('/') + 1);
}

Result<std::vector<Client>> clients_of(const std::vector<PackedFile>& files,
                                       const std::string& path) {
  std::map<int, Client> clients;
  std::string_view folder;
  for (const PackedFile& file : files) {
    const int trace = number_in(file.name, kTraceEnd);
    const int dataset = number_in(file.name, "-dataset.json");
    if (trace < 0 && dataset < 0) continue;
    if (clients.empty()) folder = folder_of(file.name);
    if (folder != folder_of(file.name)) {
      return fail(fmt::format("clients of two services: {} and {}", folder, folder_of(file.name)),
                  "unpack it and name one folder", {path, 0, 0});
    }
    (trace >= 0 ? clients[trace].trace : clients[dataset].dataset) = &file;
  }
  std::vector<Client> result;
  for (auto& [number, client] : clients) {
    if (client.trace == nullptr || client.dataset == nullptr) {
      return fail(fmt::format("no {}chunk-{}-{}", folder, number,
                              client.trace == nullptr ? "trace.csv" : "dataset.json"),
                  "a client is two files", {path, 0, 0});
    }
    client.number = number;
    result.push_back(std::move(client));
  }
  return result;
}

// The lengths of the window that holds `time`; of one at rest, those of the last before it that has
// any.
const ClientLengths& lengths_at(const Client& client, double time) {
  auto after = client.lengths.upper_bound(time);
  if (after == client.lengths.begin()) return after->second;
  return std::prev(after)->second;
}

void draw_client(const Client& client, double begin, double end, std::uint64_t seed,
                 std::int32_t tenant, std::vector<Request>& requests) {
  for (const Window& window : client.windows) {
    // A stream of its own for each window: another stretch of the trace draws the same in it.
    const auto stream = std::uint64_t(client.number) << 32 | std::uint64_t(window.begin);
    Random gaps(seed, "servegen gaps", stream);
    Random lengths(seed, "servegen lengths", stream);
    const ClientLengths& here = lengths_at(client, window.begin);
    double at = window.begin + window.gaps.first(gaps);
    for (; at < std::min(window.end, end); at += window.gaps.next(gaps)) {
      Request request{.arrival = at, .tenant = tenant};
      request.input = here.input.draw(lengths);
      request.output = here.output.draw(lengths);
      if (at >= begin) requests.push_back(request);
    }
  }
}

}  // namespace

bool is_servegen_trace(const std::string& name) {
  return number_in(name, kTraceEnd) >= 0;
}

Result<ReadLoad> draw_servegen(const std::vector<PackedFile>& files, const std::string& path,
                               const ReadOptions& options) {
  auto clients = clients_of(files, path);
  if (!clients) return fail(std::move(clients.error()));
  const double begin = options.begin;
  const double end = options.begin + options.seconds;
  if (!(begin >= 0) || !(options.seconds > 0) || !std::isfinite(end)) {
    return fail("an empty stretch of time is to be drawn", "begin at 0 or later, for some seconds");
  }
  ReadLoad result{.form = "servegen"};
  std::vector<Request>& requests = result.load.requests;
  double expected = 0;
  double last = 0;
  for (Client& client : *clients) {
    const auto ends = servegen::read_client(client, path, begin, end);
    if (!ends) return fail(ends.error());
    last = std::max(last, *ends);
    for (const Window& window : client.windows) {
      expected += window.rate * (std::min(window.end, end) - window.begin);
    }
  }
  if (end > last) {
    return fail(fmt::format("the trace ends at {:g} s, before {:g} s", last, end),
                "begin earlier or draw fewer seconds", {path, 0, 0});
  }
  if (expected > kMostRequests) {
    return fail(fmt::format("{} requests would be drawn", format_number(expected)),
                fmt::format("at most {}: draw fewer seconds", format_number(kMostRequests)),
                {path, 0, 0});
  }
  requests.reserve(std::size_t(expected * 1.05) + 16);
  for (std::size_t i = 0; i < clients->size(); ++i) {
    const Client& client = (*clients)[i];
    draw_client(client, begin, end, options.seed, std::int32_t(i), requests);
    result.load.tenants.push_back(fmt::format("chunk-{}", client.number));
  }
  if (requests.empty()) {
    return fail("no client sends in this stretch", "begin later or draw more seconds",
                {path, 0, 0});
  }
  std::stable_sort(requests.begin(), requests.end(),
                   [](const Request& a, const Request& b) { return a.arrival < b.arrival; });
  if (options.limit > 0 && requests.size() > options.limit) requests.resize(options.limit);
  const double first = requests.front().arrival;
  for (Request& request : requests) request.arrival -= first;
  result.load.name = path;
  result.notes.push_back(fmt::format("drawn from the rates and lengths of {} client{} over {:g} s",
                                     clients->size(), clients->size() == 1 ? "" : "s",
                                     options.seconds));
  return result;
}

}  // namespace fivefold
