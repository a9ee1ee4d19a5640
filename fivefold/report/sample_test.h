// A small comparison with invented figures, so that tests of the printed forms do not move with the
// catalog. It has every kind of thing that a comparison can hold, and text that needs escaping.
#pragma once

#include "fivefold/planner/comparison.h"
#include "fivefold/report/explanation.h"

namespace fivefold::sample {

inline Fact fact(std::string path, double written, std::string unit, double scale,
                 std::string source) {
  Fact fact;
  fact.path = std::move(path);
  fact.kind = Fact::Kind::kNumber;
  fact.written = written;
  fact.unit = std::move(unit);
  fact.number = written * scale;
  fact.owner = "ours";
  fact.sources = {std::move(source)};
  fact.confidence = Confidence::kMedium;
  return fact;
}

inline Side side(double value, std::string text, Explanation why) {
  Side side;
  side.value = value;
  side.text = std::move(text);
  side.why = std::move(why);
  return side;
}

inline Line line(std::string id, std::string label, std::string unit, double left,
                 std::string left_text, double right, std::string right_text,
                 bool more_is_better = true) {
  return {std::move(id),
          label,
          unit,
          side(left, left_text, {label + " of ours: " + left_text, "10 chips x a tenth", {}, {}}),
          side(right, right_text, {label + " of theirs: " + right_text, {}, {}, {}}),
          more_is_better,
          {}};
}

inline Fact bandwidth_fact() {
  Fact bandwidth = fact("memory.bandwidth", 3.2, "TB/s", 1e12, "PAPER");
  bandwidth.low = 3.0e12;
  bandwidth.high = 3.2e12;
  bandwidth.note = "two dies <each 1.6>";
  bandwidth.also = {{3.0e12, {"BLOG"}, "rounded down"}};
  return bandwidth;
}

inline Fact assumed_fact() {
  Fact assumed = fact("levels.pod.latency", 2, "us", 1e-6, "assumption");
  assumed.reading = "assumption";
  assumed.low = 1e-6;
  assumed.high = 4e-6;
  return assumed;
}

inline Section system_section() {
  Section system{"The system", "Peaks are dense.", {}};
  system.lines = {
      line("chips", "chips", "chips", 384, "384", 72, "72"),
      line("peak.bf16", "dense BF16", "FLOP/s", 299.5e15, "300 PFLOP/s", 180e15, "180 PFLOP/s"),
      line("memory.bandwidth", "HBM bandwidth", "B/s", 1.2288e15, "1.23 PB/s", 576e12, "576 TB/s"),
      line("power", "power, all in", "W", 559e3, "559 kW", 145e3, "145 kW", false)};
  Line& bandwidth = system.lines[2];
  bandwidth.left.why.parts = {{"bandwidth of one chip: 3.2 TB/s", {}, {}, {bandwidth_fact()}}};
  bandwidth.left.low = 1.152e15;
  bandwidth.left.high = 1.2288e15;
  Line fp4{"peak.fp4", "dense FP4", "FLOP/s", {}, {}, true, {}};
  fp4.left.text = "none";
  fp4.left.why.statement = "no FP4 unit & none announced";
  fp4.right = side(720e15, "720 PFLOP/s", {"dense FP4: 720 PFLOP/s", {}, {}, {}});
  system.lines.push_back(fp4);
  return system;
}

inline Section decode_section() {
  Section decode{
      "Decode", "4096 tokens in, 1024 out, TPOT at most 50 ms; the whole system decodes.", {}};
  decode.lines = {line("decode.system", "per system", "tokens/s", 612000, "612000 tokens/s", 301000,
                       "301000 tokens/s"),
                  line("decode.energy", "energy", "J/token", 0.91, "0.91 J/token", 0.48,
                       "0.48 J/token", false)};
  Line layout{"decode.layout", "best layout", "", {}, {}, true, {}};
  layout.left.text = "tp1 dp320 ep320, batch 48 a device";
  layout.right.text = "tp1 dp72 ep72, batch 64 a device";
  decode.lines.push_back(layout);
  return decode;
}

inline Comparison comparison() {
  Comparison c;
  c.title = "CloudMatrix384 against GB200 NVL72";
  c.subtitle = "deepseek-r1: 4096 tokens in, 1024 out, TPOT at most 50 ms";
  c.left_name = "CloudMatrix384";
  c.right_name = "GB200 NVL72";
  c.left_id = "cloudmatrix384";
  c.right_id = "gb200_nvl72";
  c.model_id = "deepseek-r1";
  c.left_chips = 384;
  c.right_chips = 72;
  c.headline =
      "On paper it takes 231 of its 384 chips to equal the dense BF16 compute of one GB200 NVL72. "
      "To serve "
      "DeepSeek-R1 as fast it takes 196. Only 99 of them run on the power of one GB200 NVL72.";
  c.sections = {system_section(), decode_section()};
  c.parity = {
      {"parity.peak.bf16",
       "dense BF16 compute",
       231,
       225,
       240,
       "240 with <BLOG>",
       {"231 chips for one NVL72", "72 chips x 2.5 PFLOP/s / 780 TFLOP/s", {}, {}}},
      {"parity.memory.bandwidth",
       "HBM bandwidth",
       180,
       {},
       {},
       "",
       {"180 chips", "", {}, {bandwidth_fact()}}},
      {"parity.power", "chips that run on its power", 99, {}, {}, "", {"99 chips", "", {}, {}}},
      {"parity.training", "training step", 512, {}, {}, "tp8 pp8 dp8", {"512 chips", "", {}, {}}},
      {"parity.prefill",
       "prefill of the model",
       {},
       {},
       {},
       "no instance fits",
       {"none", "", {}, {}}}};
  c.times = {{"decode step, CloudMatrix384",
              {{"compute", 0.012}, {"memory", 0.019}, {"exposed communication", 0.009}}},
             {"decode step, GB200 NVL72",
              {{"compute", 0.006}, {"memory", 0.021}, {"exposed communication", 0.002}}},
             {"training step, CloudMatrix384",
              {{"compute", 11}, {"exposed communication", 2.5}, {"bubble", 1.2}}},
             {"training step, GB200 NVL72",
              {{"compute", 14}, {"exposed communication", 1.1}, {"bubble", 0.7}}}};
  c.left_pareto = {{20, 1650, "tp1 dp320 ep320, batch 48"},
                   {34, 1100, "ep160"},
                   {48, 620, "ep64"},
                   {30, 900, "ep32"}};
  c.right_pareto = {{20, 4400, "tp1 dp72 ep72, batch 96"},
                    {41, 3700, "ep36"},
                    {88, 1800, "ep16"},
                    {120, 640, "ep8"}};
  c.fabrics = {{"CloudMatrix384",
                {{"package", 2, 270e9},
                 {"node", 16, 196e9},
                 {"supernode", 768, 196e9},
                 {"scale-out: RDMA", 0, 25e9}}},
               {"GB200 NVL72", {{"NVLink domain", 72, 900e9}, {"scale-out: InfiniBand", 0, 0}}}};
  c.notes = {"Peaks are what vendors print, not what programs reach."};
  c.assumptions = {assumed_fact()};
  c.source_ids = {"BLOG", "PAPER"};
  return c;
}

inline const Source* source(std::string_view id) {
  static const Source kPaper{
      "PAPER",  "Serving on a \"supernode\"", "https://example.org/paper", "Authors", "2025-06",
      "primary"};
  static const Source kBlog{
      "BLOG", "A blog & its table", "example.org (table 2)", "Somebody", "2025-04", "weak"};
  return id == "PAPER" ? &kPaper : id == "BLOG" ? &kBlog : nullptr;
}

}  // namespace fivefold::sample
