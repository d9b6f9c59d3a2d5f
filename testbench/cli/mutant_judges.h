// One run with a deliberate mistake beside one without, and which of the bench's judges tell them apart.
#pragma once

#include <optional>
#include <string>

#include "testbench/cli/regress_cases.h"
#include "testbench/targets/model_mistakes.h"

namespace ringside::cli {

// What a judge saw, in a line; nothing when it saw nothing.
struct Caught {
  std::optional<std::string> compare;
  std::optional<std::string> regress;
  std::optional<std::string> monitors;
  bool hung = false;  // the run came to its limit of real time: others will too
};

// With no mistake (an empty option) the two are the same run twice, and nothing may be caught. `right` is the target
// that the comparison has on the other side. A run that does not hold without a mistake catches nothing.
[[nodiscard]] Caught judge_mistake(const targets::Mistake& mistake, const RegressCase& one, const std::string& right);

}  // namespace ringside::cli
