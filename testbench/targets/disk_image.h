// The disk of one run: raw bytes behind a file descriptor, private to the run unless written through.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "testbench/targets/descriptor.h"
#include "testbench/targets/memory_disk.h"

namespace ringside::targets {

inline constexpr std::uint64_t kGeneratedDiskBytes = 16u << 20;

class DiskImage {
 public:
  // A memfd with contents that depend on the seed and the place only: every sector differs from every other. Of a disk
  // that is bigger than kGeneratedDiskBytes, so much at its start and a little at its end; zeroes in between, which
  // take no room.
  [[nodiscard]] static DiskImage generated(std::uint64_t bytes, std::uint64_t seed);
  // The same contents in this process's own memory, which no other process can use.
  [[nodiscard]] static DiskImage in_memory(std::uint64_t bytes, std::uint64_t seed);
  // What `--disk` names: `sparse:SIZE`, as in sparse:1T, all zeroes and in memory; else the path of a raw image. Throws
  // InputError.
  [[nodiscard]] static DiskImage named(const std::string& name, bool write_through);
  // An unlinked private copy of a raw image (sparse stays sparse). Throws InputError when it is missing, no regular
  // file, empty, or not a multiple of 512 bytes.
  [[nodiscard]] static DiskImage copy_of(const std::string& path);
  // The image itself, opened for writing, locked against a second user. Throws InputError likewise.
  [[nodiscard]] static DiskImage write_through(const std::string& path);

  [[nodiscard]] int fd() const { return file_.get(); }
  // Of an image in this process's memory; else null, and there is a file.
  [[nodiscard]] MemoryDisk* memory() const { return memory_.get(); }
  // As it is now: a run may resize its disk.
  [[nodiscard]] std::uint64_t bytes() const;
  // Of size and contents. Zeroes count alike whether they were written or are a hole, and holes cost nothing.
  [[nodiscard]] std::uint64_t hash() const;

 private:
  explicit DiskImage(Descriptor file) : file_(std::move(file)) {}
  explicit DiskImage(LentMemoryDisk memory) : memory_(std::move(memory)) {}
  Descriptor file_;
  LentMemoryDisk memory_;
};

}  // namespace ringside::targets
