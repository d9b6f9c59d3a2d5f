// The virtio block driver: requests onto the queue and back, over a hot-memory policy.
//
// A request in flight owns a slot, numbered by the descriptor that heads its chain. Per slot there is, in DMA memory, a
// frame that the device reads (header, discard range), a status byte that it writes, and an indirect table; and in
// private memory what we must be able to trust: whose request it is, what was mapped, how much the device may write.
#pragma once

#include <cstddef>
#include <cstdint>

#include "driver/block/block_device.h"
#include "driver/block/controller.h"
#include "driver/hal/machine.h"
#include "driver/pci/bus.h"
#include "driver/virtio/split_queue.h"

namespace ringside::block {

inline constexpr std::uint16_t kMaxSegments = 126;  // with header and status 128: a 2 KiB indirect table per slot

inline constexpr std::uint64_t kNever = ~std::uint64_t{0};

template <class Memory>
class VirtioBlk final : public BlockDevice {
 public:
  // A working device in private memory, or null with the reason on the log. `bus` outlives it.
  [[nodiscard]] static VirtioBlk* new_from_pci(hal::Machine& machine, Memory memory, const pci::Bus& bus,
                                               const pci::DeviceInfo& device, const Options& options);

  [[nodiscard]] const DiskInfo& info() const override { return controller_.info(); }
  [[nodiscard]] const Counters& counters() const override { return counters_; }
  std::size_t submit(Request* const* requests, std::size_t count) override;
  std::size_t poll() override;
  std::size_t wait(std::size_t count) override;
  [[nodiscard]] std::size_t in_flight() const override { return queue_.in_flight() + refused_count_; }
  Status set_write_cache(bool write_back) override;
  [[nodiscard]] bool write_cache() override;
  Status reset_queue(std::uint16_t queue_size) override;
  void shutdown() override;

 private:
  // Device-readable.
  struct Frame {
    std::uint64_t type;  // le32 type, le32 reserved
    std::uint64_t sector;
    std::uint64_t range_sector;  // struct virtio_blk_discard_write_zeroes
    std::uint64_t range_count_flags;
  };
  static_assert(sizeof(Frame) == 32);

  struct Slot {
    Request* request;
    std::uint64_t deadline;
    std::uint32_t writable;  // bytes that the device may write, with the status byte
    std::uint16_t mapped;    // segments
  };

  VirtioBlk(hal::Machine& machine, Memory memory) : machine_(&machine), memory_(memory), queue_(memory), controller_(machine) {}

  [[nodiscard]] bool allocate();
  void release();
  [[nodiscard]] bool bring_up();

  [[nodiscard]] Status check(const Request& request) const;
  [[nodiscard]] Status check_data(const Request& request) const;
  [[nodiscard]] Status check_range(const Request& request, unsigned feature_bit, std::uint32_t limit) const;
  [[nodiscard]] bool within_disk(std::uint64_t sector, std::uint64_t sectors) const;

  enum class Sent : std::uint8_t { yes, full, unmappable };
  [[nodiscard]] Sent send(Request& request, std::uint64_t deadline);
  [[nodiscard]] std::uint16_t write_pieces(std::uint16_t head, const Request& request, virtio::Piece* pieces);
  void write_table(std::uint16_t head, const virtio::Piece* pieces, std::uint16_t count);
  [[nodiscard]] bool map_segments(std::uint16_t head, const Request& request);
  void unmap_segments(std::uint16_t head);

  void refuse(Request& request, Status status);
  void finish_refused();
  void finish(std::uint16_t head, std::uint32_t used_length);
  void end(Request& request, Status status);
  [[nodiscard]] Status status_of(std::uint8_t byte);

  void sleep(std::uint16_t count);
  [[nodiscard]] std::uint64_t settle_interrupts();
  void wait_for_interrupt(std::uint64_t seen);
  void inspect_device();
  void expire();
  void count_error(virtio::UsedError error);
  void recover(std::uint64_t expired_before);
  [[nodiscard]] std::uint64_t earliest_deadline() const;
  void refresh_earliest(std::uint64_t now);

  [[nodiscard]] hal::BusAddress* mapped(std::uint16_t head) const { return mapped_ + head * std::size_t{segments_}; }
  [[nodiscard]] Frame* frame(std::uint16_t head) const { return static_cast<Frame*>(frames_.cpu) + head; }
  [[nodiscard]] std::uint8_t* status_byte(std::uint16_t head) const {
    return static_cast<std::uint8_t*>(statuses_.cpu) + head;
  }

  hal::Machine* machine_;
  [[no_unique_address]] Memory memory_;
  virtio::SplitQueue<Memory> queue_;
  Controller controller_;
  Options options_;
  Counters counters_;

  hal::DmaBuffer frames_;    // the device only reads it, if it is honest
  hal::DmaBuffer statuses_;  // the device writes it
  hal::DmaBuffer tables_;    // indirect tables, like frames_

  // Private.
  Slot* slots_ = nullptr;
  hal::BusAddress* mapped_ = nullptr;  // segments_ per slot
  Request** refused_ = nullptr;        // taken, not sent; complete in poll()
  std::size_t refused_count_ = 0;
  std::size_t finished_ = 0;         // completed since the current poll() or wait() began
  std::uint64_t earliest_ = kNever;  // no deadline in flight lies before it
  std::uint64_t refreshed_ = 0;      // when it was last exact
  std::uint64_t settled_ = 0;        // interrupts dealt with
  std::uint64_t explain_by_ = 0;     // when it counts as one about something else
  bool unexplained_ = false;         // the last one came without a used buffer
  std::uint16_t slot_count_ = 0;
  std::uint16_t segments_ = 0;  // a request may have, in any ring size
  bool dead_ = false;           // could not be brought back
};

}  // namespace ringside::block
