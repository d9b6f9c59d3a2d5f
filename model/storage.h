// Where a disk keeps its bytes. Offsets and sizes are bytes and lie inside the disk: the device has checked them. They
// need not be whole sectors: a request's data comes in the pieces that the driver cut it into.
#pragma once

#include <cstdint>

namespace ringside::model {

class Storage {
 public:
  // False is a media error.
  [[nodiscard]] virtual bool read(std::uint64_t offset, void* data, std::uint64_t size) = 0;
  [[nodiscard]] virtual bool write(std::uint64_t offset, const void* data, std::uint64_t size) = 0;
  [[nodiscard]] virtual bool write_zeroes(std::uint64_t offset, std::uint64_t size) = 0;
  // The contents are given up; what is read there afterwards is zeroes.
  [[nodiscard]] virtual bool discard(std::uint64_t offset, std::uint64_t size) { return write_zeroes(offset, size); }
  // Everything written before is on stable media when it returns true.
  [[nodiscard]] virtual bool flush() = 0;

 protected:
  ~Storage() = default;
};

}  // namespace ringside::model
