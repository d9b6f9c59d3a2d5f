#include "testbench/targets/model_disk.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "testbench/targets/harness.h"

namespace ringside::targets {
namespace {

// A load from a hole of a mapped memory file fills it; a read through the descriptor does not.
constexpr std::uint64_t kMostMappedBytes = 1u << 30;

}  // namespace

ModelDisk::ModelDisk(const DiskImage& image, bool write_through)
    : memory_(image.memory()), fd_(image.fd()), bytes_(image.bytes()) {
  if (memory_ != nullptr) {
    ram_.emplace(memory_->storage());
    return;
  }
  if (write_through || bytes_ > kMostMappedBytes) {
    file_.emplace(fd_);
    return;
  }
  mapping_ = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0);
  if (mapping_ == MAP_FAILED) {
    throw RunAborted(std::string("the disk image cannot be mapped: ") + std::strerror(errno));
  }
  ram_.emplace(mapping_, model::Pages::shared_file);
}

ModelDisk::~ModelDisk() {
  if (mapping_ != nullptr) {
    ::munmap(mapping_, bytes_);
  }
}

model::Storage& ModelDisk::storage() {
  if (ram_) {
    return *ram_;
  }
  return *file_;
}

bool ModelDisk::resize(std::uint64_t bytes) {
  if (memory_ != nullptr) {
    return bytes != 0 && memory_->resize(bytes);
  }
  if (bytes == 0 || ::ftruncate(fd_, static_cast<off_t>(bytes)) != 0) {
    return false;
  }
  if (ram_) {
    void* const mapping = ::mremap(mapping_, bytes_, bytes, MREMAP_MAYMOVE);
    if (mapping == MAP_FAILED) {
      return false;
    }
    mapping_ = mapping;
    bytes_ = bytes;
    ram_.emplace(mapping_, model::Pages::shared_file);
  }
  return true;
}

}  // namespace ringside::targets
