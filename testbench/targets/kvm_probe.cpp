#include "testbench/targets/kvm_probe.h"

#include <fcntl.h>
#include <fmt/core.h>

#include <cerrno>
#include <cstring>

#include "testbench/targets/descriptor.h"
#include "testbench/targets/target.h"

namespace ringside::targets {

void require_kvm() {
  constexpr char kDevice[] = "/dev/kvm";
  const Descriptor device(::open(kDevice, O_RDWR | O_CLOEXEC));
  if (device.valid()) {
    return;
  }
  const char* const advice =
      errno == EACCES || errno == EPERM
          ? "become a member of the group kvm, or use accel=tcg"
          : "load the module kvm_intel or kvm_amd (inside a virtual machine its host must allow nesting), or use "
            "accel=tcg";
  throw LackingError(fmt::format("target guest: accel=kvm: {}: {}; {}", kDevice, std::strerror(errno), advice));
}

}  // namespace ringside::targets
