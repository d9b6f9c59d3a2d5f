// The kernel of docs/porting.md, run as its reader would run it.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "testbench/targets/qemu_binary.h"
#include "testbench/tests/cli_program.h"

namespace ringside::tests {
namespace {

constexpr std::size_t kSector = 512;

#ifdef RINGSIDE_EXAMPLE_KERNEL
TEST(ExampleKernelOnQemu, WritesASectorAndReadsItBack) {
  const std::string qemu = targets::default_qemu_path();
  if (qemu.empty()) {
    GTEST_SKIP() << "no QEMU here; apt-get install qemu-system-x86";
  }
  const TemporaryDirectory directory;
  const std::string image = directory.make("disk.img", std::string(1 << 20, '\0'));
  Program program({"-accel", "tcg", "-nodefaults", "-display", "none", "-serial", "stdio", "-device",
                   "isa-debug-exit,iobase=0xf4,iosize=1", "-drive", "if=none,id=d,format=raw,file=" + image, "-device",
                   "virtio-blk-pci,drive=d", "-kernel", RINGSIDE_EXAMPLE_KERNEL},
                  {}, qemu.c_str());
  const ProgramResult result = program.wait();
  EXPECT_EQ(result.status, 1) << result.err;  // isa-debug-exit: 2 * 0 + 1
  EXPECT_NE(result.out.find("[kernel] a sector was written and read back"), std::string::npos) << result.out;

  std::ifstream file(image, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(bytes.substr(kSector, kSector), std::string(kSector, '\x5a'));
}
#else
TEST(ExampleKernelOnQemu, WritesASectorAndReadsItBack) { GTEST_SKIP() << "built by GCC for x86-64 only"; }
#endif

}  // namespace
}  // namespace ringside::tests
