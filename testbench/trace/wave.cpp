#include "testbench/trace/wave.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "testbench/trace/names.h"
#include "testbench/trace/text.h"
#include "testbench/trace/vcd_format.h"
#include "testbench/trace/wave_lanes.h"
#include "testbench/trace/wave_signals.h"
#include "testbench/trace/wave_text.h"

namespace ringside::trace {
namespace {

// A log is outside input: one that names thousands of queues gets a wave of the first ones.
constexpr std::size_t kMostScopes = 256;
constexpr unsigned kIndexBits = 18;     // 16, one for as many as that, one for the sign
constexpr std::uint64_t kStatusOk = 0;  // VIRTIO_BLK_S_OK

bool names_queue(Kind kind) {
  switch (kind) {
    case Kind::doorbell:
    case Kind::queue_enabled:
    case Kind::avail_publish:
    case Kind::request:
    case Kind::used_seen:
    case Kind::completion:
    case Kind::dev_doorbell:
    case Kind::dev_fetch:
    case Kind::dev_complete:
    case Kind::dev_used:
      return true;
    default:
      return false;
  }
}

bool names_disk(Kind kind) { return names_queue(kind) || kind == Kind::device_status; }

std::string scope_of_vector(std::uint64_t vector) {
  std::string name = vector_name(vector);
  std::ranges::replace(name, ' ', '_');
  return name;
}

}  // namespace

class WaveWriter::Wave {
 public:
  explicit Wave(WaveFormat& format) : signals_(format) {
    open_scopes({"ringside", "bench"});
    scenario_ = signals_.text("scenario");
    check_ = signals_.text("check");
    log_ = signals_.text("log");
    close_scopes(1);
    open_scopes({"cpu"});
    cpu_state_ = signals_.text("state");
    cpu_access_ = signals_.text("access");
    close_scopes(2);
    signals_.set(cpu_state_, "running");
  }

  void take(const Record& record) {
    signals_.at(record.time);
    if (record.kind == Kind::text) {
      take_text(record);
      return;
    }
    device_side_ |= record.tap == Tap::device;
    take_bench(record);
    take_cpu(record);
    if (Disk* const disk = disk_of(record)) {
      take_disk(record, *disk);
      if (names_queue(record.kind) || record.kind == Kind::used_event) {
        if (Queue* const queue = queue_of(record, *disk)) {
          take_queue(record, *queue);
        }
      }
      if (record.kind == Kind::device_status && record.flags == 0 && record.value == 0) {
        device_reset(*disk);
      }
    }
  }

 private:
  using Id = WaveSignals::Id;

  struct Vector {
    Id interrupt, count;
  };
  struct Queue {
    Id avail_idx, used_idx, device_used_idx, doorbell, in_flight;
    Id request, completion, status, latency, used_event;
    std::vector<Id> lanes;
    WaveLanes flights;
  };
  struct Disk {
    Id status, status_bits, features, config, access, value, media, raised, entry, line;
    Id dma, transfer, granted;
    std::uint64_t granted_bytes = 0;
    std::map<std::uint16_t, Queue> queues;
  };

  // --- Declarations: a scope appears with the first record that names what it is of

  void open_scopes(std::initializer_list<std::string_view> names) {
    for (const std::string_view name : names) {
      signals_.open_scope(name);
    }
  }

  void close_scopes(unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
      signals_.close_scope();
    }
  }

  // Null for what is beyond the scopes that a wave has.
  Vector* vector_of(std::uint64_t number) {
    if (const auto known = vectors_.find(number); known != vectors_.end()) {
      return &known->second;
    }
    if (vectors_.size() == kMostScopes) {
      return nullptr;
    }
    open_scopes({"ringside", scope_of_vector(number)});
    const Vector vector{signals_.event("interrupt"), signals_.count("count", 32)};
    close_scopes(2);
    return &vectors_.emplace(number, vector).first->second;
  }

