#include "driver/block/split_device.h"

#include <new>

#include "driver/block/request_rules.h"
#include "driver/hal/bits.h"
#include "driver/hal/mutant.h"

namespace ringside::block {
namespace {

constexpr std::uint32_t kMostPartBytes = 1u << 30;  // well inside 32 bits, and a multiple of every block size in use

std::uint64_t round_down(std::uint64_t value, std::uint64_t unit) { return value - value % unit; }

std::uint64_t smaller(std::uint64_t a, std::uint64_t b) { return a < b ? a : b; }

Status worse(Status a, Status b) { return a < b ? b : a; }  // the enumerators are in this order

bool device_writes(Operation operation) { return operation != Operation::write; }

}  // namespace

// --- Life --------------------------------------------------------------------------------------------------------

SplitDevice::SplitDevice(hal::Machine& machine, const Options& options)
    : machine_(&machine), options_(options), misaligned_(address_bits_below(options.data_alignment)) {}

SplitDevice* SplitDevice::create(hal::Machine& machine, const Options& options) {
  void* const place = machine.alloc_private(sizeof(SplitDevice), alignof(SplitDevice));
  return place == nullptr ? nullptr : new (place) SplitDevice(machine, options);
}

Options SplitDevice::options_below() const {
  Options below = options_;
  below.divert = divert;
  below.divert_user = const_cast<SplitDevice*>(this);
  if (options_.changed != nullptr) {
    below.changed = relay_change;
    below.changed_user = const_cast<SplitDevice*>(this);
  }
  return below;
}

void SplitDevice::relay_change(BlockDevice&, void* user) {
  SplitDevice& self = *static_cast<SplitDevice*>(user);
  self.options_.changed(self, self.options_.changed_user);
}

Diverted SplitDevice::divert(Request& request, void* user) {
  SplitDevice& self = *static_cast<SplitDevice*>(user);
  if (self.most_segments_ == 0 || self.fits(request)) {
    return Diverted::no;
  }
  return self.start(request) ? Diverted::taken : Diverted::full;
}

BlockDevice& SplitDevice::over(BlockDevice& below, std::uint16_t most_segments) {
  below_ = &below;
  auto* const segments = static_cast<Segment*>(
      machine_->alloc_private(kParts * std::size_t{most_segments} * sizeof(Segment), alignof(Segment)));
  if (segments == nullptr) {
    return below;  // a device without this comfort
  }
  most_segments_ = most_segments;
  for (unsigned i = 0; i < kParts; ++i) {
    parts_[i].segments = segments + i * std::size_t{most_segments};
    parts_[i].device = this;
  }
  return *this;
}

Status SplitDevice::reset_queue(std::uint16_t queue_size) {
  const Status status = below_->reset_queue(queue_size);
  static_cast<void>(settle(0));
  return status;
}

void SplitDevice::shutdown() {
  if (hal::mutant(hal::Mutant::bounce_freed_before_reset)) {
    free_bounce();
  }
  below_->shutdown();
  abandon_jobs();
  end_jobs();
  // What a device below has kept of its own memory it may write to; and so to ours, where it was told to read to.
  if (below_->counters().buffers_lost == 0) {
    free_bounce();
  }
}

// --- What fits ---------------------------------------------------------------------------------------------------

// With header and status a chain is no longer than the queue (VIRTIO 1.2, 2.7.5.3.1), which a reset may have resized.
std::uint32_t SplitDevice::segment_limit() const {
  constexpr std::uint32_t kHeaderAndStatus = 2;
  const DiskInfo& disk = info();
  const std::uint32_t ring = disk.queue_size > kHeaderAndStatus ? disk.queue_size - kHeaderAndStatus : 1;
  return static_cast<std::uint32_t>(smaller(smaller(disk.max_segments, most_segments_), ring));
}

std::uint32_t SplitDevice::range_limit(Operation operation) const {
  const DiskInfo& disk = info();
  if (operation == Operation::discard) {
    return disk.max_discard_sectors;
  }
  return operation == Operation::write_zeroes ? disk.max_write_zeroes_sectors : disk.max_secure_erase_sectors;
}

// Data that begins in a DMA buffer and runs out of it is a mistake of the caller's, which mapping will find.
bool SplitDevice::reachable(const Segment& segment) const {
  return (reinterpret_cast<std::uintptr_t>(segment.data) & misaligned_) == 0 &&
         machine_->virt_to_phys(segment.data) != hal::kInvalidBusAddress;
}

bool SplitDevice::fits(const Request& request) const {
  if (moves_data(request.operation)) {
    return data_fits(request);
  }
  return !names_range(request.operation) || range_fits(request);
}

bool SplitDevice::data_fits(const Request& request) const {
  bool fitting = request.segment_count <= segment_limit();
  if (!well_formed(request)) {
    return true;  // the device's verdict
  }
  for (std::uint16_t i = 0; i < request.segment_count && fitting; ++i) {
    fitting = request.segments[i].size <= info().max_segment_size && reachable(request.segments[i]);
  }
  if (fitting) {
    return true;
  }
  const std::uint64_t bytes = data_bytes(request);
  if (request.operation == Operation::get_id) {
    return bytes != kIdSize;
  }
  if (request.operation == Operation::get_lifetime) {
    return bytes != kLifetimeSize;
  }
  return !transfer_allowed(info(), request, bytes);
}

bool SplitDevice::range_fits(const Request& request) const {
  const std::uint32_t limit = range_limit(request.operation);
  const std::uint32_t block_sectors = info().block_size / kSectorSize;
  return request.sector_count <= limit || limit < block_sectors ||
         !within_disk(info(), request.sector, request.sector_count);
}

// --- What is sent ------------------------------------------------------------------------------------------------

std::size_t SplitDevice::submit(Request* const* requests, std::size_t count) {
  const std::size_t taken = below_->submit(requests, count);
  if (jobs_in_use_ != 0) {
    pump();
  }
  return taken;
}

bool SplitDevice::start(Request& request) {
  for (Job& job : jobs_) {
    if (job.request != nullptr) {
      continue;
    }
    job = Job{};
    job.request = &request;
    job.sector = request.sector;
    if (moves_data(request.operation)) {
      const bool blocks = request.operation == Operation::read || request.operation == Operation::write;
      job.data = SegmentCursor(request);
      job.left = data_bytes(request);
      job.unit = blocks ? info().block_size : static_cast<std::uint32_t>(job.left);
    } else {
      job.left = request.sector_count;
      job.unit = request.operation == Operation::secure_erase && info().secure_erase_alignment != 0
                     ? info().secure_erase_alignment
                     : info().block_size / kSectorSize;
    }
    // Of all parts, whenever they find room.
    job.deadline = request.deadline != 0 ? request.deadline : machine_->now() + options_.timeout;
    request.status = Status::pending;
    request.used_length = 0;
    ++jobs_in_use_;
    return true;
  }
  return false;
}

// Makes as many parts as there is room for and hands them to the device together: one doorbell.
void SplitDevice::pump() {
  for (unsigned i = 0; i < kJobs; ++i) {
    const unsigned index = (first_job_ + i) % kJobs;
    Job& job = jobs_[index];
    while (job.request != nullptr && job.left != 0 && job.status == Status::ok) {
      const Made made = make_part(job);
      if (made == Made::impossible) {
        job.status = Status::refused;
      } else if (made == Made::nothing_free) {
        first_job_ = index;
        send_ready();
        return;
      }
    }
  }
  send_ready();
}

// Of each queue in order. A full one does not keep the parts of another back: who waits for that other queue alone
// would wait for ever.
void SplitDevice::send_ready() {
  static_assert(kMaxQueues <= 64);
  std::uint64_t full = 0;  // bit n: queue n takes no more
  for (;;) {
    Request* requests[kParts];
    unsigned count = 0;
    for (unsigned i = 0; i < ready_count_; ++i) {
      if ((full >> ready_[i]->request.queue % kMaxQueues & 1) == 0) {
        requests[count++] = &ready_[i]->request;
      }
    }
    if (count == 0) {
      return;
    }
    const auto taken = static_cast<unsigned>(below_->submit(requests, count));
    if (taken < count) {
      full |= std::uint64_t{1} << requests[taken]->queue % kMaxQueues;
    }
    forget_sent(requests, taken);
  }
}

// The first `taken` of these are the device's; both lists are in the same order.
void SplitDevice::forget_sent(Request* const* requests, unsigned taken) {
  unsigned kept = 0;
  unsigned sent = 0;
  for (unsigned i = 0; i < ready_count_; ++i) {
    if (sent < taken && &ready_[i]->request == requests[sent]) {
      ++sent;
    } else {
      ready_[kept++] = ready_[i];
    }
  }
  ready_count_ = kept;
  sent_ += taken;
}

// Its parts may wait for room that the parts of another queue take up.
bool SplitDevice::has_job_on(std::uint16_t queue) const {
  for (const Job& job : jobs_) {
    if (job.request != nullptr && job.request->queue == queue) {
      return true;
    }
  }
  return false;
}

SplitDevice::Part* SplitDevice::take_part(Job& job) {
  for (Part& part : parts_) {
    if (part.job == nullptr) {
      const Request& whole = *job.request;
      part.job = &job;
      part.chunk = nullptr;
      part.request = Request{};
      part.request.operation = whole.operation;
      part.request.queue = whole.queue;
      part.request.sector = job.sector;
      part.request.unmap = whole.unmap;
      part.request.deadline = job.deadline;
      part.request.done = part_done;
      part.request.user = &part;
      return &part;
    }
  }
  return nullptr;
}

SplitDevice::Made SplitDevice::make_part(Job& job) {
  Part* const part = take_part(job);
  if (part == nullptr) {
    return Made::nothing_free;
  }
  Made made = Made::part;
  if (names_range(job.request->operation)) {
    made = make_range_part(job, *part);
  } else if (!make_direct_part(job, *part)) {
    made = make_bounced_part(job, *part);
  }
  if (made != Made::part) {
    part->job = nullptr;
    return made;
  }
  ++job.parts;
  ready_[ready_count_++] = part;
  return Made::part;
}

SplitDevice::Made SplitDevice::make_range_part(Job& job, Part& part) {
  const std::uint64_t most = round_down(range_limit(job.request->operation), job.unit);
  if (most == 0) {
    return Made::impossible;
  }
  const std::uint64_t sectors = smaller(job.left, most);
  part.request.sector_count = static_cast<std::uint32_t>(sectors);
  job.sector += sectors;
  job.left -= sectors;
  return Made::part;
}

// As much as lies well and makes whole blocks. False when that is nothing.
bool SplitDevice::make_direct_part(Job& job, Part& part) {
  const std::uint32_t limit = segment_limit();
  SegmentCursor cursor = job.data;
  std::uint32_t bytes = 0;
  std::uint16_t count = 0;
  while (count < limit && bytes < kMostPartBytes) {
    const Segment piece =
        cursor.take(static_cast<std::uint32_t>(smaller(info().max_segment_size, kMostPartBytes - bytes)));
    if (piece.size == 0 || !reachable(piece)) {
      break;
    }
    part.segments[count++] = piece;
    bytes += piece.size;
  }
  std::uint32_t surplus = bytes % job.unit;
  bytes -= surplus;
  if (bytes == 0) {
    return false;
  }
  while (surplus >= part.segments[count - 1].size) {
    surplus -= part.segments[--count].size;
  }
  part.segments[count - 1].size -= surplus;
  part.request.segments = part.segments;
  part.request.segment_count = count;
  job.data.skip(bytes);
  job.sector += bytes / kSectorSize;
  job.left -= bytes;
  return true;
}

SplitDevice::Made SplitDevice::make_bounced_part(Job& job, Part& part) {
  // Each piece lies as the device wants it, or the part would be taken for a request that has to be split, too, and its
  // parts likewise, without an end.
  const auto piece =
      static_cast<std::uint32_t>(round_down(smaller(info().max_segment_size, kChunkBytes), misaligned_ + 1));
  if (piece == 0) {
    return Made::impossible;
  }
  const std::uint64_t room = smaller(kChunkBytes, std::uint64_t{piece} * segment_limit());
  const auto bytes = static_cast<std::uint32_t>(round_down(smaller(job.left, room), job.unit));
  if (bytes == 0 || !allocate_bounce()) {
    return Made::impossible;
  }
  part.chunk = take_chunk();
  if (part.chunk == nullptr) {
    return Made::nothing_free;
  }
  part.chunk_bytes = bytes;
  part.origin = job.data;
  // Of an answer that is no data a device may write less than there is room for, as QEMU does of its name: what it
  // leaves alone is to be what the caller had there, not what an earlier request left in the chunk.
  if (job.request->operation != Operation::read) {
    SegmentCursor(part.origin).copy_to(part.chunk, bytes);
  }
  std::uint16_t count = 0;
  for (std::uint32_t done = 0; done < bytes; done += part.segments[count++].size) {
    part.segments[count] = {part.chunk + done, static_cast<std::uint32_t>(smaller(piece, bytes - done))};
  }
  part.request.segments = part.segments;
  part.request.segment_count = count;
  job.data.skip(bytes);
  job.sector += bytes / kSectorSize;
  job.left -= bytes;
  return Made::part;
}

// --- What comes back ---------------------------------------------------------------------------------------------

void SplitDevice::part_done(Request& request) {
  Part& part = *static_cast<Part*>(request.user);
  part.device->finish(part);
}

// The device no longer owns the part's data: that is what `done` says.
void SplitDevice::finish(Part& part) {
  Job& job = *part.job;
  const Request& request = part.request;
  job.status = worse(job.status, request.status);
  job.used_length += request.used_length;
  if (part.chunk != nullptr) {
    if (request.status == Status::ok && device_writes(request.operation)) {
      part.origin.copy_from(part.chunk, part.chunk_bytes);
    }
    give_back_chunk(part.chunk);
  }
  part.job = nullptr;
  --job.parts;
  --sent_;
  ++parts_ended_;
}

// From below's completions to ours: parts are not the caller's, jobs are.
std::size_t SplitDevice::settle(std::size_t completed_below) {
  if (jobs_in_use_ != 0) {
    end_jobs();
    pump();
  }
  const std::size_t completed = completed_below - parts_ended_ + jobs_ended_;
  parts_ended_ = 0;
  jobs_ended_ = 0;
  return completed;
}

void SplitDevice::end_jobs() {
  for (Job& job : jobs_) {
    if (job.request == nullptr || job.parts != 0 || (job.left != 0 && job.status == Status::ok)) {
      continue;
    }
    Request& request = *job.request;
    request.status = job.status;
    request.used_length = job.used_length;
    job.request = nullptr;  // before the callback, which may submit
    --jobs_in_use_;
    ++jobs_ended_;
    if (request.done != nullptr) {
      request.done(request);
    }
  }
}

// Nothing below will ever take or complete a part again.
void SplitDevice::abandon_jobs() {
  for (unsigned i = 0; i < ready_count_; ++i) {
    Part& part = *ready_[i];
    if (part.chunk != nullptr) {
      give_back_chunk(part.chunk);
    }
    --part.job->parts;
    part.job->status = Status::device_lost;
    part.job = nullptr;
  }
  ready_count_ = 0;
  for (Job& job : jobs_) {
    if (job.request != nullptr && job.left != 0) {
      job.status = worse(job.status, Status::device_lost);
    }
  }
}

std::size_t SplitDevice::poll() { return settle(below_->poll()); }

std::size_t SplitDevice::poll_queue(std::uint16_t queue) { return settle(below_->poll_queue(queue)); }

std::size_t SplitDevice::wait(std::size_t count) {
  return wait_by(
      count, [this](std::size_t wanted) { return below_->wait(wanted); }, [] { return false; });
}

std::size_t SplitDevice::wait_queue(std::uint16_t queue, std::size_t count) {
  return wait_by(
      count, [this, queue](std::size_t wanted) { return below_->wait_queue(queue, wanted); },
      [this, queue] { return has_job_on(queue); });
}

// With jobs about, a completion below may be a part, so that the device is waited for step by step.
template <class Wait, class Held>
std::size_t SplitDevice::wait_by(std::size_t count, Wait wait_below, Held may_be_held_up) {
  std::size_t completed = 0;
  do {
    const std::size_t missing = count - completed;
    const std::size_t ended_below = wait_below(jobs_in_use_ == 0 || missing == 0 ? missing : 1);
    completed += settle(ended_below);
    if (ended_below == 0 && completed < count) {
      if (below_->in_flight() != 0 && may_be_held_up()) {
        completed += settle(below_->wait(1));
        continue;
      }
      if (below_->in_flight() != 0 || jobs_in_use_ == 0) {
        break;  // what flies belongs to another queue
      }
      abandon_jobs();
      completed += settle(0);
      break;
    }
  } while (completed < count && in_flight() != 0);
  return completed;
}

// --- The bounce buffer -------------------------------------------------------------------------------------------

bool SplitDevice::allocate_bounce() {
  if (!bounce_tried_) {
    constexpr std::size_t kPage = 4096;
    bounce_tried_ = true;
    bounce_ = machine_->alloc_dma_buffer(kBounceChunks * std::size_t{kChunkBytes}, kPage);
    free_chunks_ = (1u << kBounceChunks) - 1;
  }
  return bounce_.cpu != nullptr;
}

void SplitDevice::free_bounce() {
  if (bounce_.cpu != nullptr) {
    machine_->free_dma_buffer(bounce_);
    bounce_ = {};
  }
}

std::uint8_t* SplitDevice::take_chunk() {
  for (unsigned i = 0; i < kBounceChunks; ++i) {
    if ((free_chunks_ & 1u << i) != 0) {
      free_chunks_ &= ~(1u << i);
      return static_cast<std::uint8_t*>(bounce_.cpu) + i * std::size_t{kChunkBytes};
    }
  }
  return nullptr;
}

void SplitDevice::give_back_chunk(const std::uint8_t* chunk) {
  const auto offset = static_cast<std::size_t>(chunk - static_cast<std::uint8_t*>(bounce_.cpu));
  free_chunks_ |= 1u << offset / kChunkBytes;
}

}  // namespace ringside::block
