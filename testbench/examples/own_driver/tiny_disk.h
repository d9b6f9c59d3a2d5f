// Somebody's own driver, as small as one can be: the first modern virtio-blk on bus 0, one queue of four descriptors,
// one read at a time, completion by polling. It knows Ringside's hardware interface and nothing else of Ringside.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>

#include "driver/hal/machine.h"
#include "driver/hal/memory.h"

namespace example {

namespace hal = ringside::hal;

template <class Memory>
class TinyDisk {
 public:
  TinyDisk(hal::Machine& machine, Memory memory) : machine_(machine), memory_(memory) {}

  // False when there is no such disk, or it does not come up.
  bool init() { return find() && assign_bar() && find_structures() && negotiate() && set_up_queue(); }

  // Reads data.size bytes, a multiple of 512. False on an error, or when nothing came back within a second.
  bool read(std::uint64_t sector, const hal::DmaBuffer& data) {
    constexpr std::uint16_t kNext = 1;
    constexpr std::uint16_t kDeviceWrites = 2;
    memory_.store(&request()->type_and_reserved, std::uint64_t{0});  // VIRTIO_BLK_T_IN
    memory_.store(&request()->sector, sector);
    memory_.store(&request()->status, std::uint8_t{0xff});
    describe(0, request_.bus, 16, kNext);
    describe(1, data.bus, static_cast<std::uint32_t>(data.size), kNext | kDeviceWrites);
    describe(2, request_.bus + offsetof(Request, status), 1, kDeviceWrites);
    memory_.store(&available()->ring[published_ % kQueueSize], std::uint16_t{0});
    // The device that sees the new index also sees the descriptors.
    memory_.template fence<hal::Fence::avail_publish>();
    memory_.store(&available()->index, ++published_);
    memory_.template fence<hal::Fence::avail_notify>();
    machine_.mmio_write16(notify_, 0);

    const std::uint64_t deadline = machine_.now() + hal::kSecond;
    while (memory_.load(&used()->index) != published_) {
      if (machine_.now() >= deadline) {
        return false;
      }
      machine_.relax(deadline);
    }
    // Pairs with the device's release of the index: the status is read after it.
    memory_.template fence<hal::Fence::used_consume>();
    return memory_.load(&request()->status) == 0;
  }

  // The device lets go of all memory.
  void stop() {
    machine_.mmio_write8(common_ + kStatus, 0);
    const std::uint64_t deadline = machine_.now() + hal::kSecond;
    while (machine_.mmio_read8(common_ + kStatus) != 0 && machine_.now() < deadline) {
      machine_.relax(deadline);
    }
  }

 private:
  static constexpr std::uint16_t kQueueSize = 4;
  static constexpr std::uint8_t kModernBar = 4;  // where QEMU's device and the model have their structures
  static constexpr std::uint32_t kBarBytes = 0x4000;

  // VIRTIO 1.2, 4.1.4.3: offsets in the common configuration structure.
  static constexpr std::uint64_t kDriverFeatureSelect = 0x08;
  static constexpr std::uint64_t kDriverFeature = 0x0c;
  static constexpr std::uint64_t kStatus = 0x14;
  static constexpr std::uint64_t kQueueSelect = 0x16;
  static constexpr std::uint64_t kQueueSizeRegister = 0x18;
  static constexpr std::uint64_t kQueueEnable = 0x1c;
  static constexpr std::uint64_t kQueueAddresses = 0x20;

  struct Descriptor {
    std::uint64_t address;
    std::uint64_t length_flags_next;
  };
  struct Available {
    std::uint16_t flags;
    std::uint16_t index;
    std::uint16_t ring[kQueueSize];
    std::uint16_t used_event;
  };
  struct Used {
    std::uint16_t flags;
    std::uint16_t index;
    std::uint32_t ring[2 * kQueueSize];  // pairs of id and length
    std::uint16_t avail_event;
  };
  struct Request {
    std::uint64_t type_and_reserved;
    std::uint64_t sector;
    std::uint8_t status;
  };

  Descriptor* descriptor(unsigned index) { return static_cast<Descriptor*>(descriptors_.cpu) + index; }
  Available* available() { return static_cast<Available*>(available_.cpu); }
  Used* used() { return static_cast<Used*>(used_.cpu); }
  Request* request() { return static_cast<Request*>(request_.cpu); }

  void describe(unsigned index, hal::BusAddress address, std::uint32_t length, std::uint16_t flags) {
    memory_.store(&descriptor(index)->address, hal::raw(address));
    memory_.store(&descriptor(index)->length_flags_next,
                  length | std::uint64_t{flags} << 32 | std::uint64_t{index + 1} << 48);
  }

