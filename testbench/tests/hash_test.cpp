#include "testbench/trace/hash.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace ringside::trace {
namespace {

std::vector<std::uint8_t> some_bytes(std::size_t size) {
  std::vector<std::uint8_t> bytes(size);
  std::ranges::generate(bytes,
                        [value = 0u]() mutable { return static_cast<std::uint8_t>((value += 0x9e37'79b9) >> 24); });
  return bytes;
}

std::uint64_t in_pieces(const std::vector<std::uint8_t>& bytes, const std::vector<std::size_t>& pieces) {
  HashStream stream;
  std::size_t at = 0;
  for (std::size_t piece = 0; at < bytes.size(); ++piece) {
    const std::size_t size = std::min(pieces[piece % pieces.size()], bytes.size() - at);
    stream.add(bytes.data() + at, size);
    at += size;
  }
  return stream.end();
}

// Logs are compared across machines: the published values of XXH3-64 with seed 0, whatever instructions compute them.
TEST(Hash, IsXxh3) {
  EXPECT_EQ(hash_bytes("", 0), 0u) << "no payload";
  EXPECT_EQ(hash_bytes("\0", 1), 0xc44b'dff4'074e'ecdbu);
}

TEST(Hash, OfPiecesIsThatOfTheWhole) {
  for (const std::size_t size : {1u, 64u, 512u, 4095u, 16383u, 16384u, 16385u, 200'000u}) {
    SCOPED_TRACE(size);
    const std::vector<std::uint8_t> bytes = some_bytes(size);
    const std::uint64_t whole = hash_bytes(bytes.data(), bytes.size());
    EXPECT_EQ(in_pieces(bytes, {size}), whole);
    EXPECT_EQ(in_pieces(bytes, {512}), whole);
    EXPECT_EQ(in_pieces(bytes, {20'000, 1, 512, 17'000, 63}), whole);
  }
}

}  // namespace
}  // namespace ringside::trace
