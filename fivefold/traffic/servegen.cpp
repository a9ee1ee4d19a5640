#include "fivefold/traffic/servegen.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "fivefold/base/text.h"
#include "fivefold/traffic/gaps.h"
#include "fivefold/traffic/trace_builder.h"

namespace fivefold {
namespace {

using nlohmann::json;

constexpr double kMostRequests = 5e7;
constexpr std::string_view kTraceEnd = "-trace.csv";

struct Window {
  double begin = 0;
  double end = 0;
  double rate = 0;
  Gaps gaps;
};
struct Histogram {
  std::vector<std::int32_t> lengths;
  std::vector<double> up_to;  // sums of the probabilities

  std::int32_t draw(Random& random) const {
    const double at = random.uniform() * up_to.back();
    const auto found = std::upper_bound(up_to.begin(), up_to.end(), at);
    return lengths[std::size_t(std::min(found, up_to.end() - 1) - up_to.begin())];
  }
};
struct ClientLengths {
  Histogram input, output;
};
struct Client {
  int number = 0;
  const PackedFile* trace = nullptr;
  const PackedFile* dataset = nullptr;
  std::vector<Window> windows;
  std::map<double, ClientLengths> lengths;  // by the start of their window
};

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
  std::optional<std::string_view> folder;
  for (const PackedFile& file : files) {
    const int trace = number_in(file.name, kTraceEnd);
    const int dataset = number_in(file.name, "-dataset.json");
    if (trace < 0 && dataset < 0) continue;
    if (!folder) folder = folder_of(file.name);
    if (*folder != folder_of(file.name)) {
      return fail(fmt::format("clients of two services: {} and {}", *folder, folder_of(file.name)),
                  "unpack it and name one folder", {path, 0, 0});
    }
    (trace >= 0 ? clients[trace].trace : clients[dataset].dataset) = &file;
  }
  std::vector<Client> result;
  for (auto& [number, client] : clients) {
    if (client.trace == nullptr || client.dataset == nullptr) {
      return fail(fmt::format("no {}chunk-{}-{}", *folder, number,
                              client.trace == nullptr ? "trace.csv" : "dataset.json"),
                  "a client is two files", {path, 0, 0});
    }
    client.number = number;
    result.push_back(std::move(client));
  }
  return result;
}

// Reads what the drawn stretch needs of one client.
class ClientReader {
 public:
  ClientReader(Client& client, const std::string& path, double begin, double end)
      : client_(client),
        trace_file_(path + "/" + client.trace->name),
        dataset_file_(path + "/" + client.dataset->name),
        begin_(begin),
        end_(end) {}

  Result<void> read() {
    read_windows();
    if (problems_.empty() && !client_.windows.empty()) read_lengths();
    if (!problems_.empty()) return fail(Error{std::move(problems_)});
    return {};
  }
  double last() const { return last_; }  // end of the trace

 private:
  void refuse(const std::string& file, int line, std::string what, std::string hint = {}) {
    problems_.push_back({{file, line, 0}, std::move(what), std::move(hint)});
  }

  static bool number(std::string_view text, double& value) {
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    return failed == std::errc() && end == text.data() + text.size() && std::isfinite(value);
  }

  void read_windows() {
    std::string_view text = client_.trace->bytes;
    std::vector<Window> all;
    for (int line = 1; !text.empty(); ++line) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      std::string_view row = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      if (row.ends_with('\r')) row.remove_suffix(1);
      if (row.empty()) continue;
      const auto window = window_of(row, line);
      if (!window) return;
      if (!all.empty() && window->begin <= all.back().begin) {
        return refuse(trace_file_, line, "the window does not begin after the last one");
      }
      all.push_back(*window);
    }
    if (all.size() < 2) return refuse(trace_file_, 0, "fewer than two windows");
    for (std::size_t i = 0; i + 1 < all.size(); ++i) all[i].end = all[i + 1].begin;
    all.back().end = all.back().begin + (all.back().begin - all[all.size() - 2].begin);
    last_ = all.back().end;
    for (const Window& window : all) {
      if (window.rate > 0 && window.end > begin_ && window.begin < end_)
        client_.windows.push_back(window);
    }
  }

