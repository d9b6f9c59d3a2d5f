// The disk of one run: raw bytes behind a file descriptor, private to the run unless written through.
#pragma once

#include <cstdint>
#include <string>

namespace ringside::targets {

inline constexpr std::uint64_t kGeneratedDiskBytes = 16u << 20;

class DiskImage {
 public:
  // A memfd with contents that depend on the seed only: every sector differs from every other.
  [[nodiscard]] static DiskImage generated(std::uint64_t bytes, std::uint64_t seed);
  // An unlinked private copy of a raw image (sparse stays sparse). Throws InputError when it is missing, no regular
  // file, empty, or not a multiple of 512 bytes.
  [[nodiscard]] static DiskImage copy_of(const std::string& path);
  // The image itself, opened for writing, locked against a second user. Throws InputError likewise.
  [[nodiscard]] static DiskImage write_through(const std::string& path);

  DiskImage(DiskImage&& other) noexcept;
  DiskImage& operator=(DiskImage&& other) noexcept;
  DiskImage(const DiskImage&) = delete;
  DiskImage& operator=(const DiskImage&) = delete;
  ~DiskImage();

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  [[nodiscard]] std::uint64_t hash() const;

 private:
  DiskImage(int fd, std::uint64_t bytes) : fd_(fd), bytes_(bytes) {}
  int fd_ = -1;
  std::uint64_t bytes_ = 0;
};

}  // namespace ringside::targets
