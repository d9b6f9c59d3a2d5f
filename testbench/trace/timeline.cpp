#include "testbench/trace/timeline.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "testbench/trace/names.h"
#include "testbench/trace/output_file.h"
#include "testbench/trace/slice_rows.h"
#include "testbench/trace/text.h"
#include "testbench/trace/trace_events.h"

namespace ringside::trace {
namespace {

// A log is outside input: these bound what one can make us keep.
constexpr std::size_t kMostQueues = 256;
constexpr std::size_t kMostOpen = 65536;        // slices, of all queues
constexpr std::uint64_t kLargestQueue = 32768;  // VIRTIO 1.2, 2.7 and 2.8.10.1

// Viewers take 0 for a process of their own.
constexpr std::uint32_t kDriverProcess = 1;
constexpr std::uint32_t kFirstDiskProcess = 2;

// Order of the tracks of a disk: its events and media first, then two groups of rows for each queue.
constexpr std::uint32_t kMediaPlace = 1;
constexpr std::uint32_t kFirstQueuePlace = 2;

}  // namespace

class TimelineWriter::Timeline {
 public:
  Timeline(std::ostream& out, const LogMetadata& metadata) : events_(out), metadata_(metadata) {
    events_.name_process(kDriverProcess, "driver");
    driver_ = events_.new_track(kDriverProcess, "driver", 0);
    interrupts_ = events_.new_track(kDriverProcess, "interrupts", 1);
  }

  void take(const Record& record) {
    now_ = std::max(now_, record.time);
    end_media_until(now_);
    ++records_;
    if (record.kind == Kind::text) {
      take_text(record);
      return;
    }
    text_of_ = record;
    if (record.tap == Tap::driver) {
      end_wait();
    }
    take_driver(record);
    take_queue_life(record);
    take_requests(record);
    take_device(record);
  }

  void close() {
    end_wait();
    const EventArguments unfinished = EventArguments().add("ended", "not before the end of the log");
    for (auto& [number, queue] : queues_) {
      queue.end_all(now_, unfinished);
    }
    for (auto& [unit, disk] : disks_) {
      disk.media.end_all(now_, unfinished);
    }
    events_.close(about());
  }

 private:
  struct Disk {
    std::uint32_t process;
    TraceEvents::Track device;
    SliceRows media;
  };

  struct Queue {
    std::uint32_t process;
    std::string name;
    std::uint64_t size;
    SliceRows requests;
    SliceRows fetched;

    void end_all(std::uint64_t time, const EventArguments& arguments) {
      requests.end_all(time, arguments);
      fetched.end_all(time, arguments);
    }
  };

  // --- The driver

  // A text belongs to the record before it.
  void take_text(const Record& record) {
    if (!joiner_.feed(record)) {
      return;
    }
    switch (text_of_.kind) {
      case Kind::scenario:
        return events_.instant(driver_, now_, "scenario " + joiner_.text());
      case Kind::log_line:
        return events_.instant(driver_, now_, joiner_.text());
      case Kind::check:
        return events_.instant(driver_, now_, (text_of_.value == 1 ? "check " : "FAILED check ") + joiner_.text());
      case Kind::observe:
        return events_.instant(driver_, now_, "observe " + joiner_.text(),
                               EventArguments().add("value", text_of_.value));
      default:
        return;
    }
  }

  void take_driver(const Record& record) {
    switch (record.kind) {
      case Kind::wait:
        end_wait();  // whichever side a log claims that it is of
        waiting_ = true;
        events_.begin(driver_, now_, "wait for " + vector_name(record.offset),
                      EventArguments().add("seen", record.value));
        break;
      case Kind::interrupt:
        events_.instant(interrupts_, now_, vector_name(record.offset), EventArguments().add("count", record.value));
        break;
      case Kind::doorbell:
        events_.instant(driver_, now_, fmt::format("doorbell of disk {} queue {}", record.unit, record.queue),
                        EventArguments().add("value", record.value));
        break;
      case Kind::wait_timeout:
      case Kind::relax:
      case Kind::ask:
      case Kind::guard:
        events_.instant(driver_, now_, describe(record));
        break;
      default:
        break;
    }
  }

