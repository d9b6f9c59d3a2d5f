// A line of text out of words and numbers. A wave is made of nothing else, at ten lines a request, so this one is made
// without a format string.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace ringside::trace {

class WaveText {
 public:
  // Starts anew, in the same memory.
  WaveText& start(std::string_view word) {
    text_.assign(word);
    return *this;
  }
  WaveText& word(std::string_view word) {
    text_.append(word);
    return *this;
  }
  WaveText& number(std::uint64_t value) { return digits(value, 10); }
  WaveText& hex(std::uint64_t value) {
    text_.append("0x");
    return digits(value, 16);
  }
  // Valid until the next start().
  [[nodiscard]] std::string_view view() const { return text_; }

 private:
  WaveText& digits(std::uint64_t value, int base) {
    char buffer[20];
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, value, base).ptr;
    text_.append(buffer, static_cast<std::size_t>(end - buffer));
    return *this;
  }

  std::string text_;
};

}  // namespace ringside::trace
