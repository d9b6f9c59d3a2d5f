// The driver in the SystemC model of a PC. The model is elaborated once in a process and powered on for each run.
#pragma once

#include <memory>
#include <string>

#include "testbench/targets/target.h"

namespace ringside::targets {

// Throws InputError for a bad option, setting or machine type.
[[nodiscard]] std::unique_ptr<Target> make_model_target(const TargetSpec& spec, const RunSettings& settings);
[[nodiscard]] TargetSummary model_summary();

// The model's modules and bindings in Graphviz's language. Elaborates it.
[[nodiscard]] std::string model_modules();

}  // namespace ringside::targets