  // The driver does nothing while it waits: its next record says that it is back.
  void end_wait() {
    if (std::exchange(waiting_, false)) {
      events_.end(driver_, now_);
    }
  }

  // --- Queues

  // What was in flight when a queue went away never completes, and its ordinals are used again.
  void take_queue_life(const Record& record) {
    if (record.kind == Kind::queue_enabled || record.kind == Kind::queue_disabled) {
      if (Queue* const queue = queue_of(record)) {
        queue->size = record.kind == Kind::queue_enabled ? std::min(record.value, kLargestQueue) : queue->size;
        end_queue(*queue, "queue reset");
      }
    } else if (record.kind == Kind::device_status && record.flags == 0 && record.value == 0) {
      for (auto& [number, queue] : queues_) {
        if (number.first == record.unit) {
          end_queue(queue, "device reset");
        }
      }
    }
  }

  void end_queue(Queue& queue, std::string_view why) {
    const bool counted = queue.requests.open() != 0;
    queue.end_all(now_, EventArguments().add("ended", why));
    if (counted) {
      count(queue);
    }
  }

  void take_requests(const Record& record) {
    switch (record.kind) {
      case Kind::request:
        return take_request(record);
      case Kind::completion:
        return take_completion(record);
      case Kind::dev_fetch:
        if (Queue* const queue = queue_of(record)) {
          begin(*queue, queue->fetched, record);
        }
        return;
      case Kind::dev_complete:
        if (Queue* const queue = queue_of(record)) {
          queue->fetched.end(now_, record.ordinal, result_of(record));
        }
        return;
      default:
        return;
    }
  }

  void take_request(const Record& record) {
    Queue* const queue = queue_of(record);
    if (queue != nullptr && begin(*queue, queue->requests, record)) {
      ++requests_;
      count(*queue);
    } else {
      ++requests_left_out_;
    }
  }

  void take_completion(const Record& record) {
    Queue* const queue = queue_of(record);
    if (queue != nullptr && queue->requests.end(now_, record.ordinal, result_of(record))) {
      count(*queue);
    } else {
      ++completions_left_out_;
    }
  }

  // False when the queue cannot hold so many.
  bool begin(const Queue& queue, SliceRows& rows, const Record& record) {
    rows.end(now_, record.ordinal, EventArguments().add("ended", "another request has its ordinal"));
    if (rows.open() >= queue.size || events_.open() >= kMostOpen) {
      return false;
    }
    rows.begin(now_, record.ordinal, request_type_name(record.flags),
               EventArguments()
                   .add("ordinal", record.ordinal)
                   .add("sector", record.offset)
                   .add("bytes", record.length)
                   .add_hash("payload_sent", record.hash));
    return true;
  }

  // Viewers add this to what the beginning said, so the names differ.
  static EventArguments result_of(const Record& record) {
    return EventArguments()
        .add("status", request_status_name(record.value))
        .add("used_length", record.length)
        .add_hash("payload_received", record.hash);
  }

  void count(const Queue& queue) {
    events_.counter(queue.process, now_, queue.name, "in flight", queue.requests.open());
  }

  Queue* queue_of(const Record& record) {
    const std::pair number{record.unit, record.queue};
    if (const auto known = queues_.find(number); known != queues_.end()) {
      return &known->second;
    }
    if (queues_.size() == kMostQueues) {
      return nullptr;
    }
    const std::uint32_t process = disk_of(record).process;
    const std::uint32_t place = kFirstQueuePlace + 2 * std::uint32_t{record.queue};
    const std::string name = fmt::format("queue {}", record.queue);
    return &queues_
                .try_emplace(number, Queue{process, name, kLargestQueue, SliceRows(events_, process, name, place),
                                           SliceRows(events_, process, name + ", device", place + 1)})
                .first->second;
  }

