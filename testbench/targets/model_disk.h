// A disk image as the model's storage: mapped into memory when it is private to the run, through the file descriptor
// when it is written through.
#pragma once

#include <cstdint>
#include <memory>
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

  [[nodiscard]] model::Storage& storage();

 private:
  void* mapping_ = nullptr;
  std::uint64_t bytes_;
  std::optional<model::RamStorage> ram_;
  std::optional<model::FileStorage> file_;
};

}  // namespace ringside::targets
