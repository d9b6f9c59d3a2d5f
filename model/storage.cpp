#include "model/storage.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace ringside::model {

bool RamStorage::read(std::uint64_t offset, void* data, std::uint64_t size) {
  std::memcpy(data, memory_ + offset, size);
  return true;
}

bool RamStorage::write(std::uint64_t offset, const void* data, std::uint64_t size) {
  std::memcpy(memory_ + offset, data, size);
  return true;
}

bool RamStorage::write_zeroes(std::uint64_t offset, std::uint64_t size) {
  std::memset(memory_ + offset, 0, size);
  return true;
}

bool FileStorage::read(std::uint64_t offset, void* data, std::uint64_t size) {
  auto* to = static_cast<std::uint8_t*>(data);
  while (size != 0) {
    const ssize_t done = ::pread(fd_, to, size, static_cast<off_t>(offset));
    if (done < 0 && errno == EINTR) {
      continue;
    }
    if (done <= 0) {
      return false;
    }
    to += done;
    offset += static_cast<std::uint64_t>(done);
    size -= static_cast<std::uint64_t>(done);
  }
  return true;
}

bool FileStorage::write(std::uint64_t offset, const void* data, std::uint64_t size) {
  const auto* from = static_cast<const std::uint8_t*>(data);
  while (size != 0) {
    const ssize_t done = ::pwrite(fd_, from, size, static_cast<off_t>(offset));
    if (done < 0 && errno == EINTR) {
      continue;
    }
    if (done <= 0) {
      return false;
    }
    from += done;
    offset += static_cast<std::uint64_t>(done);
    size -= static_cast<std::uint64_t>(done);
  }
  return true;
}

bool FileStorage::write_zeroes(std::uint64_t offset, std::uint64_t size) {
  static constexpr std::array<std::uint8_t, 64 << 10> kZeroes{};
  while (size != 0) {
    const std::uint64_t piece = std::min<std::uint64_t>(size, kZeroes.size());
    if (!write(offset, kZeroes.data(), piece)) {
      return false;
    }
    offset += piece;
    size -= piece;
  }
  return true;
}

bool FileStorage::flush() { return ::fdatasync(fd_) == 0; }

}  // namespace ringside::model
