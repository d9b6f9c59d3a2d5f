#include "testbench/faults/fault_table.h"

#include <fmt/format.h>

#include "testbench/faults/action.h"

namespace ringside::faults {
namespace {

std::string value_text(const ActionSummary& action) {
  return action.takes_value ? fmt::format("{} ({} to {})", action.value, action.least, action.most) : "";
}

const char* where_text(unsigned where) { return where == kOnBoth ? "model, qemu" : "model"; }

std::string harm_text(unsigned harm) {
  std::string text;
  text += (harm & kDeceives) != 0 ? "; data may be wrong" : "";
  text += (harm & kStrays) != 0 ? "; memory may be hit" : "";
  text += (harm & kEndsRun) != 0 ? "; ends the run" : "";
  return text;
}

}  // namespace

std::string fault_table() {
  std::string text =
      "| class | action | what happens | value | where | what a driver may make of it |\n|---|---|---|---|---|---|\n";
  for (const ActionSummary& action : all_actions()) {
    text += fmt::format("| {} | `{}` | {} | {} | {} | {}{} |\n", name_of(action.fault_class), action.name,
                        action.summary, value_text(action), where_text(action.where), reaction_names(action.reactions),
                        harm_text(action.harm));
  }
  return text;
}

}  // namespace ringside::faults
