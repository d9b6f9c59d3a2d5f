// Which requirement of VIRTIO (by the id that the project's list of requirements gives it) an event bears on.
#pragma once

#include <string>
#include <string_view>

#include "testbench/trace/record.h"

namespace ringside::trace {

// "" where no single requirement fits: what a driver does on its own account, or what the specification leaves open.
[[nodiscard]] std::string clause_of(const Record& record, std::string_view field);

}  // namespace ringside::trace
