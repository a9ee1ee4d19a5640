// The parts that a comparison is put together from: one function a section.
#pragma once

#include <string>
#include <vector>

#include "fivefold/planner/comparison.h"

namespace fivefold {

struct Sides {
  const Catalog& catalog;
  const SystemAnswer& left;
  const SystemAnswer& right;
  const Model& model;
  const Question& question;
};

std::vector<Section> hardware_sections(const Sides& sides);
Section model_section(const Sides& sides);
Section prefill_section(const Sides& sides);
Section decode_section(const Sides& sides);
Section training_section(const Sides& sides);
std::vector<ParityLine> parity_lines(const Sides& sides);
std::vector<TimeBar> time_bars(const Sides& sides);
std::vector<std::string> reading_notes(const Sides& sides);

// A value as people read it: show(1.2288e15, "B/s") is "1.23 PB/s".
std::string show(double value, std::string_view unit);
// A side with a value that follows from facts and parts.
Side known(double value, std::string_view unit, Explanation why);
// A side without a value, and why.
Side unknown(std::string text, std::string why);

// "tp1 dp320 ep320"
std::string describe(const ServingLayout& layout);
std::string describe(const DecodePlan& plan);
std::string describe(const TrainingLayout& layout);

}  // namespace fivefold
