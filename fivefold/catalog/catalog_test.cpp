#include "fivefold/catalog/catalog.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace fivefold {
namespace {

using testing::AllOf;
using testing::HasSubstr;
namespace fs = std::filesystem;

// A folder of catalog files that vanishes with the test.
class Folder {
 public:
  explicit Folder(const std::string& text) : Folder() { write("mine.yaml", text); }
  Folder() {
    static int count = 0;
    path_ = fs::temp_directory_path() /
            ("fivefold-catalog-test-" + std::to_string(getpid()) + "-" + std::to_string(count++));
    fs::create_directories(path_);
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name) << text;
  }
  std::string path() const { return path_.string(); }

 private:
  fs::path path_;
};

Catalog loaded(const std::vector<std::string>& folders = {}) {
  auto catalog = Catalog::load(folders);
  if (!catalog) throw std::runtime_error(to_text(catalog.error()));
  return *catalog;
}

// The messages of a refused overlay with its folder left out of the places; "accepted" otherwise.
std::string refusal(const std::string& text) {
  const Folder folder(text);
  const auto catalog = Catalog::load({folder.path()});
  if (catalog) return "accepted";
  std::string message = to_text(catalog.error());
  const std::string prefix = folder.path() + "/";
  for (std::size_t at; (at = message.find(prefix)) != std::string::npos;)
    message.erase(at, prefix.size());
  return message;
}

std::string chip_with(const std::string& facts) {
  return "chips:\n- id: mine\n  extends: h20_96g\n" + facts;
}

template <class T>
std::string message(const Result<T>& result) {
  return result ? "accepted" : to_text(result.error());
}

double rate(const Chip& chip, Format format) {
  return chip.device.peak_for(format).value() / 1e12;
}

// --- The shipped catalog ---

TEST(ShippedCatalog, passes_its_own_check) {
  const auto problems = loaded().check();
  EXPECT_TRUE(problems.empty()) << to_text(Error{problems});
}

TEST(ShippedCatalog, gb200_is_as_published) {
  const Catalog catalog = loaded();
  const Chip& chip = **catalog.chip("gb200_gpu");
  EXPECT_DOUBLE_EQ(rate(chip, Format::kBf16), 2500);
  EXPECT_DOUBLE_EQ(rate(chip, Format::kFp8), 5000);
  EXPECT_DOUBLE_EQ(chip.device.memory_bandwidth.value(), 8e12);
  const System& system = **catalog.system("gb200-nvl72");
  EXPECT_EQ(system.chips, 72);
  EXPECT_EQ(system.devices(), 72);
  EXPECT_DOUBLE_EQ(system.levels.back().bandwidth.value(), 900e9);
  EXPECT_DOUBLE_EQ(system.power.value(), 145e3);
}

TEST(ShippedCatalog, a_910c_is_two_devices) {
  const Catalog catalog = loaded();
  const Chip& chip = **catalog.chip("ascend-910C");
  EXPECT_EQ(chip.devices_per_chip, 2);
  EXPECT_DOUBLE_EQ(rate(chip, Format::kBf16), 376);
  EXPECT_DOUBLE_EQ(rate(chip, Format::kInt8), 752);
  EXPECT_DOUBLE_EQ(chip.device.memory_capacity.value(), 64e9);
  EXPECT_DOUBLE_EQ(chip.device.memory_bandwidth.value(), 1.6e12);
  EXPECT_DOUBLE_EQ(chip.memory_capacity.value(), 128e9);
  EXPECT_EQ(rate(chip, Format::kFp8), 0);
}

TEST(ShippedCatalog, cloudmatrix_joins_768_devices) {
  const Catalog catalog = loaded();
  const System& system = **catalog.system("CloudMatrix384");
  EXPECT_EQ(system.chips, 384);
  EXPECT_EQ(system.devices(), 768);
  ASSERT_EQ(system.levels.size(), 3u);
  EXPECT_EQ(system.levels[0].size, 2);
  EXPECT_EQ(system.levels[1].size, 16);
  EXPECT_EQ(system.levels[2].size, 768);
  EXPECT_DOUBLE_EQ(system.levels[2].bandwidth.value(), 196e9);
  EXPECT_DOUBLE_EQ(system.scale_out_per_device.value(), 25e9);  // 400 Gbit/s a package
  // The Financial Times gave 60 million yuan as 8.2 million dollars.
  EXPECT_NEAR(system.price.value(), 8.2e6, 0.15e6);
}

