// A program as a scenario, which is what targets run.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "testbench/programs/program.h"
#include "testbench/scenarios/context.h"

namespace ringside::programs {

// Owns what its scenario points at, and stays where it is.
class ProgramScenario {
 public:
  // Throws trace::FileError when its devices are none: the first line of such a program.
  explicit ProgramScenario(Program program);
  ProgramScenario(const ProgramScenario&) = delete;
  ProgramScenario& operator=(const ProgramScenario&) = delete;

  [[nodiscard]] const Program& program() const { return program_; }
  [[nodiscard]] const scenarios::Scenario& scenario() const { return scenario_; }

 private:
  Program program_;
  scenarios::Scenario scenario_;
};

// Of a file, or of every *.toml in a directory and below it, by path. Throws trace::FileError; of a directory also when
// two files have one name, or when there is none.
[[nodiscard]] std::unique_ptr<ProgramScenario> load_scenario(const std::string& path);
[[nodiscard]] std::vector<std::unique_ptr<ProgramScenario>> load_directory(const std::string& path);

}  // namespace ringside::programs
