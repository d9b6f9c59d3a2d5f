#include "model/file_storage.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace ringside::model {
namespace {

// All of it, in as many pieces as the kernel makes of it. An end of file is an error: the disk is as big as it was.
template <class Transfer, class Byte>
bool transfer_all(Transfer transfer, int fd, Byte* data, std::uint64_t size, std::uint64_t offset) {
  while (size != 0) {
    const ssize_t done = transfer(fd, data, size, static_cast<off_t>(offset));
    if (done < 0 && errno == EINTR) {
      continue;
    }
    if (done <= 0) {
      return false;
    }
    data += done;
    offset += static_cast<std::uint64_t>(done);
    size -= static_cast<std::uint64_t>(done);
  }
  return true;
}

bool punch_hole(int fd, std::uint64_t offset, std::uint64_t size) {
  int result = 0;
  do {
    result = ::fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                         static_cast<off_t>(size));
  } while (result != 0 && errno == EINTR);
  return result == 0;
}

}  // namespace

bool FileStorage::read(std::uint64_t offset, void* data, std::uint64_t size) {
  return transfer_all(::pread, fd_, static_cast<std::uint8_t*>(data), size, offset);
}

bool FileStorage::write(std::uint64_t offset, const void* data, std::uint64_t size) {
  return transfer_all(::pwrite, fd_, static_cast<const std::uint8_t*>(data), size, offset);
}

bool FileStorage::write_zeroes(std::uint64_t offset, std::uint64_t size) {
  static constexpr std::array<std::uint8_t, 64 << 10> kZeroes{};
  if (size == 0 || punch_hole(fd_, offset, size)) {
    return true;
  }
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
