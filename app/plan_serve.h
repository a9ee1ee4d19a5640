// `fivefold plan serve`, a subcommand of `plan`.
#pragma once

#include "app/commands.h"

namespace fivefold::app {

void add_plan_serve_command(CLI::App& plan, Context& context);

}  // namespace fivefold::app
