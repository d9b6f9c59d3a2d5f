#include "testbench/scenarios/campaign_workload.h"

#include <new>

#include "testbench/scenarios/data.h"
#include "testbench/scenarios/program_disks.h"
#include "testbench/scenarios/program_table.h"
#include "testbench/scenarios/sector_oracle.h"

namespace ringside::scenarios {
namespace {

using block::Operation;
using block::Status;

constexpr std::uint32_t kLaneBytes = kCampaignSectors * block::kSectorSize;
constexpr unsigned kStatuses = static_cast<unsigned>(Status::device_lost) + 1;
// Of simulated time, beyond a request's own deadline: what resets may take that have to be waited for.
constexpr std::uint64_t kGrace = 10 * hal::kSecond;

struct Lane {
  enum class State : std::uint8_t { idle, collected, sent, ended };
  block::Request request;
  block::Segment segments[kCampaignSegments];
  std::uint8_t* data = nullptr;
  SectorOracle::Write write = 0;
  std::uint32_t begun = 0;  // by the oracle's clock
  hal::Machine* machine = nullptr;
  std::uint64_t end_by = 0;  // ns
  std::uint64_t ended_at = 0;
  State state = State::idle;
};

void on_done(block::Request& request) {
  Lane& lane = *static_cast<Lane*>(request.user);
  lane.state = Lane::State::ended;
  lane.ended_at = lane.machine->now();
}

bool changes_sectors(Operation operation) {
  return operation == Operation::write || operation == Operation::write_zeroes || operation == Operation::discard;
}

// Of one run, on however many devices it takes.
struct Findings {
  bool ends = true;
  bool in_time = true;
  bool right = true;
  bool lengths = true;         // none is longer than what was given
  std::uint64_t requests = 0;  // that were sent
  std::uint64_t flushes = 0;   // that have succeeded
  std::uint64_t lateness = 0;  // ns after its deadline, of the latest
  std::uint64_t statuses[kStatuses] = {};
};

// Requests through one device that was brought up, and the lanes that they fly in.
class Flights {
 public:
  Flights(Context& context, Lane* lanes, SectorOracle& oracle, Findings& findings)
      : context_(context), lanes_(lanes), oracle_(oracle), findings_(findings) {}

  void use(block::BlockDevice* disk, const block::Options& options) {
    disk_ = disk;
    timeout_ = options.timeout;
  }
  [[nodiscard]] block::BlockDevice* disk() { return disk_; }

  void request(const Step& step) {
    Lane* const lane = free_lane();
    if (lane == nullptr) {
      return;
    }
    prepare(*lane, step);
    if (step.args[RequestArgs::batch] == 0) {
      submit();
      wait_for(*lane);
    }
  }

  // Everything collected, with as few doorbells as the ring allows.
  void submit() {
    block::Request* batch[kCampaignLanes];
    std::size_t count = 0;
    for (unsigned i = 0; i < kCampaignLanes; ++i) {
      if (lanes_[i].state == Lane::State::collected) {
        lanes_[i].state = Lane::State::sent;
        batch[count++] = &lanes_[i].request;
        ++findings_.requests;
      }
    }
    for (std::size_t taken = 0; taken < count && findings_.ends;) {
      const std::uint64_t end_by = context_.machine().now() + timeout_;
      const std::size_t more = disk_->submit(batch + taken, count - taken);
      for (std::size_t i = taken; i < taken + more; ++i) {
        static_cast<Lane*>(batch[i]->user)->end_by = end_by;
      }
      taken += more;
      if (more == 0) {
        findings_.ends = findings_.ends && disk_->in_flight() != 0;  // a full ring that never empties
        wait(1);
      }
    }
  }

  void wait(std::size_t count) {
    const std::size_t before = disk_->in_flight();
    const std::size_t completed = disk_->wait(count);
    const bool moves = completed != 0 || disk_->in_flight() < before;
    settle();
    // Nothing is in flight, it says: then nothing that was sent may be waiting for its end.
    findings_.ends = findings_.ends && (moves || (before == 0 && !any(Lane::State::sent)));
  }

  void finish() {
    submit();
    while (findings_.ends && any(Lane::State::sent)) {
      wait(disk_->in_flight());
    }
  }

  // The device is let go of: what it had is over.
  void shut_down() {
    disk_->shutdown();
    disk_ = nullptr;
    settle();
  }

 private:
  [[nodiscard]] bool any(Lane::State state) const {
    for (unsigned i = 0; i < kCampaignLanes; ++i) {
      if (lanes_[i].state == state) {
        return true;
      }
    }
    return false;
  }

