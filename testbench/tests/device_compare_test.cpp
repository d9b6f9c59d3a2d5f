// Whatever a virtio disk is told to be, model and QEMU show the driver the same device, on both machines.
#include <gtest/gtest.h>

#include <cctype>
#include <string>
#include <tuple>

#include "testbench/tests/cli_program.h"

namespace ringside::tests {
namespace {

using Variant = std::tuple<const char*, const char*>;  // machine, properties

class DeviceCompare : public ::testing::TestWithParam<Variant> {};

TEST_P(DeviceCompare, ModelAndQemuAgree) {
  const auto& [machine, properties] = GetParam();
  const ProgramResult result =
      run_program({"compare", "identify", "read-write", "--machine", machine, "--device", properties});
  if (result.status == 3) {
    GTEST_SKIP() << result.err;
  }
  EXPECT_EQ(result.status, 0) << result.out << result.err;
  EXPECT_NE(result.out.find("2 agree"), std::string::npos) << result.out;
}

std::string name_of(const ::testing::TestParamInfo<Variant>& info) {
  std::string name = std::string(std::get<0>(info.param)) + "_" + std::get<1>(info.param);
  for (char& c : name) {
    c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(
    Variants, DeviceCompare,
    ::testing::Combine(
        ::testing::Values("pc", "q35"),
        ::testing::Values("packed=on", "num-queues=4", "num-queues=64", "queue-size=64", "queue-size=1024",
                          "disable-legacy=on", "disable-modern=on", "disable-legacy=on,iommu_platform=on", "ats=on",
                          "vectors=0", "vectors=1", "vectors=2", "vectors=40", "page-per-vq=on", "event_idx=off",
                          "indirect_desc=off", "config-wce=off", "discard=off", "write-zeroes=off",
                          "discard_granularity=4096,max-discard-sectors=100,max-write-zeroes-sectors=200",
                          "logical_block_size=4096", "physical_block_size=8k,min_io_size=8k,opt_io_size=64k",
                          "serial=another-one", "queue_reset=off", "write-cache=off", "seg-max-adjust=off",
                          "disable-modern=on,notify_on_empty=off,any_layout=off",
                          "packed=on,num-queues=8,queue-size=128", "bus=bridge0", "addr=1e.0")),
    name_of);

// Behind a root port it is a PCI Express device, with more capabilities.
INSTANTIATE_TEST_SUITE_P(RootPort, DeviceCompare,
                         ::testing::Combine(::testing::Values("q35"),
                                            ::testing::Values("bus=port0", "bus=port1,ats=on",
                                                              "bus=port0,disable-legacy=off", "bus=port3,packed=on",
                                                              "bus=port0,disable-legacy=on,iommu_platform=on")),
                         name_of);

}  // namespace
}  // namespace ringside::tests
