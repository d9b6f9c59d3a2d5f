#include "testbench/targets/model_mistakes.h"

#ifdef RINGSIDE_MUTANTS
#include "driver/hal/mutant.h"
#include "model/mutants.h"
#endif

namespace ringside::targets {

std::vector<Mistake> all_mistakes() {
  std::vector<Mistake> mistakes;
#ifdef RINGSIDE_MUTANTS
  for (const model::MutantInfo& info : model::all_mutants()) {
    mistakes.push_back({std::string(info.name), "mutant", std::string(info.summary)});
  }
  for (const hal::MutantInfo& info : hal::kMutants) {
    mistakes.push_back({info.name, "driver-mutant", info.summary});
  }
#endif
  return mistakes;
}

}  // namespace ringside::targets
