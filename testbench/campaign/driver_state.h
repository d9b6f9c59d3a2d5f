// In what state the driver was when a fault fired: a fault that does no harm to an idle driver may break one that is
// recovering.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "testbench/trace/record.h"

namespace ringside::campaign {

enum class DriverState : std::uint8_t {
  starting,    // before DRIVER_OK
  idle,        // nothing is in flight
  in_flight,   // requests are
  recovering,  // after a reset of the device or a queue that was in use, until it is up again
  calm,        // the faults' time is over; what was armed before is not, on some targets
};
inline constexpr unsigned kDriverStates = 5;
[[nodiscard]] const char* to_string(DriverState state);

// Where a fault of the plan fired.
struct Firing {
  std::size_t fault = 0;  // of the plan
  DriverState state = DriverState::starting;
  std::size_t record = 0;  // of the log
  std::uint64_t time = 0;
};

class DriverStateWatch {
 public:
  // `index`: its place in the log.
  void see(const trace::Record& record, std::size_t index);
  [[nodiscard]] const std::vector<Firing>& firings() const { return firings_; }
  // Whether the driver ever accepted VIRTIO_F_IN_ORDER.
  [[nodiscard]] bool in_order() const { return in_order_; }
  // Whether the driver ever used a queue by the legacy interface.
  [[nodiscard]] bool legacy() const { return legacy_; }
  // Flushes that the device was sent.
  [[nodiscard]] std::uint64_t flushes() const { return flushes_; }
  // How long the device or a queue was down, between its reset and the time when it was up again.
  [[nodiscard]] std::uint64_t down() const { return down_; }

 private:
  [[nodiscard]] DriverState state() const;
  void note_time(std::uint64_t time);

  bool was_up_ = false;
  bool up_ = false;
  bool calm_ = false;
  bool in_order_ = false;
  bool legacy_ = false;
  unsigned queues_down_ = 0;  // by queue reset
  std::uint64_t in_flight_ = 0;
  std::uint64_t flushes_ = 0;
  std::uint64_t down_ = 0;
  std::uint64_t noted_ = 0;  // ns
  std::vector<Firing> firings_;
};

}  // namespace ringside::campaign
