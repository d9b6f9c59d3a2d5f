// Data that a request's caller has written and that no device sees yet. Callers copy data with stores of their own,
// before the driver maps it, and nobody observes those; but until the driver has made the request available only the
// driver runs, and it does not look at data. So what could still be in a store buffer is taken out of memory when the
// data is mapped, and put back when it leaves: the first and the last line of it, which stand for the rest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ringside::targets {

inline constexpr std::size_t kDataLine = 64;

class HiddenData {
 public:
  void hide(void* data, std::size_t bytes);
  // Puts back the n-th of count(), or what lies in [data, data + bytes), or all.
  void show(std::size_t nth);
  void show(const void* data, std::size_t bytes);
  void show_all();
  [[nodiscard]] std::size_t count() const { return lines_.size(); }

 private:
  struct Line {
    std::uint8_t* at = nullptr;
    std::vector<std::uint8_t> bytes;
  };

  void hide_line(std::uint8_t* at, std::size_t bytes);
  static void put_back(const Line& line);

  std::vector<Line> lines_;
};

}  // namespace ringside::targets
