// One line of the driver's log, built without heap and without printf. What does not fit is cut off.
#pragma once

#include <cstddef>
#include <cstdint>

#include "driver/hal/machine.h"

namespace ringside::hal {

class Line {
 public:
  Line& text(const char* part) {
    while (*part != '\0') {
      put(*part++);
    }
    return *this;
  }
  Line& dec(std::uint64_t value) { return digits(value, 10, 1); }
  // Upper-case, with 0x and at least `width` digits.
  Line& hex(std::uint64_t value, unsigned width) { return text("0x").digits(value, 16, width); }

  void log_to(Machine& machine) const { machine.log(text_, length_); }

  [[nodiscard]] const char* data() const { return text_; }
  [[nodiscard]] std::size_t size() const { return length_; }

 private:
  Line& digits(std::uint64_t value, unsigned base, unsigned width) {
    char reversed[20];  // 2^64 has 20 decimal digits
    unsigned count = 0;
    do {
      reversed[count++] = "0123456789ABCDEF"[value % base];
      value /= base;
    } while (value != 0);
    for (unsigned padding = count; padding < width; ++padding) {
      put('0');
    }
    while (count != 0) {
      put(reversed[--count]);
    }
    return *this;
  }
  void put(char c) {
    if (length_ < sizeof(text_)) {
      text_[length_++] = c;
    }
  }

  char text_[120];
  std::size_t length_ = 0;
};

}  // namespace ringside::hal
