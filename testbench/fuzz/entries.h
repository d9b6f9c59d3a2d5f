// The entries of fuzz_target.h, each in a file of its own.
#pragma once

#include <string>
#include <vector>

#include "testbench/fuzz/fuzz_target.h"
#include "testbench/fuzz/reached.h"

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

// A hostile driver against the model: its registers, its rings.
void run_registers(Input input);
[[nodiscard]] std::vector<std::string> register_seeds(const std::string& project);
[[nodiscard]] const Reached& registers_reached();
void run_rings(Input input);
[[nodiscard]] std::vector<std::string> ring_seeds(const std::string& project);
[[nodiscard]] const Reached& rings_reached();

// A hostile device against the driver.
void run_driver(Input input);
[[nodiscard]] std::vector<std::string> driver_seeds(const std::string& project);
[[nodiscard]] const Reached& driver_reached();

// A hostile client of a served disk: its messages as bytes, and whole sessions.
void run_messages(Input input);
[[nodiscard]] std::vector<std::string> message_seeds(const std::string& project);
void run_sessions(Input input);
[[nodiscard]] std::vector<std::string> session_seeds(const std::string& project);
[[nodiscard]] const Reached& sessions_reached();

// A small log that makes sense: a queue, a request, its completion.
[[nodiscard]] std::string sample_records();

}  // namespace ringside::fuzz
