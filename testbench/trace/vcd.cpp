#include "testbench/trace/vcd.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "testbench/trace/names.h"
#include "testbench/trace/output_file.h"
#include "testbench/trace/text.h"
#include "testbench/trace/vcd_signals.h"

namespace ringside::trace {
namespace {

// A log is outside input: one that names thousands of queues gets a wave of the first ones.
constexpr std::size_t kMostScopes = 256;
constexpr std::size_t kMostInFlight = 65536;
constexpr std::uint64_t kIntx = 0xffff;

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

bool names_vector(Kind kind) { return kind == Kind::interrupt || kind == Kind::wait || kind == Kind::wait_timeout; }

std::string scope_of_vector(std::uint64_t vector) {
  std::string name = vector_name(vector);
  for (char& character : name) {
    character = character == ' ' ? '_' : character;
  }
  return name;
}

}  // namespace

void VcdContents::append(const Record& record) {
  if (names_vector(record.kind) && vectors_.size() < kMostScopes) {
    vectors_.insert(record.offset);
  }
  if (names_queue(record.kind) && queues_.size() < kMostScopes) {
    queues_.insert({record.unit, record.queue});
  }
  device_dma_ |= record.kind == Kind::dev_dma_read || record.kind == Kind::dev_dma_write;
  if (names_queue(record.kind) || record.kind == Kind::device_status) {
    units_.insert(record.unit);
  }
}

class VcdWriter::Wave {
 public:
  Wave(std::ostream& out, const LogMetadata& metadata, const VcdContents& contents)
      : signals_(out), device_dma_(contents.device_dma()) {
    signals_.header(fmt::format("{} on {}", metadata.scenario, metadata.identity));
    signals_.open_scope("ringside");
    declare_bench();
    for (const std::uint64_t vector : contents.vectors()) {
      declare_vector(vector);
    }
    for (const std::uint8_t unit : contents.units()) {
      declare_disk(unit, contents);
    }
    signals_.close_scope();
    signals_.begin();
    signals_.set(cpu_state_, "running");
  }

  void take(const Record& record) {
    signals_.at(record.time);
    if (record.kind == Kind::text) {
      take_text(record);
      return;
    }
    take_bench(record);
    take_cpu(record);
    if (const auto disk = disks_.find(record.unit); disk != disks_.end()) {
      take_disk(record, disk->second);
      if (const auto queue = queues_.find({record.unit, record.queue}); queue != queues_.end()) {
        take_queue(record, queue->second);
      }
    }
  }

 private:
  using Id = VcdSignals::Id;

  struct Vector {
    Id interrupt, count;
  };
  struct Disk {
    Id status, status_bits, features, config, access, value, media, raised, entry, line;
    Id dma, dma_address, dma_length, dma_active, granted;
    std::uint64_t granted_bytes = 0;
  };
  struct Queue {
    Id avail_idx, used_idx, device_used_idx, doorbell, in_flight, request, ordinal, sector, length;
    Id completion, status, used_length, latency, used_event;
    std::map<std::uint32_t, std::uint64_t> sent;  // ordinal -> time
  };

  // --- Declarations

  void declare_bench() {
    signals_.open_scope("bench");
    scenario_ = signals_.string("scenario");
    check_ = signals_.string("check");
    log_ = signals_.string("log");
    signals_.close_scope();
    signals_.open_scope("cpu");
    cpu_state_ = signals_.string("state");
    cpu_access_ = signals_.string("access");
    signals_.close_scope();
  }

  void declare_vector(std::uint64_t vector) {
    signals_.open_scope(scope_of_vector(vector));
    Vector& ids = vectors_[vector];
    ids.interrupt = signals_.event("interrupt");
    ids.count = signals_.count("count", 32);
    signals_.close_scope();
  }

  void declare_disk(std::uint8_t unit, const VcdContents& contents) {
    signals_.open_scope(fmt::format("disk{}", unit));
    Disk& disk = disks_[unit];
    disk.status = signals_.string("device_status");
    disk.status_bits = signals_.number("device_status_bits", 8);
    disk.features = signals_.number("features", 64);
    disk.config = signals_.string("config_access");
    disk.access = signals_.string("register_access");
    disk.value = signals_.number("register_value", 64);
    disk.media = signals_.string("media");
    disk.raised = signals_.event("interrupt_raised");
    disk.entry = signals_.string("interrupt_source");
    disk.line = signals_.number("intx_level", 1);
    signals_.open_scope("dma");
    disk.dma = signals_.string("activity");
    disk.dma_active = signals_.event("transfer");
    disk.dma_address = signals_.number("address", 64);
    disk.dma_length = signals_.count("length", 32);
    disk.granted = signals_.count("granted_bytes", 32);
    signals_.close_scope();
    for (const auto& [of_unit, number] : contents.queues()) {
      if (of_unit == unit) {
        declare_queue(unit, number);
      }
    }
    signals_.close_scope();
  }

