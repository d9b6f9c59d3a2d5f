// What the command line says about the model, checked: target options and `--set latency.NAME=VALUE`.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "driver/hal/mutant.h"
#include "model/latencies.h"
#include "model/mutants.h"
#include "model/quirks.h"
#include "testbench/targets/machine_plan.h"
#include "testbench/targets/memory_order.h"
#include "testbench/targets/target.h"

namespace ringside::targets {

struct ModelOptions {
  bool dmi = true;
  model::QuirkSet quirks;  // none: strictly as the specification says
  model::Mutant mutant = model::Mutant::none;
  hal::Mutant driver_mutant = hal::Mutant::none;
  MemoryOrder memory;
};

// All throw InputError.
[[nodiscard]] ModelOptions model_options(const TargetSpec& spec);
[[nodiscard]] model::Latencies model_latencies(const RunSettings& settings);
// Key and meaning of each.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> model_setting_summaries();
void check_model_machine(const MachinePlan& plan);

}  // namespace ringside::targets
