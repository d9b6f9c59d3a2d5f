// Data that a request's caller has written and that no device sees yet. Callers copy data with stores of their own,
// before the driver maps it, and nobody observes those; but until the driver has made the request available only the
// driver runs, and it does not look at data. So what could still be in a store buffer is taken out of memory when the
// data is mapped, and put back when it leaves: the first and the last line of it, which stand for the rest.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace ringside::targets {

// The first and the last line of some data, or all of it when it is short.
template <class Visit>  // void(std::uint8_t* line, std::size_t bytes)
void for_each_end(std::uint8_t* data, std::size_t bytes, Visit visit) {
  constexpr std::size_t kLine = 64;
  visit(data, std::min(bytes, kLine));
  if (bytes > kLine) {
    const std::size_t rest = std::min(bytes - kLine, kLine);
    visit(data + (bytes - rest), rest);
  }
}

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
