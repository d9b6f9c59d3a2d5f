// The deliberate mistakes that model and driver of this build can be told to make: none but in ringside_mutants.
#pragma once

#include <string>
#include <vector>

namespace ringside::targets {

struct Mistake {
  std::string name;     // "wrong-sector"
  std::string option;   // of target model: "mutant" or "driver-mutant"
  std::string summary;  // what is wrong
};

[[nodiscard]] std::vector<Mistake> all_mistakes();

}  // namespace ringside::targets