  std::uint32_t config_read(std::uint8_t offset) {
    machine_.out32(0xcf8, 0x8000'0000u | unsigned{device_} << 11 | offset);
    return machine_.in32(0xcfc);
  }
  void config_write(std::uint8_t offset, std::uint32_t value) {
    machine_.out32(0xcf8, 0x8000'0000u | unsigned{device_} << 11 | offset);
    machine_.out32(0xcfc, value);
  }

  bool find() {
    for (device_ = 0; device_ < 32; ++device_) {
      const std::uint32_t identity = config_read(0);
      if (identity == 0x1001'1af4 || identity == 0x1042'1af4) {
        return true;
      }
    }
    return false;
  }

  bool assign_bar() {
    const hal::Window window = machine_.info().memory_window;
    constexpr std::uint8_t kRegister = 0x10 + 4 * kModernBar;
    config_write(kRegister, static_cast<std::uint32_t>(window.base));
    config_write(kRegister + 4, 0);
    config_write(0x04, 0x6);  // memory decoding, bus mastering
    bar_ = window.base;
    return window.size >= kBarBytes;
  }

  // 4.1.4: the capabilities say where the structures lie: in which BAR, where in it, and how long.
  bool find_structures() {
    constexpr std::uint8_t kVendorSpecific = 0x09;
    constexpr std::uint8_t kCommonConfig = 1;
    constexpr std::uint8_t kNotify = 2;
    std::uint8_t at = config_read(0x34) & 0xfc;
    for (unsigned steps = 0; at != 0 && steps < 48; ++steps) {  // a list that a device wrote may be a loop
      const std::uint32_t head = config_read(at);
      const std::uint32_t bar = config_read(static_cast<std::uint8_t>(at + 4)) & 0xff;
      const std::uint32_t offset = config_read(static_cast<std::uint8_t>(at + 8));
      const std::uint32_t length = config_read(static_cast<std::uint8_t>(at + 12));
      const bool usable =
          (head & 0xff) == kVendorSpecific && bar == kModernBar && offset < kBarBytes && length <= kBarBytes - offset;
      if (usable && head >> 24 == kCommonConfig) {
        common_ = bar_ + offset;
      } else if (usable && head >> 24 == kNotify) {
        notify_ = bar_ + offset;  // queue 0's doorbell; in general at queue_notify_off times notify_off_multiplier
      }
      at = head >> 8 & 0xfc;
    }
    return common_ != 0 && notify_ != 0;
  }

  bool negotiate() {
    constexpr std::uint8_t kAcknowledge = 1;
    constexpr std::uint8_t kDriver = 2;
    constexpr std::uint8_t kFeaturesOk = 8;
    stop();
    machine_.mmio_write8(common_ + kStatus, kAcknowledge);
    machine_.mmio_write8(common_ + kStatus, kAcknowledge | kDriver);
    machine_.mmio_write32(common_ + kDriverFeatureSelect, 0);
    machine_.mmio_write32(common_ + kDriverFeature, 0);
    machine_.mmio_write32(common_ + kDriverFeatureSelect, 1);
    machine_.mmio_write32(common_ + kDriverFeature, 1);  // VIRTIO_F_VERSION_1 and nothing else
    machine_.mmio_write8(common_ + kStatus, kAcknowledge | kDriver | kFeaturesOk);
    return (machine_.mmio_read8(common_ + kStatus) & kFeaturesOk) != 0;
  }

  bool set_up_queue() {
    constexpr std::uint8_t kAllOk = 1 | 2 | 4 | 8;
    descriptors_ = machine_.alloc_dma_buffer(kQueueSize * sizeof(Descriptor), 16);
    available_ = machine_.alloc_dma_buffer(sizeof(Available), 2);
    used_ = machine_.alloc_dma_buffer(sizeof(Used), 4);
    request_ = machine_.alloc_dma_buffer(sizeof(Request), 8);
    if (descriptors_.cpu == nullptr || available_.cpu == nullptr || used_.cpu == nullptr || request_.cpu == nullptr) {
      return false;
    }
    machine_.mmio_write16(common_ + kQueueSelect, 0);
    machine_.mmio_write16(common_ + kQueueSizeRegister, kQueueSize);
    std::uint64_t at = common_ + kQueueAddresses;
    for (const hal::DmaBuffer* const part : {&descriptors_, &available_, &used_}) {
      machine_.mmio_write32(at, static_cast<std::uint32_t>(hal::raw(part->bus)));
      machine_.mmio_write32(at + 4, static_cast<std::uint32_t>(hal::raw(part->bus) >> 32));
      at += 8;
    }
    machine_.mmio_write16(common_ + kQueueEnable, 1);
    machine_.mmio_write8(common_ + kStatus, kAllOk);
    return machine_.mmio_read8(common_ + kStatus) == kAllOk;
  }

  hal::Machine& machine_;
  [[no_unique_address]] Memory memory_;
  std::uint8_t device_ = 0;
  std::uint64_t bar_ = 0;
  std::uint64_t common_ = 0;
  std::uint64_t notify_ = 0;
  hal::DmaBuffer descriptors_;
  hal::DmaBuffer available_;
  hal::DmaBuffer used_;
  hal::DmaBuffer request_;
  std::uint16_t published_ = 0;
};

}  // namespace example