TEST(ShippedCatalog, h20_has_148_teraflops_and_4_terabytes_a_second) {
  const Catalog catalog = loaded();
  const Chip& chip = **catalog.chip("h20_96g");
  EXPECT_DOUBLE_EQ(rate(chip, Format::kBf16), 148);
  EXPECT_DOUBLE_EQ(rate(chip, Format::kFp8Block), 296);
  EXPECT_EQ(rate(chip, Format::kMxFp8), 0);  // Hopper has no MX
  EXPECT_EQ(rate(chip, Format::kNvFp4), 0);
  EXPECT_EQ(rate(chip, Format::kInt4), 0);  // weights only, on every chip
  EXPECT_DOUBLE_EQ(chip.device.memory_bandwidth.value(), 4e12);
  EXPECT_EQ(chip.device.architecture, "hopper");
}

TEST(ShippedCatalog, a_chip_without_published_rate_is_listed_but_refused_for_predictions) {
  const Catalog catalog = loaded();
  const Chip& chip = **catalog.chip("mlu690");
  const auto device = usable_device(chip);
  ASSERT_FALSE(device);
  EXPECT_THAT(to_text(device.error()), AllOf(HasSubstr("mlu690"), HasSubstr("peak_dense.bf16")));
  EXPECT_TRUE(usable_device(**catalog.chip("h20_96g")));
}

TEST(ShippedCatalog, every_system_is_made_of_its_chips) {
  const Catalog catalog = loaded();
  for (const System* system : catalog.systems()) {
    ASSERT_NE(system->chip, nullptr) << system->id;
    EXPECT_EQ(*catalog.chip(system->chip->id), system->chip);
  }
}

// --- Names ---

TEST(Catalog, names_ignore_case_and_separators) {
  const Catalog catalog = loaded();
  for (const char* spelling : {"h100_sxm", "H100-SXM", "h100 sxm", "H100.sxm"}) {
    ASSERT_TRUE(catalog.chip(spelling)) << spelling;
    EXPECT_EQ((*catalog.chip(spelling))->id, "h100_sxm");
  }
}

TEST(Catalog, unknown_names_come_with_the_nearest) {
  const Catalog catalog = loaded();
  EXPECT_THAT(message(catalog.chip("ascend-910d")),
              AllOf(HasSubstr("unknown chip 'ascend-910d'"), HasSubstr("ascend_910b"),
                    HasSubstr("ascend_910c")));
  EXPECT_THAT(message(catalog.system("cloudmatrix348")), HasSubstr("cloudmatrix384"));
  EXPECT_THAT(message(catalog.model("deepseek-r2")), HasSubstr("unknown model"));
  EXPECT_THAT(message(catalog.model("/no/such/config.json")), HasSubstr("/no/such/config.json"));
  EXPECT_THAT(message(catalog.economics("elec.us")), HasSubstr("elec.us.avg"));
  EXPECT_EQ(catalog.source("NO-SUCH"), nullptr);
}

TEST(Catalog, a_vendor_without_default_stack_gets_the_generic_one_or_an_empty_one) {
  const Folder folder(
      "chips:\n- {id: lonely, vendor: Nobody}\n"
      "stacks:\n- {id: generic}\n- {id: other, vendor: Somebody, default: true}\n");
  const Catalog catalog = loaded({folder.path()});
  EXPECT_EQ(catalog.default_stack(**catalog.chip("lonely")).id, "generic");
}

// --- Overlays ---

