#include "driver/block/request_rules.h"

namespace ringside::block {

bool well_formed(const Request& request) {
  for (std::uint16_t i = 0; i < request.segment_count; ++i) {
    if (request.segments == nullptr || request.segments[i].data == nullptr || request.segments[i].size == 0) {
      return false;
    }
  }
  return true;
}

std::uint64_t data_bytes(const Request& request) {
  std::uint64_t bytes = 0;
  for (std::uint16_t i = 0; i < request.segment_count; ++i) {
    bytes += request.segments[i].size;
  }
  return bytes;
}

}  // namespace ringside::block
