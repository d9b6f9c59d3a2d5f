#include "testbench/fuzz/lying_machine.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "testbench/fuzz/finding.h"

namespace ringside::fuzz {
namespace {

constexpr std::uint64_t kMostSteps = 4'000'000;  // of one phase; hostile devices have cost a tenth of it
// Power-off alone gives it back. A device that offers four of the largest rings makes the driver take some 42 MiB (half
// of its budget of tables, and 88 bytes for each of 131072 slots), and the driver still has to come up with an honest
// one.
constexpr std::size_t kMostPrivateBytes = 64u << 20;
constexpr std::uint64_t kWorkTime = 10 * hal::kMicrosecond;  // of the device, for one request
constexpr std::uint64_t kLookTime = hal::kMicrosecond;
// A line that is stuck interrupts as fast as its driver can look, which is not infinitely fast.
constexpr std::uint64_t kReadTime = hal::kMicrosecond;

constexpr std::uint16_t kConfigAddress = 0xcf8;
constexpr std::uint16_t kConfigData = 0xcfc;
constexpr unsigned kDisk = 4u << 3;
constexpr unsigned kIsaBridge = 1u << 3;
constexpr unsigned kRoutes = 0x60;
constexpr std::uint32_t kIsaBridgeId = 0x7000'8086;

}  // namespace

void LyingMachine::step() { require(++steps_ < kMostSteps, "the driver does not come to an end"); }

hal::MachineInfo LyingMachine::info() {
  return {{0xc000, 0x4000}, {0xe000'0000, 0x1000'0000}, LyingDisk::kVectors, {0x8'0000'0000, 0x4'0000'0000}, {}, {}};
}

// --- Registers

std::uint32_t LyingMachine::read_bridge(unsigned offset, unsigned width) const {
  std::uint32_t value = 0;
  if (offset < 4) {
    value = kIsaBridgeId >> 8 * offset;
  } else if (offset >= kRoutes && offset + width <= kRoutes + routes_.size()) {
    std::memcpy(&value, routes_.data() + (offset - kRoutes), width);
  }
  return value;
}

std::uint32_t LyingMachine::read_port(std::uint16_t port, unsigned width) {
  step();
  time_ += kReadTime;
  if (port < kConfigData || port >= kConfigData + 4) {
    return disk_.read(true, port, width);
  }
  const unsigned function = config_address_ >> 8 & 0xffff;
  const unsigned offset = (config_address_ & 0xfc) + (port & 3u);
  if (function == kDisk) {
    return disk_.read_config(offset, width);
  }
  if (function == kIsaBridge) {
    return read_bridge(offset, width);
  }
  const Lie* const lie = lies_.next(On::absent_read);
  return lie == nullptr ? ~0u : static_cast<std::uint32_t>(altered(~std::uint64_t{0}, *lie));
}

void LyingMachine::write_port(std::uint16_t port, unsigned width, std::uint32_t value) {
  step();
  const unsigned function = config_address_ >> 8 & 0xffff;
  const unsigned offset = (config_address_ & 0xfc) + (port & 3u);
  if (port == kConfigAddress) {
    config_address_ = value;
  } else if (port < kConfigData || port >= kConfigData + 4) {
    disk_.write(true, port, width, value);
  } else if (function == kDisk) {
    disk_.write_config(offset, width, value);
  } else if (function == kIsaBridge && offset >= kRoutes && offset < kRoutes + routes_.size()) {
    routes_[offset - kRoutes] = static_cast<std::uint8_t>(value);
  }
}

std::uint32_t LyingMachine::read_memory(std::uint64_t address, unsigned width) {
  step();
  time_ += kReadTime;
  return disk_.read(false, address, width);
}

void LyingMachine::write_memory(std::uint64_t address, unsigned width, std::uint32_t value) {
  step();
  disk_.write(false, address, width, value);
}

// --- Memory

hal::DmaBuffer LyingMachine::alloc_dma_buffer(std::size_t size, std::size_t alignment) {
  step();
  return memory_.alloc(size, alignment);
}

void LyingMachine::free_dma_buffer(const hal::DmaBuffer& buffer) {
  step();
  memory_.free(buffer);
}

hal::BusAddress LyingMachine::map(void* cpu, std::size_t size, hal::DmaDirection direction) {
  step();
  return memory_.map(cpu, size, direction);
}

void LyingMachine::unmap(hal::BusAddress bus, std::size_t size, hal::DmaDirection direction) {
  step();
  memory_.unmap(bus, size, direction);
}

hal::BusAddress LyingMachine::virt_to_phys(const void* cpu) { return memory_.bus_of(cpu, 1); }

void* LyingMachine::alloc_private(std::size_t size, std::size_t alignment) {
  step();
  if (size > kMostPrivateBytes - private_bytes_) {
    return nullptr;
  }
  private_bytes_ += size;
  const auto align = std::align_val_t{alignment};
  auto* const memory = static_cast<std::uint8_t*>(::operator new[](size, align));
  private_.push_back({memory, Release{align}});
  std::memset(memory, 0, size);
  return memory;
}

std::uint64_t LyingMachine::load(const void* address, unsigned size) {
  step();
  if (const Lie* const lie = lies_.next(On::load)) {
    const std::uint64_t value = altered(hal::load_shared(address, size), *lie);
    if (memory_.bus_of(address, size) != hal::kInvalidBusAddress) {
      hal::store_shared(const_cast<void*>(address), size, value);  // the device's store, not the driver's
    }
  }
  return hal::load_shared(address, size);
}

void LyingMachine::store(void* address, unsigned size, std::uint64_t value) {
  step();
  hal::store_shared(address, size, value);
}

// --- Interrupts and time

hal::MsiMessage LyingMachine::msi_message(unsigned vector) { return {0xfee0'0000, vector}; }

std::uint64_t LyingMachine::count(unsigned vector) const {
  return vector >= hal::kFirstLineVector ? disk_.pin() : disk_.messages(vector);
}

std::uint64_t LyingMachine::interrupts(unsigned vector) {
  step();
  return count(vector);
}

void LyingMachine::acknowledge(unsigned vector) {
  step();
  if (vector >= hal::kFirstLineVector) {
    disk_.acknowledge_pin();
  }
}

std::uint64_t LyingMachine::now() {
  step();
  return time_;
}

void LyingMachine::sleep_until(std::uint64_t deadline) {
  require(deadline != ~std::uint64_t{0}, "the driver waits without a deadline for what will not come");
  time_ = std::max(time_, deadline);
}

void LyingMachine::rest() {
  const std::uint64_t lost = disk_.rest();
  time_ += lost;
  lost_time_ += lost;
}

bool LyingMachine::wait(unsigned vector, std::uint64_t seen, std::uint64_t deadline) {
  step();
  rest();
  while (count(vector) == seen) {
    if (time_ >= deadline) {
      return false;
    }
    if (disk_.work()) {
      time_ += kWorkTime;
    } else {
      sleep_until(deadline);
    }
  }
  return true;
}

void LyingMachine::relax(std::uint64_t deadline) {
  step();
  rest();
  time_ += kLookTime;
  if (disk_.work()) {
    time_ += kWorkTime;
  } else {
    sleep_until(deadline);
  }
}

void LyingMachine::log(const char*, std::size_t) {}

}  // namespace ringside::fuzz
