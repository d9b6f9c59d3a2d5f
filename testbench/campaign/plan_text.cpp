#include "testbench/campaign/plan_text.h"

#include <fmt/format.h>

#include "testbench/campaign/toml_file.h"
#include "testbench/trace/names.h"

namespace ringside::campaign {

std::string print_plan(const faults::Plan& plan) {
  std::string text;
  for (const faults::Fault& fault : plan.faults) {
    const faults::ActionSummary& action = summary_of(fault.action);
    text += fmt::format("[[fault]]\non = \"{}\"\nnth = {}\n", trace::name_of(fault.kind), fault.nth);
    if (fault.queue != 0) {
      text += fmt::format("queue = {}\n", fault.queue);
    }
    if (fault.unit != 0) {
      text += fmt::format("unit = {}\n", fault.unit);
    }
    text += fmt::format("action = \"{}\"\n", action.name);
    if (action.takes_value) {
      text += fmt::format("value = {}\n", fault.value);
    }
    if (!fault.name.empty() && fault.name != action.name) {
      text += fmt::format("name = {}\n", quoted(fault.name));
    }
    text += '\n';
  }
  return text;
}

}  // namespace ringside::campaign
