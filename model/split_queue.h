// The split virtqueue (VIRTIO 1.2, 2.7), device's side. The driver owns the rings and may write anything into them:
// each word is read once, checked, and kept here.
#pragma once

#include <cstdint>

#include "model/chain.h"
#include "model/dma_port.h"
#include "model/quirk_log.h"
#include "model/virtio.h"

namespace ringside::model {

class SplitQueue {
 public:
  SplitQueue(DmaPort& dma, QuirkLog& quirks, IndirectTable& table) : dma_(dma), quirks_(quirks), table_(table) {}

  void reset();
  void enable(const RingPlace& place);
  void set_features(std::uint64_t features);
  // Of a ring that is in use, which no driver does.
  void resize(std::uint16_t size);

  // Whether the driver has made a chain available that the device has not fetched.
  [[nodiscard]] Look look();
  // Fetches the next one; only after `something`. False when it is malformed.
  [[nodiscard]] bool fetch(Chain& chain);
  // Whether nothing waits and nothing has come since; a look of the device at memory, as look() is.
  [[nodiscard]] bool empty() { return look() == Look::nothing; }
  // Asks for a notification of the next chain that is made available (2.7.10).
  void ask_for_notification();

  // --- Completion, in this order.
  void put_used(const Token& token, std::uint32_t length);
  void publish_used();
  // Whether the chain just published is one the driver wants an interrupt for (2.7.7).
  [[nodiscard]] bool interrupt_wanted();

  // How many more slots of chains must be published before the driver wants an interrupt; 0 when none is wanted so far
  // as its wishes stand now. Looks at memory without a transaction of the device: it decides when to simulate, not
  // what.
  [[nodiscard]] unsigned slots_to_interrupt() const;

  [[nodiscard]] std::uint16_t used_index() const { return used_index_; }
  [[nodiscard]] std::uint32_t fetched() const { return fetched_; }
  // The place of the next entry to fetch, and of the next used one to write.
  [[nodiscard]] std::uint16_t next_available() const { return next_; }
  [[nodiscard]] std::uint16_t next_used() const { return used_index_; }

  // DMA that completing one chain takes, besides its data.
  [[nodiscard]] static Picoseconds completion_cost(const Latencies& latencies) {
    return latencies.dma(sizeof(VirtqUsedElem)) + 2 * latencies.dma(sizeof(std::uint16_t));
  }

 private:
  [[nodiscard]] std::uint64_t used_event_address() const { return place_.driver + 4 + 2ull * place_.size; }
  [[nodiscard]] std::uint64_t avail_event_address() const { return place_.device + 4 + 8ull * place_.size; }
  [[nodiscard]] std::uint16_t slot(std::uint16_t index) const {
    return power_of_two_ ? static_cast<std::uint16_t>(index & (place_.size - 1))
                         : static_cast<std::uint16_t>(index % place_.size);
  }
  [[nodiscard]] bool fetch_indirect(Chain& chain, const VirtqDesc& descriptor);

  DmaPort& dma_;
  QuirkLog& quirks_;
  IndirectTable& table_;
  RingPlace place_;
  bool event_index_ = false;
  bool indirect_ = false;
  bool power_of_two_ = true;
  bool asked_ = false;           // interrupt_wanted() was, since the reset
  std::uint16_t available_ = 0;  // avail.idx as last read
  std::uint16_t next_ = 0;       // of the available ring
  std::uint16_t used_index_ = 0;
  std::uint32_t fetched_ = 0;
};

}  // namespace ringside::model