  void declare_queue(std::uint8_t unit, std::uint16_t number) {
    signals_.open_scope(fmt::format("queue{}", number));
    Queue& queue = queues_[{unit, number}];
    queue.avail_idx = signals_.count("avail_idx", 32);
    queue.doorbell = signals_.event("doorbell");
    queue.in_flight = signals_.count("in_flight", 32);
    queue.used_idx = signals_.count("used_idx", 32);
    queue.device_used_idx = signals_.count("device_used_idx", 32);
    queue.used_event = signals_.count("used_event", 32);
    queue.request = signals_.string("request");
    queue.ordinal = signals_.count("request_ordinal", 32);
    queue.sector = signals_.count("sector", 64);
    queue.length = signals_.count("length", 32);
    queue.completion = signals_.string("completion");
    queue.status = signals_.string("status");
    queue.used_length = signals_.count("used_length", 32);
    queue.latency = signals_.count("latency_ns", 64);
    signals_.close_scope();
  }

  // --- Changes

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
      signals_.set(check_, fmt::format("{}: {}", joiner_.text(), text_value_));
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
        if (const auto vector = vectors_.find(record.offset); vector != vectors_.end()) {
          signals_.fire(vector->second.interrupt);
          signals_.set(vector->second.count, record.value);
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
        signals_.set(disk.config, fmt::format("{} {} {:#x}", config_register_name(record.offset),
                                              record.kind == Kind::config_write ? "<-" : "->", record.value));
        break;
      case Kind::register_read:
      case Kind::register_write:
        signals_.set(disk.access, fmt::format("{} {} {:#x}", register_name(record.region, record.offset),
                                              record.kind == Kind::register_write ? "<-" : "->", record.value));
        signals_.set(disk.value, record.value);
        break;
      case Kind::dma_map:
      case Kind::dma_unmap:
        take_grant(record, disk);
        break;
      case Kind::dev_dma_read:
      case Kind::dev_dma_write:
        signals_.fire(disk.dma_active);
        signals_.set(disk.dma, fmt::format("{} {:#x} +{}{}", record.kind == Kind::dev_dma_write ? "write" : "read",
                                           record.offset, record.length, record.flags == 0 ? "" : " FAILED"));
        signals_.set(disk.dma_address, record.offset);
        signals_.set(disk.dma_length, record.length);
        break;
      case Kind::dev_interrupt:
        take_raised(record, disk);
        break;
      case Kind::dev_media:
        signals_.set(disk.media, fmt::format("{} {} +{} takes {} ns", record.flags == 1 ? "write" : "read",
                                             record.offset, record.length, record.value));
        break;
      default:
        break;
    }
  }

  // As the device sees it: an entry of its MSI-X table, or the level of its line.
  void take_raised(const Record& record, Disk& disk) {
    if (record.offset == kIntx) {
      signals_.set(disk.line, record.value);
    }
    if (record.value != 0) {
      signals_.set(disk.entry, record.offset == kIntx ? "INTx" : fmt::format("MSI-X entry {}", record.offset));
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
    if (!device_dma_) {
      signals_.set(disk.dma, describe(record));
      signals_.set(disk.dma_length, record.length);
    }
  }

  void take_queue(const Record& record, Queue& queue) {
    switch (record.kind) {
      case Kind::queue_enabled:
        signals_.set(queue.avail_idx, 0);
        signals_.set(queue.used_idx, 0);
        signals_.set(queue.device_used_idx, 0);
        signals_.set(queue.in_flight, 0);
        queue.sent.clear();
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
    if (queue.sent.size() < kMostInFlight) {
      queue.sent[record.ordinal] = record.time;
    }
    signals_.set(queue.in_flight, queue.sent.size());
    signals_.set(queue.request,
                 fmt::format("{} {} +{}", request_type_name(record.flags), record.offset, record.length));
    signals_.set(queue.ordinal, record.ordinal);
    signals_.set(queue.sector, record.offset);
    signals_.set(queue.length, record.length);
  }

  void take_completion(const Record& record, Queue& queue) {
    if (const auto sent = queue.sent.find(record.ordinal); sent != queue.sent.end()) {
      signals_.set(queue.latency, record.time - std::min(record.time, sent->second));
      queue.sent.erase(sent);
    }
    signals_.set(queue.in_flight, queue.sent.size());
    signals_.set(queue.completion, fmt::format("{} {} {} #{}", request_type_name(record.flags), record.offset,
                                               request_status_name(record.value), record.ordinal));
    signals_.set(queue.status, request_status_name(record.value));
    signals_.set(queue.used_length, record.length);
    if (queue.sent.empty()) {
      signals_.set(queue.request, "");
    }
  }

  VcdSignals signals_;
  bool device_dma_;
  Id scenario_ = 0, check_ = 0, log_ = 0, cpu_state_ = 0, cpu_access_ = 0;
  std::map<std::uint64_t, Vector> vectors_;
  std::map<std::uint8_t, Disk> disks_;
  std::map<std::pair<std::uint8_t, std::uint16_t>, Queue> queues_;
  TextJoiner joiner_;
  Kind text_of_ = Kind::none;
  std::string text_value_;
};

VcdWriter::VcdWriter(std::ostream& out, const LogMetadata& metadata, const VcdContents& contents)
    : wave_(std::make_unique<Wave>(out, metadata, contents)) {}

VcdWriter::~VcdWriter() = default;

void VcdWriter::append(const Record& record) { wave_->take(record); }

void write_vcd(const std::string& path, const LogMetadata& metadata, const std::vector<Record>& log) {
  VcdContents contents;
  for (const Record& record : log) {
    contents.append(record);
  }
  OutputFile file(path);
  VcdWriter writer(file.stream(), metadata, contents);
  for (const Record& record : log) {
    writer.append(record);
  }
  file.close();
}

}  // namespace ringside::trace
