#include "testbench/vfio_user/message.h"

#include <utility>

namespace ringside::vfio_user {

std::span<std::uint8_t> MessageReader::room() {
  return header_known_ ? std::span(message_.payload).subspan(have_ - sizeof(Header))
                       : std::span(header_).subspan(have_);
}

bool MessageReader::took(std::size_t bytes) {
  have_ += bytes;
  return header_known_ || have_ < sizeof(Header) || understand_header();
}

bool MessageReader::understand_header() {
  std::memcpy(&message_.header, header_.data(), sizeof(Header));
  const std::uint32_t size = message_.header.size;
  if (size < sizeof(Header) || size > kMostMessageBytes) {
    return false;
  }
  message_.payload.resize(size - sizeof(Header));
  header_known_ = true;
  return true;
}

void MessageReader::took(Descriptor descriptor) {
  if (message_.descriptors.size() <= kMostDescriptors) {
    message_.descriptors.push_back(std::move(descriptor));
  }
}

Message MessageReader::take() {
  header_known_ = false;
  have_ = 0;
  return std::exchange(message_, {});
}

}  // namespace ringside::vfio_user
