// Copies to and from memory that a driver uses at the same time. What is 2, 4 or 8 bytes long and lies at a multiple of
// that is one access, as a bus makes it: nobody sees half of an index (VIRTIO 1.2, 2.7.6, 2.7.8). memcpy promises no such
// thing: of two bytes glibc's reads the lower one, then both, and makes 0x37ff of 0x36ff that becomes 0x3700.
#pragma once

#include <cstdint>
#include <cstring>

namespace ringside::model {

template <class Word>
[[nodiscard]] inline bool is_word(const std::uint8_t* memory, std::uint64_t size) {
  return size == sizeof(Word) && reinterpret_cast<std::uintptr_t>(memory) % sizeof(Word) == 0;
}

template <class Word>
[[nodiscard]] inline bool load_word(std::uint8_t* data, const std::uint8_t* memory, std::uint64_t size) {
  if (!is_word<Word>(memory, size)) {
    return false;
  }
  const Word word = __atomic_load_n(reinterpret_cast<const Word*>(memory), __ATOMIC_RELAXED);
  std::memcpy(data, &word, sizeof word);
  return true;
}

template <class Word>
[[nodiscard]] inline bool store_word(std::uint8_t* memory, const std::uint8_t* data, std::uint64_t size) {
  if (!is_word<Word>(memory, size)) {
    return false;
  }
  Word word;
  std::memcpy(&word, data, sizeof word);
  __atomic_store_n(reinterpret_cast<Word*>(memory), word, __ATOMIC_RELAXED);
  return true;
}

inline void copy_from_shared(std::uint8_t* data, const std::uint8_t* memory, std::uint64_t size) {
  if (!load_word<std::uint16_t>(data, memory, size) && !load_word<std::uint32_t>(data, memory, size) &&
      !load_word<std::uint64_t>(data, memory, size)) {
    std::memcpy(data, memory, size);
  }
}

inline void copy_to_shared(std::uint8_t* memory, const std::uint8_t* data, std::uint64_t size) {
  if (!store_word<std::uint16_t>(memory, data, size) && !store_word<std::uint32_t>(memory, data, size) &&
      !store_word<std::uint64_t>(memory, data, size)) {
    std::memcpy(memory, data, size);
  }
}

}  // namespace ringside::model
