#include "testbench/faults/config_faults.h"

#include <vector>

namespace ringside::faults {
namespace {

constexpr unsigned kMostCapabilities = 48;
constexpr unsigned kFirstCapability = 0x40;
constexpr unsigned kNext = 1;
constexpr std::uint8_t kNowhere = 0xf9;  // bytes that belong to no capability, and no multiple of four
constexpr std::uint8_t kFarAway = 0x7f;  // the upper byte of an offset in a BAR
constexpr std::uint32_t kBarFlags = 0xf;

unsigned bar_at(unsigned offset) {
  return offset >= trace::PCI_BASE_ADDRESS_0 ? (offset - trace::PCI_BASE_ADDRESS_0) / 4 : trace::kPciBars;
}

std::vector<unsigned> capabilities(ConfigPorts& ports) {
  std::vector<unsigned> found;
  for (unsigned at = ports.read8(trace::PCI_CAPABILITY_LIST) & ~3u;
       at >= kFirstCapability && found.size() < kMostCapabilities; at = ports.read8(at + kNext) & ~3u) {
    found.push_back(at);
  }
  return found;
}

}  // namespace

void ConfigPorts::select(unsigned offset) {
  machine_.out32(trace::PCI_CONFIG_ADDRESS, trace::PCI_CONFIG_ENABLE | std::uint32_t{bdf_} << 8 | (offset & 0xfc));
}

void ConfigPorts::restore() { machine_.out32(trace::PCI_CONFIG_ADDRESS, latch_); }

std::uint8_t ConfigPorts::read8(unsigned offset) {
  select(offset);
  const std::uint8_t value = machine_.in8(static_cast<std::uint16_t>(trace::PCI_CONFIG_DATA + (offset & 3)));
  restore();
  return value;
}

std::uint16_t ConfigPorts::read16(unsigned offset) {
  select(offset);
  const std::uint16_t value = machine_.in16(static_cast<std::uint16_t>(trace::PCI_CONFIG_DATA + (offset & 2)));
  restore();
  return value;
}

void ConfigPorts::write16(unsigned offset, std::uint16_t value) {
  select(offset);
  machine_.out16(static_cast<std::uint16_t>(trace::PCI_CONFIG_DATA + (offset & 2)), value);
  restore();
}

unsigned ConfigPorts::capability(std::uint8_t id) {
  for (const unsigned at : capabilities(*this)) {
    if (read8(at) == id) {
      return at;
    }
  }
  return 0;
}

bool ConfigFaults::rewrite(Action action, ConfigPorts& ports) {
  const std::vector<unsigned> list = capabilities(ports);
  if (list.empty()) {
    return false;
  }
  if (action == Action::capability_loop) {
    bytes_[list.back() + kNext] = static_cast<std::uint8_t>(list.front());
  } else if (action == Action::capability_dangling) {
    bytes_[list.front() + kNext] = kNowhere;
  } else {
    for (const unsigned at : list) {
      if (ports.read8(at) == trace::PCI_CAP_ID_VNDR) {
        bytes_[at + trace::kCapOffset + 3] = kFarAway;
      }
    }
  }
  return true;
}

void ConfigFaults::written(unsigned offset, unsigned width, std::uint32_t value) {
  if (const unsigned bar = bar_at(offset); bar < trace::kPciBars && width == 4) {
    sizing_[bar] = (value | kBarFlags) == 0xffff'ffff;
  }
}

std::uint32_t ConfigFaults::read(unsigned offset, unsigned width, std::uint32_t value) const {
  for (unsigned i = 0; i < width; ++i) {
    if (const auto byte = bytes_.find(offset + i); byte != bytes_.end()) {
      value = (value & ~(0xffu << 8 * i)) | std::uint32_t{byte->second} << 8 * i;
    }
  }
  // A BAR that is not there stays away, and the upper half of a wide one has no size of its own.
  const unsigned bar = bar_at(offset);
  const bool sized = bar_bytes_ != 0 && width == 4 && bar < trace::kPciBars && sizing_[bar];
  return sized && value != 0 && value != 0xffff'ffff ? ~(bar_bytes_ - 1) | (value & kBarFlags) : value;
}

}  // namespace ringside::faults
