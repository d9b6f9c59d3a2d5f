// As little of a client with a driver as brings a served function up and has it read sectors: its memory, and what it
// writes there and into registers.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <span>

#include "model/virtio.h"
#include "testbench/vfio_user/device.h"

namespace ringside::tests {

class ServedDriver {
 public:
  static constexpr std::uint64_t kMemoryBytes = 64 << 10;
  static constexpr std::uint32_t kBar = 4;  // common structure at 0, doorbells at kNotify
  static constexpr std::uint64_t kNotify = 0x3000;
  static constexpr std::uint16_t kSize = 8;
  // In the client's memory.
  static constexpr std::uint64_t kQueue = 0x1000;
  static constexpr std::uint64_t kDriver = 0x2000;
  static constexpr std::uint64_t kDevice = 0x3000;
  static constexpr std::uint64_t kHeaders = 0x4000;
  static constexpr std::uint64_t kData = 0x5000;
  static constexpr std::uint64_t kAvailEvent = kDevice + 4 + 8 * kSize;

  explicit ServedDriver(vfio_user::Device& device)
      : device_(device), file_(::memfd_create("client", MFD_CLOEXEC)), memory_(map_file()) {}
  ~ServedDriver() { ::munmap(memory_, kMemoryBytes); }
  ServedDriver(const ServedDriver&) = delete;
  ServedDriver& operator=(const ServedDriver&) = delete;

  int map(std::uint64_t address, std::uint64_t bytes, std::uint64_t offset = 0) {
    const vfio_user::DmaMap map{sizeof(vfio_user::DmaMap), vfio_user::kDmaReadable | vfio_user::kDmaWritable, offset,
                                address, bytes};
    return device_.map(map, vfio_user::Descriptor(::dup(file_.get())));
  }
  void write(std::uint32_t region, std::uint64_t offset, std::uint64_t value, std::size_t size) {
    std::array<std::uint8_t, 8> bytes{};
    std::memcpy(bytes.data(), &value, sizeof value);
    device_.write(region, offset, std::span(bytes).first(size));
  }
  std::uint64_t read(std::uint32_t region, std::uint64_t offset, std::size_t size) {
    std::array<std::uint8_t, 8> bytes{};
    device_.read(region, offset, std::span(bytes).first(size));
    std::uint64_t value = 0;
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
  }
  template <class T>
  void put(std::uint64_t address, T value) {
    std::memcpy(memory_ + address, &value, sizeof value);
  }
  template <class T>
  [[nodiscard]] T get(std::uint64_t address) const {
    T value;
    std::memcpy(&value, memory_ + address, sizeof value);
    return value;
  }

  // To DRIVER_OK, with EVENT_IDX and one queue (VIRTIO 1.2, 3.1.1 and 4.1.4.3).
  void bring_up() {
    write(vfio_user::kConfig, 4, 6, 2);  // memory and bus master
    write(kBar, 20, 3, 1);
    write(kBar, 12, model::VIRTIO_F_EVENT_IDX, 4);
    write(kBar, 8, 1, 4);
    write(kBar, 12, model::VIRTIO_F_VERSION_1 >> 32, 4);
    write(kBar, 20, 11, 1);
    write(kBar, 24, kSize, 2);
    write(kBar, 26, 1, 2);  // its MSI-X vector
    write(kBar, 32, kQueue, 4);
    write(kBar, 40, kDriver, 4);
    write(kBar, 48, kDevice, 4);
    write(kBar, 28, 1, 2);
    write(kBar, 20, 15, 1);
  }
  // Makes the n-th read available, of sector n, three descriptors each; n from 0.
  void make_available(std::uint16_t n) {
    struct Link {
      std::uint64_t address;
      std::uint32_t length;
      std::uint16_t flags;
      std::uint16_t next;
    };
    const auto head = static_cast<std::uint16_t>(3 * n);
    const std::uint64_t data = kData + 0x400u * n;
    put(kQueue + 16u * head, Link{kHeaders + 16u * n, 16, 1, static_cast<std::uint16_t>(head + 1)});
    put(kQueue + 16u * (head + 1), Link{data, 512, 3, static_cast<std::uint16_t>(head + 2)});
    put(kQueue + 16u * (head + 2), Link{data + 512, 1, 2, 0});
    put(kHeaders + 16u * n + 8, std::uint64_t{n});
    put(data + 512, std::uint8_t{0xff});
    put(kDriver + 4 + 2u * n, head);
    put(kDriver + 2, static_cast<std::uint16_t>(n + 1));
  }
  void ring_bell() { write(kBar, kNotify, 0, 2); }
  [[nodiscard]] std::uint16_t used() const { return get<std::uint16_t>(kDevice + 2); }
  // That the n-th read ended with.
  [[nodiscard]] std::uint8_t status_of(std::uint16_t n) const { return get<std::uint8_t>(kData + 0x400u * n + 512); }

 private:
  [[nodiscard]] std::uint8_t* map_file() const {
    if (::ftruncate(file_.get(), kMemoryBytes) != 0) {
      throw std::bad_alloc();
    }
    void* const memory = ::mmap(nullptr, kMemoryBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file_.get(), 0);
    if (memory == MAP_FAILED) {
      throw std::bad_alloc();
    }
    return static_cast<std::uint8_t*>(memory);
  }

  vfio_user::Device& device_;
  vfio_user::Descriptor file_;
  std::uint8_t* memory_;
};

}  // namespace ringside::tests
