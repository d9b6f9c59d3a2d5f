// Requests that were taken back from a device: they are on no ring, and each is either to be sent again or to end. A
// table in private memory with room for all that can be in flight.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

#include "driver/block/block_device.h"
#include "driver/hal/machine.h"

namespace ringside::block {

struct TakenBack {
  Request* request;
  std::uint64_t deadline;
  std::uint8_t replays;  // how often it has been sent before
  Status fate;           // Status::pending: to be sent again, or sent again; else how it ends
};

class ReplayList {
 public:
  [[nodiscard]] bool allocate(hal::Machine& machine, std::size_t most) {
    entries_ = static_cast<TakenBack*>(machine.alloc_private(most * sizeof(TakenBack), alignof(TakenBack)));
    return entries_ != nullptr;
  }

  // Never more than are in flight.
  void add(const TakenBack& entry) { new (entries_ + count_++) TakenBack(entry); }
  void clear() { count_ = 0; }

  [[nodiscard]] TakenBack* begin() const { return entries_; }
  [[nodiscard]] TakenBack* end() const { return entries_ + count_; }

 private:
  TakenBack* entries_ = nullptr;
  std::size_t count_ = 0;
};

}  // namespace ringside::block
