// The bench's end of the mailbox. The guest may have gone wild: each word of its is read once, and believed only as far
// as its checks here go.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "testbench/guest/mailbox.h"
#include "testbench/targets/guest_order.h"
#include "testbench/targets/qemu_ram.h"

namespace ringside::targets {

struct GuestQuestion {
  std::uint32_t sequence = 0;
  std::uint32_t what = 0;  // scenarios::Ask, or anything
  std::uint64_t argument = 0;
};

class GuestMailbox {
 public:
  explicit GuestMailbox(QemuRam& ram);

  // Before power-on.
  void order(const GuestOrder& order, const MachinePlan& plan);

  // What the guest wrote before it wrote the state is there once the state is. A number that is none is State::off.
  [[nodiscard]] guest::State state() const;
  [[nodiscard]] std::string crash_text() const;  // of what can be shown
  [[nodiscard]] guest::Registers crash() const { return box_.crash; }
  [[nodiscard]] guest::BenchResult bench_result() const { return box_.bench_result; }
  [[nodiscard]] std::uint64_t ticks_per_microsecond() const { return box_.ticks_per_microsecond; }

  // A question that waits for its answer.
  [[nodiscard]] std::optional<GuestQuestion> question() const;
  void answer(const GuestQuestion& question, std::uint64_t answer);

 private:
  guest::Mailbox& box_;
  void* program_;               // kProgramBase
  std::uint32_t answered_ = 0;  // our own copy: the other lies where the guest can write
};

}  // namespace ringside::targets
