#include "testbench/guest/interrupt_lines.h"

#include "testbench/guest/cpu.h"

namespace ringside::guest {
namespace {

// Intel 8259A; the edge/level registers are the chipset's (82371SB, 2.5.5).
struct Controller {
  std::uint16_t command;
  std::uint16_t data;
  std::uint16_t levels;
  std::uint8_t cascade;  // initialisation word 3
};
constexpr Controller kMaster{0x20, 0x21, 0x4d0, 1u << 2};
constexpr Controller kSlave{0xa0, 0xa1, 0x4d1, 2};
constexpr unsigned kLinesEach = 8;
constexpr unsigned kCascadeLine = 2;

constexpr std::uint8_t kInitialise = 0x11;  // four words, cascaded
constexpr std::uint8_t kMode8086 = 0x01;
constexpr std::uint8_t kEndOfInterrupt = 0x20;
constexpr std::uint8_t kReadInService = 0x0b;

// Those that PCI's interrupts are routed to and no part of the board raises. Firmware and our driver take 10 and 11.
constexpr unsigned kPciLines = 1u << 5 | 1u << 10 | 1u << 11;

const Controller& controller_of(unsigned line) { return line < kLinesEach ? kMaster : kSlave; }
std::uint8_t bit_of(unsigned line) { return static_cast<std::uint8_t>(1u << line % kLinesEach); }

void initialise(const Controller& controller, unsigned first_vector, unsigned open, unsigned level) {
  port_write8(controller.command, kInitialise);
  port_write8(controller.data, static_cast<std::uint8_t>(first_vector));
  port_write8(controller.data, controller.cascade);
  port_write8(controller.data, kMode8086);
  port_write8(controller.levels, static_cast<std::uint8_t>(level));
  port_write8(controller.data, static_cast<std::uint8_t>(~open));
}

bool in_service(unsigned line) {
  const Controller& controller = controller_of(line);
  port_write8(controller.command, kReadInService);
  return (port_read8(controller.command) & bit_of(line)) != 0;
}

}  // namespace

void start_lines() {
  initialise(kMaster, kFirstLineVector, (kPciLines & 0xff) | 1u << kCascadeLine, kPciLines & 0xff);
  initialise(kSlave, kFirstLineVector + kLinesEach, kPciLines >> kLinesEach, kPciLines >> kLinesEach);
}

bool deliver_line(unsigned line) {
  // A line that fell shows as the last one of its controller, which then has nothing to end; the master, through which
  // the slave came, has.
  const bool raised = in_service(line);
  if (raised) {
    const Controller& controller = controller_of(line);
    port_write8(controller.data, static_cast<std::uint8_t>(port_read8(controller.data) | bit_of(line)));
    port_write8(controller.command, kEndOfInterrupt);
  }
  if (line >= kLinesEach) {
    port_write8(kMaster.command, kEndOfInterrupt);
  }
  return raised;
}

void rearm_line(unsigned line) {
  const Controller& controller = controller_of(line);
  if ((kPciLines & 1u << line) != 0) {
    port_write8(controller.data, static_cast<std::uint8_t>(port_read8(controller.data) & ~bit_of(line)));
  }
}

}  // namespace ringside::guest
