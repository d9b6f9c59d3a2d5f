#include "testbench/targets/model_disk.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>

#include "testbench/targets/harness.h"

namespace ringside::targets {

ModelDisk::ModelDisk(const DiskImage& image, bool write_through) : bytes_(image.bytes()) {
  if (write_through) {
    file_.emplace(image.fd());
    return;
  }
  mapping_ = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, image.fd(), 0);
  if (mapping_ == MAP_FAILED) {
    throw RunAborted(std::string("the disk image cannot be mapped: ") + std::strerror(errno));
  }
  ram_.emplace(mapping_);
}

ModelDisk::~ModelDisk() {
  if (ram_) {
    ::munmap(mapping_, bytes_);
  }
}

model::Storage& ModelDisk::storage() {
  if (ram_) {
    return *ram_;
  }
  return *file_;
}

}  // namespace ringside::targets