  void wait_for(const Lane& lane) {
    while (findings_.ends && lane.state == Lane::State::sent) {
      wait(1);
    }
  }

  [[nodiscard]] Lane* free_lane() {
    for (;;) {
      for (unsigned i = 0; i < kCampaignLanes; ++i) {
        if (lanes_[i].state == Lane::State::idle) {
          return &lanes_[i];
        }
      }
      submit();
      if (!findings_.ends) {
        return nullptr;
      }
      wait(1);
    }
  }

  void prepare(Lane& lane, const Step& step) {
    block::Request& request = lane.request;
    request = {};
    request.operation = operation_of(step.op);
    const std::uint16_t queues = disk_->info().queues;  // a device may say that it has none
    request.queue = static_cast<std::uint16_t>(queues == 0 ? 0 : step.args[RequestArgs::queue] % queues);
    request.sector = step.args[RequestArgs::sector];
    request.unmap = step.args[RequestArgs::unmap] != 0;
    request.done = on_done;
    request.user = &lane;
    const std::uint64_t said = step.args[RequestArgs::sectors];
    const auto sectors = static_cast<std::uint32_t>(said < kCampaignSectors ? said : kCampaignSectors);
    lane.write = 0;
    lane.begun = oracle_.now();
    if (changes_sectors(request.operation)) {
      lane.write = oracle_.begin(request.sector, sectors, contents_of(request.operation));
    }
    if (request.operation == Operation::read || request.operation == Operation::write) {
      fill_lane(lane, sectors);
      give_segments(lane, sectors * block::kSectorSize, step.args[RequestArgs::segments]);
    } else if (request.operation == Operation::get_id) {
      give_segments(lane, block::kIdSize, 1);
    } else {
      request.sector_count = request.operation == Operation::flush ? 0 : sectors;
    }
    lane.state = Lane::State::collected;
  }

  static SectorOracle::Contents contents_of(Operation operation) {
    return operation == Operation::write          ? SectorOracle::Contents::data
           : operation == Operation::write_zeroes ? SectorOracle::Contents::zeroes
                                                  : SectorOracle::Contents::anything;
  }

  // What a read does not bring must not look like what it should.
  void fill_lane(Lane& lane, std::uint32_t sectors) {
    for (std::uint32_t i = 0; i < sectors; ++i) {
      std::uint8_t* const sector = lane.data + i * std::size_t{block::kSectorSize};
      if (lane.request.operation == Operation::write && lane.write != 0) {
        oracle_.fill_sector(sector, lane.write, lane.request.sector + i);
      } else {
        sector[0] = static_cast<std::uint8_t>(~sector[0]);
        sector[block::kSectorSize - 1] = static_cast<std::uint8_t>(~sector[block::kSectorSize - 1]);
      }
    }
  }

  static void give_segments(Lane& lane, std::uint32_t bytes, std::uint64_t pieces) {
    const auto count = static_cast<std::uint32_t>(pieces < 1                   ? 1
                                                  : pieces > kCampaignSegments ? kCampaignSegments
                                                                               : pieces);
    const std::uint32_t part = bytes / count;
    for (std::uint32_t i = 0; i < count; ++i) {
      lane.segments[i] = {lane.data + i * std::size_t{part}, i + 1 == count ? bytes - i * part : part};
    }
    lane.request.segments = lane.segments;
    lane.request.segment_count = static_cast<std::uint16_t>(count);
  }

  // Looks at what has ended since it last did.
  void settle() {
    for (unsigned i = 0; i < kCampaignLanes; ++i) {
      if (lanes_[i].state == Lane::State::ended) {
        judge(lanes_[i]);
        lanes_[i].state = Lane::State::idle;
      }
    }
    oracle_.forget_before(oldest());
  }

  [[nodiscard]] std::uint32_t oldest() const {
    std::uint32_t oldest = oracle_.now();
    for (unsigned i = 0; i < kCampaignLanes; ++i) {
      if (lanes_[i].state != Lane::State::idle && lanes_[i].begun < oldest) {
        oldest = lanes_[i].begun;
      }
    }
    return oldest;
  }

  void judge(Lane& lane) {
    const Status status = lane.request.status;
    ++findings_.statuses[static_cast<unsigned>(status)];
    const std::uint64_t late = lane.ended_at > lane.end_by ? lane.ended_at - lane.end_by : 0;
    findings_.in_time = findings_.in_time && late <= kGrace;
    findings_.lateness = late > findings_.lateness ? late : findings_.lateness;
    findings_.flushes += lane.request.operation == Operation::flush && status == Status::ok ? 1 : 0;
    oracle_.end(lane.write, status == Status::ok);
    const std::uint32_t bytes = bytes_of(lane);
    findings_.lengths = findings_.lengths && lane.request.used_length <= bytes + most_parts(lane.request, bytes);
    if (lane.request.operation == Operation::read && status == Status::ok) {
      look_at(lane, bytes);
    }
  }

