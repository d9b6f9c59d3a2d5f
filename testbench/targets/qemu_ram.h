// Guest RAM that bench and QEMU share: a memory file, mapped by both, gone with the last process that has it.
#pragma once

#include <cstdint>

#include "testbench/targets/descriptor.h"

namespace ringside::targets {

class QemuRam {
 public:
  explicit QemuRam(std::uint64_t bytes);
  ~QemuRam();
  QemuRam(const QemuRam&) = delete;
  QemuRam& operator=(const QemuRam&) = delete;

  [[nodiscard]] int fd() const { return file_.get(); }
  [[nodiscard]] std::uint8_t* data() { return data_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  Descriptor file_;
  std::uint64_t bytes_;
  std::uint8_t* data_ = nullptr;
};

}  // namespace ringside::targets
