// A disk in the caller's memory: no copy, so that the caller sees what is on the disk.
#pragma once

#include <cstring>

#include "model/storage.h"
#include "model/zero_memory.h"

namespace ringside::model {

class RamStorage final : public Storage {
 public:
  explicit RamStorage(void* memory, Pages pages = Pages::unknown)
      : memory_(static_cast<std::uint8_t*>(memory)), pages_(pages) {}

  [[nodiscard]] bool read(std::uint64_t offset, void* data, std::uint64_t size) override {
    std::memcpy(data, memory_ + offset, size);
    return true;
  }
  [[nodiscard]] bool write(std::uint64_t offset, const void* data, std::uint64_t size) override {
    std::memcpy(memory_ + offset, data, size);
    return true;
  }
  [[nodiscard]] bool write_zeroes(std::uint64_t offset, std::uint64_t size) override {
    zero_memory(memory_ + offset, size, pages_);
    return true;
  }
  [[nodiscard]] bool flush() override { return true; }

 private:
  std::uint8_t* memory_;
  Pages pages_;
};

}  // namespace ringside::model
