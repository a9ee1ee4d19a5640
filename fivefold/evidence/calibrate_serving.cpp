#include "fivefold/evidence/calibrate_serving.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>

#include <fmt/format.h>

#include "fivefold/evidence/serving_case.h"

namespace fivefold {
namespace {

constexpr int kEngineSweeps = 2;
constexpr double kFirstTokenWeight = 0.3;
// Beyond, a row is of a run that waited for memory or did something else.
constexpr double kMostOfToken = 0.6, kMostOfFirst = 1.2;

double scale_of(std::string_view unit) {
  return unit == "ms" ? 1e-3 : unit == "us" ? 1e-6 : 1;
}

Fact fact_of(const EngineFact& engine, double value) {
  Fact fact;
  fact.path = std::string(engine.name);
  fact.kind = Fact::Kind::kNumber;
  fact.number = value * scale_of(engine.unit);
  return fact;
}

struct Loops {
  const Catalog& catalog;
  const std::vector<CsvTable>& tables;
  const std::string& engine;

  Predictions predict(const std::vector<double>& values) const {
    std::vector<Fact> facts;
    for (std::size_t i = 0; i < values.size(); ++i)
      facts.push_back(fact_of(engine_facts()[i], values[i]));
    ServingRigs rigs(catalog, std::move(facts));
    Predictions all;
    for (const CsvTable& table : tables) {
      const auto rows = predict_loops(rigs, table, engine);
      if (rows) all.insert(all.end(), rows->begin(), rows->end());
    }
    return all;
  }
};

bool counts(const Prediction& row) {
  return row.refused.empty() && row.measured > 0 && row.predicted > 0;
}

double error_of(const Predictions& rows, std::string_view left_out) {
  struct Sum {
    double error = 0;
    int rows = 0;
  };
  std::map<std::tuple<std::string, std::string, std::string>, Sum> cells;
  for (const Prediction& row : rows) {
    if (!counts(row) || !row.calibrated || row.chip == left_out) continue;
    const double most = row.family == "tpot" ? kMostOfToken : kMostOfFirst;
    Sum& sum = cells[{row.family, row.chip, row.model}];
    sum.error += std::min(most, std::abs(std::log(row.predicted / row.measured)));
    ++sum.rows;
  }
  double error = 0, weights = 0;
  for (const auto& [cell, sum] : cells) {
    const double weight =
        std::sqrt(sum.rows) * (std::get<0>(cell) == "tpot" ? 1 : kFirstTokenWeight);
    error += weight * sum.error / sum.rows;
    weights += weight;
  }
  return weights > 0 ? error / weights : 0;
}

struct Found {
  std::vector<double> values, low, high;
};

Found search(const Loops& loops, std::string_view left_out) {
  Found found;
  for (const EngineFact& fact : engine_facts()) found.values.push_back(fact.grid.front());
  found.low = found.high = found.values;
  double least = error_of(loops.predict(found.values), left_out);
  for (int sweep = 0; sweep < kEngineSweeps; ++sweep) {
    for (std::size_t i = 0; i < found.values.size(); ++i) {
      std::vector<std::pair<double, double>> tried;  // value, error
      for (const double value : engine_facts()[i].grid) {
        std::vector<double> values = found.values;
        values[i] = value;
        tried.emplace_back(value, error_of(loops.predict(values), left_out));
      }
      const auto best =
          std::min_element(tried.begin(), tried.end(),
                           [](const auto& a, const auto& b) { return a.second < b.second; });
      if (best->second < least) {
        least = best->second;
        found.values[i] = best->first;
      }
      constexpr double kAsGood = 1.01;
      found.low[i] = found.high[i] = found.values[i];
      for (const auto& [value, error] : tried) {
        if (error > kAsGood * least) continue;
        found.low[i] = std::min(found.low[i], value);
        found.high[i] = std::max(found.high[i], value);
      }
    }
  }
  return found;
}

double median(std::vector<double>& values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + std::ptrdiff_t(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

template <class Takes>
std::vector<double> errors_of(const Predictions& rows, Takes takes) {
  std::vector<double> errors;
  for (const Prediction& row : rows) {
    if (counts(row) && takes(row)) errors.push_back(std::abs(row.predicted / row.measured - 1));
  }
  return errors;
}

void add_cells(const Loops& loops, const Found& found, ServingFit& fit) {
  const Predictions rows = loops.predict(found.values);
  std::set<std::string> chips;
  for (const Prediction& row : rows) {
    if (row.calibrated) chips.insert(row.chip);
  }
  for (const std::string& chip : chips) {
    const Predictions without = loops.predict(search(loops, chip).values);
    for (const std::string family : {"tpot", "ttft"}) {
      const auto of = [&](bool fitted) {
        return [&chip, &family, fitted](const Prediction& row) {
          return row.chip == chip && row.family == family && row.calibrated == fitted;
        };
      };
      std::vector<double> fitted = errors_of(rows, of(true)), held = errors_of(rows, of(false)),
                          left_out = errors_of(without, of(true));
      fit.cells.push_back({loops.engine, chip, family, int(fitted.size()), int(held.size()),
                           median(fitted), median(held), median(left_out)});
    }
  }
}

}  // namespace

const std::vector<EngineFact>& engine_facts() {
  static const std::vector<EngineFact> facts = {
      {"step_overhead", "ms", {0, 0.1, 0.2, 0.3, 0.5, 0.7, 1}},
      {"host_step", "ms", {2, 0, 0.5, 1, 1.5, 3}},
      {"host_sequence", "us", {10, 0, 20, 30, 50}},
      {"host_stream", "us", {30, 0, 10, 20, 50, 80}},
      {"issue", "us", {20, 2, 5, 10, 30, 40, 60, 80}},
      {"prefill_overhead", "ms", {5, 0, 2, 10, 20}},
      // More than that is not the way of a request into the engine.
      {"request_overhead", "ms", {60, 10, 20, 30, 40, 80, 100, 130}},
      {"request_token", "us", {8, 0, 4, 15, 25}},
  };
  return facts;
}

Result<ServingFit> fit_serving(const Catalog& catalog, const std::vector<std::string>& paths,
                               const std::function<void(double)>& progress) {
  const auto files = measured_files(paths);
  if (!files) return fail(files.error());
  std::vector<CsvTable> tables;
  std::set<std::string> engines;
  for (const std::string& file : *files) {
    auto table = read_csv(file);
    if (!table) return fail(table.error());
    if (!is_serving_table(*table) || table->column("ttft_ms") < 0) continue;
    for (std::size_t row = 0; row < table->rows.size(); ++row)
      engines.insert(std::string(table->at(row, "engine")));
    tables.push_back(std::move(*table));
  }
  ServingFit fit;
  for (const std::string& engine : engines) {
    const Loops loops{catalog, tables, engine};
    const Found found = search(loops, "");
    for (std::size_t i = 0; i < found.values.size(); ++i) {
      fit.values.push_back(
          {engine, engine_facts()[i], found.values[i], found.low[i], found.high[i]});
    }
    add_cells(loops, found, fit);
    if (progress)
      progress(double(fit.values.size()) / double(engines.size() * engine_facts().size()));
  }
  return fit;
}

std::string serving_yaml(const ServingFit& fit, const std::string& source) {
  std::string text = "stacks:\n", engine;
  for (const ServingFit::Value& v : fit.values) {
    if (v.engine != engine) {
      engine = v.engine;
      text += fmt::format(
          "- id: serving/fitted/{}\n  entries:\n  - family: serving\n    source: {}\n"
          "    confidence: medium\n    parameters:\n",
          engine, source);
    }
    text += fmt::format("      {}: {{value: {:g}, unit: {}, low: {:g}, high: {:g}}}\n", v.fact.name,
                        v.value, v.fact.unit, v.low, v.high);
  }
  return text;
}

}  // namespace fivefold
