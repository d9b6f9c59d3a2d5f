#include "testbench/targets/model_recorder.h"

#include <algorithm>
#include <limits>

namespace ringside::targets {
namespace {

using trace::Kind;

trace::Record device_record(Kind kind) {
  trace::Record record;
  record.kind = kind;
  record.tap = trace::Tap::device;
  return record;
}

// For a heap with the earliest on top; what happened at the same time stays in the order in which it was told.
constexpr auto kLater = [](const auto& a, const auto& b) {
  return a.record.time != b.record.time ? a.record.time > b.record.time : a.sequence > b.sequence;
};

trace::Record access_record(Kind kind, const model::Access& access) {
  trace::Record record = device_record(kind);
  record.offset = access.offset;
  record.width = static_cast<std::uint8_t>(access.size);
  record.value = access.value;
  record.flags = access.write ? 1 : 0;
  return record;
}

}  // namespace

void ModelRecorder::pass_on(trace::Record record) {
  // A completion is told when somebody looks, which may be after other records of its time have gone out.
  record.time = last_ = std::max(last_, record.time);
  sink_.append(record);
}

bool ModelRecorder::early_is_next() const {
  return !early_.empty() && (in_order_.empty() || kLater(in_order_.front(), early_.front()));
}

void ModelRecorder::pass_on_until(std::uint64_t time) {
  while (true) {
    if (early_is_next()) {
      if (early_.front().record.time > time) {
        return;
      }
      std::ranges::pop_heap(early_, kLater);
      pass_on(early_.back().record);
      early_.pop_back();
    } else {
      if (in_order_.empty() || in_order_.front().record.time > time) {
        return;
      }
      pass_on(in_order_.front().record);
      in_order_.pop_front();
    }
  }
}

void ModelRecorder::append(const trace::Record& record) {
  pass_on_until(record.time);
  pass_on(record);
}

void ModelRecorder::finish() { pass_on_until(std::numeric_limits<std::uint64_t>::max()); }

void ModelRecorder::keep(model::Picoseconds at, trace::Record record) {
  record.time = at / model::kPicosecondsPerNanosecond;
  if (in_order_.empty() || in_order_.back().record.time <= record.time) {
    in_order_.push_back({record, sequence_++});
  } else {
    early_.push_back({record, sequence_++});
    std::ranges::push_heap(early_, kLater);
  }
}

model::Tap& ModelRecorder::disk(std::uint8_t unit) {
  const auto found = std::ranges::find_if(taps_, [&](const UnitTap& tap) { return tap.unit() == unit; });
  return found != taps_.end() ? *found : taps_.emplace_back(*this, unit);
}

void ModelRecorder::UnitTap::keep(model::Picoseconds at, trace::Record record) {
  record.unit = unit_;
  recorder_.keep(at, record);
}

void ModelRecorder::UnitTap::config_access(model::Picoseconds at, std::uint16_t function, const model::Access& access) {
  trace::Record record = access_record(Kind::dev_config, access);
  record.region = function;
  keep(at, record);
}

void ModelRecorder::UnitTap::register_access(model::Picoseconds at, model::Structure structure,
                                             const model::Access& access) {
  trace::Record record = access_record(Kind::dev_register, access);
  record.region = static_cast<std::uint32_t>(structure);
  keep(at, record);
}

void ModelRecorder::UnitTap::dma(model::Picoseconds at, std::uint64_t address, std::uint64_t bytes, bool write,
                                 model::DmaFailure failure) {
  trace::Record record = device_record(write ? Kind::dev_dma_write : Kind::dev_dma_read);
  record.offset = address;
  record.length = bytes;
  record.flags = static_cast<std::uint16_t>(failure);
  keep(at, record);
}

void ModelRecorder::UnitTap::doorbell(model::Picoseconds at, std::uint16_t queue, std::uint32_t value) {
  trace::Record record = device_record(Kind::dev_doorbell);
  record.queue = queue;
  record.value = value;
  keep(at, record);
}

void ModelRecorder::UnitTap::fetch(model::Picoseconds at, const model::FetchedRequest& request) {
  trace::Record record = device_record(Kind::dev_fetch);
  record.queue = request.queue;
  record.ordinal = request.ordinal;
  record.flags = static_cast<std::uint16_t>(request.type);
  record.offset = request.sector;
  record.length = request.bytes;
  keep(at, record);
}

void ModelRecorder::UnitTap::media(model::Picoseconds at, std::uint64_t sector, std::uint64_t bytes, bool write,
                                   model::Picoseconds duration) {
  trace::Record record = device_record(Kind::dev_media);
  record.offset = sector;
  record.length = bytes;
  record.flags = write ? 1 : 0;
  record.value = duration / model::kPicosecondsPerNanosecond;
  keep(at, record);
}

void ModelRecorder::UnitTap::complete(model::Picoseconds at, std::uint16_t queue, std::uint32_t ordinal,
                                      std::uint8_t status, std::uint32_t used_length) {
  trace::Record record = device_record(Kind::dev_complete);
  record.queue = queue;
  record.ordinal = ordinal;
  record.value = status;
  record.length = used_length;
  keep(at, record);
}

void ModelRecorder::UnitTap::used(model::Picoseconds at, std::uint16_t queue, std::uint16_t index) {
  trace::Record record = device_record(Kind::dev_used);
  record.queue = queue;
  record.value = index;
  keep(at, record);
}

void ModelRecorder::UnitTap::msi(model::Picoseconds at, std::uint16_t vector) {
  trace::Record record = device_record(Kind::dev_interrupt);
  record.offset = vector;
  record.value = 1;
  keep(at, record);
}

void ModelRecorder::UnitTap::intx(model::Picoseconds at, bool level) {
  trace::Record record = device_record(Kind::dev_interrupt);
  record.offset = trace::kIntxEntry;
  record.value = level ? 1 : 0;
  keep(at, record);
}

void ModelRecorder::UnitTap::status(model::Picoseconds at, std::uint8_t status) {
  trace::Record record = device_record(Kind::dev_status);
  record.value = status;
  keep(at, record);
}

void ModelRecorder::UnitTap::quirk(model::Picoseconds at, unsigned quirk) {
  trace::Record record = device_record(Kind::dev_quirk);
  record.value = quirk;
  keep(at, record);
}

}  // namespace ringside::targets
