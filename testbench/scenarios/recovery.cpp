// Requests that the device keeps, and what the driver does about it: a queue's reset, the device's reset, and a device
// that hears neither.
#include "driver/hal/memory.h"
#include "driver/virtio/spec.h"
#include "testbench/scenarios/data.h"
#include "testbench/scenarios/list.h"
#include "testbench/scenarios/unruly_machine.h"
#include "testbench/scenarios/workload.h"

namespace ringside::scenarios {
namespace {

constexpr std::size_t kMost = 8;
constexpr std::uint32_t kBytes = block::kBlockSize;
constexpr std::uint64_t kSectors = kBytes / block::kSectorSize;
constexpr std::uint64_t kTime = 20 * hal::kMillisecond;  // of the first request
constexpr std::uint64_t kSlack =
    5 * hal::kMillisecond;  // between a deadline and the end of a recovery that waits for nobody

// One disk on an unruly machine, what is on it, and reads of that.
class Patient {
 public:
  Patient(Context& context, std::uint16_t queues, std::uint64_t without_features)
      : context_(context), machine_(context.machine()), data_(context, kMost * std::size_t{kBytes}, 4096) {
    block::Options options;
    options.queues = queues;
    options.features &= ~without_features;
    options.changed = [](block::BlockDevice&, void* user) { ++static_cast<Patient*>(user)->changes_; };
    options.changed_user = this;
    hal::Observer* const observer = context.observer();
    disk_ = observer != nullptr ? block::open_disk(machine_, hal::Observed(*observer), options)
                                : block::open_disk(machine_, hal::Plain{}, options);
    if (context.check(disk_ != nullptr && data_.valid(), "the disk comes up")) {
      write_contents();
    }
  }
  Patient(const Patient&) = delete;
  Patient& operator=(const Patient&) = delete;

  [[nodiscard]] bool ready() const { return ready_; }
  [[nodiscard]] block::BlockDevice& disk() { return *disk_; }
  [[nodiscard]] UnrulyMachine& machine() { return machine_; }
  [[nodiscard]] const block::Counters& counters() const { return disk_->counters(); }
  [[nodiscard]] unsigned changes() const { return changes_; }
  [[nodiscard]] block::Status status(std::size_t i) const { return reads_[i].request.status; }
  [[nodiscard]] std::uint8_t* data(std::size_t i) const { return data_.data(i * kBytes); }

  void hold() { context_.check(context_.bench().ask(Ask::hold, 0) != kNotAvailable, "completions are held back"); }
  void release() { context_.check(context_.bench().ask(Ask::release, 0) != kNotAvailable, "nothing is held back"); }

  // Read `i`, from where its contents were written or from `sector`.
  void send(std::size_t i, std::uint16_t queue, std::uint64_t time, std::uint64_t sector) {
    Read& read = reads_[i];
    fill(data(i), kBytes, ~i);
    read.segment = {data(i), kBytes};
    read.request = {};
    read.request.sector = sector;
    read.request.queue = queue;
    read.request.segments = &read.segment;
    read.request.segment_count = 1;
    read.request.deadline = machine_.now() + time;
    read.request.user = this;
    read.request.done = [](block::Request& request) {
      Patient& self = *static_cast<Patient*>(request.user);
      self.ended_at_[&reinterpret_cast<Read&>(request) - self.reads_] = self.machine_.now();
    };
    block::Request* const one = &read.request;
    context_.check(disk_->submit(&one, 1) == 1, "the request is taken");
  }
  void send(std::size_t i, std::uint16_t queue, std::uint64_t time) { send(i, queue, time, i * kSectors); }

  void wait_for_all() {
    while (disk_->in_flight() != 0 && disk_->wait(disk_->in_flight()) != 0) {
    }
  }
  // Whether it ended by its deadline, give or take a recovery.
  [[nodiscard]] bool punctual(std::size_t i, std::uint64_t allowance = kSlack) const {
    return ended_at_[i] <= reads_[i].request.deadline + allowance;
  }
  [[nodiscard]] bool succeeded(std::size_t i) const {
    return status(i) == block::Status::ok && is_filled(data(i), kBytes, i);
  }

