// A disk in the caller's memory: no copy, so that the caller sees what is on the disk.
#pragma once

#include <algorithm>
#include <cstring>

#include "model/storage.h"
#include "model/zero_memory.h"

namespace ringside::model {

// What was written of a disk lies in here.
struct WrittenRange {
  std::uint64_t first = ~std::uint64_t{0};
  std::uint64_t end = 0;

  void add(std::uint64_t offset, std::uint64_t size) {
    first = std::min(first, offset);
    end = std::max(end, offset + size);
  }
};

class RamStorage final : public Storage {
 public:
  explicit RamStorage(void* memory, Pages pages = Pages::unknown)
      : memory_(static_cast<std::uint8_t*>(memory)), pages_(pages) {}
  // `written` outlives it.
  RamStorage(void* memory, WrittenRange& written) : RamStorage(memory) { written_ = &written; }

  [[nodiscard]] bool read(std::uint64_t offset, void* data, std::uint64_t size) override {
    std::memcpy(data, memory_ + offset, size);
    return true;
  }
  [[nodiscard]] bool write(std::uint64_t offset, const void* data, std::uint64_t size) override {
    note(offset, size);
    std::memcpy(memory_ + offset, data, size);
    return true;
  }
  [[nodiscard]] bool write_zeroes(std::uint64_t offset, std::uint64_t size) override {
    note(offset, size);
    zero_memory(memory_ + offset, size, pages_);
    return true;
  }
  [[nodiscard]] bool flush() override { return true; }

 private:
  void note(std::uint64_t offset, std::uint64_t size) {
    if (written_ != nullptr) {
      written_->add(offset, size);
    }
  }

  std::uint8_t* memory_;
  Pages pages_;
  WrittenRange* written_ = nullptr;
};

}  // namespace ringside::model