  Disk* disk_of(const Record& record) {
    if (const auto known = disks_.find(record.unit); known != disks_.end()) {
      return &known->second;
    }
    return names_disk(record.kind) ? &declare_disk(record.unit) : nullptr;
  }

  Disk& declare_disk(std::uint8_t unit) {
    Disk& disk = disks_[unit];
    open_scopes({"ringside", text("disk{}", unit)});
    disk.status = signals_.text("device_status");
    disk.status_bits = signals_.bits("device_status_bits", 8);
    disk.features = signals_.bits("features", 64);
    disk.config = signals_.text("config_access");
    disk.access = signals_.text("register_access");
    disk.value = signals_.bits("register_value", 64);
    disk.media = signals_.text("media");
    disk.raised = signals_.event("interrupt_raised");
    disk.entry = signals_.text("interrupt_source");
    disk.line = signals_.bits("intx_level", 1);
    open_scopes({"dma"});
    disk.dma = signals_.text("activity");
    disk.transfer = signals_.event("transfer");
    disk.granted = signals_.count("granted_bytes", 32);
    close_scopes(3);
    return disk;
  }

  Queue* queue_of(const Record& record, Disk& disk) {
    if (const auto known = disk.queues.find(record.queue); known != disk.queues.end()) {
      return &known->second;
    }
    if (queues_ == kMostScopes) {
      return nullptr;
    }
    ++queues_;
    return &declare_queue(record, disk);
  }

  Queue& declare_queue(const Record& record, Disk& disk) {
    Queue& queue = disk.queues[record.queue];
    open_scopes({"ringside", text("disk{}", record.unit)});
    open_scopes({text("queue{}", record.queue)});
    queue.avail_idx = signals_.count("avail_idx", kIndexBits);
    queue.doorbell = signals_.event("doorbell");
    queue.in_flight = signals_.count("in_flight", kIndexBits);
    queue.used_idx = signals_.count("used_idx", kIndexBits);
    queue.device_used_idx = signals_.count("device_used_idx", kIndexBits);
    queue.used_event = signals_.count("used_event", kIndexBits);
    queue.request = signals_.text("request");
    queue.completion = signals_.text("completion");
    queue.status = signals_.text("status");
    queue.latency = signals_.count("latency_ns", 48);
    close_scopes(3);
    return queue;
  }

  // Lanes are taken from the lowest on, so the next one is all that can be missing.
  Id lane_of(const Record& record, Queue& queue, std::size_t lane) {
    if (lane == queue.lanes.size()) {
      open_scopes({"ringside", text("disk{}", record.unit)});
      open_scopes({text("queue{}", record.queue)});
      open_scopes({"in_flight_requests"});
      queue.lanes.push_back(signals_.text(text("lane{:02}", lane)));
      close_scopes(4);
    }
    return queue.lanes[lane];
  }

  // --- Changes

  // Valid until the next call.
  template <class... Arguments>
  std::string_view text(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    scratch_ = fmt::format(format, std::forward<Arguments>(arguments)...);
    return scratch_;
  }

  // A text belongs to the record before it.
  void take_text(const Record& record) {
    if (!joiner_.feed(record)) {
      return;
    }
    if (text_of_ == Kind::scenario) {
      signals_.set(scenario_, joiner_.text());
    } else if (text_of_ == Kind::log_line) {
      signals_.set(log_, joiner_.text());
    } else if (text_of_ == Kind::check || text_of_ == Kind::observe) {
      signals_.set(check_, text("{}: {}", joiner_.text(), text_value_));
    }
  }

  void take_bench(const Record& record) {
    text_of_ = record.kind;
    if (record.kind == Kind::check) {
      text_value_ = record.value == 1 ? "held" : "DID NOT HOLD";
    } else if (record.kind == Kind::observe) {
      text_value_ = fmt::format("{}", record.value);
    } else if (record.kind == Kind::guard) {
      signals_.set(check_, describe(record));
    }
  }

