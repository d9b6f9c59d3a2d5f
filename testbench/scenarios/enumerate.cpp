// Each function is asked in 8, 16 and 32 bits: the data port's byte lanes must agree.
#include "driver/pci/bar.h"
#include "driver/pci/bus.h"
#include "driver/pci/capability.h"
#include "driver/pci/registers.h"
#include "testbench/scenarios/list.h"

namespace ringside::scenarios {
namespace {

void check_lanes(Context& context, const pci::ConfigSpace& config, pci::Address address) {
  bool agree = true;
  for (unsigned offset = 0; offset < 0x40; offset += 4) {
    const auto reg = static_cast<std::uint8_t>(offset);
    const std::uint32_t whole = config.read32(address, reg);
    for (unsigned lane = 0; lane < 4; ++lane) {
      const auto byte = static_cast<std::uint8_t>(whole >> (8 * lane));
      agree = agree && config.read8(address, static_cast<std::uint8_t>(reg + lane)) == byte;
    }
    agree = agree && config.read16(address, static_cast<std::uint8_t>(reg + 2)) == whole >> 16;
  }
  context.check(agree, "8, 16 and 32-bit reads agree");
}

void observe_bars(Context& context, const pci::ConfigSpace& config, const pci::DeviceInfo& info) {
  for (unsigned index = 0; index < info.bar_count(); ++index) {
    const pci::Bar bar = pci::get_bar(config, info.address, index, info.bar_count());
    context.observe("BAR kind", static_cast<std::uint64_t>(bar.kind) | (bar.prefetchable ? 0x100u : 0u));
    context.observe("BAR size", bar.size);
    if (bar.kind == pci::BarKind::memory64) {
      ++index;
    }
  }
}

void observe_capabilities(Context& context, const pci::ConfigSpace& config, pci::Address address) {
  pci::CapabilityWalk walk(config, address);
  for (pci::Capability capability; walk.next(capability);) {
    context.observe("capability", std::uint64_t{capability.id} << 8 | capability.offset);
  }
  context.check(!walk.malformed(), "the capability list ends");
}

}  // namespace

void enumerate(Context& context) {
  pci::Bus bus(context.machine());
  if (!context.check(bus.init(), "the bus is scanned")) {
    return;
  }
  context.observe("functions", bus.count());
  context.check(bus.count() != 0, "there is a function");
  for (unsigned i = 0; i < bus.count(); ++i) {
    const pci::DeviceInfo& info = bus[i];
    context.observe("class", info.class_code);
    context.observe("revision", info.revision);
    context.observe("interrupt pin and line", std::uint64_t{info.interrupt_pin} << 8 | info.interrupt_line);
    check_lanes(context, bus.config(), info.address);
    observe_bars(context, bus.config(), info);
    observe_capabilities(context, bus.config(), info.address);
  }
  const pci::Address absent{0, 31, 7};
  context.observe("an absent function", bus.config().read32(absent, pci::PCI_VENDOR_ID));
}

}  // namespace ringside::scenarios
