// What a device lies about, and when. Each lie names an opportunity (the third read of a register, the second used
// element) and lasts for as many of them as it says; all other times the device tells the truth. That way an input of
// few bytes gets far, and every one of its bytes matters.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "testbench/fuzz/choices.h"

namespace ringside::fuzz {

// The opportunities.
enum class On : std::uint8_t {
  config_read,    // of the disk's function
  absent_read,    // of a function that is not there
  register_read,  // in a BAR
  load,           // of shared memory, by the driver: what it is about to read is changed first
  doorbell,
  completion,  // the device is done with a request
  sleep,       // the driver waits
};
inline constexpr std::size_t kOpportunities = 7;

struct Lie {
  On on = On::config_read;
  std::uint8_t kind = 0;   // what is done, of those that `on` has
  std::uint8_t where = 0;  // which one, where there are several
  std::uint8_t times = 1;
  std::uint16_t first = 0;  // opportunity, from 0
  std::uint32_t value = 0;
};
inline constexpr std::size_t kLieBytes = 10;  // in an input: on, kind, where, times, first, value

class Lies {
 public:
  // As many as the choices have left, at most kMost.
  explicit Lies(Choices& choices);

  // One more opportunity: the lie for it, or null.
  [[nodiscard]] const Lie* next(On on);
  [[nodiscard]] bool any_told() const { return told_; }
  // From now on the truth, and nothing else.
  void stop() { count_ = 0; }

 private:
  static constexpr std::size_t kMost = 48;

  std::array<Lie, kMost> lies_;
  std::size_t count_ = 0;
  std::array<std::uint32_t, kOpportunities> had_{};
  bool told_ = false;
};

// The truth, as a lie has it.
[[nodiscard]] std::uint64_t altered(std::uint64_t truth, const Lie& lie);

}  // namespace ringside::fuzz
