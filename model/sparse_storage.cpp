#include "model/sparse_storage.h"

#include <sys/mman.h>

#include <new>

namespace ringside::model {
namespace {

void* reserve(std::uint64_t bytes) {
  void* const memory =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    throw std::bad_alloc();
  }
  // A huge page would make 2 MiB of one sector. Where the kernel knows of none, the call fails and nothing is lost.
  ::madvise(memory, bytes, MADV_NOHUGEPAGE);
  return memory;
}

}  // namespace

SparseStorage::SparseStorage(std::uint64_t bytes)
    : bytes_(bytes), memory_(reserve(bytes)), ram_(memory_, Pages::anonymous) {}

SparseStorage::~SparseStorage() { ::munmap(memory_, bytes_); }

}  // namespace ringside::model
