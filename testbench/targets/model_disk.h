// A disk image as the model's storage: in memory as it is, or mapped when it is private to the run and of a size to be
// mapped, else through the file descriptor.
#pragma once

#include <cstdint>
#include <optional>

#include "model/file_storage.h"
#include "model/ram_storage.h"
#include "testbench/targets/disk_image.h"

namespace ringside::targets {

class ModelDisk {
 public:
  // `image` outlives it. Throws RunAborted when the image cannot be mapped.
  ModelDisk(const DiskImage& image, bool write_through);
  ~ModelDisk();
  ModelDisk(const ModelDisk&) = delete;
  ModelDisk& operator=(const ModelDisk&) = delete;

  // Stays the same through a resize.
  [[nodiscard]] model::Storage& storage();

  // The image gets this size; what is new is zeroes. False when there is no room. No request is in flight beyond it.
  [[nodiscard]] bool resize(std::uint64_t bytes);

 private:
  MemoryDisk* memory_;  // null: the image is a file
  int fd_;
  void* mapping_ = nullptr;
  std::uint64_t bytes_;
  std::optional<model::RamStorage> ram_;
  std::optional<model::FileStorage> file_;
};

}  // namespace ringside::targets
