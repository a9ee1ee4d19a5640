#include "fivefold/traffic/servegen_client.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "fivefold/traffic/trace_builder.h"

namespace fivefold::servegen {
namespace {

using nlohmann::json;

// Beyond these a gap is nothing or forever. (Published: a cv of 20, a Weibull shape of 0.26.)
constexpr double kMostCv = 100;
constexpr double kLeastWeibull = 0.05;
constexpr double kMostShape = 1e9;

// Reads what the drawn stretch needs of one client.
class ClientReader {
 public:
  ClientReader(Client& client, const std::string& path, double begin, double end)
      : client_(client),
        trace_file_(path + "/" + client.trace->name),
        dataset_file_(path + "/" + client.dataset->name),
        begin_(begin),
        end_(end) {}

  Result<double> read() {
    read_windows();
    if (problems_.empty() && !client_.windows.empty()) read_lengths();
    if (!problems_.empty()) return fail(Error{std::move(problems_)});
    return last_;
  }

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
    if (fields[3].empty() && cv <= kMostCv) {  // too few requests to fit a pattern
      window.gaps = Gaps::with_cv(1 / window.rate, cv);
      return window;
    }
    double shape = 0;
    const double least = fields[3] == "Gamma" ? 1 / (kMostCv * kMostCv) : kLeastWeibull;
    if ((fields[3] != "Gamma" && fields[3] != "Weibull") || !number(fields[4], shape) ||
        shape < least || shape > kMostShape) {
      refuse(trace_file_, line,
             fmt::format("'{}' is not a pattern of arrivals", shown(row.substr(row.find(',') + 1))),
             "Gamma or Weibull with shape and scale, of a spread that can be");
      return std::nullopt;
    }
    window.gaps = {fields[3] == "Gamma" ? Gaps::Kind::kGamma : Gaps::Kind::kWeibull, shape,
                   1 / window.rate};
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

}  // namespace

std::int32_t Histogram::draw(Random& random) const {
  const double at = random.uniform() * up_to.back();
  const auto found = std::upper_bound(up_to.begin(), up_to.end(), at);
  return lengths[std::size_t(std::min(found, up_to.end() - 1) - up_to.begin())];
}

Result<double> read_client(Client& client, const std::string& path, double begin, double end) {
  return ClientReader(client, path, begin, end).read();
}

}  // namespace fivefold::servegen
