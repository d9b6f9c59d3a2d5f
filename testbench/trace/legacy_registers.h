// The legacy interface (VIRTIO 1.2, 4.1.4.8, 4.1.5.1.3) of one device: the same records as of the modern structures,
// where it means the same: the device's configuration, status, ISR, doorbells, features, queues.
#pragma once

#include <array>
#include <cstdint>
#include <map>

#include "testbench/trace/dma_buffers.h"
#include "testbench/trace/record.h"
#include "testbench/trace/recorder.h"
#include "testbench/trace/virtio_registers.h"

namespace ringside::trace {

class LegacyRegisters {
 public:
  LegacyRegisters(std::uint8_t unit, Recorder& recorder, const DmaBuffers& buffers, QueueLife& life)
      : unit_(unit), recorder_(recorder), buffers_(buffers), life_(life) {}

  // After the machine has answered; before it acts. Where the device's configuration begins depends on MSI-X.
  void read(std::uint64_t offset, unsigned width, std::uint32_t value, bool msix_enabled);
  void write(std::uint64_t offset, unsigned width, std::uint32_t value, bool msix_enabled);

 private:
  struct Queue {
    std::uint16_t size = 0;
    std::uint32_t page = 0;
  };

  [[nodiscard]] bool is_elsewhere(Kind kind, std::uint64_t offset, unsigned width, std::uint32_t value,
                                  bool msix_enabled);
  void status_write(std::uint8_t value);
  void page_write(std::uint32_t page);
  void record(Kind kind, Structure structure, std::uint64_t offset, unsigned width, std::uint64_t value);
  void record_features(std::uint16_t accepted, std::uint32_t features);
  [[nodiscard]] std::uint64_t packed_page(std::uint32_t page) const;

  std::uint8_t unit_;
  Recorder& recorder_;
  const DmaBuffers& buffers_;
  QueueLife& life_;
  bool offered_known_ = false;
  std::uint32_t accepted_ = 0;
  std::uint16_t queue_select_ = 0;
  std::map<std::uint16_t, Queue> queues_;
};

}  // namespace ringside::trace
