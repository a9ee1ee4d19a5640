#include <filesystem>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "fivefold/catalog/catalog.h"
#include "fivefold/evidence/kernel_rows.h"
#include "fivefold/report/kernel_page.h"
#include "fivefold/report/kernel_parts.h"
#include "fivefold/report/page_check_test.h"

namespace fivefold {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const Catalog& catalog() {
  static const Catalog kCatalog = *Catalog::load();
  return kCatalog;
}

// From the data sheet alone: no fit moves these.
KernelModel model_of(std::string_view chip, std::string_view stack = "generic") {
  return *KernelModel::make((*catalog().chip(chip))->device, **catalog().stack(stack));
}

// As one writes it on the command line: "-m 4 --q-len 1 --format fp8 --encoder".
KernelQuestion asked(std::string family, const std::string& options) {
  KernelQuestion question{.family = std::move(family)};
  std::istringstream words(options);
  std::string option, value;
  while (words >> option) {
    const std::string name = option.substr(option.find_first_not_of('-'));
    const auto is_flag = [&](const KernelExtent& flag) { return flag.name == name; };
    if (std::any_of(kernel_flags().begin(), kernel_flags().end(), is_flag)) {
      question.flags.insert(name);
      continue;
    }
    words >> value;
    if (name == "format" || name == "cache" || name == "activations")
      question.formats[name] = value;
    else
      question.extents[name] = std::stod(value);
  }
  return question;
}

std::string problem(const KernelQuestion& question) {
  const auto result = asked_kernel(question);
  return result ? "" : to_text(result.error());
}

TEST(KernelQuestion, the_example_of_each_family_has_an_answer) {
  for (const AskedFamily& family : asked_families()) {
    const KernelQuestion question = asked(std::string(family.name), std::string(family.example));
    EXPECT_EQ(problem(question), "") << family.name;
    for (const char* chip : {"h100_sxm", "ascend_910c", "h20_96g"}) {
      const auto answers = answer_kernels(model_of(chip), question, {});
      ASSERT_TRUE(answers) << family.name << " on " << chip;
      EXPECT_GT(answers->answers.front().time.time, Seconds(0));
    }
  }
}

TEST(KernelQuestion, one_new_token_is_decode_and_more_are_prefill) {
  const std::string rest = " --batch 4 --kv-len 4096 --heads 16";
  EXPECT_EQ(asked_kernel(asked("mla", "--q-len 1" + rest))->family, Family::kMlaDecode);
  EXPECT_EQ(asked_kernel(asked("mla", "--q-len 64" + rest))->family, Family::kMlaPrefill);
  EXPECT_EQ(asked_kernel(asked("attention", "--head-dim 64 --q-len 1" + rest))->family,
            Family::kAttentionDecode);
  EXPECT_EQ(asked_kernel(asked("attention", "--head-dim 64 --encoder --q-len 64" + rest))->family,
            Family::kEncoderAttention);
}

TEST(KernelQuestion, weights_of_four_bit_integers_leave_activations_in_bf16) {
  const auto gemm =
      std::get<Gemm>(asked_kernel(asked("gemm", "-m 1 -n 2 -k 3 --format int4"))->shape);
  EXPECT_EQ(gemm.a, Format::kBf16);
  EXPECT_EQ(gemm.b, Format::kInt4);
}

TEST(KernelQuestion, everything_wrong_is_said_at_once_with_what_would_be_right) {
  const std::string said = problem(asked("gemm", "-m 4 --heads 8 --cache fp8 --format fp9"));
  EXPECT_THAT(said, HasSubstr("--heads is not an option of gemm (it takes -m, -n, -k"));
  EXPECT_THAT(said, HasSubstr("--cache is not an option of gemm"));
  EXPECT_THAT(said, HasSubstr("unknown format 'fp9' (did you mean fp8"));
  EXPECT_THAT(said, HasSubstr("gemm needs -n and -k as well (for example --family gemm -m"));
}

TEST(KernelQuestion, names_the_families_where_none_is_near) {
  EXPECT_THAT(problem(asked("gem", "")), HasSubstr("did you mean gemm"));
  EXPECT_THAT(problem(asked("convolution", "")), HasSubstr("one of gemm, attention, mla, moe"));
}

TEST(KernelQuestion, refuses_shapes_that_no_operator_has) {
  EXPECT_THAT(problem(asked("gemm", "-m 0 -n 2 -k 3")), HasSubstr("-m 0 makes no operator"));
  EXPECT_THAT(problem(asked("gemm", "-m nan -n 2 -k 3")), HasSubstr("-m nan makes no operator"));
  EXPECT_THAT(problem(asked("gemm", "-m 1e300 -n 2 -k 3")), HasSubstr("makes no operator"));
  EXPECT_THAT(problem(asked("attention", "--batch 1 --q-len 9 --kv-len 8 --heads 8 --head-dim 64")),
              HasSubstr("--q-len is above --kv-len"));
  EXPECT_THAT(problem(asked("attention",
                            "--batch 1 --q-len 1 --kv-len 8 --heads 8 --kv-heads 3 --head-dim 64")),
              HasSubstr("8 heads do not share 3 KV heads evenly"));
  EXPECT_THAT(problem(asked("moe", "--tokens 1 --hidden 8 --width 8 --experts 4 --topk 8")),
              HasSubstr("at most --experts"));
}

TEST(KernelSweep, doubles_up_to_the_last_value) {
  EXPECT_THAT(parse_sweep("m=1..8")->values, ElementsAre(1, 2, 4, 8));
  EXPECT_THAT(parse_sweep("kv-len=3..20")->values, ElementsAre(3, 6, 12, 20));
  EXPECT_EQ(parse_sweep("kv-len=3..20")->extent, "kv-len");
  EXPECT_THAT(parse_sweep("m=7..7")->values, ElementsAre(7));
}

TEST(KernelSweep, refuses_what_is_none) {
  for (const char* text : {"", "m", "m=", "m=1", "m=1..", "m=a..b", "m=8..1", "m=0..4", "m=1..inf",
                           "m=nan..4", "..=1"})
    EXPECT_FALSE(parse_sweep(text)) << text;
}

TEST(KernelAnswer, counts_work_and_never_passes_the_roofline) {
  const auto answers =
      answer_kernels(model_of("h100_sxm"), asked("gemm", "-n 1024 -k 512 --format bf16"),
                     *parse_sweep("m=1..65536"));
  ASSERT_TRUE(answers);
  ASSERT_EQ(answers->answers.size(), 17u);
  for (const KernelAnswer& answer : answers->answers) {
    const double m = answer.question.extents.at("m");
    EXPECT_EQ(answer.work.ops.value(), 2 * m * 1024 * 512);
    EXPECT_LE(answer.achieved(), 1) << m;
    EXPECT_GT(answer.achieved(), 0) << m;
  }
}

TEST(KernelAnswer, weights_of_a_format_that_the_chip_lacks_are_computed_in_another) {
  const auto answers =
      answer_kernels(model_of("a100_sxm"), asked("gemm", "-m 64 -n 64 -k 64 --format fp8"), {});
  EXPECT_EQ(answers->answers.front().compute, Format::kBf16);
}

TEST(KernelAnswer, says_which_facts_it_rests_on) {
  const auto answers = answer_kernels(model_of("h100_sxm"), asked("gemm", "-m 8 -n 8 -k 8"), {});
  EXPECT_THAT(kernel_text(*answers),
              AllOf(HasSubstr("gemm on h100_sxm under generic: m 8, n 8, k 8"),
                    HasSubstr("limited by launch"), HasSubstr("compute_fraction"),
                    HasSubstr("assumption")));
}

TEST(KernelAnswer, json_and_csv_hold_the_same_numbers) {
  const auto answers = answer_kernels(model_of("h100_sxm"), asked("gemm", "-n 256 -k 256"),
                                      *parse_sweep("m=16..32"));
  const auto json = nlohmann::json::parse(kernel_json(*answers));
  EXPECT_EQ(json["rows"].size(), 2u);
  EXPECT_EQ(json["rows"][1]["m"], 32);
  EXPECT_EQ(json["chip"], "h100_sxm");
  EXPECT_FALSE(json["parameters"].empty());
  const std::string csv = kernel_csv(*answers);
  EXPECT_THAT(csv, HasSubstr("\r\n16," + exact_text(json["rows"][0]["time_us"].get<double>())));
}

// Made up: three rows, of which the first is the roofline's own time.
Predictions measured() {
  Predictions rows;
  for (const double factor : {1.0, 1.3, 0.8}) {
    rows.push_back({.form = "kernels",
                    .family = "gemm",
                    .chip = "h100_sxm",
                    .stack = "a <stack> & \"more\"",
                    .format = "<fp8>",
                    .size = "small",
                    .least = 4,
                    .limit = "compute",
                    .calibrated = factor == 1,
                    .measured = 10 * factor,
                    .predicted = 10,
                    .unit = "us"});
  }
  rows.push_back(rows.front());
  rows.back().chip = "a100_sxm";
  rows.push_back(rows.front());
  rows.back().refused = "no reason";
  return rows;
}

KernelPage page(const Predictions& rows) {
  KernelPage page = *kernel_page(model_of("h100_sxm"), "gemm", "", rows);
  page.command = "fivefold kernel plot --measured '<x>&'";
  return page;
}

TEST(KernelPage, is_well_formed_for_every_family_with_and_without_measurements) {
  for (const std::string& family : plotted_names()) {
    const auto made = kernel_page(model_of("b200_sxm"), family, "", measured());
    ASSERT_TRUE(made) << family;
    EXPECT_EQ(PageCheck(to_html(*made)).problem(), "") << family;
    EXPECT_THAT(to_html(*made), Not(HasSubstr("Predicted against measured"))) << family;
  }
  EXPECT_EQ(PageCheck(to_html(page(measured()))).problem(), "");
}

TEST(KernelPage, needs_nothing_from_elsewhere) {
  const std::string html = to_html(page(measured()));
  for (const char* loader : {"<script", "<link", "<img", "@import", "url(", "src=\"http"})
    EXPECT_THAT(html, Not(HasSubstr(loader)));
}

TEST(KernelPage, text_of_tables_and_catalog_cannot_break_out) {
  KernelPage hostile = page(measured());
  hostile.chip = "<b>chip</b>";
  const std::string html = to_html(hostile);
  EXPECT_THAT(html, HasSubstr("a &lt;stack&gt; &amp; &quot;more&quot; &lt;fp8&gt;"));
  EXPECT_THAT(html, HasSubstr("&lt;b&gt;chip"));
  EXPECT_THAT(html, HasSubstr("&lt;x&gt;&amp;"));
  EXPECT_THAT(html, Not(HasSubstr("<stack>")));
  EXPECT_EQ(PageCheck(html).problem(), "");
}

TEST(KernelPage, takes_the_rows_of_its_chip_and_tells_both_halves) {
  const KernelPage made = page(measured());
  EXPECT_EQ(made.sections.front().measured.size(), 3u);
  // |10/13 - 1| and |10/8 - 1|: 24.04%.
  EXPECT_THAT(to_html(made), HasSubstr("24.0% on 2 rows that no fit saw; 0% on 1 row that"));
}

TEST(KernelPage, no_operator_of_a_map_passes_the_roofline) {
  for (const Chip* chip : catalog().chips()) {
    const auto device = usable_device(*chip);
    if (!device) continue;
    const auto model = KernelModel::make(**device, catalog().default_stack(*chip));
    if (!model) continue;
    for (const char* family : {"gemm", "attention", "mla", "moe", "linear", "streaming"}) {
      const auto made = kernel_page(*model, family, "", {});
      ASSERT_TRUE(made) << chip->id << " " << family;
      for (const KernelSection& section : made->sections) {
        for (const KernelAnswer& cell : section.map.cells) {
          EXPECT_LE(cell.achieved(), 1 + 1e-9)
              << chip->id << " " << section.family << ": " << words_of(cell.question);
        }
      }
    }
  }
}

TEST(KernelPage, an_unknown_family_names_those_that_there_are) {
  const auto made = kernel_page(model_of("h100_sxm"), "atention_decode", "", {});
  ASSERT_FALSE(made);
  EXPECT_THAT(to_text(made.error()), HasSubstr("did you mean attention_decode"));
}

TEST(KernelPage, a_map_says_what_its_cells_are_of) {
  const KernelPage made = page({});
  const KernelMap& map = made.sections.front().map;
  ASSERT_EQ(map.cells.size(), map.xs.size() * map.ys.size());
  const auto& extents = map.at(3, 2).question.extents;
  EXPECT_EQ(extents.at("m"), map.xs[3]);
  EXPECT_EQ(extents.at("n"), map.ys[2]);
  EXPECT_EQ(extents.at("k"), map.ys[2]);
}

TEST(Plot, leaves_out_what_a_logarithm_has_no_place_for) {
  const Plot plot{
      .series = {{"left", {{0, 1}, {-1, 1}, {1, 0}, {10, 10}, {NAN, 1}, {1, INFINITY}}}}};
  const std::string svg = to_svg(plot);
  std::size_t dots = 0;
  for (std::size_t at = svg.find("h0"); at != svg.npos; at = svg.find("h0", at + 1)) ++dots;
  EXPECT_EQ(dots, 1u);
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  EXPECT_THAT(svg, Not(HasSubstr("inf")));
  EXPECT_EQ(PageCheck(to_svg(Plot{})).problem(), "");
}

// A folder of the form that `validate` reads, with times that are made up.
TEST(KernelPage, shows_rows_that_evidence_predicted) {
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) /
                                       ("fivefold_kernel_page_" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  const std::string kernel =
      kernel_of(**catalog().stack("sglang-0.5.14"), (*catalog().chip("h100_sxm"))->device, "gemm",
                Format::kBf16);
  std::ofstream(folder / "h100_sxm__sglang-0.5.14__gemm.csv")
      << "op_name,kernel_source,gemm_dtype,m,n,k,latency\ngemm," << kernel
      << ",bfloat16,100,200,300,1\n";
  std::vector<std::string> notes;
  const auto evidence = validate(catalog(), {folder.string()}, notes);
  std::filesystem::remove_all(folder);
  ASSERT_TRUE(evidence);
  ASSERT_EQ(evidence->predictions.size(), 1u);
  const Prediction& row = evidence->predictions.front();
  ASSERT_EQ(row.refused, "");
  // Its arrays in BF16 at 3.35 TB/s, in milliseconds; the arithmetic takes a fifth of that.
  const double bytes = 2.0 * (100 * 300 + 300 * 200 + 100 * 200);
  EXPECT_NEAR(row.least, bytes / 3.35e12 * 1e3, 1e-3 * row.least);
  EXPECT_LT(row.least, row.predicted);
  EXPECT_FALSE(row.limit.empty());
  const KernelPage made = page(evidence->predictions);
  EXPECT_EQ(made.sections.front().measured.size(), 1u);
}

}  // namespace
}  // namespace fivefold
