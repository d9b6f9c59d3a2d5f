// Takes what a block device would not: a request with too many segments or too large ones, a range longer than the
// device allows, data that lies where no device can reach it or is not aligned as asked. Such a request becomes a job,
// and is sent as several smaller ones; data that cannot be sent from where it lies goes through a bounce buffer.
//
// Every request goes to the device below first, which gives back what it would refuse (Options::divert): so one that it
// takes as it is costs nothing here. One that is wrong, however it were split, is left to its verdict.
//
// The parts of a job complete in any order. Its status is the worst of theirs; after a failure no further part is sent,
// so that of a write that failed any part may have reached the disk, as on the device itself. Jobs, parts and what we
// must be able to trust are in private memory, from fixed pools; what does not fit waits, and goes on from poll() and
// wait(). Only the bounce buffer is DMA memory; it is allocated when it is needed first.
#pragma once

#include <cstddef>
#include <cstdint>

#include "driver/block/block_device.h"
#include "driver/block/open.h"
#include "driver/block/segment_cursor.h"
#include "driver/hal/machine.h"

namespace ringside::block {

class SplitDevice final : public BlockDevice {
 public:
  // In private memory; null when that has run out. Not a device before over().
  [[nodiscard]] static SplitDevice* create(hal::Machine& machine, const Options& options);
  // With what the device below is to be opened: a change of its configuration is reported as ours.
  [[nodiscard]] Options options_below() const;
  // Puts it over a device whose requests are made of at most `most_segments` segments.
  [[nodiscard]] BlockDevice& over(BlockDevice& below, std::uint16_t most_segments);

  // The device's own: it says what the device takes, which is not what limits a request here.
  [[nodiscard]] const DiskInfo& info() const override { return below_->info(); }
  [[nodiscard]] const Counters& counters() const override { return below_->counters(); }
  std::size_t submit(Request* const* requests, std::size_t count) override;
  std::size_t poll() override;
  std::size_t wait(std::size_t count) override;
  std::size_t poll_queue(std::uint16_t queue) override;
  std::size_t wait_queue(std::uint16_t queue, std::size_t count) override;
  [[nodiscard]] std::size_t in_flight() const override { return below_->in_flight() - sent_ + jobs_in_use_; }
  Status set_write_cache(bool write_back) override { return below_->set_write_cache(write_back); }
  [[nodiscard]] bool write_cache() override { return below_->write_cache(); }
  Status reset_queue(std::uint16_t queue_size) override;
  void shutdown() override;

 private:
  static constexpr unsigned kJobs = 16;
  static constexpr unsigned kParts = 32;
  static constexpr unsigned kBounceChunks = 8;
  static constexpr std::uint32_t kChunkBytes = 64u << 10;

  struct Job {
    Request* request = nullptr;  // null: free
    SegmentCursor data;          // what has not become a part yet
    std::uint64_t sector = 0;    // where that goes
    std::uint64_t left = 0;      // of it: bytes, or sectors of a range
    std::uint32_t unit = 1;      // what each part is a multiple of, in the same measure
    std::uint64_t deadline = 0;
    std::uint32_t used_length = 0;
    std::uint16_t parts = 0;  // not complete
    Status status = Status::ok;
  };

  struct Part {
    Request request;
    Job* job = nullptr;  // null: free
    SplitDevice* device = nullptr;
    Segment* segments = nullptr;    // most_segments_ of them
    std::uint8_t* chunk = nullptr;  // of the bounce buffer; null: the data is where it was
    std::uint32_t chunk_bytes = 0;
    SegmentCursor origin;  // where bounced data came from, and what was read goes back to
  };

  SplitDevice(hal::Machine& machine, const Options& options);

  static void relay_change(BlockDevice& below, void* user);
  static Diverted divert(Request& request, void* user);
  static void part_done(Request& request);

  [[nodiscard]] std::uint32_t segment_limit() const;
  [[nodiscard]] std::uint32_t range_limit(Operation operation) const;
  [[nodiscard]] bool reachable(const Segment& segment) const;
  [[nodiscard]] bool fits(const Request& request) const;
  [[nodiscard]] bool data_fits(const Request& request) const;
  [[nodiscard]] bool range_fits(const Request& request) const;

  [[nodiscard]] bool start(Request& request);
  void pump();
  [[nodiscard]] Part* take_part(Job& job);
  enum class Made : std::uint8_t { part, nothing_free, impossible };
  [[nodiscard]] Made make_part(Job& job);
  [[nodiscard]] Made make_range_part(Job& job, Part& part);
  [[nodiscard]] bool make_direct_part(Job& job, Part& part);
  [[nodiscard]] Made make_bounced_part(Job& job, Part& part);
  void send_ready();
  void forget_sent(Request* const* requests, unsigned taken);
  [[nodiscard]] bool has_job_on(std::uint16_t queue) const;

  void finish(Part& part);
  [[nodiscard]] std::size_t settle(std::size_t completed_below);
  void end_jobs();
  void abandon_jobs();
  // `may_be_held_up`: whether what is waited for may need room that parts of another queue take up.
  template <class Wait, class Held>
  [[nodiscard]] std::size_t wait_by(std::size_t count, Wait wait_below, Held may_be_held_up);

  [[nodiscard]] bool allocate_bounce();
  void free_bounce();
  [[nodiscard]] std::uint8_t* take_chunk();
  void give_back_chunk(const std::uint8_t* chunk);

  hal::Machine* machine_;
  Options options_;
  std::uintptr_t misaligned_;  // the address bits that are 0 where data is aligned as asked
  BlockDevice* below_ = nullptr;
  Job jobs_[kJobs];
  Part parts_[kParts];
  Part* ready_[kParts] = {};  // made, not taken by the device yet; oldest first
  unsigned ready_count_ = 0;
  unsigned first_job_ = 0;  // the one that makes parts first: who had to wait is not passed over again
  std::size_t jobs_in_use_ = 0;
  std::size_t sent_ = 0;             // parts that the device has
  std::size_t parts_ended_ = 0;      // since the current poll() or wait() began
  std::size_t jobs_ended_ = 0;       // likewise
  std::uint16_t most_segments_ = 0;  // of a part; 0: nothing is split

  hal::DmaBuffer bounce_;      // the device reads and writes it
  unsigned free_chunks_ = 0;   // bit n: chunk n
  bool bounce_tried_ = false;  // it is asked for once
};

}  // namespace ringside::block
