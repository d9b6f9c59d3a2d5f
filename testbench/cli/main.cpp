// The ringside command.
#include <fmt/core.h>

#include <cstdio>
#include <exception>
#include <string>

#include "testbench/cli/command.h"
#include "testbench/cli/interrupt.h"
#include "testbench/targets/target.h"
#include "testbench/trace/file_error.h"

namespace ringside::cli {
namespace {

ExitStatus complain(ExitStatus status, const std::string& problem) {
  fmt::print(stderr, "ringside: {}\n", problem);
  return status;
}

ExitStatus run_program(int argc, char** argv) {
  CommandLine program("ringside", RINGSIDE_VERSION,
                      "Runs one driver in a model of a PC and against QEMU, and compares what it sees.",
                      "The launcher, ./ringside, knows two commands more: test, and get-qemu, which puts a QEMU with a vfio-user "
                      "client beside\nthe build. It takes --preset default|asan|release and --no-install before the "
                      "command. The manual is docs/cli.md.");
  add_list(program);
  add_run(program);
  add_compare(program);
  add_diff(program);
  add_export(program);
  add_bench(program);
  add_regress(program);
  add_mutants(program);
  add_clauses(program);
  add_campaign(program);
  add_merge(program);
  add_replay(program);
  add_shrink(program);
  add_serve(program);
  if (argc < 2) {
    fmt::print("{}", program.help());
    return ExitStatus::bad_input;
  }
  const Action action = program.parse(argc, argv);
  const ExitStatus status = action ? action() : ExitStatus::holds;
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
