#include <cstring>
#include <utility>

#include "testbench/fuzz/entries.h"
#include "testbench/trace/compare.h"
#include "testbench/trace/log_file.h"
#include "testbench/trace/names.h"
#include "testbench/trace/schedule.h"
#include "testbench/trace/text.h"
#include "testbench/trace/virtio_layout.h"

namespace ringside::fuzz {
namespace {

using trace::Kind;
using trace::Record;

constexpr std::size_t kMostRecords = 256;

// As many as there are whole ones, without those that no reader lets through.
std::vector<Record> records_in(Input input) {
  std::vector<Record> records;
  for (std::size_t at = 0; at + sizeof(Record) <= input.size() && records.size() < kMostRecords; at += sizeof(Record)) {
    Record record;
    std::memcpy(&record, input.data() + at, sizeof record);
    if (record.tap <= trace::Tap::bench && trace::known_kind(record.kind)) {
      records.push_back(record);
    }
  }
  return records;
}

void put(std::string& bytes, const Record& record) {
  bytes.append(reinterpret_cast<const char*>(&record), sizeof record);
}

Record driver(Kind kind) {
  Record record;
  record.kind = kind;
  record.tap = trace::Tap::driver;
  return record;
}

}  // namespace

std::string sample_records() {
  std::string bytes;
  Record scenario;
  scenario.kind = Kind::scenario;
  put(bytes, scenario);
  trace::split_text("a name that is longer than the forty bytes of one record",
                    [&](const Record& piece) { put(bytes, piece); });
  Record features = driver(Kind::features);
  features.flags = 1;
  features.value = std::uint64_t{1} << 35 | 1u << trace::VIRTIO_F_EVENT_IDX;
  put(bytes, features);
  Record enabled = driver(Kind::queue_enabled);
  enabled.value = 8;
  put(bytes, enabled);
  for (std::uint32_t ordinal = 0; ordinal < 2; ++ordinal) {
    Record publish = driver(Kind::avail_publish);
    publish.value = ordinal + 1;
    publish.length = 1;
    put(bytes, publish);
    Record request = driver(Kind::request);
    request.ordinal = ordinal;
    request.flags = ordinal == 0 ? 0 : trace::VIRTIO_BLK_T_FLUSH;
    request.length = 512;
    request.aux = 3 | 513 << 17;
    put(bytes, request);
    put(bytes, driver(Kind::doorbell));
    put(bytes, driver(Kind::wait));
    put(bytes, driver(Kind::interrupt));
    Record seen = driver(Kind::used_seen);
    seen.value = ordinal + 1;
    seen.length = 1;
    seen.aux = ordinal + 1;
    put(bytes, seen);
    Record completion = driver(Kind::completion);
    completion.ordinal = ordinal;
    completion.length = completion.aux = 513;
    put(bytes, completion);
  }
  Record reset = driver(Kind::device_status);
  put(bytes, reset);
  Record state = driver(Kind::dev_state);
  state.tap = trace::Tap::device;
  put(bytes, state);
  state.kind = Kind::dev_queue_state;
  put(bytes, state);
  Record verdict;
  verdict.kind = Kind::verdict;
  verdict.value = 1;
  put(bytes, verdict);
  return bytes;
}

void run_records(Input input) {
  const std::vector<Record> left = records_in(input);
  std::vector<Record> right = left;
  if (!right.empty()) {
    right.erase(right.begin() + static_cast<std::ptrdiff_t>(right.size() / 2));
  }
  for (const bool follows : {false, true}) {
    for (const std::vector<Record>* const other : {&std::as_const(left), &std::as_const(right)}) {
      trace::Waivers none;
      const trace::Comparison comparison =
          trace::compare({"left", "", left}, {"right", "", *other, follows}, "fuzz", none);
      static_cast<void>(trace::render(comparison, "again"));
    }
  }
  static_cast<void>(trace::schedule_of(left));
  for (const Record& record : left) {
    static_cast<void>(trace::describe(record));
  }
}

std::vector<std::string> record_seeds(const std::string&) { return {sample_records()}; }

}  // namespace ringside::fuzz
