// Every normative requirement of VIRTIO 1.4 (committee specification 01) on device status, features, rings, PCI
// transport, the legacy interface and the block device, in words of our own. An id is the group, the side that has to
// keep it, and a number: "status-drv-02".
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "testbench/checks/monitor.h"

namespace ringside::checks {

enum class Level : std::uint8_t { must, must_not, should, should_not, may };
[[nodiscard]] const char* to_string(Level level);

struct Requirement {
  std::string_view id;
  Role role;
  Level level;
  std::string_view section;  // the title that it stands under
  std::string_view says;
};

[[nodiscard]] std::span<const Requirement> all_requirements();
// Null for an id that is none of them.
[[nodiscard]] const Requirement* find_requirement(std::string_view id);

}  // namespace ringside::checks
