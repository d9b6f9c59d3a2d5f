// The entries of fuzz_target.h, each in a file of its own.
#pragma once

#include <string>
#include <vector>

#include "testbench/fuzz/fuzz_target.h"

namespace ringside::fuzz {

// A log as a file.
void run_log(Input input);
[[nodiscard]] std::vector<std::string> log_seeds(const std::string& project);

// Records that a reader let through: what compares, judges and describes them.
void run_records(Input input);
[[nodiscard]] std::vector<std::string> record_seeds(const std::string& project);

void run_waivers(Input input);
[[nodiscard]] std::vector<std::string> waiver_seeds(const std::string& project);

// A plan of faults.
void run_plan(Input input);
[[nodiscard]] std::vector<std::string> plan_seeds(const std::string& project);

// A scenario file.
void run_program(Input input);
[[nodiscard]] std::vector<std::string> program_seeds(const std::string& project);

// A small log that makes sense: a queue, a request, its completion.
[[nodiscard]] std::string sample_records();

}  // namespace ringside::fuzz
