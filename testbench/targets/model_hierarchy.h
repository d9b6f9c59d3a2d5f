// The model as it was elaborated: modules inside modules, and which socket is bound to which.
#pragma once

#include <string>

namespace ringside::targets {

// In Graphviz's language. Only after elaboration, that is once the simulation has been started.
[[nodiscard]] std::string elaborated_hierarchy();

}  // namespace ringside::targets
