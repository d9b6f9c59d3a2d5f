// How each command joins the program: it declares its options, and what is to be done with them.
#pragma once

#include "testbench/cli/command_line.h"

namespace ringside::cli {

void add_list(CommandLine& program);
void add_run(CommandLine& program);
void add_compare(CommandLine& program);
void add_diff(CommandLine& program);
void add_export(CommandLine& program);
void add_bench(CommandLine& program);
void add_regress(CommandLine& program);
void add_mutants(CommandLine& program);
void add_clauses(CommandLine& program);
void add_campaign(CommandLine& program);
void add_merge(CommandLine& program);
void add_replay(CommandLine& program);
void add_shrink(CommandLine& program);
void add_serve(CommandLine& program);

}  // namespace ringside::cli
