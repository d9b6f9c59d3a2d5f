// The pair of 8259 interrupt controllers, as far as PCI's lines need them: level-triggered, masked at delivery,
// re-armed by the driver.
#pragma once

#include <cstdint>

namespace ringside::guest {

inline constexpr unsigned kLines = 16;
inline constexpr unsigned kFirstLineVector = 0x20;  // as the CPU sees them; the exceptions lie below

void start_lines();

// In the handler of line `line`. False when nothing raised it: it had fallen before the CPU asked, which a level may.
[[nodiscard]] bool deliver_line(unsigned line);

// If the line is still high, it is delivered again.
void rearm_line(unsigned line);

}  // namespace ringside::guest
