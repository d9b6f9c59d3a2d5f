// A disk in memory that takes room only where it was written: address space is reserved for all of it, pages appear as
// they are touched, and zeroing gives them back. Reading what was never written takes none.
#pragma once

#include "model/ram_storage.h"

namespace ringside::model {

class SparseStorage final : public Storage {
 public:
  // All zeroes. Throws std::bad_alloc when there is no address space for it.
  explicit SparseStorage(std::uint64_t bytes);
  ~SparseStorage();
  SparseStorage(const SparseStorage&) = delete;
  SparseStorage& operator=(const SparseStorage&) = delete;

  [[nodiscard]] bool read(std::uint64_t offset, void* data, std::uint64_t size) override {
    return ram_.read(offset, data, size);
  }
  [[nodiscard]] bool write(std::uint64_t offset, const void* data, std::uint64_t size) override {
    return ram_.write(offset, data, size);
  }
  [[nodiscard]] bool write_zeroes(std::uint64_t offset, std::uint64_t size) override {
    return ram_.write_zeroes(offset, size);
  }
  [[nodiscard]] bool flush() override { return true; }

 private:
  std::uint64_t bytes_;
  void* memory_;
  RamStorage ram_;
};

}  // namespace ringside::model
