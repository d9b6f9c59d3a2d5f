#include "testbench/targets/guest_order.h"

#include <fmt/core.h>

#include <array>
#include <utility>
#include <vector>

#include "testbench/targets/near_name.h"

namespace ringside::targets {
namespace {

using guest::Mistake;

constexpr std::array kMistakes{
    std::pair{"wild-pointer", Mistake::wild_pointer}, std::pair{"endless-loop", Mistake::endless_loop},
    std::pair{"stack-overflow", Mistake::stack_overflow}, std::pair{"masked-interrupts", Mistake::masked_interrupts}};

}  // namespace

Mistake guest_mistake(std::string_view name) {
  std::vector<std::string> names;
  for (const auto& [known, mistake] : kMistakes) {
    if (name == known) {
      return mistake;
    }
    names.emplace_back(known);
  }
  throw InputError(fmt::format("target guest: mistake={}{}; expected one of: {}", name, suggestion(name, names),
                               guest_mistake_names()));
}

std::string guest_mistake_names() {
  std::string names;
  for (const auto& [name, mistake] : kMistakes) {
    names += (names.empty() ? "" : ", ") + std::string(name);
  }
  return names;
}

}  // namespace ringside::targets
