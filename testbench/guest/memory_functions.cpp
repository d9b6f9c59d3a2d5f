// memcpy and its like, those that move bytes by 8 bytes at a time: an emulated CPU takes as long for a byte as for a
// word.
#include <cstddef>
#include <cstdint>

namespace {

// Any object may be copied by words, wherever it lies.
using Word [[gnu::may_alias, gnu::aligned(1)]] = std::uint64_t;
constexpr std::size_t kWord = sizeof(Word);

}  // namespace

extern "C" void* memcpy(void* __restrict to, const void* __restrict from, std::size_t size) {
  auto* target = static_cast<std::uint8_t*>(to);
  const auto* source = static_cast<const std::uint8_t*>(from);
  for (; size >= kWord; size -= kWord, target += kWord, source += kWord) {
    *reinterpret_cast<Word*>(target) = *reinterpret_cast<const Word*>(source);
  }
  for (; size != 0; --size) {
    *target++ = *source++;
  }
  return to;
}

extern "C" void* memset(void* to, int value, std::size_t size) {
  auto* target = static_cast<std::uint8_t*>(to);
  const std::uint64_t word = static_cast<std::uint8_t>(value) * 0x0101'0101'0101'0101u;
  for (; size >= kWord; size -= kWord, target += kWord) {
    *reinterpret_cast<Word*>(target) = word;
  }
  for (; size != 0; --size) {
    *target++ = static_cast<std::uint8_t>(value);
  }
  return to;
}

extern "C" void* memmove(void* to, const void* from, std::size_t size) {
  if (reinterpret_cast<std::uintptr_t>(to) - reinterpret_cast<std::uintptr_t>(from) >= size) {
    return memcpy(to, from, size);  // upwards never overwrites what is still to be read
  }
  auto* const target = static_cast<std::uint8_t*>(to);
  const auto* const source = static_cast<const std::uint8_t*>(from);
  for (; size >= kWord; size -= kWord) {
    *reinterpret_cast<Word*>(target + size - kWord) = *reinterpret_cast<const Word*>(source + size - kWord);
  }
  for (; size != 0; --size) {
    target[size - 1] = source[size - 1];
  }
  return to;
}

extern "C" int memcmp(const void* left, const void* right, std::size_t size) {
  const auto* a = static_cast<const std::uint8_t*>(left);
  const auto* b = static_cast<const std::uint8_t*>(right);
  for (; size >= kWord && *reinterpret_cast<const Word*>(a) == *reinterpret_cast<const Word*>(b); size -= kWord) {
    a += kWord;
    b += kWord;
  }
  for (; size != 0; --size, ++a, ++b) {
    if (*a != *b) {
      return *a < *b ? -1 : 1;
    }
  }
  return 0;
}

extern "C" std::size_t strlen(const char* text) {
  std::size_t length = 0;
  while (text[length] != '\0') {
    ++length;
  }
  return length;
}

extern "C" void* memchr(const void* bytes, int value, std::size_t size) {
  const auto* at = static_cast<const std::uint8_t*>(bytes);
  for (; size != 0; --size, ++at) {
    if (*at == static_cast<std::uint8_t>(value)) {
      return const_cast<std::uint8_t*>(at);
    }
  }
  return nullptr;
}
