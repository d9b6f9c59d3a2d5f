// How a command joins the program: it adds its options to the command line and leaves behind what is to be done.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "testbench/cli/exit_status.h"

namespace ringside::cli {

// What the command line asks for; runs after all of it has been understood.
using Action = std::function<ExitStatus()>;

void add_list(CLI::App& program, Action& chosen);
void add_run(CLI::App& program, Action& chosen);
void add_compare(CLI::App& program, Action& chosen);
void add_diff(CLI::App& program, Action& chosen);
void add_export(CLI::App& program, Action& chosen);
void add_bench(CLI::App& program, Action& chosen);
void add_regress(CLI::App& program, Action& chosen);
void add_mutants(CLI::App& program, Action& chosen);
void add_clauses(CLI::App& program, Action& chosen);
void add_campaign(CLI::App& program, Action& chosen);
void add_merge(CLI::App& program, Action& chosen);
void add_replay(CLI::App& program, Action& chosen);
void add_shrink(CLI::App& program, Action& chosen);

}  // namespace ringside::cli