  void take_cpu(const Record& record) {
    switch (record.kind) {
      case Kind::wait:
        signals_.set(cpu_state_, "waiting for " + vector_name(record.offset));
        break;
      case Kind::relax:
        signals_.set(cpu_state_, "polling");
        break;
      case Kind::interrupt:
        signals_.set(cpu_state_, "running");
        if (const Vector* const vector = vector_of(record.offset)) {
          signals_.fire(vector->interrupt);
          signals_.set(vector->count, record.value);
        }
        break;
      case Kind::wait_timeout:
        signals_.set(cpu_state_, "timed out");
        break;
      case Kind::port_read:
      case Kind::port_write:
      case Kind::mmio_read:
      case Kind::mmio_write:
      case Kind::config_read:
      case Kind::config_write:
        signals_.set(cpu_access_, describe(record));
        break;
      default:
        if (record.tap == Tap::driver && record.kind >= Kind::avail_publish) {
          signals_.set(cpu_state_, "running");
        }
        break;
    }
  }

  void take_disk(const Record& record, Disk& disk) {
    switch (record.kind) {
      case Kind::device_status:
        signals_.set(disk.status, status_name(record.value));
        signals_.set(disk.status_bits, record.value);
        break;
      case Kind::features:
        signals_.set(disk.features, record.value);
        break;
      case Kind::config_read:
      case Kind::config_write:
        signals_.set(disk.config, text("{} {} {:#x}", config_register_name(record.offset),
                                       record.kind == Kind::config_write ? "<-" : "->", record.value));
        break;
      case Kind::register_read:
      case Kind::register_write:
        signals_.set(disk.access, text("{} {} {:#x}", register_name(record.region, record.offset),
                                       record.kind == Kind::register_write ? "<-" : "->", record.value));
        signals_.set(disk.value, record.value);
        break;
      case Kind::dma_map:
      case Kind::dma_unmap:
        take_grant(record, disk);
        break;
      case Kind::dev_dma_read:
      case Kind::dev_dma_write:
        signals_.fire(disk.transfer);
        line_.start(record.kind == Kind::dev_dma_write ? "write " : "read ").hex(record.offset);
        line_.word(" +").number(record.length).word(record.flags == 0 ? "" : " FAILED");
        signals_.set(disk.dma, line_.view());
        break;
      case Kind::dev_interrupt:
        take_raised(record, disk);
        break;
      case Kind::dev_media:
        line_.start(record.flags == 1 ? "write " : "read ").number(record.offset).word(" +").number(record.length);
        signals_.set(disk.media, line_.word(" takes ").number(record.value).word(" ns").view());
        break;
      default:
        break;
    }
  }

  // As the device sees it: an entry of its MSI-X table, or the level of its line.
  void take_raised(const Record& record, Disk& disk) {
    if (record.offset == kIntxEntry) {
      signals_.set(disk.line, record.value);
    }
    if (record.value != 0) {
      signals_.set(disk.entry, record.offset == kIntxEntry ? "INTx" : text("MSI-X entry {}", record.offset));
      signals_.fire(disk.raised);
    }
  }

  // Where the device's own accesses cannot be seen, what it was granted shows when they may happen, and where.
  void take_grant(const Record& record, Disk& disk) {
    if (record.kind == Kind::dma_map) {
      disk.granted_bytes += record.length;
    } else {
      disk.granted_bytes -= std::min(disk.granted_bytes, record.length);
    }
    signals_.set(disk.granted, disk.granted_bytes);
    if (!device_side_) {
      signals_.set(disk.dma, describe(record));
    }
  }

