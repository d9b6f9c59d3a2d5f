// The life of a device's queues: bring-up, and what is done when the device no longer does what it should.
//
// A recovery goes through these steps, whatever the cause:
//
//   0. If somebody has switched the function's decoding or bus mastering off, they are switched on again.
//   1. The device lets go. One queue alone where a request's time is over, the rest of the device seems well and
//      VIRTIO_F_RING_RESET was negotiated; the other queues go on undisturbed. Else, and when the queue's reset does
//      not come to its end, the whole device. What does not reset either loses the bus (Controller::stop).
//   2. What it had is unmapped and noted in the replay list. From here on nothing of it is on a ring.
//   3. Queue or device is set up anew; the device from its reset to DRIVER_OK, since it may have become another one.
//   4. What can still succeed is sent again, in the order in which it was sent where the ring keeps that.
//   5. The rest ends: end_taken_back(). Callbacks are last, so that what they submit meets a device that works, or is
//      known to be dead, and queues up behind what was sent again.
//
// Sent again is a request whose deadline, which stays the first one, has not passed; that was sent again fewer than
// Options::replays times; and that the device, as it is now, would take. That is safe for every operation: each says
// where and what, none counts or appends, and as long as it is not complete its data stays put, so that twice has the
// effect of once. What is not safe is to be told an order by in-flight requests that overlap, which VIRTIO never was.
// A flush covers the writes that had completed before it was submitted: the device has them still, for its reset (2.4)
// takes rings and configuration back to their beginnings, and not what lies behind them.
//
// Bounds. Each step waits at most a second for the device (Transport). A request takes part in at most
// Options::replays + 1 recoveries, and ends no later than the first recovery after its deadline: a device that breaks
// every time ends what it is given in that time. Giving it up for good would be wrong, since a backend that hangs for a
// minute is not lost; only a device that does not reset, or comes back as one that the rings do not fit, is dead.
//
// Memory. Until step 1 is done the device may write to its used rings, to status bytes, and to data of requests that
// read; if it is not honest, to all of this driver's DMA memory. After a queue reset it has only the other queues'
// (2.6.1), after a device reset or without the bus, nothing. A device that keeps the bus and does not reset keeps its
// rings, tables, frames and status bytes too: they are forgotten and counted, never freed.
#pragma once

#include <cstddef>
#include <cstdint>

#include "driver/block/admission.h"
#include "driver/block/block_device.h"
#include "driver/block/controller.h"
#include "driver/block/open.h"
#include "driver/block/replay_list.h"
#include "driver/block/request_queue.h"
#include "driver/hal/machine.h"

namespace ringside::block {

template <class Ring>
class Recovery {
 public:
  using Queue = RequestQueue<Ring>;
  using Queues = QueueRange<Ring>;

  Recovery(hal::Machine& machine, Controller& controller, const Admission& admission, const Options& options,
           Counters& counters)
      : machine_(&machine), controller_(controller), admission_(admission), options_(options), counters_(counters) {}

  // `queues` stay where they are, with at most `slots` requests in flight together. False when memory has run out.
  [[nodiscard]] bool allocate(Queues queues, std::size_t slots);
  // A negotiated device gets its queues and DRIVER_OK.
  [[nodiscard]] bool bring_up();
  // After shut_down(): the queues' memory goes back to the machine, as far as the device cannot write to it.
  void release();

  // Could not be brought back, or was shut down.
  [[nodiscard]] bool is_dead() const { return dead_; }

  // The device broke the protocol, asked for a reset, or left.
  void recover_device();
  // A deadline has passed; whether its request is in flight still, is seen here.
  void recover_expired();
  // On the caller's wish, with a size that the slots allow (0: as before): nothing is sent again.
  [[nodiscard]] Status reset_queues(std::uint16_t size);
  void shut_down();

  // Has `end(Request&, Status)` called for each request that was taken back and not sent again. It may submit.
  template <class End>
  void end_taken_back(End end) {
    for (const TakenBack& entry : list_) {
      ending_ += entry.fate != Status::pending ? 1 : 0;
    }
    for (const TakenBack& entry : list_) {
      if (entry.fate != Status::pending) {
        --ending_;
        end(*entry.request, entry.fate);
      }
    }
    list_.clear();
  }
  // Of those, how many have still to end: a callback may ask.
  [[nodiscard]] std::size_t ending() const { return ending_; }

 private:
  // What becomes of requests that are taken back: those with a deadline up to `now` have timed out, those that were
  // sent again `replays` times are lost.
  struct Terms {
    std::uint64_t now;
    std::uint8_t replays;
  };

  [[nodiscard]] bool bring_up_queue(Queue& queue, std::uint16_t size);
  [[nodiscard]] bool bring_back();
  void end_in_flight(std::uint64_t now);
  [[nodiscard]] bool any_expired(std::uint64_t now) const;
  Controller::Presence look_after();
  [[nodiscard]] bool needs_device_reset();
  [[nodiscard]] bool restart(Queue& queue, std::uint16_t size, const Terms& terms);
  void restart_device(const Terms& terms);
  void stop_device(const Terms& terms, bool removed);
  void take_back(Queue& queue, const Terms& terms);
  [[nodiscard]] Status fate_of(std::uint64_t deadline, std::uint8_t replays, const Terms& terms);
  void send_again();
  [[nodiscard]] Status send_again(const TakenBack& entry);

  hal::Machine* machine_;
  Controller& controller_;
  const Admission& admission_;
  const Options& options_;
  Counters& counters_;
  Queues queues_;
  ReplayList list_;
  std::size_t ending_ = 0;
  bool dead_ = false;
};

}  // namespace ringside::block
