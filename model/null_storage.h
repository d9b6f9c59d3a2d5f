// Reads are zeroes and writes vanish: what is left of a request is the driver, the rings and the bus.
#pragma once

#include <cstring>

#include "model/storage.h"

namespace ringside::model {

class NullStorage final : public Storage {
 public:
  [[nodiscard]] bool read(std::uint64_t, void* data, std::uint64_t size) override {
    std::memset(data, 0, size);
    return true;
  }
  [[nodiscard]] bool write(std::uint64_t, const void*, std::uint64_t) override { return true; }
  [[nodiscard]] bool write_zeroes(std::uint64_t, std::uint64_t) override { return true; }
  [[nodiscard]] bool flush() override { return true; }
};

}  // namespace ringside::model
