#include <cstdio>
#include <exception>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/commands.h"

namespace fivefold::app {
namespace {

void add_all_commands(CLI::App& app, Context& context) {
  add_compare_command(app, context);
  add_claims_command(app, context);
  add_article_command(app, context);
  add_serve_command(app, context);
  add_requests_command(app, context);
  add_train_command(app, context);
  add_reliability_command(app, context);
  add_plan_command(app, context);
  add_rules_command(app, context);
  add_supply_command(app, context);
  add_gap_command(app, context);
  add_collective_command(app, context);
  add_fabric_command(app, context);
  add_replay_command(app, context);
  add_kernel_command(app, context);
  add_model_command(app, context);
  add_catalog_command(app, context);
  add_validate_command(app, context);
  add_calibrate_command(app, context);
}

int run(int argc, char** argv) {
  CLI::App app{
      "Fivefold: with the chips that you can get, how large a machine do you need to match the one "
      "that "
      "you cannot get?\n\nFor example:\n"
      "  fivefold compare cloudmatrix384 gb200-nvl72 --model deepseek-ai/DeepSeek-R1\n",
      "fivefold"};
  app.set_version_flag("--version", "fivefold " FIVEFOLD_VERSION);
  app.require_subcommand(1);
  app.fallthrough();

  Context context;
  app.add_option("--catalog", context.catalog_dirs,
                 "Folder of your own YAML facts, laid over the shipped catalog")
      ->type_name("DIR");
  app.add_option("--prefer", context.preferred_sources,
                 "Where sources disagree, take this one's value (see `fivefold catalog sources`)")
      ->type_name("SOURCE")
      ->delimiter(',');
  app.add_flag("--json", context.json, "Print JSON");
  app.add_flag("--csv", context.csv, "Print CSV");
  add_all_commands(app, context);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? 0 : 2;
  }
  return context.exit_code;
}

}  // namespace
}  // namespace fivefold::app

int main(int argc, char** argv) {
  try {
    return fivefold::app::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr,
               "fivefold: internal error: {}\nPlease report this with the command that you ran.\n",
               error.what());
    return 70;
  }
}