  std::optional<Window> window_of(std::string_view row, int line) {
    std::array<std::string_view, 6> fields;
    std::size_t count = 0;
    for (std::size_t at = 0; at <= row.size(); ++count) {
      const std::size_t end = std::min(row.find(',', at), row.size());
      if (count < fields.size()) fields[count] = row.substr(at, end - at);
      at = end + 1;
    }
    Window window;
    double cv = 0;
    if (count != fields.size() || !number(fields[0], window.begin) ||
        !number(fields[1], window.rate) || !number(fields[2], cv) || window.rate < 0 || cv < 0) {
      refuse(trace_file_, line, fmt::format("'{}' is not a window of a client", shown(row)),
             "start, rate, CV of gaps, Gamma or Weibull, shape, scale");
      return std::nullopt;
    }
    if (window.rate == 0) return window;
    window.gaps = Gaps::with_cv(1 / window.rate, cv);
    if (fields[3].empty()) return window;  // too few requests to fit a pattern
    double shape = 0;
    if ((fields[3] != "Gamma" && fields[3] != "Weibull") || !number(fields[4], shape) ||
        !(shape > 0)) {
      refuse(trace_file_, line,
             fmt::format("'{}' is not a pattern of arrivals", shown(row.substr(row.find(',') + 1))),
             "Gamma or Weibull with shape and scale");
      return std::nullopt;
    }
    window.gaps.kind = fields[3] == "Gamma" ? Gaps::Kind::kGamma : Gaps::Kind::kWeibull;
    window.gaps.shape = shape;
    return window;
  }

  void read_lengths() {
    const json root = json::parse(client_.dataset->bytes, nullptr, false);
    if (!root.is_object()) {
      return refuse(dataset_file_, 0, "is not a JSON object", "is the file cut off?");
    }
    for (const auto& [key, value] : root.items()) {
      double begin = 0;
      if (!number(key, begin) || !value.is_object()) {
        return refuse(dataset_file_, 0, fmt::format("'{}' is not a window", shown(key)));
      }
      ClientLengths lengths;
      if (!read_histogram(value, "input_tokens", lengths.input) ||
          !read_histogram(value, "output_tokens", lengths.output)) {
        return;
      }
      // A client at rest has none.
      if (!lengths.input.lengths.empty() && !lengths.output.lengths.empty())
        client_.lengths.emplace(begin, std::move(lengths));
    }
    if (client_.lengths.empty()) refuse(dataset_file_, 0, "no lengths, and yet requests");
  }

  // "{45: 0.0097, 46: 0.0117}"
  bool read_histogram(const json& window, const char* key, Histogram& histogram) {
    const auto found = window.find(key);
    if (found == window.end() || !found->is_string()) {
      refuse(dataset_file_, 0, fmt::format("no '{}' in a window", key));
      return false;
    }
    std::string_view text = found->get_ref<const std::string&>();
    const auto broken = [&] {
      refuse(dataset_file_, 0, fmt::format("{} '{}' is not a histogram", key, shown(text)),
             "{length: probability, ...}");
      return false;
    };
    if (!text.starts_with('{') || !text.ends_with('}')) return broken();
    text = text.substr(1, text.size() - 2);
    double sum = 0;
    while (!text.empty()) {
      const std::size_t end = std::min(text.find(','), text.size());
      const std::string_view item = text.substr(0, end);
      const std::size_t colon = item.find(": ");
      double length = 0;
      double share = 0;
      if (colon == std::string_view::npos || !number(item.substr(0, colon), length) ||
          !number(item.substr(colon + 2), share) || length < 0 || length > 1e9 || share < 0) {
        return broken();
      }
      if (share > 0) {
        sum += share;
        histogram.lengths.push_back(std::max(1, int(length)));
        histogram.up_to.push_back(sum);
      }
      text.remove_prefix(std::min(end + 2, text.size()));
    }
    return true;
  }

  Client& client_;
  std::string trace_file_, dataset_file_;
  double begin_, end_;
  double last_ = 0;
  std::vector<Problem> problems_;
};

// The lengths of the window that holds `time`, or of the nearest one that has any.
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
    for (; at < window.end; at += window.gaps.next(gaps)) {
      Request request{.arrival = at, .tenant = tenant};
      request.input = here.input.draw(lengths);
      request.output = here.output.draw(lengths);
      if (at >= begin && at < end) requests.push_back(request);
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
    ClientReader reader(client, path, begin, end);
    if (auto read = reader.read(); !read) return fail(std::move(read.error()));
    last = std::max(last, reader.last());
    for (const Window& window : client.windows) {
      expected += window.rate * (window.end - window.begin);
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
  result.notes.push_back(fmt::format("drawn from the rates and lengths of {} clients over {:g} s",
                                     clients->size(), options.seconds));
  return result;
}

}  // namespace fivefold
