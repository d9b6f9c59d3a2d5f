#include "testbench/cli/scenario_source.h"

#include <algorithm>

#include "testbench/cli/project_file.h"

namespace ringside::cli {

std::string file_of_scenario(const std::string& scenario) {
  if (scenario.find('/') != std::string::npos) {
    return scenario;
  }
  std::string stem = scenario;
  std::ranges::replace(stem, '-', '_');
  const std::string source = "testbench/scenarios/" + stem + ".cpp";
  return project_file(source) ? source : "";
}

}  // namespace ringside::cli
