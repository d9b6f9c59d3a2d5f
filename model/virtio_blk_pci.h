// virtio-blk on PCI (VIRTIO 1.2, 4.1): configuration space, BARs, status protocol, queues, interrupts.
//
// How time passes: a doorbell fetches and starts requests inside its own b_transport, and each request gets the time at
// which it will be complete. Nothing more happens until somebody looks: catch_up(t) then completes, in order of time,
// all that is due by t. An initiator that is about to let time pass calls arm() first, and the one SC_METHOD wakes for
// the next completion that the driver wants an interrupt for; those before it are completed in passing.
//
// The members are defined in files by what they are about: virtio_blk_pci.cpp (the PCI function), virtio_status.cpp,
// virtio_common_registers.cpp, virtio_legacy_registers.cpp, virtio_requests.cpp, virtio_interrupts.cpp.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <systemc>

#include "model/dma_port.h"
#include "model/intx.h"
#include "model/msix_table.h"
#include "model/pci_function.h"
#include "model/properties.h"
#include "model/quirk_log.h"
#include "model/requests_in_flight.h"
#include "model/virtio_blk.h"
#include "model/virtio_shape.h"
#include "model/virtqueue.h"

namespace ringside::model {

class VirtioBlkPci final : public PciFunction {
 public:
  DmaPort dma;  // the device as bus master

  VirtioBlkPci(const sc_core::sc_module_name& name, const Clock& clock, std::uint64_t ram_bytes, IntxSink& intx);

  // The properties are such that problem_with() finds none. A disk without storage is one that is not plugged in.
  void power_on(const Disk& disk, const BlkProperties& properties, QuirkSet quirks, const Latencies& latencies,
                Tap* tap);
  // From now until power-on; null when all is well.
  void inject(DeviceFaults* faults);
  // In place of writes to memory, from now until power-on; see MessageRoute.
  void route_messages(MessageRoute& route) { msix_.route_by(&route); }
  // The route masks less than before.
  void vectors_unmasked(Picoseconds at);
  // It gives up: DEVICE_NEEDS_RESET, and nothing more until the driver resets it (2.1.2).
  void break_device(Picoseconds at);
  // All that a reset of the bus or of the function undoes, configuration space included.
  void reset(Picoseconds at) override;
  // The disk has another capacity now; its storage has room for it. The driver is told.
  void resize(std::uint64_t sectors, Picoseconds at);
  [[nodiscard]] const QuirkCounts& quirk_counts() const { return quirks_.counts(); }

  // Completes what is due by `until`.
  void catch_up(Picoseconds until) {
    if (!requests_.empty() && !held_ && requests_.at(0).due <= until) {
      complete_due(until);
    }
  }
  // When the next request completes; kNever when none will by itself.
  [[nodiscard]] Picoseconds next_completion() const {
    return requests_.empty() || held_ || !dma.bus_master() ? kNever : requests_.at(0).due;
  }
  // Schedules the SC_METHOD for the next completion that will raise an interrupt, as the rings stand now. False when
  // there is none.
  bool arm();

  [[nodiscard]] unsigned in_flight() const { return requests_.count(); }
  // How often the queue was enabled since power-on.
  [[nodiscard]] unsigned queue_lives(std::uint16_t queue = 0) const {
    return queue < queues_in_use_ ? queues_[queue].lives : 0;
  }

  // --- For whoever compares two devices: what no driver sees.
  [[nodiscard]] std::uint8_t inner_status() const { return status_; }
  [[nodiscard]] std::uint64_t inner_features() const { return negotiated(); }
  [[nodiscard]] std::uint16_t inner_queues() const { return static_cast<std::uint16_t>(queues_in_use_); }
  [[nodiscard]] const Virtqueue& inner_queue(std::uint16_t queue) const { return queues_.at(queue); }

  // --- Completion at the caller's word instead of the latencies': for following another run.
  void hold_completions() { held_ = true; }
  void free_completions() { held_ = false; }
  // When the n-th chain since the queue was enabled would be complete; kNever when it is not in flight.
  [[nodiscard]] Picoseconds due(std::uint32_t ordinal, std::uint16_t queue = 0) const;
  // Completes it now. False when it is not in flight.
  bool complete_one(std::uint32_t ordinal, Picoseconds at, std::uint16_t queue = 0);

 private:
  void strap(const BlkProperties& properties);
  void strap_queues(const BlkProperties& properties);
  void strap_requests(const QuirkSet& quirks);

  // --- PCI
  bool bar_access(unsigned bar, Access& access, Picoseconds at) override;
  void before_config_read(unsigned offset, unsigned size, Picoseconds at) override;
  void after_config_write(unsigned offset, unsigned size, Picoseconds at) override;
  void config_window(bool write, Picoseconds at);
  void command_changed(Picoseconds at);
  void msix_flags_changed(Picoseconds at);
  void function_level_reset(Picoseconds at);
  void power_state_changed(Picoseconds at);
  bool structure_access(Access& access, Picoseconds at);
  bool msix_access(Access& access, Picoseconds at);
  void show(Structure structure, std::uint32_t base, const Access& access, Picoseconds at);

  // --- Status protocol (2.1, 3.1)
  void write_status(std::uint8_t value, Picoseconds at);
  void set_status(std::uint8_t value, Picoseconds at);
  [[nodiscard]] bool features_acceptable(Picoseconds at);
  void reset_device(Picoseconds at);
  [[nodiscard]] std::uint64_t driver_features() const {
    return driver_features_[0] | std::uint64_t{driver_features_[1]} << 32;
  }
  // What is in effect: of what the driver accepted, that which was offered.
  [[nodiscard]] std::uint64_t negotiated() const { return driver_features() & (modern_features_ | legacy_features_); }
  [[nodiscard]] bool accepted(std::uint64_t feature) const { return (negotiated() & feature) != 0; }

