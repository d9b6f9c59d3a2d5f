#include "testbench/faults/plan.h"
#include "testbench/fuzz/entries.h"

namespace ringside::fuzz {

void run_plan(Input input) {
  try {
    static_cast<void>(faults::parse_plan(std::string(input.begin(), input.end()), "p.toml"));
  } catch (const trace::FileError& refusal) {
    require_one_line(refusal.what(), "p.toml");
  }
}

std::vector<std::string> plan_seeds(const std::string& project) {
  return texts_below(project + "/traces/faults", ".toml");
}

}  // namespace ringside::fuzz
