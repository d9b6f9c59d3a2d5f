// The CPU's registers as QEMU's monitor prints them, for when the guest itself could not save them.
#pragma once

#include <optional>
#include <string_view>

#include "testbench/guest/mailbox.h"

namespace ringside::targets {

// What `info registers` answered; what it does not name is 0. Nothing when it names no instruction pointer.
[[nodiscard]] std::optional<guest::Registers> parse_registers(std::string_view text);

}  // namespace ringside::targets
