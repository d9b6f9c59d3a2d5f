// Zeroed memory that starts at a page, as a disk image and RAM do in the other worlds: a copy between two blocks that
// are misaligned to each other is slower, and that is not what is to be measured.
#pragma once

#include <sys/mman.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <system_error>

namespace ringside::cli {

class PageMemory {
 public:
  explicit PageMemory(std::size_t bytes)
      : bytes_(bytes),
        start_(::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)) {
    if (start_ == MAP_FAILED) {
      throw std::system_error(errno, std::generic_category(), "mapping memory");
    }
  }
  ~PageMemory() { ::munmap(start_, bytes_); }
  PageMemory(const PageMemory&) = delete;
  PageMemory& operator=(const PageMemory&) = delete;

  [[nodiscard]] std::uint8_t* data() const { return static_cast<std::uint8_t*>(start_); }
  [[nodiscard]] std::size_t size() const { return bytes_; }

 private:
  std::size_t bytes_;
  void* start_;
};

}  // namespace ringside::cli
