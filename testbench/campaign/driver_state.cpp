#include "testbench/campaign/driver_state.h"

#include "driver/virtio/spec.h"
#include "testbench/scenarios/context.h"

namespace ringside::campaign {
namespace {

using trace::Kind;
using trace::Record;

constexpr std::uint64_t kDriverOk = 4;
constexpr std::uint16_t VIRTIO_BLK_T_FLUSH = 4;

}  // namespace

const char* to_string(DriverState state) {
  switch (state) {
    case DriverState::starting:
      return "starting";
    case DriverState::idle:
      return "idle";
    case DriverState::in_flight:
      return "in-flight";
    case DriverState::recovering:
      return "recovering";
    case DriverState::calm:
      break;
  }
  return "calm";
}

// Up to now the driver was in the state that the records before this one led to.
void DriverStateWatch::note_time(std::uint64_t time) {
  down_ += was_up_ && (!up_ || queues_down_ != 0) ? time - noted_ : 0;
  noted_ = time;
}

void DriverStateWatch::see(const Record& record, std::size_t index) {
  note_time(record.time);
  switch (record.kind) {
    case Kind::device_status:
      if (record.flags == 0) {
        up_ = (record.value & kDriverOk) != 0;
        was_up_ = was_up_ || up_;
        in_flight_ = up_ ? in_flight_ : 0;
        queues_down_ = up_ ? queues_down_ : 0;
      }
      break;
    case Kind::features:
      in_order_ = in_order_ || (record.flags == 1 && (record.value >> virtio::VIRTIO_F_IN_ORDER & 1) != 0);
      break;
    case Kind::queue_disabled:
      ++queues_down_;
      break;
    case Kind::queue_enabled:
      legacy_ = legacy_ || record.flags == 1;
      queues_down_ -= queues_down_ == 0 ? 0 : 1;
      break;
    case Kind::request:
      ++in_flight_;
      flushes_ += record.flags == VIRTIO_BLK_T_FLUSH ? 1 : 0;
      break;
    case Kind::completion:
      in_flight_ -= in_flight_ == 0 ? 0 : 1;
      break;
    case Kind::ask:
      calm_ = calm_ || record.offset == static_cast<std::uint64_t>(scenarios::Ask::calm);
      break;
    case Kind::dev_fault:
      firings_.push_back({static_cast<std::size_t>(record.value - 1), state(), index, record.time});
      break;
    default:
      break;
  }
}

DriverState DriverStateWatch::state() const {
  if (calm_) {
    return DriverState::calm;
  }
  if (!up_) {
    return was_up_ ? DriverState::recovering : DriverState::starting;
  }
  if (queues_down_ != 0) {
    return DriverState::recovering;
  }
  return in_flight_ == 0 ? DriverState::idle : DriverState::in_flight;
}

}  // namespace ringside::campaign
