// A virtio block device that is plain function calls: no simulation, no time, no transactions. It serves its queue
// inside the doorbell, with memcpy, on the same rings and the same kind of memory as the model. What the same driver
// reaches on it is the floor of what any device can cost it.
//
// It is made for measuring: a request that breaks the rules ends the run, it is not answered.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "testbench/cli/bench/page_memory.h"

namespace ringside::cli {

class FloorDevice {
 public:
  // `ram` is bus address 0; `ram_bytes` bounds every address that a driver gives.
  FloorDevice(std::uint8_t* ram, std::uint64_t ram_bytes, std::uint64_t disk_bytes);

  [[nodiscard]] std::uint32_t read_config(std::uint8_t offset, unsigned width) const;
  void write_config(std::uint8_t offset, unsigned width, std::uint32_t value);

  // An address that none of the BARs decodes reads as all-ones.
  [[nodiscard]] std::uint32_t read(std::uint64_t address, unsigned width) const;
  void write(std::uint64_t address, unsigned width, std::uint32_t value);

  // Interrupts raised by the queue since power-on, and the vector of the machine that they go to.
  [[nodiscard]] std::uint64_t interrupts() const { return interrupts_; }
  [[nodiscard]] std::uint32_t interrupt_data() const;

 private:
  struct Descriptor {
    std::uint64_t address;
    std::uint32_t length;
    std::uint16_t flags;
    std::uint16_t next;
  };
  struct Queue {
    std::uint64_t descriptors = 0;
    std::uint64_t available = 0;
    std::uint64_t used = 0;
    std::uint16_t size = 256;
    std::uint16_t vector = 0xffff;
    std::uint16_t enabled = 0;
    std::uint16_t taken = 0;
    std::uint16_t published = 0;
  };

  [[nodiscard]] std::uint64_t bar(unsigned index) const;
  [[nodiscard]] std::uint32_t read_common(std::uint32_t offset) const;
  void write_common(std::uint32_t offset, std::uint32_t value);
  void reset();

  void serve_queue();
  [[nodiscard]] std::uint32_t serve_chain(std::uint16_t head);
  [[nodiscard]] std::uint32_t transfer(const Descriptor* chain, std::size_t count);
  void publish(std::uint16_t used_index);

  // Guest memory, checked.
  [[nodiscard]] std::uint8_t* memory(std::uint64_t address, std::uint64_t size) const;
  template <class T>
  [[nodiscard]] T load(std::uint64_t address) const;
  template <class T>
  void store(std::uint64_t address, T value) const;

  std::uint8_t* ram_;
  std::uint64_t ram_bytes_;
  PageMemory disk_;
  std::array<std::uint8_t, 256> config_{};
  std::array<std::uint32_t, 8> msix_table_{};  // two entries: configuration changes and the queue
  std::array<std::uint8_t, 64> device_config_{};
  Queue queue_;
  std::uint64_t accepted_ = 0;
  std::uint32_t feature_select_ = 0;
  std::uint32_t accept_select_ = 0;
  std::uint16_t config_vector_ = 0xffff;
  std::uint16_t queue_select_ = 0;
  std::uint8_t status_ = 0;
  std::uint64_t interrupts_ = 0;
};

}  // namespace ringside::cli