  // Takes it down; nothing may be left.
  void finish() {
    disk_->shutdown();
    context_.check(machine_.mapped() == 0, "nothing is left mapped");
    context_.check(machine_.buffers() == 0, "no memory is left with the driver");
    context_.check(machine_.freed_too_early() == 0, "no memory was given back before the device let go of it");
  }

 private:
  struct Read {
    block::Request request;  // first
    block::Segment segment;
  };

  void write_contents() {
    ready_ = true;
    for (std::size_t i = 0; i < kMost; ++i) {
      fill(data(i), kBytes, i);
      ready_ = ready_ && disk_->write(i * kSectors, data(i), kBytes) == block::Status::ok;
    }
    context_.check(ready_, "the contents are written");
  }

  Context& context_;
  UnrulyMachine machine_;
  Buffer data_;
  block::BlockDevice* disk_ = nullptr;
  Read reads_[kMost];
  std::uint64_t ended_at_[kMost] = {};
  unsigned changes_ = 0;
  bool ready_ = false;
};

constexpr std::uint64_t kQueueReset = virtio::feature(virtio::VIRTIO_F_RING_RESET);

// Queue 0 has a request whose time is over and one with time left, queue 1 has another: the queue is reset by itself,
// and both of the others succeed.
void one_expires_on_a_queue(Context& context, UnrulyMachine::QueueReset how) {
  Patient patient(context, 2, 0);
  if (!patient.ready()) {
    return;
  }
  patient.machine().queue_reset = how;
  patient.hold();
  patient.send(0, 0, kTime);
  patient.send(1, 0, hal::kSecond);
  patient.send(2, 1, hal::kSecond);
  static_cast<void>(patient.disk().wait_queue(0, 1));
  context.check(patient.status(0) == block::Status::timed_out && patient.punctual(0), "one has timed out, in time");
  context.check(patient.status(1) == block::Status::pending && patient.status(2) == block::Status::pending,
                "the others have not ended");
  patient.release();
  patient.wait_for_all();
  context.check(patient.succeeded(1) && patient.succeeded(2), "the others succeed");
  context.check(patient.counters().queue_resets == 1 && patient.counters().resets == 0, "one queue was reset");
  context.check(patient.counters().replays == 1, "its other request was sent again, and no other");
  context.check(patient.counters().timeouts == 1, "one time-out was counted");
  patient.finish();
}

// A queue's reset that never ends is no recovery: the device is reset, and what both queues had goes on.
void a_queue_does_not_reset(Context& context) {
  Patient patient(context, 2, 0);
  if (!patient.ready()) {
    return;
  }
  patient.machine().queue_reset = UnrulyMachine::QueueReset::never;
  patient.hold();
  patient.send(0, 0, kTime);
  patient.send(1, 0, 5 * hal::kSecond);
  patient.send(2, 1, 5 * hal::kSecond);
  static_cast<void>(patient.disk().wait_queue(0, 1));
  context.check(patient.status(0) == block::Status::timed_out && patient.punctual(0, hal::kSecond + kSlack),
                "one has timed out, after the second that a reset may take");
  patient.release();
  patient.wait_for_all();
  context.check(patient.succeeded(1) && patient.succeeded(2), "the others succeed");
  context.check(patient.counters().queue_resets == 0 && patient.counters().resets == 1, "the device was reset");
  context.check(patient.counters().resets_unfinished == 1, "one reset did not end");
  context.check(patient.counters().replays == 2, "the others were sent again");
  patient.finish();
}

// Each recovery costs the others one of their lives. Those that have none left end with it, before their time.
void expiry_after_expiry(Context& context) {
  constexpr std::size_t kRequests = 6;
  constexpr std::size_t kReplays = 3;  // block::Options::replays
  Patient patient(context, 1, 0);
  if (!patient.ready()) {
    return;
  }
  patient.hold();
  for (std::size_t i = 0; i < kRequests; ++i) {
    patient.send(i, 0, (i + 1) * kTime);
  }
  patient.wait_for_all();
  bool right = true;
  for (std::size_t i = 0; i < kRequests; ++i) {
    const block::Status expected = i <= kReplays ? block::Status::timed_out : block::Status::device_lost;
    right = right && patient.status(i) == expected && patient.punctual(i);
  }
  context.check(right, "each ends in its time, and the last ones when they have been sent again often enough");
  context.check(patient.counters().replays == 5 + 4 + 3, "what had time and lives left was sent again");
  patient.release();
  patient.finish();
}

// Configuration changes without end are no reason to forget a deadline.
void changes_do_not_stop(Context& context) {
  Patient patient(context, 2, 0);
  if (!patient.ready()) {
    return;
  }
  patient.hold();
  patient.send(0, 0, kTime);
  patient.machine().storm = 10 * kTime / (100 * hal::kMicrosecond);
  static_cast<void>(patient.disk().wait_queue(0, 1));
  context.check(patient.status(0) == block::Status::timed_out && patient.punctual(0), "it has timed out, in time");
  patient.machine().storm = 0;
  patient.release();
  patient.finish();
}

// Without queue resets: what both queues have is sent again after the device's reset, and the write cache is as it was.
void one_expires_on_the_device(Context& context) {
  Patient patient(context, 2, kQueueReset);
  if (!patient.ready()) {
    return;
  }
  const bool switched = patient.disk().set_write_cache(false) == block::Status::ok;
  patient.hold();
  patient.send(0, 0, kTime);
  patient.send(1, 0, hal::kSecond);
  patient.send(2, 1, hal::kSecond);
  static_cast<void>(patient.disk().wait_queue(0, 1));
  context.check(patient.status(0) == block::Status::timed_out && patient.punctual(0), "one has timed out, in time");
  patient.release();
  patient.wait_for_all();
  context.check(patient.succeeded(1) && patient.succeeded(2), "the others succeed");
  context.check(patient.counters().queue_resets == 0 && patient.counters().resets == 1, "the device was reset");
  context.check(patient.counters().replays == 2, "the others were sent again");
  context.check(switched && !patient.disk().write_cache(), "writes that complete are as safe as before");
  patient.finish();
}

// The device asks for a reset, and comes back smaller: what lay beyond its end is refused, the rest succeeds.
void broken_and_smaller(Context& context) {
  Patient patient(context, 2, 0);
  if (!patient.ready()) {
    return;
  }
  struct Shrink {
    Context& context;
    std::uint64_t sectors;
  } shrink{context, patient.disk().info().sectors - kSectors};
  const std::uint64_t before = patient.disk().info().sectors;
  patient.machine().cured_user = &shrink;
  patient.machine().cured = [](void* user) {
    const Shrink& wish = *static_cast<Shrink*>(user);
    wish.context.check(wish.context.bench().ask(Ask::resize, wish.sectors) != kNotAvailable, "the disk shrinks");
  };
  patient.hold();
  patient.send(0, 0, 5 * hal::kSecond, before - kSectors);
  patient.send(1, 0, 5 * hal::kSecond);
  patient.machine().needs_reset = true;
  patient.machine().storm = 1;  // it says so
  static_cast<void>(patient.disk().wait_queue(0, 1));
  context.check(patient.status(0) == block::Status::refused, "what is not there any more is not asked for again");
  patient.release();
  patient.wait_for_all();
  context.check(patient.succeeded(1), "the other succeeds");
  context.check(patient.counters().needs_reset == 1 && patient.counters().resets == 1, "the device was reset");
  context.check(patient.counters().timeouts == 0, "nobody had to wait for a deadline");
  context.check(patient.changes() == 1, "who wants to hear of changes was told");
  context.check(context.bench().ask(Ask::resize, before) != kNotAvailable, "the disk has its size again");
  patient.finish();
}

// No reset is heard. Without the bus the device is harmless, and everything is given back.
void deaf_and_silenced(Context& context) {
  Patient patient(context, 1, 0);
  if (!patient.ready()) {
    return;
  }
  patient.machine().deaf = true;
  patient.machine().queue_reset = UnrulyMachine::QueueReset::never;
  patient.hold();
  patient.send(0, 0, kTime);
  patient.send(1, 0, 60 * hal::kSecond);
  patient.wait_for_all();
  context.check(patient.status(0) == block::Status::timed_out && patient.status(1) == block::Status::device_lost,
                "every request ends");
  context.check(patient.punctual(0, 2 * hal::kSecond + kSlack), "after the two seconds that resets may take");
  context.check(patient.disk().read(0, patient.data(0), kBytes) == block::Status::device_lost, "and so does the next");
  context.check(patient.counters().resets_unfinished == 2 && patient.counters().buffers_lost == 0,
                "neither reset ended, and no memory is lost");
  patient.release();
  patient.machine().deaf = false;
  patient.finish();
}

// No reset is heard, and the bus is not let go of: what the device may write to is nobody's any more.
void deaf_and_running(Context& context) {
  Patient patient(context, 1, 0);
  if (!patient.ready()) {
    return;
  }
  void* const unreachable = context.machine().alloc_private(kBytes, kBytes);
  context.check(unreachable != nullptr && patient.disk().read(0, unreachable, kBytes) == block::Status::ok,
                "a bounce buffer is in use");
  const std::size_t buffers = patient.machine().buffers();
  patient.machine().deaf = true;
  patient.machine().keeps_the_bus = true;
  patient.machine().queue_reset = UnrulyMachine::QueueReset::never;
  patient.hold();
  patient.send(0, 0, kTime);
  patient.wait_for_all();
  context.check(patient.status(0) == block::Status::timed_out, "every request ends");
  patient.disk().shutdown();
  context.check(patient.machine().mapped() == 0, "nothing is left mapped");
  context.check(patient.machine().buffers() == buffers && patient.machine().freed_too_early() == 0,
                "no memory is given back that the device may write to");
  context.check(patient.counters().buffers_lost + 1 == buffers, "it is counted, all but the bounce buffer");
  patient.release();
}

// A healthy device is taken down with a request in flight.
void shut_down_in_flight(Context& context) {
  Patient patient(context, 1, 0);
  if (!patient.ready()) {
    return;
  }
  void* const unreachable = context.machine().alloc_private(kBytes, kBytes);
  context.check(unreachable != nullptr && patient.disk().read(0, unreachable, kBytes) == block::Status::ok,
                "a bounce buffer is in use");
  patient.hold();
  patient.send(0, 0, hal::kSecond);
  patient.finish();
  context.check(patient.status(0) == block::Status::device_lost, "the request has ended");
  patient.release();
}

void use_again(Context& context) {
  block::BlockDevice* const disk = context.open();
  if (disk != nullptr) {
    run_workload(context, *disk, Workload{});
    check_counters(context, *disk);
    disk->shutdown();
  }
}

}  // namespace

void recovery_queue(Context& context) {
  one_expires_on_a_queue(context, UnrulyMachine::QueueReset::as_it_comes);
  one_expires_on_a_queue(context, UnrulyMachine::QueueReset::slow);
  a_queue_does_not_reset(context);
  expiry_after_expiry(context);
  changes_do_not_stop(context);
  use_again(context);
}

void recovery_device(Context& context) {
  one_expires_on_the_device(context);
  broken_and_smaller(context);
  shut_down_in_flight(context);
  use_again(context);
}

void recovery_deaf(Context& context) {
  deaf_and_silenced(context);
  deaf_and_running(context);
  use_again(context);
}

}  // namespace ringside::scenarios
