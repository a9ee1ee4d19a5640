#include "fivefold/report/kernel_page.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "fivefold/base/text.h"
#include "fivefold/report/html_parts.h"
#include "fivefold/report/kernel_parts.h"
#include "fivefold/report/svg.h"

namespace fivefold {
namespace {

// A map over powers of two of two extents. An extent may set others with it: n and k of a product.
struct MapAxis {
  std::vector<std::string_view> extents;
  std::string_view label;
  double from = 1, to = 1, step = 2;
};
struct MapPlan {
  std::string_view report;  // family as evidence names it
  std::string_view asked;   // as asked_families() does
  std::map<std::string, double, std::less<>> fixed;
  std::set<std::string, std::less<>> flags;
  MapAxis x, y;
};

// Shapes of models that are served today; each page says which it drew.
const std::vector<MapPlan>& plans() {
  static const std::vector<MapPlan> kPlans = {
      {"gemm", "gemm", {}, {}, {{"m"}, "m (tokens)", 1, 32768}, {{"n", "k"}, "n = k", 256, 32768}},
      {"attention_prefill",
       "attention",
       {{"heads", 32}, {"kv-heads", 8}, {"head-dim", 128}},
       {},
       {{"q-len", "kv-len"}, "prompt (tokens)", 16, 131072},
       {{"batch"}, "batch (sequences)", 1, 64}},
      {"attention_decode",
       "attention",
       {{"heads", 32}, {"kv-heads", 8}, {"head-dim", 128}, {"q-len", 1}},
       {},
       {{"kv-len"}, "context (tokens)", 16, 131072},
       {{"batch"}, "batch (sequences)", 1, 1024}},
      {"encoder_attention",
       "attention",
       {{"heads", 16}, {"head-dim", 64}},
       {"encoder"},
       {{"q-len", "kv-len"}, "tokens", 16, 16384},
       {{"batch"}, "batch (sequences)", 1, 64}},
      {"mla_prefill",
       "mla",
       {{"heads", 128}},
       {},
       {{"q-len", "kv-len"}, "prompt (tokens)", 16, 131072},
       {{"batch"}, "batch (sequences)", 1, 64}},
      {"mla_decode",
       "mla",
       {{"heads", 128}, {"q-len", 1}},
       {},
       {{"kv-len"}, "context (tokens)", 16, 131072},
       {{"batch"}, "batch (sequences)", 1, 1024}},
      {"moe",
       "moe",
       {{"hidden", 7168}, {"width", 2048}, {"experts", 256}, {"topk", 8}},
       {},
       {{"tokens"}, "tokens", 1, 65536},
       {{"local-experts"}, "experts held", 1, 256}},
      {"sparse_attention",
       "sparse",
       {{"heads", 128}, {"topk", 2048}, {"q-len", 1}},
       {},
       {{"kv-len"}, "context (tokens)", 16, 131072},
       {{"batch"}, "batch (sequences)", 1, 1024}},
      {"linear_attention",
       "linear",
       {{"k-heads", 16}, {"v-heads", 32}, {"k-dim", 128}, {"v-dim", 128}},
       {},
       {{"q-len"}, "new tokens", 1, 65536},
       {{"batch"}, "batch (sequences)", 1, 256}},
      {"memory_bound",
       "streaming",
       {},
       {},
       {{"read", "written"}, "bytes read, and as many written", 1024, 4294967296.0, 4},
       {{"launches"}, "kernels", 1, 8}},
  };
  return kPlans;
}

std::vector<double> places(const MapAxis& axis) {
  std::vector<double> values;
  for (double value = axis.from; value <= axis.to; value *= axis.step) values.push_back(value);
  return values;
}

Result<KernelMap> map_of(const KernelModel& model, const MapPlan& plan, const std::string& format) {
  KernelQuestion question{
      .family = std::string(plan.asked), .extents = plan.fixed, .flags = plan.flags};
  if (!format.empty()) question.formats["format"] = format;
  KernelMap map{std::string(plan.x.label),
                std::string(plan.y.label),
                words_of(question),
                places(plan.x),
                places(plan.y),
                {}};
  for (const double y : map.ys) {
    for (const std::string_view extent : plan.y.extents) question.extents[std::string(extent)] = y;
    for (const double x : map.xs) {
      for (const std::string_view extent : plan.x.extents)
        question.extents[std::string(extent)] = x;
      const auto asked = asked_kernel(question);
      if (!asked) return tl::unexpected(asked.error());
      map.cells.push_back(answer_kernel(model, question, *asked));
    }
  }
  return map;
}

std::string part(std::string_view heading, std::string_view words, const std::string& picture) {
  if (picture.empty()) return {};
  return fmt::format("<h3>{}</h3><p class=\"small\">{}</p><div class=\"panel\">{}</div>\n",
                     escape_html(heading), escape_html(words), picture);
}

// The same for both halves of the evidence, so that the better is never shown alone.
std::string summary(const KernelSection& section) {
  double sum[2] = {0, 0};
  int rows[2] = {0, 0};
  for (const Prediction& row : section.measured) {
    sum[row.calibrated ? 1 : 0] += std::abs(row.predicted / row.measured - 1);
    ++rows[row.calibrated ? 1 : 0];
  }
  const auto half = [&](int i, std::string_view words) {
    return rows[i] == 0 ? fmt::format("no rows {}", words)
                        : fmt::format("{} on {} row{} {}", format_percent(sum[i] / rows[i]),
                                      format_count(rows[i]), rows[i] == 1 ? "" : "s", words);
  };
  return fmt::format("Mean error: {}; {}.", half(0, "that no fit saw"),
                     half(1, "that parameters were fitted on"));
}

std::string measured_parts(const KernelSection& section, double noise) {
  if (section.measured.empty()) return {};
  const std::string noise_words =
      noise > 0 ? fmt::format(" The grey line is the noise of the measurements, {}.",
                              format_percent(noise))
                : "";
  return fmt::format("<p class=\"answer\">{}</p>\n", escape_html(summary(section))) +
         part(
             "Predicted against measured",
             "Each dot is a row, microseconds on both axes. On the line both are equal; the dashed "
             "lines are 10% away.",
             prediction_picture(section)) +
         part(
             "Error by size",
             "Rows gathered by the time that was predicted. Lines are the median error, dashed the "
             "ninth of ten." +
                 noise_words,
             error_picture(section, noise)) +
         part("Error by stack and format",
              "Mean error of the rows; small: fewer than 64 tokens pass through the products.",
              cell_picture(section)) +
         part("What limits the measured operators",
              "Share of rows by what the model says limits them, by the time that was predicted.",
              measured_limit_picture(section));
}

std::string section_html(const KernelPage& page, const KernelSection& section) {
  const std::string fixed =
      section.map.fixed.empty() ? "" : fmt::format(" ({})", section.map.fixed);
  return fmt::format("<section><h2 id=\"{0}\">{0}</h2>\n", escape_html(section.family)) +
         measured_parts(section, page.noise) +
         part("What limits where",
              fmt::format("What limits the time{}; the number is the percentage of the roofline "
                          "that is reached.",
                          fixed),
              limit_map_picture(section)) +
         part("Under the roofline",
              fmt::format("The operators of that map. The roof is {} and {}: what the data sheet "
                          "allows.",
                          format_quantity(section.peak), format_quantity(section.bandwidth)),
              roofline_picture(section)) +
         part("Reached over size", "Share of the roofline, one line for each row of the map.",
              achieved_picture(section)) +
         "</section>\n";
}

}  // namespace

std::vector<std::string> plotted_families(std::string_view name) {
  std::vector<std::string> families;
  for (const MapPlan& plan : plans()) {
    const bool is_part = plan.asked == name && plan.report != "encoder_attention";
    if (plan.report == name || is_part) families.emplace_back(plan.report);
  }
  return families;
}

std::vector<std::string> plotted_names() {
  std::vector<std::string> names;
  for (const AskedFamily& family : asked_families()) names.emplace_back(family.name);
  for (const MapPlan& plan : plans()) {
    if (std::find(names.begin(), names.end(), plan.report) == names.end())
      names.emplace_back(plan.report);
  }
  return names;
}

Result<KernelPage> kernel_page(const KernelModel& model, std::string_view family,
                               const std::string& format, const Predictions& measured) {
  const std::vector<std::string> families = plotted_families(family);
  if (families.empty()) {
    const std::string near = did_you_mean(family, plotted_names());
    return fail(fmt::format("unknown family '{}'", family),
                near.empty() ? fmt::format("one of {}", fmt::join(plotted_names(), ", ")) : near);
  }
  KernelPage page{.chip = model.device().chip, .stack = model.stack().id, .format = format};
  for (const MapPlan& plan : plans()) {
    if (std::find(families.begin(), families.end(), plan.report) == families.end()) continue;
    auto map = map_of(model, plan, format);
    if (!map) return tl::unexpected(map.error());
    KernelSection section{.family = std::string(plan.report),
                          .peak = model.device().peak_for(map->cells.front().compute),
                          .bandwidth = model.device().memory_bandwidth,
                          .map = std::move(*map)};
    std::copy_if(measured.begin(), measured.end(), std::back_inserter(section.measured),
                 [&](const Prediction& row) {
                   return row.form == "kernels" && row.family == section.family &&
                          row.chip == page.chip && row.refused.empty() && row.predicted > 0;
                 });
    page.sections.push_back(std::move(section));
  }
  return page;
}

std::string to_html(const KernelPage& page) {
  const std::string title = fmt::format("Kernels of {} on {}", page.stack, page.chip);
  std::string body = fmt::format(
      "<header><div class=\"brand\">Fivefold</div><h1>{}</h1><p class=\"sub\">{}</p></header>\n",
      escape_html(title),
      "How long one operator takes follows from tiles, waves, bytes and launches; the parameters "
      "of a stack and a smooth correction are fitted on measurements where there are any.");
  for (const KernelSection& section : page.sections) body += section_html(page, section);
  return html_document(title, body, page.command);
}

}  // namespace fivefold
