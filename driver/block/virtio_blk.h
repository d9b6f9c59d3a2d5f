// The virtio block driver: a block device over one or more request queues, which share one kind of ring.
//
// Requests that the driver will not send wait in a list and end in the next poll() or wait(), of any queue.
#pragma once

#include <cstddef>
#include <cstdint>

#include "driver/block/admission.h"
#include "driver/block/block_device.h"
#include "driver/block/completion_wait.h"
#include "driver/block/controller.h"
#include "driver/block/recovery.h"
#include "driver/block/request_queue.h"
#include "driver/hal/machine.h"

namespace ringside::block {

template <class Ring>
class VirtioBlk final : public BlockDevice {
 public:
  using Memory = typename Ring::MemoryPolicy;

  // `controller` has negotiated, and with it whether the ring is a packed one; it outlives the device. Null, with the
  // reason on the log and the device reset, when it does not come up.
  [[nodiscard]] static VirtioBlk* create(hal::Machine& machine, Memory memory, Controller& controller,
                                         const Options& options);

  [[nodiscard]] const DiskInfo& info() const override { return controller_.info(); }
  [[nodiscard]] const Counters& counters() const override { return counters_; }
  std::size_t submit(Request* const* requests, std::size_t count) override;
  std::size_t poll() override;
  std::size_t wait(std::size_t count) override;
  std::size_t poll_queue(std::uint16_t queue) override;
  std::size_t wait_queue(std::uint16_t queue, std::size_t count) override;
  [[nodiscard]] std::size_t in_flight() const override;
  Status set_write_cache(bool write_back) override;
  [[nodiscard]] bool write_cache() override;
  Status reset_queue(std::uint16_t queue_size) override;
  void shutdown() override;

 private:
  using Queue = RequestQueue<Ring>;
  using Queues = QueueRange<Ring>;

  VirtioBlk(hal::Machine& machine, Controller& controller, const Options& options)
      : machine_(&machine),
        controller_(controller),
        options_(options),
        admission_(controller, options),
        recovery_(machine, controller, admission_, options_, counters_),
        wait_(machine, controller, counters_) {}

  // Life
  [[nodiscard]] bool allocate(Memory memory);
  [[nodiscard]] Queues all() const { return {queues_, queues_ + queue_count_}; }
  [[nodiscard]] Queues only(std::uint16_t queue) const;

  // Requests out
  [[nodiscard]] bool take(Request& request, std::uint64_t deadline);
  [[nodiscard]] bool turn_away(Request& request, Status status);
  [[nodiscard]] bool refuse(Request& request, Status status);

  // Requests back
  std::size_t poll(Queues queues);
  std::size_t wait(Queues queues, std::size_t count);
  void sleep(Queues queues, std::size_t count);
  // What the next poll() or wait() may end.
  [[nodiscard]] std::size_t awaited() const { return all().in_flight() + refused_count_; }
  template <bool kInOrder>
  void take_used(Queue& queue);
  void finish_refused();
  void end(Request& request, Status status);
  void count_error(virtio::UsedError error);

  // When something is wrong or has changed
  void inspect_device(Woken why);
  void notice_change();
  void report_change();
  void recover_device();
  void recover_expired();
  void end_recovery(const DiskInfo& before);

  hal::Machine* machine_;
  Controller& controller_;
  Options options_;
  Admission admission_;
  Counters counters_;
  Recovery<Ring> recovery_;
  CompletionWait<Ring> wait_;

  // Private memory.
  Queue* queues_ = nullptr;
  Request** refused_ = nullptr;  // taken, not sent
  std::size_t refused_count_ = 0;
  std::size_t refused_limit_ = 0;
  std::size_t finished_ = 0;  // completed since the current poll() or wait() began
  std::uint16_t queue_count_ = 0;
};

}  // namespace ringside::block
