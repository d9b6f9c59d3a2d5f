// virtio-blk on PCI (VIRTIO 1.2, 4.1): configuration space, BARs, status protocol, queue, interrupts.
//
// How time passes: a doorbell fetches and starts requests inside its own b_transport, and each request gets the time at
// which it will be complete. Nothing more happens until somebody looks: catch_up(t) then completes, in order of time,
// all that is due by t. An initiator that is about to let time pass calls arm() first, and the one SC_METHOD wakes for
// the next completion that the driver wants an interrupt for; those before it are completed in passing.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <systemc>
#include <vector>

#include "model/dma_port.h"
#include "model/msix_table.h"
#include "model/pci_function.h"
#include "model/piix3.h"
#include "model/quirk_log.h"
#include "model/split_queue.h"
#include "model/virtio_blk.h"

namespace ringside::model {

class VirtioBlkPci final : public PciFunction {
 public:
  DmaPort dma;  // the device as bus master

  VirtioBlkPci(const sc_core::sc_module_name& name, Slot slot, const Clock& clock, std::uint64_t ram_bytes,
               IntxSink& intx);

  void power_on(const Disk& disk, QuirkSet quirks, const Latencies& latencies, Tap* tap);
  [[nodiscard]] const QuirkCounts& quirk_counts() const { return quirks_.counts(); }

  // Completes what is due by `until`.
  void catch_up(Picoseconds until) {
    if (in_flight_ != 0 && !held_ && order_[first_]->due <= until) {
      complete_due(until);
    }
  }
  // When the next request completes; kNever when none will by itself.
  [[nodiscard]] Picoseconds next_completion() const {
    return in_flight_ == 0 || held_ || !dma.bus_master() ? kNever : order_[first_]->due;
  }
  // Schedules the SC_METHOD for the next completion that will raise an interrupt, as the rings stand now. False when
  // there is none.
  bool arm();

  [[nodiscard]] unsigned in_flight() const { return in_flight_; }
  // How often the queue was enabled since power-on.
  [[nodiscard]] unsigned queue_lives() const { return queue_lives_; }

  // --- Completion at the caller's word instead of the latencies': for following another run.
  void hold_completions() { held_ = true; }
  void free_completions() { held_ = false; }
  // When the n-th chain since the queue was enabled would be complete; kNever when it is not in flight.
  [[nodiscard]] Picoseconds due(std::uint32_t ordinal) const;
  // Completes it now. False when it is not in flight.
  bool complete_one(std::uint32_t ordinal, Picoseconds at);

 private:
  static constexpr std::uint64_t kTransportFeatures =
      VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX | VIRTIO_F_VERSION_1 | VIRTIO_F_RING_RESET;
  static constexpr unsigned kQueues = 1;
  static constexpr unsigned kOrderMask = kQueueSizeLimit - 1;

  [[nodiscard]] static ConfigSpace make_config_space();
  [[nodiscard]] static std::uint64_t offered() { return kTransportFeatures | VirtioBlk::features(); }

  void strap();

  // --- PCI
  bool bar_access(unsigned bar, Access& access, Picoseconds at) override;
  void before_config_read(unsigned offset, unsigned size, Picoseconds at) override;
  void after_config_write(unsigned offset, unsigned size, Picoseconds at) override;
  void config_window(bool write, Picoseconds at);
  void command_changed(Picoseconds at);

  // --- The structures in BAR 4, and MSI-X in BAR 1
  bool structure_access(Access& access, Picoseconds at);
  bool msix_access(Access& access, Picoseconds at);
  [[nodiscard]] std::uint32_t common_read(std::uint32_t offset);
  [[nodiscard]] std::uint32_t queue_read(std::uint32_t offset);
  void queue_write(std::uint32_t offset, std::uint32_t value, Picoseconds at);
  [[nodiscard]] std::uint64_t driver_features() const {
    return driver_features_[0] | std::uint64_t{driver_features_[1]} << 32;
  }
  void common_write(std::uint32_t offset, std::uint32_t value, Picoseconds at);
  [[nodiscard]] std::uint32_t read_isr();
  void show(Structure structure, std::uint32_t base, const Access& access, Picoseconds at);

  // --- Status protocol (2.1, 3.1)
  void write_status(std::uint8_t value, Picoseconds at);
  void set_status(std::uint8_t value, Picoseconds at);
  [[nodiscard]] bool features_acceptable(Picoseconds at);
  void reset_device(Picoseconds at);
  void break_device(Picoseconds at);

  // --- The queue
  [[nodiscard]] SplitQueue* selected_queue() { return queue_select_ < kQueues ? &queue_ : nullptr; }
  void write_queue_size(SplitQueue& queue, std::uint32_t value, Picoseconds at);
  void reset_queue(Picoseconds at);
  void show_largest_queue_size(Picoseconds at);
  void doorbell(std::uint32_t index, std::uint32_t value, Picoseconds at);
  void fetch_requests(Picoseconds at);
  [[nodiscard]] bool fetch_one();
  void schedule(Request& request);
  void complete_due(Picoseconds until);
  void complete(Request& request, Picoseconds at);
  void drop_in_flight();
  void finish();  // the SC_METHOD

  // --- Interrupts
  void notify_queue(Picoseconds at);
  void notify_config(Picoseconds at);
  void send_msi(std::uint16_t vector, Picoseconds at);
  void drive_intx(Picoseconds at);
  [[nodiscard]] bool interrupt_possible() const;

  IntxSink& intx_;
  QuirkLog quirks_;
  MsixTable msix_;
  SplitQueue queue_;
  VirtioBlk blk_;
  sc_core::sc_event wake_;
  Picoseconds armed_ = kNever;

  // Common configuration.
  std::uint32_t device_feature_select_ = 0;
  std::uint32_t driver_feature_select_ = 0;
  std::array<std::uint32_t, 2> driver_features_{};
  std::uint16_t config_vector_ = VIRTIO_MSI_NO_VECTOR;
  std::uint16_t queue_select_ = 0;
  std::uint8_t status_ = 0;
  std::uint8_t generation_ = 0;
  std::uint8_t isr_ = 0;
  bool broken_ = false;  // until a reset
  bool intx_level_ = false;

  // Requests: a fixed pool, its free ones, and those in flight in order of completion (a ring).
  std::vector<Request> pool_;
  std::unique_ptr<Segment[]> segments_;
  std::vector<Request*> free_;
  std::array<Request*, kQueueSizeLimit> order_{};
  unsigned first_ = 0;
  unsigned in_flight_ = 0;
  Picoseconds fetch_free_ = 0;  // until when the device is busy fetching
  Picoseconds link_free_ = 0;   // until when the link is taken by completions
  bool held_ = false;
  std::uint16_t largest_queue_size_ = kQueueSizeMax;
  unsigned queue_lives_ = 0;
  std::uint32_t interrupts_ = 0;
};

}  // namespace ringside::model