  void take_queue(const Record& record, Queue& queue) {
    switch (record.kind) {
      case Kind::queue_enabled:
        signals_.set(queue.avail_idx, 0);
        signals_.set(queue.used_idx, 0);
        signals_.set(queue.device_used_idx, 0);
        forget_flights(queue);
        break;
      case Kind::avail_publish:
        signals_.set(queue.avail_idx, record.value);
        break;
      case Kind::doorbell:
        signals_.fire(queue.doorbell);
        break;
      case Kind::request:
        take_request(record, queue);
        break;
      case Kind::used_seen:
        signals_.set(queue.used_idx, record.value);
        break;
      case Kind::completion:
        take_completion(record, queue);
        break;
      case Kind::used_event:
        signals_.set(queue.used_event, record.value);
        break;
      case Kind::dev_used:
        signals_.set(queue.device_used_idx, record.value);
        break;
      default:
        break;
    }
  }

  void take_request(const Record& record, Queue& queue) {
    const auto flight = queue.flights.begin(record.ordinal, record.time);
    line_.start(request_type_name(record.flags)).word(" ").number(record.offset);
    line_.word(" +").number(record.length).word(" #").number(record.ordinal);
    if (flight && flight->lane != WaveLanes::kNoLane) {
      signals_.set(lane_of(record, queue, flight->lane), line_.view());
    }
    signals_.set(queue.request, line_.view());
    signals_.set(queue.in_flight, queue.flights.in_flight());
  }

  void take_completion(const Record& record, Queue& queue) {
    const std::string status = request_status_name(record.value);
    const auto flight = queue.flights.end(record.ordinal);
    if (flight) {
      signals_.set(queue.latency, record.time - std::min(record.time, flight->since));
      if (flight->lane != WaveLanes::kNoLane) {
        signals_.set(queue.lanes[flight->lane], record.value == kStatusOk ? "" : std::string_view(status));
      }
    }
    line_.start(request_type_name(record.flags)).word(" ").number(record.offset).word(" ").word(status);
    signals_.set(queue.completion, line_.word(" #").number(record.ordinal).view());
    signals_.set(queue.status, status);
    signals_.set(queue.in_flight, queue.flights.in_flight());
  }

  // What was in flight when a queue went away never completes, and its ordinals are used again.
  void forget_flights(Queue& queue) {
    for (std::size_t lane = 0; lane < queue.lanes.size(); ++lane) {
      if (queue.flights.taken()[lane]) {
        signals_.set(queue.lanes[lane], "never completed");
      }
    }
    queue.flights.clear();
    signals_.set(queue.in_flight, 0);
  }

  void device_reset(Disk& disk) {
    for (auto& [number, queue] : disk.queues) {
      forget_flights(queue);
    }
  }

  WaveSignals signals_;
  Id scenario_ = 0, check_ = 0, log_ = 0, cpu_state_ = 0, cpu_access_ = 0;
  bool device_side_ = false;  // whether the device's own accesses are in this log
  std::map<std::uint64_t, Vector> vectors_;
  std::map<std::uint8_t, Disk> disks_;
  std::size_t queues_ = 0;  // of all disks
  TextJoiner joiner_;
  Kind text_of_ = Kind::none;
  std::string text_value_;
  std::string scratch_;
  WaveText line_;  // of what comes with every request
};

WaveWriter::WaveWriter(std::unique_ptr<WaveFormat> format)
    : format_(std::move(format)), wave_(std::make_unique<Wave>(*format_)) {}

WaveWriter::~WaveWriter() = default;

void WaveWriter::append(const Record& record) { wave_->take(record); }

void WaveWriter::close() { format_->close(); }

std::string wave_comment(const LogMetadata& metadata) {
  return fmt::format("{} on {}", metadata.scenario, metadata.identity);
}

void write_vcd(const std::string& path, const LogMetadata& metadata, const std::vector<Record>& log) {
  WaveWriter writer(std::make_unique<VcdFormat>(path, wave_comment(metadata)));
  for (const Record& record : log) {
    writer.append(record);
  }
  writer.close();
}

}  // namespace ringside::trace