  // --- The device

  void take_device(const Record& record) {
    switch (record.kind) {
      case Kind::dev_interrupt:
        if (record.value != 0) {
          events_.instant(disk_of(record).device, now_,
                          record.offset == kIntxEntry ? "INTx" : fmt::format("MSI-X entry {}", record.offset));
        }
        break;
      case Kind::dev_status:
      case Kind::dev_quirk:
      case Kind::dev_fault:
        events_.instant(disk_of(record).device, now_, describe(record));
        break;
      case Kind::dev_media:
        take_media(record);
        break;
      default:
        break;
    }
  }

  // A record at its beginning says how long it will take; the end is written when it is due.
  void take_media(const Record& record) {
    if (events_.open() >= kMostOpen) {
      return;
    }
    const std::uint64_t key = records_;
    disk_of(record).media.begin(now_, key, record.flags == 1 ? "write" : "read",
                                EventArguments().add("sector", record.offset).add("bytes", record.length));
    const std::uint64_t end = now_ + record.value;
    media_ends_.insert({end < now_ ? ~std::uint64_t{0} : end, key, record.unit});
  }

  void end_media_until(std::uint64_t time) {
    while (!media_ends_.empty() && media_ends_.begin()->time <= time) {
      const MediaEnd due = *media_ends_.begin();
      disks_.at(due.unit).media.end(due.time, due.key, {});
      media_ends_.erase(media_ends_.begin());
    }
  }

  Disk& disk_of(const Record& record) {
    if (const auto known = disks_.find(record.unit); known != disks_.end()) {
      return known->second;
    }
    const std::uint32_t process = kFirstDiskProcess + record.unit;
    events_.name_process(process, fmt::format("disk {}", record.unit));
    const TraceEvents::Track device = events_.new_track(process, "device", 0);
    return disks_.try_emplace(record.unit, Disk{process, device, SliceRows(events_, process, "media", kMediaPlace)})
        .first->second;
  }

  [[nodiscard]] EventArguments about() const {
    return EventArguments()
        .add("scenario", metadata_.scenario)
        .add("target", metadata_.target)
        .add("identity", metadata_.identity)
        .add("machine", metadata_.machine)
        .add("seed", metadata_.seed)
        .add("records", records_)
        .add("requests", requests_)
        .add("requests_left_out", requests_left_out_)
        .add("completions_left_out", completions_left_out_);
  }

  struct MediaEnd {
    std::uint64_t time;
    std::uint64_t key;
    std::uint8_t unit;
    auto operator<=>(const MediaEnd&) const = default;
  };

  TraceEvents events_;
  LogMetadata metadata_;
  TraceEvents::Track driver_, interrupts_;
  std::map<std::uint8_t, Disk> disks_;
  std::map<std::pair<std::uint8_t, std::uint16_t>, Queue> queues_;
  std::set<MediaEnd> media_ends_;
  std::uint64_t now_ = 0;
  bool waiting_ = false;
  TextJoiner joiner_;
  Record text_of_;
  std::uint64_t records_ = 0, requests_ = 0, requests_left_out_ = 0, completions_left_out_ = 0;
};

TimelineWriter::TimelineWriter(std::ostream& out, const LogMetadata& metadata)
    : timeline_(std::make_unique<Timeline>(out, metadata)) {}

TimelineWriter::~TimelineWriter() { timeline_->close(); }

void TimelineWriter::append(const Record& record) { timeline_->take(record); }

void write_timeline(const std::string& path, const LogMetadata& metadata, const std::vector<Record>& log) {
  OutputFile file(path);
  {
    TimelineWriter writer(file.stream(), metadata);
    for (const Record& record : log) {
      writer.append(record);
    }
  }
  file.close();
}

}  // namespace ringside::trace
