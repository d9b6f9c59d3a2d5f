// The chain of one request, as descriptors that are still to be written, and the mistakes that can be made in it.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "testbench/scenarios/context.h"
#include "testbench/scenarios/program.h"

namespace ringside::programs {

inline constexpr std::uint32_t kHeaderBuffer = 0;
inline constexpr std::uint32_t kDataBuffer = 1;
inline constexpr std::uint32_t kStatusBuffer = 2;
inline constexpr std::uint32_t kTableBuffer = 3;
inline constexpr std::array<std::uint64_t, 4> kBufferSizes{64, 4096, 64, 1024};
inline constexpr std::uint64_t kSectorBytes = 512;

struct Piece {
  scenarios::Base base = scenarios::Base::buffer;
  std::uint32_t which = 0;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  std::uint64_t flags = 0;
  std::uint64_t next = 0;
};

struct Chain {
  std::uint32_t type = 0;
  std::uint64_t sector = 0;
  bool range = false;  // its data begins with a range to discard or to zero
  std::uint64_t range_flags = 0;
  std::vector<Piece> pieces;
  std::uint64_t head = 0;
  bool table = false;  // pieces lie in an indirect table
  std::uint64_t table_bytes = 0;
  std::uint64_t table_flags = 0;
};

// Header, data where the type has any, status; `type` may be any number.
[[nodiscard]] Chain make_request(std::uint32_t type, std::uint64_t sector, std::uint64_t bytes);
// Makes one mistake, or none that counts: what it draws may be allowed. `indirect`: tables were negotiated.
void spoil(Chain& chain, scenarios::Random& random, bool indirect);
// Only mistakes that leave a list that can be fetched: QEMU 7.2 never comes back from a packed one that cannot.
void spoil_contents(Chain& chain, scenarios::Random& random);

}  // namespace ringside::programs
