#include "testbench/targets/recording_bench.h"

#include <cstring>

#include "testbench/trace/hash.h"
#include "testbench/trace/text.h"

namespace ringside::targets {

void Journal::record(const trace::Record& record) {
  if (tap_ != nullptr) {
    tap_->emit(record);
  }
}

void Journal::record_named(const trace::Record& record, std::string_view name) {
  if (tap_ != nullptr) {
    tap_->emit(record);
    tap_->emit_text(name.data(), name.size());
  }
}

void Journal::check(bool held, std::string_view name) {
  trace::Record record = bench_record(trace::Kind::check);
  record.value = held ? 1 : 0;
  record.hash = trace::hash_bytes(name.data(), name.size());
  if (tap_ != nullptr) {
    record_named(record, name);
    return;
  }
  record.time = machine_.now();
  sink_.append(record);
  trace::split_text(name, [&](trace::Record piece) {
    piece.time = record.time;
    sink_.append(piece);
  });
}

trace::Record bench_record(trace::Kind kind) {
  trace::Record record;
  record.kind = kind;
  return record;
}

void RecordingBench::check(bool held, const char* what) {
  journal_.check(held, what);
  if (!held && first_failure_.empty()) {
    first_failure_ = what;
  }
}

void RecordingBench::observe(const char* what, std::uint64_t value) {
  trace::Record record = bench_record(trace::Kind::observe);
  record.value = value;
  record.hash = trace::hash_bytes(what, std::strlen(what));
  journal_.record_named(record, what);
}

std::uint64_t RecordingBench::ask(scenarios::Ask what, std::uint64_t argument) {
  trace::Record record = bench_record(trace::Kind::ask);
  record.offset = static_cast<std::uint64_t>(what);
  record.length = argument;
  record.value = hooks_.ask(what, argument);
  journal_.record(record);
  return record.value;
}

std::uint64_t RecordingBench::hash(const void* data, std::size_t size) { return trace::hash_bytes(data, size); }

}  // namespace ringside::targets