  // --- The common configuration structure (4.1.4.3)
  [[nodiscard]] std::uint32_t common_read(std::uint32_t offset, Picoseconds at);
  void feature_registers_matter(Picoseconds at);
  void common_write(std::uint32_t offset, std::uint32_t value, Picoseconds at);
  void write_driver_feature(std::uint32_t value, Picoseconds at);
  [[nodiscard]] std::uint32_t queue_read(std::uint32_t offset);
  void queue_write(std::uint32_t offset, std::uint32_t value, Picoseconds at);
  void write_queue_enable(Virtqueue& queue, std::uint32_t value, Picoseconds at);
  void write_queue_size(Virtqueue& queue, std::uint32_t value, Picoseconds at);
  void select_queue(std::uint32_t value, Picoseconds at);
  [[nodiscard]] std::uint16_t existing_vector(std::uint32_t value) const;

  // --- The legacy registers (4.1.4.8)
  bool legacy_access(Access& access, Picoseconds at);
  [[nodiscard]] std::uint32_t legacy_read(std::uint32_t offset, Picoseconds at);
  void legacy_write(std::uint32_t offset, std::uint32_t value, Picoseconds at);
  void write_guest_features(std::uint32_t value);
  void write_queue_pfn(std::uint32_t value, Picoseconds at);

  // --- Queues and requests
  [[nodiscard]] Virtqueue* selected_queue() {
    return queue_select_ < queues_in_use_ ? &queues_[queue_select_] : nullptr;
  }
  [[nodiscard]] Virtqueue::Registers* selected_registers();
  void write_absent_queue(std::uint32_t offset, std::uint32_t value, Picoseconds at);
  void write_address(Virtqueue::Registers& registers, std::uint32_t offset, std::uint32_t value) const;
  void reset_queue(std::uint16_t index, Picoseconds at);
  void show_largest_queue_size(Virtqueue& queue, Picoseconds at);
  void notification(std::uint32_t index, const Access& access, Picoseconds at);
  [[nodiscard]] bool names_queue(std::uint32_t index, const Access& access) const;
  void doorbell(std::uint32_t index, std::uint32_t value, Picoseconds at);
  void fetch_requests(std::uint16_t index, Picoseconds at);
  [[nodiscard]] bool fetch_one(std::uint16_t index);
  void fetch_what_stalled(Picoseconds at);
  void schedule(Request& request, Virtqueue& queue);
  void complete_due(Picoseconds until);
  void complete(Request& request, Picoseconds at);
  void complete_faultily(Request& request);
  void complete_orphan(Request& request);
  [[nodiscard]] Picoseconds next_interrupt();
  [[nodiscard]] int place_of(std::uint32_t ordinal, std::uint16_t queue) const;
  void drop_in_flight();
  void finish();  // the SC_METHOD

  // --- Interrupts
  [[nodiscard]] std::uint32_t read_isr();
  [[nodiscard]] bool interrupt_wanted(Virtqueue& queue);
  void notify_queue(const Virtqueue& queue, Picoseconds at);
  void notify_config(bool changed, Picoseconds at);
  void send_msi(std::uint16_t vector, Picoseconds at);
  void send_messages(const Message& message, Picoseconds at);
  void drive_intx(Picoseconds at);
  [[nodiscard]] bool interrupt_possible(const Virtqueue& queue) const;

  IntxSink& intx_;
  QuirkLog quirks_;
  MsixTable msix_;
  IndirectTable table_;
  std::deque<Virtqueue> queues_;  // as many as any strapping had
  std::size_t queues_in_use_ = 0;
  VirtioBlk blk_;
  DeviceFaults* faults_ = nullptr;
  RequestsInFlight requests_;
  sc_core::sc_event wake_;
  Picoseconds armed_ = kNever;

  // What it is this time.
  VirtioShape shape_;
  std::uint64_t modern_features_ = 0;
  std::uint32_t legacy_features_ = 0;
  std::uint16_t queue_size_ = 0;
  static constexpr std::uint16_t kUncheckedQueueSizeLimit = 1024;  // of a device that checks nothing else

  // Common configuration.
  std::uint32_t device_feature_select_ = 0;
  std::uint32_t driver_feature_select_ = 0;
  std::array<std::uint32_t, 2> driver_features_{};
  std::array<std::uint32_t, 2> written_features_{};  // what driver_feature shows
  std::array<bool, 2> features_kept_{};              // of written_features_, over a reset
  bool selects_kept_ = false;
  std::map<std::uint16_t, Virtqueue::Registers> absent_queues_;  // those that were written to
  std::uint16_t config_vector_ = VIRTIO_MSI_NO_VECTOR;
  std::uint16_t queue_select_ = 0;
  std::uint8_t status_ = 0;
  std::uint8_t generation_ = 0;
  std::uint8_t isr_ = 0;
  bool broken_ = false;  // until a reset
  bool intx_level_ = false;
  bool asleep_ = false;  // in D3hot

  Picoseconds fetch_free_ = 0;  // until when the device is busy fetching
  Picoseconds link_free_ = 0;   // until when the link is taken by completions
  bool held_ = false;
  bool stalled_ = false;                            // some queue is
  std::array<unsigned, kMostQueues> slots_left_{};  // of next_interrupt()
  std::uint32_t interrupts_ = 0;
};

}  // namespace ringside::model
