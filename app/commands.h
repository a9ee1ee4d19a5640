// The subcommands of `fivefold`: one function and one file each, listed in main.cpp.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "fivefold/catalog/catalog.h"

namespace CLI {
class App;
}

namespace fivefold::app {

// What every subcommand shares. A command adds its options to the app, and sets `exit_code` when it
// runs: 0 done, 1 an answer that is a failed check, 2 bad input (one message, nothing written).
struct Context {
  std::vector<std::string> catalog_dirs;       // --catalog
  std::vector<std::string> preferred_sources;  // --prefer
  bool json = false;                           // --json, taken by every command
  bool csv = false;                            // --csv
  int exit_code = 0;

  // The catalog with the user's directories over it and the preferred sources chosen.
  Result<Catalog> load() const;
  // Prints the error to standard error and sets exit_code to 2.
  void refuse(const Error& error);
};

// Standard output, written in one piece; `text` ends with a newline.
void print(const std::string& text);
// Writes through a temporary file in the same folder, so that nothing half-written is left.
Result<void> write_file(const std::string& path, const std::string& text);

// A bar on standard error that shows a share done; empty where nobody looks at it.
std::function<void(double)> progress_bar();

void add_article_command(CLI::App& app, Context& context);
void add_calibrate_command(CLI::App& app, Context& context);
void add_catalog_command(CLI::App& app, Context& context);
void add_kernel_command(CLI::App& app, Context& context);
void add_model_command(CLI::App& app, Context& context);
void add_collective_command(CLI::App& app, Context& context);
void add_fabric_command(CLI::App& app, Context& context);
void add_replay_command(CLI::App& app, Context& context);
void add_reliability_command(CLI::App& app, Context& context);
void add_supply_command(CLI::App& app, Context& context);
void add_train_command(CLI::App& app, Context& context);
void add_plan_command(CLI::App& app, Context& context);
void add_serve_command(CLI::App& app, Context& context);
void add_requests_command(CLI::App& app, Context& context);
void add_rules_command(CLI::App& app, Context& context);
void add_compare_command(CLI::App& app, Context& context);
void add_gap_command(CLI::App& app, Context& context);
void add_claims_command(CLI::App& app, Context& context);
void add_validate_command(CLI::App& app, Context& context);

}  // namespace fivefold::app
