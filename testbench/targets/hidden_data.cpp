#include "testbench/targets/hidden_data.h"

#include <algorithm>

#include "testbench/targets/store_buffer.h"

namespace ringside::targets {

void HiddenData::hide(void* data, std::size_t bytes) {
  show(data, bytes);  // of an earlier request: what lies there now would be taken for data
  for_each_end(static_cast<std::uint8_t*>(data), bytes,
               [this](std::uint8_t* line, std::size_t count) { hide_line(line, count); });
}

// The complement lies there meanwhile, so that not a byte is right by chance.
void HiddenData::hide_line(std::uint8_t* at, std::size_t bytes) {
  lines_.push_back({at, std::vector<std::uint8_t>(at, at + bytes)});
  std::for_each(at, at + bytes, [](std::uint8_t& byte) { byte = static_cast<std::uint8_t>(~byte); });
}

// Unless somebody has written there since: a driver that hands out memory that it has not given up.
void HiddenData::put_back(const Line& line) {
  for (std::size_t i = 0; i < line.bytes.size(); ++i) {
    if (line.at[i] == static_cast<std::uint8_t>(~line.bytes[i])) {
      line.at[i] = line.bytes[i];
    }
  }
}

void HiddenData::show(std::size_t nth) {
  const auto line = lines_.begin() + static_cast<std::ptrdiff_t>(nth);
  put_back(*line);
  lines_.erase(line);
}

void HiddenData::show(const void* data, std::size_t bytes) {
  std::erase_if(lines_, [&](const Line& line) {
    const bool there = overlap(line.at, line.bytes.size(), static_cast<const std::uint8_t*>(data), bytes);
    if (there) {
      put_back(line);
    }
    return there;
  });
}

void HiddenData::show_all() {
  std::ranges::for_each(lines_, put_back);
  lines_.clear();
}

}  // namespace ringside::targets