TEST(Overlay, a_new_chip_takes_what_it_does_not_state_from_the_one_it_extends) {
  const Folder folder(
      chip_with("  name: H20 with more memory\n  memory:\n    capacity: {value: 160, unit: GB, "
                "source: assumption, low: 140, high: 180}\n"));
  const Catalog catalog = loaded({folder.path()});
  const Chip& mine = **catalog.chip("mine");
  EXPECT_DOUBLE_EQ(mine.device.memory_capacity.value(), 160e9);
  EXPECT_DOUBLE_EQ(rate(mine, Format::kBf16), 148);
  EXPECT_EQ(mine.architecture, "hopper");
  EXPECT_EQ(mine.facts.find("peak_dense.bf16")->owner, "h20_96g");
  EXPECT_EQ(mine.facts.find("memory.capacity")->owner, "mine");
  EXPECT_EQ(mine.facts.find("memory.capacity")->place.line, 6);
  EXPECT_DOUBLE_EQ((*catalog.chip("h20_96g"))->device.memory_capacity.value(), 96e9);
}

TEST(Overlay, a_known_id_replaces_only_the_facts_that_it_states) {
  const Folder folder("chips:\n- id: H20-96G\n  tdp: {value: 500, unit: W, source: HF-H20}\n");
  const Catalog catalog = loaded({folder.path()});
  const Chip& chip = **catalog.chip("h20_96g");
  EXPECT_DOUBLE_EQ(chip.tdp.value(), 500);
  EXPECT_DOUBLE_EQ(rate(chip, Format::kBf16), 148);
  EXPECT_EQ(chip.name, "H20 96 GB");
}

TEST(Overlay, a_change_reaches_those_that_extend_the_chip) {
  const Folder first("chips:\n- id: a\n  extends: h20_96g\n");
  const Folder second(
      "chips:\n- id: h20_96g\n  peak_dense: {bf16: {value: 150, unit: TFLOPS, source: "
      "INFERSIM}}\n");
  const Catalog catalog = loaded({first.path(), second.path()});
  EXPECT_DOUBLE_EQ(rate(**catalog.chip("a"), Format::kBf16), 150);
}

TEST(Overlay, a_system_of_an_own_chip) {
  const Folder folder(chip_with("  devices_per_chip: 2\n") +
                      "systems:\n- id: box\n  chips: [{id: mine, count: 4}]\n  levels:\n"
                      "  - {name: inside, kind: direct, size: 2, unit: die, bandwidth: {value: "
                      "100, unit: GB/s, source: derived}}\n"
                      "  - {name: board, kind: switch, size: 4, bandwidth: {value: 100, unit: "
                      "GB/s, source: derived}}\n");
  const Catalog catalog = loaded({folder.path()});
  const System& box = **catalog.system("box");
  EXPECT_EQ(box.devices(), 8);
  EXPECT_EQ(box.levels[0].size, 2);
  EXPECT_EQ(box.levels[1].size, 8);
  EXPECT_DOUBLE_EQ(box.levels[0].bandwidth.value(), 100e9);
  EXPECT_DOUBLE_EQ(box.levels[1].bandwidth.value(), 50e9);  // two devices share the package's port
}

