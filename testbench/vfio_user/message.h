// Messages as they are taken out of a stream that nobody vouches for: sizes are checked here, before memory is taken
// for anything, and a payload is only ever read through payload_as().
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <vector>

#include "testbench/targets/descriptor.h"
#include "testbench/vfio_user/protocol.h"

namespace ringside::vfio_user {

using Descriptor = targets::Descriptor;
using Bytes = std::vector<std::uint8_t>;

struct Message {
  Header header{};
  Bytes payload;
  std::vector<Descriptor> descriptors;
};

// The structure that a payload begins with; nothing when it is shorter than that.
template <class T>
[[nodiscard]] std::optional<T> payload_as(std::span<const std::uint8_t> payload) {
  if (payload.size() < sizeof(T)) {
    return std::nullopt;
  }
  T value;
  std::memcpy(&value, payload.data(), sizeof value);
  return value;
}

template <class T>
[[nodiscard]] Bytes payload_of(const T& value, std::span<const std::uint8_t> data = {}) {
  Bytes bytes(sizeof value + data.size());
  std::memcpy(bytes.data(), &value, sizeof value);
  if (!data.empty()) {
    std::memcpy(bytes.data() + sizeof value, data.data(), data.size());
  }
  return bytes;
}

// Puts one message after another together. It says how many bytes it wants, and never wants any of the message behind:
// descriptors come with the first byte of the message that they belong to.
class MessageReader {
 public:
  // Where the next bytes go; never empty.
  [[nodiscard]] std::span<std::uint8_t> room();
  // So many of them have come. False when what came is no header: a stream cannot be followed any further then.
  [[nodiscard]] bool took(std::size_t bytes);
  // Beyond kMostDescriptors they are closed; the message is refused by whoever finds one too many.
  void took(Descriptor descriptor);
  // Whether a message lies ready, and takes it out.
  [[nodiscard]] bool complete() const { return have_ == sizeof(Header) + message_.payload.size() && header_known_; }
  [[nodiscard]] Message take();

 private:
  [[nodiscard]] bool understand_header();

  std::array<std::uint8_t, sizeof(Header)> header_{};
  bool header_known_ = false;
  std::size_t have_ = 0;
  Message message_;
};

}  // namespace ringside::vfio_user
