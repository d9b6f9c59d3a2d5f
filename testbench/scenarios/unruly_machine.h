// A machine whose disk does what no device should, and which watches what the driver makes of it. Between the driver
// and the machine, so that the log shows what reaches the device.
//
// It knows the disk's registers by the first byte that a driver writes: device_status, for its reset (VIRTIO 1.2,
// 3.1.1). So it is for one disk with the modern registers mapped.
#pragma once

#include <cstddef>
#include <cstdint>

#include "driver/pci/registers.h"
#include "driver/virtio/spec.h"
#include "testbench/scenarios/forwarding_machine.h"

namespace ringside::scenarios {

class UnrulyMachine : public ForwardingMachine {
 public:
  using ForwardingMachine::ForwardingMachine;
  ~UnrulyMachine() = default;

  // --- What is wrong with the disk
  enum class QueueReset : std::uint8_t { as_it_comes, slow, never };
  QueueReset queue_reset = QueueReset::as_it_comes;
  bool deaf = false;                    // a reset is not heard
  bool keeps_the_bus = false;           // bus mastering cannot be taken from it
  bool needs_reset = false;             // DEVICE_NEEDS_RESET, until the reset
  void (*cured)(void* user) = nullptr;  // called at that reset
  void* cured_user = nullptr;
  bool incurable = false;   // DEVICE_NEEDS_RESET whenever DRIVER_OK is set
  std::uint64_t storm = 0;  // that many configuration interrupts still come, one for each look

  // --- What the driver did
  [[nodiscard]] std::size_t mapped() const { return mapped_; }    // and not unmapped
  [[nodiscard]] std::size_t buffers() const { return buffers_; }  // allocated and not freed
  // DMA buffers that were freed while neither device nor queue had been reset.
  [[nodiscard]] std::size_t freed_too_early() const { return freed_too_early_; }

  // All data is mapped, so that it can be counted; unless some is to go the short way.
  hal::DirectDma direct{};
  hal::MachineInfo info() override {
    hal::MachineInfo info = inner_.info();
    info.direct_dma = direct;
    return info;
  }

  std::uint8_t mmio_read8(std::uint64_t address) override {
    const std::uint8_t value = inner_.mmio_read8(address);
    const bool broken = needs_reset || (incurable && (value & virtio::VIRTIO_CONFIG_S_DRIVER_OK) != 0);
    return address == status_ && broken ? static_cast<std::uint8_t>(value | virtio::VIRTIO_CONFIG_S_NEEDS_RESET)
                                        : value;
  }
  void mmio_write8(std::uint64_t address, std::uint8_t value) override {
    status_ = status_ == 0 ? address : status_;
    if (address == status_) {
      if (value == 0 && deaf) {
        return;
      }
      live_ = value != 0;
    }
    inner_.mmio_write8(address, value);
    if (address == status_ && value == 0 && needs_reset) {
      needs_reset = false;
      if (cured != nullptr) {
        cured(cured_user);
      }
    }
  }

  std::uint16_t mmio_read16(std::uint64_t address) override {
    if (address != queue_reset_register() || queue_reset == QueueReset::as_it_comes || resetting_ == 0) {
      return inner_.mmio_read16(address);
    }
    if (queue_reset == QueueReset::slow && --resetting_ == 0) {
      reset_queue();
      return inner_.mmio_read16(address);
    }
    return 1;
  }
  void mmio_write16(std::uint64_t address, std::uint16_t value) override {
    if (address == queue_reset_register()) {
      resetting_ = kSlowReads;
      if (queue_reset == QueueReset::as_it_comes) {
        reset_queue();
      }
      return;
    }
    queue_let_go_ = queue_let_go_ && address != common() + virtio::VIRTIO_PCI_COMMON_Q_ENABLE;
    inner_.mmio_write16(address, value);
  }

  void out32(std::uint16_t port, std::uint32_t value) override {
    config_address_ = port == kConfigAddress ? value : config_address_;
    inner_.out32(port, value);
  }
  void out16(std::uint16_t port, std::uint16_t value) override {
    const bool command = port == kConfigData && (config_address_ & 0xfc) == pci::PCI_COMMAND;
    if (command && keeps_the_bus) {
      value = static_cast<std::uint16_t>(value | pci::PCI_COMMAND_MASTER);
    }
    live_ = live_ && !(command && (value & pci::PCI_COMMAND_MASTER) == 0);
    inner_.out16(port, value);
  }

  hal::DmaBuffer alloc_dma_buffer(std::size_t size, std::size_t alignment) override {
    ++buffers_;
    return inner_.alloc_dma_buffer(size, alignment);
  }
  void free_dma_buffer(const hal::DmaBuffer& buffer) override {
    --buffers_;
    freed_too_early_ += live_ && !queue_let_go_ ? 1 : 0;
    inner_.free_dma_buffer(buffer);
  }
  hal::BusAddress map(void* cpu, std::size_t size, hal::DmaDirection direction) override {
    const hal::BusAddress bus = inner_.map(cpu, size, direction);
    mapped_ += bus != hal::kInvalidBusAddress ? 1 : 0;
    return bus;
  }
  void unmap(hal::BusAddress bus, std::size_t size, hal::DmaDirection direction) override {
    --mapped_;
    inner_.unmap(bus, size, direction);
  }

  // A queue's reset that is slow takes time, and not only a number of looks.
  void relax(std::uint64_t deadline) override {
    const std::uint64_t soon = inner_.now() + hal::kMillisecond;
    inner_.relax(queue_reset == QueueReset::slow && resetting_ != 0 && soon < deadline ? soon : deadline);
  }

  // Configuration changes have vector 0.
  std::uint64_t interrupts(unsigned vector) override {
    if (vector == 0 && storm != 0) {
      --storm;
      ++stormed_;
    }
    return inner_.interrupts(vector) + (vector == 0 ? stormed_ : 0);
  }
  bool wait(unsigned vector, std::uint64_t seen, std::uint64_t deadline) override {
    if (storm == 0 || vector == 0) {
      return inner_.wait(vector, vector == 0 ? seen - stormed_ : seen, deadline);
    }
    return inner_.wait(vector, seen, inner_.now() + kStormInterval);  // it costs time even when none is left
  }

 private:
  static constexpr std::uint16_t kConfigAddress = 0xcf8;
  static constexpr std::uint16_t kConfigData = 0xcfc;
  static constexpr unsigned kSlowReads = 3;
  static constexpr std::uint64_t kStormInterval = 100 * hal::kMicrosecond;

  [[nodiscard]] std::uint64_t common() const { return status_ - virtio::VIRTIO_PCI_COMMON_STATUS; }
  [[nodiscard]] std::uint64_t queue_reset_register() const { return common() + virtio::VIRTIO_PCI_COMMON_Q_RESET; }
  void reset_queue() {
    inner_.mmio_write16(queue_reset_register(), 1);
    queue_let_go_ = true;
  }

  std::uint64_t status_ = 0;   // where it is; 0: not known yet
  bool live_ = false;          // status was written and not reset, and the bus not taken away
  bool queue_let_go_ = false;  // one was reset, and none enabled since
  unsigned resetting_ = 0;     // reads until a queue's reset goes through
  std::uint32_t config_address_ = 0;
  std::uint64_t stormed_ = 0;
  std::size_t mapped_ = 0;
  std::size_t buffers_ = 0;
  std::size_t freed_too_early_ = 0;
};

}  // namespace ringside::scenarios
