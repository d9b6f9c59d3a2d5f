// Words that a driver writes while the device reads them, and the other way round, are never seen by halves.
#include "model/shared_copy.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <cstring>
#include <functional>
#include <thread>

namespace ringside::tests {
namespace {

constexpr unsigned kLooks = 2'000'000;
constexpr std::uint16_t kBefore = 0x00ff;  // an index, and the next one
constexpr std::uint16_t kAfter = 0x0100;
volatile std::uint64_t index_bytes = sizeof kBefore;  // not known to the compiler, as it is not in a device

class SharedCopy : public testing::Test {
 protected:
  [[nodiscard]] std::uint8_t* memory() { return reinterpret_cast<std::uint8_t*>(&index_); }
  template <class Write>
  void beside(Write write, const std::function<std::uint16_t()>& read) {
    std::atomic<bool> done{false};
    std::thread other([&] {
      while (!done) {
        write(kBefore);
        write(kAfter);
      }
    });
    unsigned torn = 0;
    for (unsigned i = 0; i < kLooks; ++i) {
      const std::uint16_t seen = read();
      torn += seen != kBefore && seen != kAfter ? 1 : 0;
    }
    done = true;
    other.join();
    EXPECT_EQ(torn, 0u);
  }
  alignas(64) std::uint16_t index_ = kBefore;
};

TEST_F(SharedCopy, ReadsAnIndexWhole) {
  beside([this](std::uint16_t value) { __atomic_store_n(&index_, value, __ATOMIC_RELAXED); },
         [this] {
           std::uint16_t value = 0;
           model::copy_from_shared(reinterpret_cast<std::uint8_t*>(&value), memory(), index_bytes);
           return value;
         });
}

TEST_F(SharedCopy, WritesAnIndexWhole) {
  beside(
      [this](std::uint16_t value) {
        model::copy_to_shared(memory(), reinterpret_cast<const std::uint8_t*>(&value), index_bytes);
      },
      [this] { return __atomic_load_n(&index_, __ATOMIC_RELAXED); });
}

TEST_F(SharedCopy, CopiesWhatIsNoWordToo) {
  std::uint8_t from[24];
  std::uint8_t to[24] = {};
  for (std::uint8_t i = 0; i < 24; ++i) {
    from[i] = i;
  }
  for (std::uint64_t size = 0; size <= 16; ++size) {
    for (std::uint64_t start = 0; start < 8; ++start) {
      std::memset(to, 0xff, sizeof to);
      model::copy_to_shared(to + start, from + start, size);
      EXPECT_EQ(std::memcmp(to + start, from + start, size), 0);
      std::memset(to, 0xff, sizeof to);
      model::copy_from_shared(to + start, from + start, size);
      EXPECT_EQ(std::memcmp(to + start, from + start, size), 0);
      EXPECT_EQ(to[start + size], 0xff);
    }
  }
}

}  // namespace
}  // namespace ringside::tests
