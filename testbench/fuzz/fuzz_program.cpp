#include <cstdio>
#include <cstdlib>

#include "testbench/fuzz/entries.h"
#include "testbench/programs/program.h"
#include "testbench/trace/file_error.h"

namespace ringside::fuzz {

// What is read and printed reads back as the same.
void run_program(Input input) {
  try {
    const programs::Program program = programs::parse_program(std::string(input.begin(), input.end()), "s.toml");
    const std::string printed = programs::print_program(program);
    if (programs::print_program(programs::parse_program(printed, "s.toml")) != printed) {
      std::fprintf(stderr, "prints as another program:\n%s", printed.c_str());
      std::abort();
    }
  } catch (const trace::FileError& refusal) {
    require_one_line(refusal.what(), "s.toml");
  }
}

std::vector<std::string> program_seeds(const std::string& project) {
  std::vector<std::string> seeds;
  for (const char* const directory : {"/traces/errors", "/traces/programs", "/testbench/tests"}) {
    const std::vector<std::string> more = texts_below(project + directory, ".toml");
    seeds.insert(seeds.end(), more.begin(), more.end());
  }
  return seeds;
}

}  // namespace ringside::fuzz
