// The split virtqueue (VIRTIO 1.2, 2.7), device's side. The driver owns the rings and may write anything into them:
// each word is read once, checked, and kept here.
#pragma once

#include <cstdint>
#include <memory>

#include "model/dma_port.h"
#include "model/quirk_log.h"
#include "model/virtio.h"

namespace ringside::model {

inline constexpr std::uint16_t kQueueSizeMax = 256;        // what queue_size offers
inline constexpr std::uint16_t kQueueSizeLimit = 1024;     // what it may be set to where that is not checked
inline constexpr std::uint16_t kMaxChain = kQueueSizeMax;  // descriptors, in an indirect table or out of it

inline constexpr std::uint64_t kMaxChainBytes = 0xffff'ffff;  // 2.7.4: no more than 4 GiB; a used length must hold it

// One piece of a chain, in bus addresses.
struct Segment {
  std::uint64_t address;
  std::uint32_t size;
};

// A chain as fetched: readable segments first, then writable ones, all of them in RAM.
struct Chain {
  Segment* segments = nullptr;  // room for kMaxChain, given by the caller
  std::uint16_t readable = 0;
  std::uint16_t writable = 0;
  std::uint64_t readable_bytes = 0;
  std::uint64_t writable_bytes = 0;
  std::uint16_t head = 0;
};

class SplitQueue {
 public:
  // What the driver sets, through the common configuration structure.
  struct Registers {
    std::uint16_t size = kQueueSizeMax;
    std::uint16_t msix_vector = VIRTIO_MSI_NO_VECTOR;
    bool enabled = false;
    std::uint64_t desc = 0;
    std::uint64_t driver = 0;
    std::uint64_t device = 0;
  };
  Registers registers;

  SplitQueue(DmaPort& dma, QuirkLog& quirks)
      : dma_(dma), quirks_(quirks), table_(std::make_unique<VirtqDesc[]>(kMaxChain)) {}

  // Power-on state, of registers and indices.
  void reset();
  // The same for one queue (2.6.1), but that the addresses can still be read.
  void reset_one();
  void enable(std::uint64_t features);

  // How many chains the driver has made available and the device has not fetched; more than the queue holds, or rings
  // that cannot be read, is malformed.
  enum class Look : std::uint8_t { nothing, something, malformed };
  [[nodiscard]] Look look();
  // Fetches the next one; only after `something`. False when it is malformed.
  [[nodiscard]] bool fetch(Chain& chain);
  // Asks for a notification of the next chain that is made available (2.7.10).
  void ask_for_notification();

  // --- Completion, in this order.
  void put_used(std::uint16_t head, std::uint32_t length);
  void publish_used();
  // Whether the chain just published is one the driver wants an interrupt for (2.7.7).
  [[nodiscard]] bool interrupt_wanted();

  // How many more chains must be published before the driver wants an interrupt; 0 when none is wanted so far as its
  // wishes stand now. Looks at memory without a transaction of the device: it decides when to simulate, not what.
  [[nodiscard]] unsigned completions_to_interrupt() const;

  [[nodiscard]] std::uint16_t used_index() const { return used_index_; }
  [[nodiscard]] std::uint32_t fetched() const { return fetched_; }

  // DMA that completing one chain takes, besides its data.
  [[nodiscard]] static Picoseconds completion_cost(const Latencies& latencies) {
    return latencies.dma(sizeof(VirtqUsedElem)) + 2 * latencies.dma(sizeof(std::uint16_t));
  }

 private:
  [[nodiscard]] std::uint64_t used_event_address() const { return registers.driver + 4 + 2ull * registers.size; }
  [[nodiscard]] std::uint64_t avail_event_address() const { return registers.device + 4 + 8ull * registers.size; }
  [[nodiscard]] std::uint16_t slot(std::uint16_t index) const {
    return power_of_two_ ? static_cast<std::uint16_t>(index & (registers.size - 1))
                         : static_cast<std::uint16_t>(index % registers.size);
  }
  [[nodiscard]] bool add(Chain& chain, const VirtqDesc& descriptor) const;
  [[nodiscard]] bool fetch_indirect(Chain& chain, const VirtqDesc& descriptor);

  DmaPort& dma_;
  QuirkLog& quirks_;
  std::unique_ptr<VirtqDesc[]> table_;  // an indirect table, read once
  bool event_index_ = false;
  bool indirect_ = false;
  bool power_of_two_ = true;
  std::uint16_t available_ = 0;  // avail.idx as last read
  std::uint16_t next_ = 0;       // of the available ring
  std::uint16_t used_index_ = 0;
  std::uint32_t fetched_ = 0;
};

}  // namespace ringside::model
