// Traces of real services by name (catalog/loads), from their files or drawn like them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fivefold/traffic/traffic.h"

namespace fivefold {

// What is needed to draw requests like a trace's.
struct LoadProfile {
  std::vector<double> levels;         // shares, from 0 to 1
  std::vector<double> input, output;  // quantiles at them, tokens
  double rank_correlation = 0;        // Spearman's, of prompt and answer
  // Contents, if the trace tells them: 0 tokens otherwise.
  std::int32_t block_tokens = 0;
  std::uint32_t common = 0;  // first blocks of every prompt
  double continued = 0;      // share of prompts that continue an earlier one,
  double lag = 0;            // seconds ago in the median,
  double lag_sigma = 0;      // lognormal
};

struct NamedLoad {
  std::string id;
  std::vector<std::string> aliases;
  std::string what, form, url, licence, source;
  std::vector<std::string> files;   // names under which it is published or collected
  std::vector<std::string> stated;  // statistics that the publisher states; others were computed
  LoadSummary statistics;           // rate 0: lengths alone
  LoadProfile profile;
};

Result<std::vector<NamedLoad>> read_named_loads(const std::string& file, std::string_view text);
Result<std::vector<NamedLoad>> named_loads();  // of the shipped catalog

// A file or folder; a named load, whose file is looked for in the folders of FIVEFOLD_DATA (colons
// between them), data/traces and ../shared/data/traces; or "profile:NAME", drawn like it.
Result<ReadLoad> find_load(const std::string& name, const ReadOptions& options = {});

// Lengths by the trace's quantiles and rank correlation, arrivals at its rate and spread of gaps,
// and as many shared blocks as its prompts have. It tells neither bursts nor hours of the day.
Result<RequestLoad> draw_profile(const std::string& name, std::size_t count, std::uint64_t seed);
RequestLoad draw_profile(const NamedLoad& like, std::size_t count, std::uint64_t seed);

}  // namespace fivefold
