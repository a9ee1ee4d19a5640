// Two systems side by side for one model: every line a value on each side, with the chain behind
// it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fivefold/catalog/explanation.h"
#include "fivefold/planner/answer.h"

namespace fivefold {

struct Side {
  std::optional<double> value;      // in the line's unit; empty: none, and `text` says why
  std::optional<double> low, high;  // where sources or ranges differ
  std::string text;                 // as people read it: "8.00 TB/s", "none"
  Explanation why;
};

struct Line {
  std::string id;     // "peak.bf16": what --explain takes
  std::string label;  // "dense BF16"
  std::string unit;   // of the values: "FLOP/s", "B", "tokens/s", "J/token"
  Side left, right;
  bool more_is_better = true;
  std::string note;
  std::optional<double> ratio() const;  // left over right
};

struct Section {
  std::string heading;
  std::string intro;
  std::vector<Line> lines;
};

// How many chips of the left equal the whole system on the right.
struct ParityLine {
  std::string id;  // "parity.peak.bf16"
  std::string label;
  std::optional<int> chips;  // empty: cannot, and `note` says why
  std::optional<int> low, high;
  std::string note;  // "231 with SEMI-CM384"
  Explanation why;
  bool budget = false;  // how many fit in it, not how many reach it
};

// Where the time of a step goes, for the picture.
struct TimeBar {
  std::string label;  // "decode, CloudMatrix384"
  struct Part {
    std::string name;
    double seconds = 0;
  };
  std::vector<Part> parts;
};

// One point of the plane that serving is chosen on.
struct ParetoPoint {
  double tokens_per_second_per_user = 0;
  double tokens_per_second_per_chip = 0;
  std::string label;  // "tp1 dp320 ep320, batch 48"
};

struct Fabric {
  std::string name;
  struct Level {
    std::string name;
    int devices = 1;
    double bytes_per_second = 0;  // per device and direction
  };
  std::vector<Level> levels;
};

struct Comparison {
  std::string title, subtitle;
  std::string left_name, right_name;
  std::string left_id, right_id, model_id;
  int left_chips = 0, right_chips = 0;
  std::string headline;  // two or three sentences for someone who never heard of the program
  std::vector<Section> sections;
  std::vector<ParityLine> parity;
  std::vector<TimeBar> times;
  std::vector<ParetoPoint> left_pareto, right_pareto;
  std::vector<Fabric> fabrics;          // left, right
  std::vector<std::string> notes;       // what to keep in mind when reading
  std::vector<Fact> assumptions;        // facts used that no source gives
  std::vector<std::string> source_ids;  // all sources used, sorted
};

// Both systems with the stacks that the question names, or their default ones; a refusal
// of one side's training is a line, not an error.
Result<Comparison> compare(const Catalog& catalog, const System& left, const System& right,
                           const Model& model, const Question& question);

// The explanation of a line or parity line, both sides; an unknown id is an error that names the
// nearest.
Result<std::vector<Explanation>> explain(const Comparison& comparison, std::string_view line_id);

}  // namespace fivefold
