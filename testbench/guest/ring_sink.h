// The log's way out: records go into the ring in shared memory, and wait there for room. One for
// a run: each counts from 0.
#pragma once

#include <cstdint>

#include "testbench/guest/mailbox.h"
#include "testbench/trace/record.h"

namespace ringside::guest {

class RingSink final : public trace::Sink {
 public:
  explicit RingSink(Mailbox& box) : box_(box) {}

  void append(const trace::Record& record) override;

 private:
  void wait_for_room();

  Mailbox& box_;
  std::uint64_t produced_ = 0;
};

}  // namespace ringside::guest
