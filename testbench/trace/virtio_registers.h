// Turns accesses to the virtio structures of one device into records, and keeps what the driver has told the device:
// features, queue addresses, MSI-X entries. Addresses leave here only in normalised form.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <utility>

#include "testbench/trace/dma_buffers.h"
#include "testbench/trace/record.h"
#include "testbench/trace/recorder.h"

namespace ringside::trace {

// A queue as the driver has set it up: bus addresses.
struct QueueSetup {
  std::uint16_t size = 0;
  std::uint64_t accepted = 0;            // the device's features
  std::array<std::uint64_t, 3> rings{};  // descriptors, avail, used; of a packed queue the ring and both event areas
};

// Told when the driver starts and stops queues.
class QueueLife {
 public:
  virtual void queue_started(std::uint8_t unit, std::uint16_t queue, const QueueSetup& setup) = 0;
  virtual void queue_stopped(std::uint8_t unit, std::uint16_t queue) = 0;
  virtual void device_reset(std::uint8_t unit) = 0;

 protected:
  ~QueueLife() = default;
};

// Which vector a device's MSI-X entry names: the messages that the machine gave to the driver.
class MsiVectors {
 public:
  void add(std::uint64_t address, std::uint32_t data, unsigned vector) { vectors_[{address, data}] = vector; }
  // All ones when the machine never gave such a message.
  [[nodiscard]] std::uint64_t vector_of(std::uint64_t address, std::uint32_t data) const {
    const auto found = vectors_.find({address, data});
    return found == vectors_.end() ? ~std::uint64_t{0} : found->second;
  }

 private:
  std::map<std::pair<std::uint64_t, std::uint32_t>, unsigned> vectors_;
};

class VirtioRegisters {
 public:
  VirtioRegisters(std::uint8_t unit, Recorder& recorder, const DmaBuffers& buffers, const MsiVectors& vectors,
                  QueueLife& life)
      : unit_(unit), recorder_(recorder), buffers_(buffers), vectors_(vectors), life_(life) {}

  // After the machine has answered.
  void read(Structure structure, std::uint64_t offset, unsigned width, std::uint32_t value);
  // Before the machine acts on it: the cause stands in the log before its effects.
  void write(Structure structure, std::uint64_t offset, unsigned width, std::uint32_t value,
             std::uint32_t notify_multiplier);
  // All of the function, MSI-X included.
  void function_reset();

 private:
  struct Queue {
    QueueSetup setup;
    std::uint16_t notify_offset = 0;
    bool notify_known = false;
    bool running = false;  // enabled, and not reset since
    std::array<std::uint64_t, 3> running_rings{};
  };
  struct MsixEntry {
    std::uint64_t address = 0;
    std::uint32_t data = 0;
    std::uint32_t control = 1;  // masked at power-on
  };
  // Half of a 64-bit queue address that was written and not yet recorded.
  struct PendingHalf {
    bool open = false;
    std::uint16_t queue = 0;
    std::uint32_t offset = 0;
  };

  void common_read(std::uint32_t offset, unsigned width, std::uint32_t value);
  void common_write(std::uint32_t offset, unsigned width, std::uint32_t value);
  void status_write(std::uint8_t value);
  void device_reset();
  void queue_address_read(std::uint32_t offset, std::uint32_t value);
  void queue_address_write(std::uint32_t offset, std::uint32_t value);
  void close_half();
  void queue_enable();
  void offered_read(std::uint32_t value);
  void record_features(std::uint16_t accepted, const std::array<std::uint32_t, 2>& words);
  void msix_read(std::uint32_t offset, unsigned width, std::uint32_t value);
  void msix_write(std::uint32_t offset, unsigned width, std::uint32_t value);
  void doorbell(std::uint64_t offset, unsigned width, std::uint32_t value, std::uint32_t multiplier);
  void record(Kind kind, Structure structure, std::uint64_t offset, unsigned width, std::uint64_t value);
  [[nodiscard]] Queue& selected() { return queues_[queue_select_]; }

  std::uint8_t unit_;
  Recorder& recorder_;
  const DmaBuffers& buffers_;
  const MsiVectors& vectors_;
  QueueLife& life_;

  std::uint32_t offered_select_ = 0;
  std::uint32_t accepted_select_ = 0;
  std::array<std::uint32_t, 2> offered_{};
  std::array<std::uint32_t, 2> accepted_{};
  unsigned offered_known_ = 0;
  std::uint8_t status_ = 0;
  std::uint16_t queue_select_ = 0;
  std::map<std::uint16_t, Queue> queues_;
  std::map<std::uint32_t, MsixEntry> msix_;
  PendingHalf half_;
};

}  // namespace ringside::trace
