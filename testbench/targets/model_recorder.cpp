#include "testbench/targets/model_recorder.h"

#include <algorithm>
#include <cstddef>
#include <limits>

namespace ringside::targets {
using trace::Kind;

void ModelRecorder::pass_on(const trace::Record& record) {
  if (record.time >= last_) {
    last_ = record.time;
    sink_.append(record);
    return;
  }
  // A completion is told when somebody looks, which may be after other records of its time have gone out.
  trace::Record late = record;
  late.time = last_;
  sink_.append(late);
}

ModelRecorder::Turn ModelRecorder::whose_turn() {
  Turn turn;
  for (Lane& lane : lanes_) {
    if (lane.empty()) {
      continue;
    }
    if (turn.lane == nullptr || lane.front().is_before(turn.lane->front())) {
      turn = {&lane, turn.lane};
    } else if (turn.next == nullptr || lane.front().is_before(turn.next->front())) {
      turn.next = &lane;
    }
  }
  return turn;
}

void ModelRecorder::pass_on_waiting(std::uint64_t time) {
  Turn turn = whose_turn();
  while (turn.lane != nullptr && turn.lane->front().record.time <= time) {
    // A copy: whoever takes it may make a device act, and more records wait then, perhaps in more lanes; or may have
    // something to tell himself, before which others of these are passed on.
    const trace::Record record = turn.lane->records[turn.lane->next++].record;
    const std::uint64_t before = sequence_ + ++taken_;
    pass_on(record);
    const bool goes_on = sequence_ + taken_ == before && !turn.lane->empty() &&
                         (turn.next == nullptr || turn.lane->front().is_before(turn.next->front()));
    turn = goes_on ? turn : whose_turn();
  }
  next_ = turn.lane == nullptr ? kNothing : turn.lane->front().record.time;
}

void ModelRecorder::append(const trace::Record& record) {
  pass_on_until(record.time);
  pass_on(record);
}

void ModelRecorder::append_all(std::span<const trace::Record> records) {
  if (records.empty() || next_ <= records.back().time || records.front().time < last_) {
    Sink::append_all(records);
    return;
  }
  last_ = records.back().time;
  sink_.append_all(records);
}

void ModelRecorder::finish() { pass_on_until(std::numeric_limits<std::uint64_t>::max()); }

ModelRecorder::Lane& ModelRecorder::lane_for(std::uint64_t time) {
  for (Lane& lane : lanes_) {
    if (lane.empty()) {
      lane.records.clear();
      lane.next = 0;
      return lane;
    }
    if (lane.records.back().record.time <= time) {
      return lane;
    }
  }
  constexpr std::size_t kUsual = 64;
  lanes_.emplace_back().records.reserve(kUsual);
  return lanes_.back();
}

trace::Record& ModelRecorder::add(std::uint64_t time) {
  constexpr std::size_t kTidyAt = 4096;
  next_ = std::min(next_, time);
  Lane& lane = lane_for(time);
  if (lane.next >= kTidyAt && lane.next >= lane.records.size() / 2) {
    lane.records.erase(lane.records.begin(), lane.records.begin() + static_cast<std::ptrdiff_t>(lane.next));
    lane.next = 0;
  }
  Waiting& waiting = lane.records.emplace_back();
  waiting.sequence = sequence_++;
  waiting.record.time = time;
  return waiting.record;
}

model::Tap& ModelRecorder::disk(std::uint8_t unit) {
  const auto found = std::ranges::find_if(taps_, [&](const UnitTap& tap) { return tap.unit() == unit; });
  return found != taps_.end() ? *found : taps_.emplace_back(*this, unit);
}

trace::Record& ModelRecorder::UnitTap::add(model::Picoseconds at, Kind kind) {
  if (!recorder_.wanted_.contains(kind)) {
    return recorder_.unwanted_;
  }
  trace::Record& record = recorder_.add(at / model::kPicosecondsPerNanosecond);
  record.kind = kind;
  record.tap = trace::Tap::device;
  record.unit = unit_;
  return record;
}

void ModelRecorder::UnitTap::add_access(model::Picoseconds at, Kind kind, std::uint32_t region,
                                        const model::Access& access) {
  trace::Record& record = add(at, kind);
  record.region = region;
  record.offset = access.offset;
  record.width = static_cast<std::uint8_t>(access.size);
  record.value = access.value;
  record.flags = access.write ? 1 : 0;
}

void ModelRecorder::UnitTap::config_access(model::Picoseconds at, std::uint16_t function, const model::Access& access) {
  add_access(at, Kind::dev_config, function, access);
}

void ModelRecorder::UnitTap::register_access(model::Picoseconds at, model::Structure structure,
                                             const model::Access& access) {
  add_access(at, Kind::dev_register, static_cast<std::uint32_t>(structure), access);
}

void ModelRecorder::UnitTap::dma(model::Picoseconds at, std::uint64_t address, std::uint64_t bytes, bool write,
                                 model::DmaFailure failure) {
  trace::Record& record = add(at, write ? Kind::dev_dma_write : Kind::dev_dma_read);
  record.offset = address;
  record.length = bytes;
  record.flags = static_cast<std::uint16_t>(failure);
}

void ModelRecorder::UnitTap::doorbell(model::Picoseconds at, std::uint16_t queue, std::uint32_t value) {
  trace::Record& record = add(at, Kind::dev_doorbell);
  record.queue = queue;
  record.value = value;
}

void ModelRecorder::UnitTap::fetch(model::Picoseconds at, const model::FetchedRequest& request) {
  trace::Record& record = add(at, Kind::dev_fetch);
  record.queue = request.queue;
  record.ordinal = request.ordinal;
  record.flags = static_cast<std::uint16_t>(request.type);
  record.offset = request.sector;
  record.length = request.bytes;
}

void ModelRecorder::UnitTap::media(model::Picoseconds at, std::uint64_t sector, std::uint64_t bytes, bool write,
                                   model::Picoseconds duration) {
  trace::Record& record = add(at, Kind::dev_media);
  record.offset = sector;
  record.length = bytes;
  record.flags = write ? 1 : 0;
  record.value = duration / model::kPicosecondsPerNanosecond;
}

void ModelRecorder::UnitTap::complete(model::Picoseconds at, std::uint16_t queue, std::uint32_t ordinal,
                                      std::uint8_t status, std::uint32_t used_length) {
  trace::Record& record = add(at, Kind::dev_complete);
  record.queue = queue;
  record.ordinal = ordinal;
  record.value = status;
  record.length = used_length;
}

void ModelRecorder::UnitTap::used(model::Picoseconds at, std::uint16_t queue, std::uint16_t index) {
  trace::Record& record = add(at, Kind::dev_used);
  record.queue = queue;
  record.value = index;
}

void ModelRecorder::UnitTap::msi(model::Picoseconds at, std::uint16_t vector) {
  trace::Record& record = add(at, Kind::dev_interrupt);
  record.offset = vector;
  record.value = 1;
}

void ModelRecorder::UnitTap::intx(model::Picoseconds at, bool level) {
  trace::Record& record = add(at, Kind::dev_interrupt);
  record.offset = trace::kIntxEntry;
  record.value = level ? 1 : 0;
}

void ModelRecorder::UnitTap::status(model::Picoseconds at, std::uint8_t status) {
  trace::Record& record = add(at, Kind::dev_status);
  record.value = status;
}

void ModelRecorder::UnitTap::quirk(model::Picoseconds at, unsigned quirk) {
  trace::Record& record = add(at, Kind::dev_quirk);
  record.value = quirk;
}

}  // namespace ringside::targets