  // What a device does not take at once is sent in parts of whole sectors, each with a status byte.
  static std::uint32_t most_parts(const block::Request& request, std::uint32_t bytes) {
    const std::uint32_t sectors = bytes == 0 ? request.sector_count : bytes / block::kSectorSize;
    return sectors < 1 ? 1 : sectors;
  }

  // Room for data; the device writes a status byte beside it.
  static std::uint32_t bytes_of(const Lane& lane) {
    std::uint32_t bytes = 0;
    for (unsigned i = 0; i < lane.request.segment_count; ++i) {
      bytes += lane.segments[i].size;
    }
    return bytes;
  }

  void look_at(const Lane& lane, std::uint32_t bytes) {
    for (std::uint32_t i = 0; i < bytes / block::kSectorSize; ++i) {
      const std::uint8_t* const sector = lane.data + i * std::size_t{block::kSectorSize};
      findings_.right = findings_.right && oracle_.allows(lane.request.sector + i, sector, lane.begun);
    }
  }

  Context& context_;
  Lane* lanes_;
  SectorOracle& oracle_;
  Findings& findings_;
  block::BlockDevice* disk_ = nullptr;
  std::uint64_t timeout_ = 0;
};

template <class T>
T* make_private(Context& context, std::size_t count) {
  return static_cast<T*>(context.machine().alloc_private(count * sizeof(T), alignof(T)));
}

class CampaignRun {
 public:
  CampaignRun(Context& context, Lane* lanes, SectorOracle& oracle)
      : context_(context), oracle_(oracle), flights_(context, lanes, oracle, findings_) {}

  void run() {
    const Steps steps = context_.steps();
    for (std::uint32_t i = 0; i < steps.count && i < kMostSteps && findings_.ends; ++i) {
      if (!makes_sense(steps.first[i])) {
        context_.check(false, "program: the step makes sense");
        return;
      }
      take(steps.first[i]);
    }
    if (flights_.disk() != nullptr) {
      flights_.finish();
    }
    const bool up = flights_.disk() != nullptr;
    context_.check(findings_.ends, kEndsCheck);
    context_.check(findings_.in_time, kInTimeCheck);
    context_.check(findings_.right, kContentsCheck);
    context_.check(findings_.lengths, kLengthsCheck);
    if (!up) {
      context_.observe(kNotUp, 1);
    }
    observe_statuses();
    context_.observe(kLateness, findings_.lateness);
    static_cast<void>(context_.bench().ask(Ask::calm, 0));
    if (findings_.ends) {
      calm();
    }
    if (flights_.disk() != nullptr) {
      let_go();
    }
    context_.observe(kRequests, findings_.requests);
    context_.observe(kFlushes, findings_.flushes);
  }

 private:
  void take(const Step& step) {
    if (step.op == Op::open) {
      options_ = options_of(step);
      bring_up();
    } else if (flights_.disk() == nullptr) {
      return;
    } else if (step.op == Op::submit) {
      flights_.submit();
    } else if (step.op == Op::wait) {
      flights_.wait(step.args[DiskArgs::count]);
    } else if (step.op == Op::finish) {
      flights_.finish();
    } else if (step.op == Op::set_write_cache) {
      set_write_cache(step.args[SettingArgs::value] != 0);
    } else if (step.op >= Op::read && step.op <= Op::write_zeroes && step.op != Op::get_lifetime) {
      flights_.request(step);
    }
  }

  void bring_up() {
    if (flights_.disk() == nullptr) {
      flights_.use(context_.try_open(options_), options_);
    }
  }

  // What was asked for holds until the device is another one, whatever it goes through.
  void set_write_cache(bool write_back) {
    if (flights_.disk()->set_write_cache(write_back) == Status::ok) {
      cache_ = write_back ? Cache::write_back : Cache::write_through;
    }
  }

  [[nodiscard]] bool cache_is_as_set() { return cache_ != Cache::write_through || !flights_.disk()->write_cache(); }

  void let_go() {
    cache_ = Cache::as_it_comes;
    observe_counters(flights_.disk()->counters());
    flights_.shut_down();
  }

  // --- The calm phase

