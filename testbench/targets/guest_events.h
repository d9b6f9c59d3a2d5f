// The bench's end of the event ring: takes records out and makes room. The guest may have gone wild: what it says it
// has produced is believed only as far as the ring is long, and a record that no tap makes ends the run.
#pragma once

#include <cstdint>

#include "testbench/guest/mailbox.h"
#include "testbench/targets/qemu_ram.h"
#include "testbench/trace/record.h"

namespace ringside::targets {

class GuestEvents {
 public:
  explicit GuestEvents(QemuRam& ram);

  // Hands over what has come, oldest first. Throws RunAborted.
  void drain(trace::Sink& sink);
  [[nodiscard]] std::uint64_t taken() const { return taken_; }

 private:
  [[nodiscard]] trace::Record take(std::uint64_t number) const;

  guest::Mailbox& box_;
  const trace::Record* ring_;
  std::uint64_t taken_ = 0;  // our own copy: the other lies where the guest can write
};

}  // namespace ringside::targets
