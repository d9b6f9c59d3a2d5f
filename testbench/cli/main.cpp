// The ringside command.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "testbench/cli/command.h"
#include "testbench/cli/interrupt.h"
#include "testbench/targets/near_name.h"
#include "testbench/targets/target.h"
#include "testbench/trace/file_error.h"

namespace ringside::cli {
namespace {

ExitStatus complain(ExitStatus status, const std::string& problem) {
  fmt::print(stderr, "ringside: {}\n", problem);
  return status;
}

// A word where a command should be: CLI11 would only call it unexpected.
void require_known_command(const CLI::App& program, int argc, char** argv) {
  if (argc < 2 || argv[1][0] == '-') {
    return;
  }
  std::vector<std::string> names;
  for (const CLI::App* command : program.get_subcommands(nullptr)) {
    names.push_back(command->get_name());
  }
  if (std::ranges::find(names, argv[1]) == names.end()) {
    throw targets::InputError(fmt::format("unknown command \"{}\"{}; `ringside --help` shows them", argv[1],
                                          targets::suggestion(argv[1], names)));
  }
}

ExitStatus run_program(int argc, char** argv) {
  CLI::App program("Runs one driver in a model of a PC and against QEMU, and compares what it sees.", "ringside");
  program.require_subcommand(1);
  program.set_version_flag("--version", RINGSIDE_VERSION);
  program.footer(
      "The launcher, ./ringside, knows one command more: test. It takes --preset default|asan|release and "
      "--no-install\n"
      "before the command. The manual is docs/cli.md.");
  Action chosen;
  add_list(program, chosen);
  add_run(program, chosen);
  add_compare(program, chosen);
  add_diff(program, chosen);
  add_export(program, chosen);
  add_bench(program, chosen);
  add_regress(program, chosen);
  add_mutants(program, chosen);
  add_clauses(program, chosen);
  add_campaign(program, chosen);
  add_merge(program, chosen);
  add_replay(program, chosen);
  add_shrink(program, chosen);
  if (argc < 2) {
    fmt::print("{}", program.help());
    return ExitStatus::bad_input;
  }
  require_known_command(program, argc, argv);
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& problem) {
    if (problem.get_exit_code() == 0) {  // --help, --version
      (void)program.exit(problem);
      return ExitStatus::holds;
    }
    return complain(ExitStatus::bad_input, problem.what());
  }
  const ExitStatus status = chosen();
  if (std::fflush(stdout) != 0) {
    return complain(ExitStatus::failed, "stdout: cannot be written");
  }
  return status;
}

ExitStatus guarded(int argc, char** argv) {
  try {
    return run_program(argc, argv);
  } catch (const targets::InputError& problem) {
    return complain(ExitStatus::bad_input, problem.what());
  } catch (const trace::FileError& problem) {
    return complain(ExitStatus::bad_input, problem.what());
  } catch (const targets::LackingError& problem) {
    return complain(ExitStatus::lacking, problem.what());
  } catch (const Interrupted& problem) {
    return complain(ExitStatus::interrupted, problem.what());
  } catch (const std::exception& problem) {
    return complain(ExitStatus::failed, problem.what());
  }
}

}  // namespace
}  // namespace ringside::cli

int main(int argc, char** argv) { return static_cast<int>(ringside::cli::guarded(argc, argv)); }
