// Interrupts that QEMU raises, as counters. Message-signalled ones are aimed at dwords of guest RAM, one cache line
// each, below the DMA arena; lines come as messages of the qtest protocol.
#pragma once

#include <array>
#include <cstdint>

#include "driver/hal/machine.h"
#include "testbench/targets/qemu_qtest.h"

namespace ringside::targets {

class QemuInterrupts final : public LineListener {
 public:
  static constexpr unsigned kMsiVectors = 72;
  static constexpr unsigned kLines = 24;

  // `ram` is the CPU's pointer to bus address 0.
  explicit QemuInterrupts(std::uint8_t* ram) : ram_(ram) {}

  // These throw RunAborted for a vector that does not exist.
  [[nodiscard]] static hal::MsiMessage message(unsigned vector);
  [[nodiscard]] std::uint64_t count(unsigned vector);
  void acknowledge(unsigned vector);

  void line_changed(unsigned line, bool high) override;

 private:
  struct Line {
    std::uint64_t count = 0;
    bool high = false;
    bool masked = false;  // from delivery to acknowledge
  };
  static void deliver(Line& line);

  std::uint8_t* ram_;
  std::array<std::uint64_t, kMsiVectors> messages_{};
  std::array<Line, kLines> lines_{};
};

}  // namespace ringside::targets