  void calm() {
    bool works = flights_.disk() != nullptr && everything_works();
    if (!works && findings_.ends) {
      if (flights_.disk() != nullptr) {
        let_go();
      }
      bring_up();
      context_.observe(kReopened, flights_.disk() != nullptr ? 1 : 0);
      if (!context_.check(flights_.disk() != nullptr, kCalmUpCheck)) {
        return;
      }
      works = everything_works();
    }
    context_.check(findings_.ends, kEndsCheck);
    context_.check(works, kCalmWorksCheck);
    context_.check(cache_is_as_set(), kCalmCacheCheck);
    context_.check(findings_.right, kCalmContentsCheck);
  }

  // What has been written is read, and a piece behind it; some is written and read back. All of it must succeed.
  [[nodiscard]] bool everything_works() {
    const Findings before = findings_;
    const std::uint64_t end = flights_.disk()->info().sectors;  // a disk may have shrunk
    const std::uint64_t used = oracle_.changed_end() + std::uint64_t{kCampaignSectors};
    const std::uint64_t area = used < end ? used : end;
    const std::uint32_t size = area < kCampaignSectors ? static_cast<std::uint32_t>(area) : kCampaignSectors;
    send_all(Op::read, area, size, size);
    send_all(Op::write, area, size, area / 4);
    flights_.request(step(Op::flush, 0, 0));
    send_all(Op::read, area, size, area / 4);
    bool works = findings_.ends;
    for (unsigned i = 1; i < kStatuses; ++i) {
      works = works && findings_.statuses[i] == before.statuses[i];
    }
    return works;
  }

  // Requests that do not overlap, as far as they lie inside the area.
  void send_all(Op op, std::uint64_t area, std::uint32_t size, std::uint64_t stride) {
    for (std::uint64_t sector = 0; size != 0 && sector + size <= area; sector += stride < size ? size : stride) {
      flights_.request(step(op, sector, size));
    }
    flights_.finish();
  }

  static Step step(Op op, std::uint64_t sector, std::uint32_t sectors) {
    Step step = step_of(op);
    step.args[RequestArgs::sector] = sector;
    step.args[RequestArgs::sectors] = sectors;
    step.args[RequestArgs::batch] = 1;
    return step;
  }

  // --- What is told

  void observe_statuses() {
    for (unsigned i = 1; i < kStatuses; ++i) {
      if (findings_.statuses[i] != 0) {
        context_.observe(to_string(static_cast<Status>(i)), findings_.statuses[i]);
      }
    }
  }

  void observe_counters(const block::Counters& counters) {
    const auto tell = [&](const char* name, std::uint64_t value) {
      if (value != 0) {
        context_.observe(name, value);
      }
    };
    tell("used_id_out_of_range", counters.used_id_out_of_range);
    tell("used_id_not_in_flight", counters.used_id_not_in_flight);
    tell("used_out_of_order", counters.used_out_of_order);
    tell("used_index_jumped", counters.used_index_jumped);
    tell("used_length_clamped", counters.used_length_clamped);
    tell("used_length_short", counters.used_length_short);
    tell("unknown_status", counters.unknown_status);
    tell("timeouts", counters.timeouts);
    tell("lost_interrupts", counters.lost_interrupts);
    tell("needs_reset", counters.needs_reset);
    tell("removals", counters.removals);
    tell("cut_off", counters.cut_off);
    tell("resets", counters.resets);
    tell("queue_resets", counters.queue_resets);
    tell("resets_unfinished", counters.resets_unfinished);
    tell("replays", counters.replays);
    tell("buffers_lost", counters.buffers_lost);
    tell("config_changes", counters.config_changes);
    tell("config_unreadable", counters.config_unreadable);
    tell("spurious_interrupts", counters.spurious_interrupts);
  }

  enum class Cache : std::uint8_t { as_it_comes, write_through, write_back };

  Context& context_;
  SectorOracle& oracle_;
  Findings findings_;
  Cache cache_ = Cache::as_it_comes;
  Flights flights_;
  block::Options options_;
};

}  // namespace

void campaign_workload(Context& context) {
  void* const memory = make_private<SectorOracle>(context, 1);
  Lane* const lanes = make_private<Lane>(context, kCampaignLanes);
  Buffer data(context, std::size_t{kCampaignLanes} * kLaneBytes, 512);
  if (memory == nullptr || lanes == nullptr || !data.valid()) {
    context.check(false, "program: there is memory for the workload");
    return;
  }
  for (unsigned i = 0; i < kCampaignLanes; ++i) {
    Lane* const lane = new (lanes + i) Lane{};
    lane->data = data.data(i * std::size_t{kLaneBytes});
    lane->machine = &context.machine();
  }
  CampaignRun(context, lanes, *new (memory) SectorOracle(kCampaignDiskSeed)).run();
}

}  // namespace ringside::scenarios
