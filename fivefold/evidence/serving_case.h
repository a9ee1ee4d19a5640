// What the rows of serving tables are computed on, built once for each machine, stack, model and
// precision.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "fivefold/evidence/evidence.h"
#include "fivefold/serving/serving.h"

namespace fivefold {

struct ServingRig {
  std::unique_ptr<const Stack> stack;  // kernels and library of the chip's stack, engine of the row
  Machine machine;
  KernelModel kernels;
  const Model* model;
  Precision precision;
  std::unique_ptr<const ServingModel> serving;  // points to those above
};

struct ServingSetup {
  std::string system;  // names as in the data
  std::string chip;
  std::string model;
  std::string engine = "";   // empty: the vendor's default stack
  std::string dense = "";    // format of dense products; empty: as the model is published
  std::string experts = "";  // of experts; empty: as dense
  std::string cache = "";    // of the KV cache; empty: as the program would serve
  int chips = 1;
  std::string attention = "";  // of the core of attention; empty: as the program would serve
};

// Resolves names and keeps what it built. A refusal is a short reason.
class ServingRigs {
 public:
  // `engine`: facts that go over those of every engine.
  explicit ServingRigs(const Catalog& catalog, std::vector<Fact> engine = {})
      : catalog_(catalog), engine_(std::move(engine)) {}
  tl::expected<const ServingRig*, std::string> find(const ServingSetup& setup);
  // The stack that the setup runs on, engine included; null if the chip is unknown.
  std::unique_ptr<const Stack> stack_of(const ServingSetup& setup) const;
  // The catalog's id of the chip; the name as given if it is unknown.
  std::string chip_of(const ServingSetup& setup) const;

 private:
  tl::expected<std::unique_ptr<ServingRig>, std::string> build(const ServingSetup& setup) const;
  const Catalog& catalog_;
  std::vector<Fact> engine_;
  std::map<std::string, tl::expected<std::unique_ptr<ServingRig>, std::string>> rigs_;
};

// Closed loops of one engine (empty: of all), on rigs of one's own.
Result<Predictions> predict_loops(ServingRigs& rigs, const CsvTable& table,
                                  std::string_view engine = {});

// Rows of published.csv, whose layout stands in prose: encoded one by one in catalog/deployments.
Result<Predictions> predict_published_serving(const Catalog& catalog, const CsvTable& table);
struct Deployment;
// Of a row whose layout is not published, in its unit: TPOT or tokens a second of a chip at the
// load that the deployment's two rows give together.
tl::expected<double, std::string> predict_at_load(ServingRigs& rigs, const Deployment& deployment,
                                                  const CsvTable& table, std::size_t row,
                                                  Prediction& p);
// Rows of MLPerf Inference: by chips, model and scenario.
Result<Predictions> predict_mlperf(const Catalog& catalog, const CsvTable& table);

}  // namespace fivefold
