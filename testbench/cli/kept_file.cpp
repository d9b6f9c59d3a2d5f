#include "testbench/cli/kept_file.h"

#include <fmt/format.h>

#include "testbench/campaign/toml_file.h"
#include "testbench/cli/compare_command.h"
#include "testbench/trace/file_error.h"

namespace ringside::cli {

KeptFile kind_of_file(const std::string& path) {
  const campaign::TomlFile file(campaign::read_text_file(path, "a file that was kept of a run"), path);
  if (file.has("case")) {
    return KeptFile::campaign_case;
  }
  if (file.has("program")) {
    return KeptFile::program;
  }
  throw trace::FileError(fmt::format("{}:1: expected a case of a campaign (case = 1) or a scenario file (program = {})",
                                     path, programs::kProgramVersion));
}

CompareOptions comparison_of(const programs::Program& program) {
  const programs::Finding found = program.found.value_or(programs::Finding{});
  CompareOptions options;
  options.scenarios = {program.file.find('/') == std::string::npos ? "./" + program.file : program.file};
  options.left = found.left;
  options.right = found.right;
  options.seed = found.seed;
  options.machine = found.machine;
  options.devices = found.devices;
  options.disks = found.disks;
  options.values = found.settings;
  options.waivers = found.waivers;
  options.expected = found.signature;
  return options;
}

}  // namespace ringside::cli