TEST(Overlay, prices_in_yuan_are_converted_by_the_highest_layer_s_rate) {
  const Folder folder(
      "economics:\n- {id: fx.cny_per_usd, value: 8, source: assumption, low: 7, high: 9}\n" +
      chip_with("  price: {value: 80000, unit: CNY, source: derived}\n"));
  const Catalog catalog = loaded({folder.path()});
  EXPECT_DOUBLE_EQ((*catalog.chip("mine"))->price.value(), 10'000);
  EXPECT_EQ((*catalog.chip("mine"))->facts.find("price")->written, 80'000);
}

TEST(Overlay, entries_of_a_stack_follow_those_that_it_extends) {
  const Folder folder(
      "stacks:\n- id: base\n  entries: [{family: gemm, source: derived, parameters: {launch: 1}}]\n"
      "- id: top\n  extends: base\n  entries: [{family: gemm, source: derived, parameters: "
      "{launch: 2}}]\n");
  const Catalog catalog = loaded({folder.path()});
  const Stack& stack = **catalog.stack("top");
  ASSERT_EQ(stack.entries.size(), 2u);
  EXPECT_EQ(stack.entries[0].parameters->find("launch")->number, 1);
  EXPECT_EQ(stack.entries[1].parameters->find("launch")->number, 2);
  EXPECT_EQ(stack.entries[1].architecture, "*");
}

TEST(Overlay, a_stack_that_is_extended_on_two_ways_counts_once) {
  const Folder folder(
      "stacks:\n- id: a\n  entries: [{source: derived, parameters: {launch: 1}}]\n"
      "- id: b\n  extends: a\n  entries: [{source: derived, parameters: {launch: 2}}]\n"
      "- id: c\n  extends: a\n"
      "- id: both\n  extends: [b, c]\n");
  const Catalog catalog = loaded({folder.path()});
  const Stack& stack = **catalog.stack("both");
  ASSERT_EQ(stack.entries.size(), 2u);
  EXPECT_EQ(stack.entries.back().parameters->find("launch")->number, 2);
}

// What kernels reach is taken over; what belongs to the chip, the links or the engine is not.
TEST(Overlay, a_stack_may_be_like_another_on_a_chip) {
  const Folder folder(
      "stacks:\n- id: mine/good\n  entries:\n"
      "  - {architecture: hopper, format: fp8, source: derived, parameters: {launch: 1, cores: "
      "9}}\n"
      "  - {architecture: ampere, source: derived, parameters: {launch: 2}}\n"
      "  - {family: serving, source: derived, parameters: {step_overhead: 3}}\n"
      "- id: comm/mine\n  entries: [{source: derived, parameters: {base: 1}}]\n"
      "- {id: mine/both, extends: [mine/good, comm/mine]}\n"
      "- id: mine/as-good\n  vendor: Huawei\n"
      "  like: {stack: mine/both, chip: h100_sxm, formats: {int8: fp8}}\n"
      "  entries: [{source: derived, parameters: {launch: 4}}]\n");
  const Catalog catalog = loaded({folder.path()});
  const Stack& stack = **catalog.stack("mine/as-good");
  ASSERT_EQ(stack.entries.size(), 3u);
  EXPECT_EQ(stack.entries[0].format, "fp8");
  EXPECT_EQ(stack.entries[1].format, "int8");
  for (int i : {0, 1}) {
    EXPECT_EQ(stack.entries[i].architecture, "*");
    ASSERT_EQ(stack.entries[i].parameters->all.size(), 1u);
    EXPECT_EQ(stack.entries[i].parameters->find("launch")->number, 1);
    EXPECT_NEAR(stack.entries[i].core_ops, 4096, 100);  // of a Hopper SM
  }
  EXPECT_EQ(stack.entries[2].core_ops, 0);
}

// --- Bad input: one message a problem, with its place ---

TEST(BadInput, a_missing_or_empty_folder) {
  const auto missing = Catalog::load({"/no/such/folder"});
  ASSERT_FALSE(missing);
  EXPECT_EQ(to_text(missing.error()), "catalog folder '/no/such/folder' does not exist");
  const Folder empty;
  const auto nothing = Catalog::load({empty.path()});
  ASSERT_FALSE(nothing);
  EXPECT_THAT(to_text(nothing.error()), HasSubstr("holds no .yaml file"));
}

TEST(BadInput, broken_yaml) {
  EXPECT_THAT(refusal("chips:\n- id: [a\n- id: b\n"), testing::StartsWith("mine.yaml:3:"));
}

TEST(BadInput, a_unit_of_another_kind) {
  EXPECT_EQ(refusal(chip_with("  memory: {bandwidth: {value: 3.2, unit: TB, source: derived}}\n")),
            "mine.yaml:4:31: memory.bandwidth: '3.2 TB' is an amount of bytes; a bandwidth such as "
            "'3.2 TB/s' is needed");
  EXPECT_THAT(refusal(chip_with("  memory: {bandwidth: {value: 3.2 TB, source: derived}}\n")),
              HasSubstr("a bandwidth such as '3.2 TB/s' is needed"));
  EXPECT_THAT(refusal(chip_with("  memory: {bandwidth: {value: 3.2, source: derived}}\n")),
              HasSubstr("has no unit"));
  EXPECT_THAT(
      refusal(chip_with("  memory: {bandwidth: {value: 3.2, unit: TBs, source: derived}}\n")),
      HasSubstr("'TBs' is not a unit"));
}

TEST(BadInput, negative_and_absurd_values) {
  EXPECT_THAT(refusal(chip_with("  tdp: {value: -400, unit: W, source: derived}\n")),
              AllOf(HasSubstr("mine.yaml:4:16"), HasSubstr("-400 W is negative")));
  EXPECT_THAT(refusal(chip_with("  tdp: {value: 400, unit: MW, source: derived}\n")),
              HasSubstr("too large to be real"));
  EXPECT_THAT(refusal(chip_with("  memory: {capacity: {value: 80, unit: KB, source: derived}}\n")),
              HasSubstr("too small to be real"));
  EXPECT_THAT(refusal(chip_with("  tdp: {value: 0, unit: W, source: derived}\n")),
              HasSubstr("null for unknown"));
  EXPECT_THAT(refusal(chip_with("  tdp: {value: .inf, unit: W, source: derived}\n")),
              HasSubstr("tdp"));
  EXPECT_THAT(
      refusal(chip_with("  tdp: {value: 400, unit: W, low: 500, high: 600, source: derived}\n")),
      HasSubstr("outside of its own range"));
  EXPECT_THAT(refusal(chip_with("  devices_per_chip: 1.5\n")), HasSubstr("must be a whole number"));
}

TEST(BadInput, unknown_fields_with_the_right_one) {
  EXPECT_EQ(refusal(chip_with("  memmory: {capacity: {value: 80, unit: GB, source: derived}}\n")),
            "mine.yaml:4:3: unknown field 'memmory' of this entry (did you mean memory?)");
  EXPECT_THAT(refusal(chip_with("  memory: {bandwith: {value: 3, unit: TB/s, source: derived}}\n")),
              HasSubstr("did you mean bandwidth?"));
  EXPECT_THAT(refusal(chip_with("  tdp: {valeu: 400, unit: W}\n")),
              HasSubstr("did you mean value?"));
  EXPECT_THAT(refusal("chip:\n- id: a\n"), HasSubstr("did you mean chips?"));
}

TEST(BadInput, duplicates) {
  EXPECT_THAT(refusal(chip_with("  tdp: {value: 400, unit: W, source: derived}\n  tdp: {value: "
                                "500, unit: W, source: derived}\n")),
              HasSubstr("mine.yaml:5:3: 'tdp' stands here twice (first in line 4)"));
  EXPECT_THAT(refusal("chips:\n- id: a-b\n- id: A_B\n"),
              HasSubstr("mine.yaml:3:3: chip 'A_B' stands here again"));
}

TEST(BadInput, extends_of_nobody_or_in_a_circle) {
  EXPECT_EQ(refusal("chips:\n- id: a\n  extends: h20_96\n"),
            "mine.yaml:3:12: 'a' extends the unknown chip 'h20_96' (did you mean h20_96g?)");
  EXPECT_THAT(
      refusal("chips:\n- {id: a, extends: b}\n- {id: b, extends: c}\n- {id: c, extends: a}\n"),
      HasSubstr("a -> b -> c -> a"));
  EXPECT_THAT(refusal("chips:\n- {id: a, extends: a}\n"), HasSubstr("a -> a"));
  EXPECT_THAT(refusal("stacks:\n- {id: s, extends: t}\n- {id: t, extends: s}\n"),
              HasSubstr("s -> t -> s"));
  EXPECT_THAT(refusal("systems:\n- {id: s, extends: nvl72}\n"),
              HasSubstr("unknown system 'nvl72'"));
}

TEST(BadInput, a_stack_like_nobody_or_in_a_circle) {
  const auto like = [](const std::string& what) {
    return refusal("stacks:\n- {id: a, like: {" + what + "}}\n- {id: b, extends: a}\n");
  };
  EXPECT_THAT(like("stack: cuda/sglan, chip: h100_sxm"),
              AllOf(HasSubstr("mine.yaml:2:17: 'a' is like the unknown stack 'cuda/sglan'"),
                    HasSubstr("did you mean cuda/sglang")));
  EXPECT_THAT(like("stack: b, chip: h100_sxm"), HasSubstr("'a' is like 'b', which rests on it"));
  EXPECT_THAT(like("stack: cuda, chip: h100_sxn"), HasSubstr("did you mean h100_sxm"));
  EXPECT_THAT(like("stack: cuda, chip: h100_sxm, formats: {int9: fp8}"),
              HasSubstr("unknown format 'int9'"));
  EXPECT_THAT(like("stacks: cuda"), HasSubstr("did you mean stack?"));
}

TEST(BadInput, a_system_of_unknown_or_no_chips) {
  EXPECT_THAT(refusal("systems:\n- {id: s, chips: [{id: h101_sxm, count: 8}]}\n"),
              AllOf(HasSubstr("mine.yaml:2:24"), HasSubstr("unknown chip 'h101_sxm'"),
                    HasSubstr("h100_sxm")));
  EXPECT_THAT(refusal("systems:\n- {id: s}\n"), HasSubstr("does not say which chips"));
  EXPECT_THAT(refusal("systems:\n- {id: s, chips: [{id: h100_sxm, count: 0}]}\n"),
              HasSubstr("whole number"));
  EXPECT_THAT(refusal("systems:\n- {id: s, chips: [{id: h100_sxm, count: 8}], levels: [{name: l, "
                      "kind: swich, size: 8}]}\n"),
              HasSubstr("unknown kind 'swich'"));
}

TEST(BadInput, all_problems_of_a_file_show_at_once) {
  const std::string text = refusal(
      "chips:\n- id: a\n  tdp: {value: -1, unit: W, source: derived}\n  clock: {value: 1, unit: "
      "parsec, source: derived}\n"
      "  colour: red\n- name: no id\n");
  EXPECT_THAT(text, AllOf(HasSubstr("mine.yaml:3:"), HasSubstr("mine.yaml:4:"),
                          HasSubstr("mine.yaml:5:"), HasSubstr("mine.yaml:6:")));
}

TEST(BadInput, a_price_in_yuan_without_a_positive_rate) {
  EXPECT_THAT(refusal("economics:\n- {id: fx.cny_per_usd, value: -7, source: derived}\n" +
                      chip_with("  price: {value: 8, unit: kCNY, source: derived}\n")),
              AllOf(HasSubstr("negative"), HasSubstr("no exchange rate")));
}

// --- check ---

// What check says about the overlay alone.
std::string check_of(const std::string& text) {
  const Folder folder(text);
  Error error;
  for (Problem& problem : loaded({folder.path()}).check()) {
    if (!problem.place.file.starts_with("catalog/")) error.problems.push_back(std::move(problem));
  }
  return error.problems.empty() ? "sound" : to_text(error);
}

TEST(Check, an_unknown_source_is_named_with_the_nearest) {
  EXPECT_THAT(check_of(chip_with("  tdp: {value: 400, unit: W, source: INFERSIN}\n")),
              AllOf(HasSubstr("mine.yaml:4:8"), HasSubstr("unknown source 'INFERSIN'"),
                    HasSubstr("INFERSIM")));
}

TEST(Check, a_fact_needs_a_source_and_an_assumption_a_range) {
  EXPECT_THAT(check_of(chip_with("  tdp: {value: 400, unit: W}\n")),
              HasSubstr("mine tdp has no source"));
  EXPECT_THAT(check_of(chip_with("  tdp: {value: 400, unit: W, source: assumption}\n")),
              HasSubstr("assumption without a range"));
  EXPECT_EQ(check_of(chip_with(
                "  tdp: {value: 400, unit: W, source: assumption, low: 300, high: 500}\n")),
            "sound");
  EXPECT_EQ(check_of(chip_with("  tdp: {value: 400, unit: W, source: 'arXiv:2506.12708'}\n")),
            "sound");
}

TEST(Check, figures_that_do_not_fit_each_other) {
  EXPECT_THAT(
      check_of(chip_with("  memory: {bandwidth: {value: 50, unit: GB/s, source: derived}}\n")),
      HasSubstr("milliseconds to read all memory"));
  EXPECT_THAT(check_of(chip_with("  tdp: {value: 2, unit: W, source: derived}\n")),
              HasSubstr("TFLOPS per watt"));
  EXPECT_THAT(check_of(chip_with("  devices_per_chip: 2\n  per_device: {bf16: {value: 148, unit: "
                                 "TFLOPS, source: derived}}\n")),
              HasSubstr("rate of all devices"));
  EXPECT_THAT(check_of("systems:\n- id: s\n  chips: [{id: h100_sxm, count: 8}]\n"
                       "  power: {value: 1, unit: kW, source: derived}\n"),
              HasSubstr("times what the chips may draw"));
  EXPECT_THAT(check_of("systems:\n- id: s\n  chips: [{id: h100_sxm, count: 8}]\n  levels:\n"
                       "  - {name: l, kind: torus, size: 8, dims: [3, 3], bandwidth: {value: 1, "
                       "unit: GB/s, source: derived}}\n"),
              HasSubstr("multiply to 9"));
}

TEST(Check, a_name_belongs_to_one) {
  EXPECT_THAT(check_of(chip_with("  aliases: [H100-SXM]\n")),
              HasSubstr("share the name 'H100-SXM'"));
}

// --- Other readings of the same catalog ---

TEST(Preferring, takes_the_named_source_s_value_and_keeps_the_other) {
  const Catalog catalog = loaded();
  const auto preferred = catalog.preferring({"SEMI-CM384"});
  ASSERT_TRUE(preferred);
  const Chip& chip = **preferred->chip("ascend_910c");
  EXPECT_DOUBLE_EQ(chip.peak(Format::kBf16).value(), 780e12);
  const Fact& fact = *chip.facts.find("peak_dense.bf16");
  EXPECT_THAT(fact.sources, testing::Contains("SEMI-CM384"));
  EXPECT_DOUBLE_EQ(fact.written, 780);
  const bool keeps = std::any_of(fact.also.begin(), fact.also.end(),
                                 [](const OtherValue& other) { return other.value == 752e12; });
  EXPECT_TRUE(keeps);
  EXPECT_DOUBLE_EQ((*catalog.chip("ascend_910c"))->peak(Format::kBf16).value(), 752e12);
  // The systems of the new catalog are made of the new chips.
  EXPECT_EQ((*preferred->system("cloudmatrix384"))->chip, &chip);
}

TEST(Preferring, the_first_named_source_wins) {
  const Catalog catalog = loaded();
  const auto peak = [&](const std::vector<std::string>& sources) {
    return (*catalog.preferring(sources)->chip("ascend_910c"))->peak(Format::kBf16).value() / 1e12;
  };
  EXPECT_DOUBLE_EQ(peak({"SEMI-CM384", "HW-RM1"}), 780);
  EXPECT_DOUBLE_EQ(peak({"HW-RM1", "SEMI-CM384"}), 800);
}

TEST(Preferring, an_unknown_source_is_refused) {
  const auto preferred = loaded().preferring({"SEMI-CM385"});
  ASSERT_FALSE(preferred);
  EXPECT_THAT(to_text(preferred.error()), AllOf(HasSubstr("SEMI-CM385"), HasSubstr("SEMI-CM384")));
}

TEST(WithValues, typed_values_follow_the_facts) {
  const Catalog catalog = loaded();
  const Catalog high = catalog.with_values([](const Fact& fact) { return fact.highest(); });
  const Catalog low = catalog.with_values([](const Fact& fact) { return fact.lowest(); });
  for (const Chip* chip : catalog.chips()) {
    const Chip& above = **high.chip(chip->id);
    const Chip& below = **low.chip(chip->id);
    EXPECT_LE(below.memory_bandwidth, chip->memory_bandwidth) << chip->id;
    EXPECT_LE(chip->memory_bandwidth, above.memory_bandwidth) << chip->id;
    EXPECT_LE(below.peak(Format::kBf16), above.peak(Format::kBf16)) << chip->id;
  }
  EXPECT_DOUBLE_EQ((*high.chip("ascend_910c"))->peak(Format::kBf16).value(), 800e12);
  EXPECT_DOUBLE_EQ((*low.system("gb200_nvl72"))->price.value(), 2.5e6);
  EXPECT_DOUBLE_EQ((*high.system("gb200_nvl72"))->price.value(), 4e6);
  EXPECT_EQ((*high.system("gb200_nvl72"))->chip, *high.chip("gb200_gpu"));
}

}  // namespace
}  // namespace fivefold
