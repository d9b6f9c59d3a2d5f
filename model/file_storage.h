// A raw image behind a file descriptor, which the caller keeps open. What was flushed has reached the disk.
#pragma once

#include "model/storage.h"

namespace ringside::model {

class FileStorage final : public Storage {
 public:
  explicit FileStorage(int fd) : fd_(fd) {}
  [[nodiscard]] bool read(std::uint64_t offset, void* data, std::uint64_t size) override;
  [[nodiscard]] bool write(std::uint64_t offset, const void* data, std::uint64_t size) override;
  // Zeroes take no room where the file system can have holes.
  [[nodiscard]] bool write_zeroes(std::uint64_t offset, std::uint64_t size) override;
  [[nodiscard]] bool flush() override;

 private:
  int fd_;
};

}  // namespace ringside::model
