#include "testbench/targets/qemu_ram.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace ringside::targets {
namespace {

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

}  // namespace

QemuRam::QemuRam(std::uint64_t bytes) : file_(::memfd_create("ringside-ram", MFD_CLOEXEC)), bytes_(bytes) {
  if (!file_.valid() || ::ftruncate(file_.get(), static_cast<off_t>(bytes)) != 0) {
    fail("a memory file for guest RAM");
  }
  void* const memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file_.get(), 0);
  if (memory == MAP_FAILED) {
    fail("mapping guest RAM");
  }
  data_ = static_cast<std::uint8_t*>(memory);
}

QemuRam::~QemuRam() { ::munmap(data_, bytes_); }

}  // namespace ringside::targets
