// The disk in every variant that QEMU 7.2 has of it too: the same program looks at all that can be seen before a driver
// takes the device over, on the model and on QEMU, and sees the same.
#include <algorithm>
#include <cctype>

#include "testbench/targets/qemu_target.h"
#include "testbench/tests/model_bench.h"
#include "testbench/tests/model_disk_place.h"

namespace ringside::tests::model_tests {
namespace {

struct Variant {
  const char* machine;
  const char* device;
};

const Variant kVariants[] = {
    {"pc", ""},
    {"pc", "disable-legacy=on"},
    {"pc", "disable-modern=on"},
    {"pc", "disable-modern=on,vectors=0"},
    {"pc", "disable-modern=on,num-queues=3"},
    {"pc", "vectors=0"},
    {"pc", "vectors=1"},
    {"pc", "vectors=128"},
    {"pc", "page-per-vq=on"},
    {"pc", "num-queues=4"},
    {"pc", "num-queues=64"},
    {"pc", "num-queues=4,vectors=3"},
    {"pc", "queue-size=8"},
    {"pc", "queue-size=1024"},
    {"pc", "seg-max-adjust=off"},
    {"pc", "packed=on"},
    {"pc", "indirect_desc=off,event_idx=off,queue_reset=off"},
    {"pc", "notify_on_empty=off,any_layout=off"},
    {"pc", "iommu_platform=on,disable-legacy=on"},
    {"pc", "multifunction=on"},
    {"pc", "config-wce=off"},
    {"pc", "write-cache=off"},
    {"pc", "write-cache=off,config-wce=off"},
    {"pc", "discard=off"},
    {"pc", "write-zeroes=off"},
    {"pc", "discard=off,write-zeroes=off"},
    {"pc", "logical_block_size=4096,physical_block_size=4096"},
    {"pc", "physical_block_size=4096,min_io_size=4096,opt_io_size=65536"},
    {"pc", "discard_granularity=8192,max-discard-sectors=100,max-write-zeroes-sectors=77"},
    {"pc", "read_only=on"},
    {"q35", ""},
    {"q35", "ats=on"},
    {"q35", "disable-modern=on"},
    {"q35", "bus=port0"},
    {"q35", "bus=port0,disable-legacy=off"},
    {"q35", "bus=port0,ats=on"},
    {"q35", "bus=port0,num-queues=4,packed=on"},
    {"q35", "bus=port0,disable-legacy=off,disable-modern=on"},
    {"q35", "bus=port0,vectors=0"},
};

using Seen = std::vector<std::uint64_t>;
Seen* seen = nullptr;
const Variant* variant_under_test = nullptr;

void see(std::uint64_t value) { seen->push_back(value); }

constexpr std::uint64_t kMsix = 0xe180'0000;  // clear of the largest BAR 4

void see_modern(hal::Machine& machine) {
  for (std::uint32_t half = 0; half < 3; ++half) {
    machine.mmio_write32(kCommon + 0x00, half);
    see(machine.mmio_read32(kCommon + 0x04));
  }
  const std::uint16_t queues = machine.mmio_read16(kCommon + 0x12);
  see(queues);
  for (std::uint16_t queue = 0; queue <= queues; ++queue) {
    machine.mmio_write16(kCommon + 0x16, queue);
    for (const unsigned offset : {0x16u, 0x18u, 0x1au, 0x1cu, 0x1eu, 0x38u, 0x3au}) {
      see(machine.mmio_read16(kCommon + offset));
    }
  }
  for (unsigned i = 0; i < 80; ++i) {
    see(machine.mmio_read8(kDeviceConfig + i));
  }
}

void see_legacy(hal::Machine& machine) {
  see(machine.in32(kLegacyPorts));
  see(machine.in32(kLegacyPorts + 4));
  see(machine.in32(kLegacyPorts + 8));
  see(machine.in16(kLegacyPorts + 12));
  for (std::uint16_t i = 0; i < 64; ++i) {
    see(machine.in8(static_cast<std::uint16_t>(kLegacyPorts + i)));
  }
}

void look(scenarios::Context& context) {
  hal::Machine& machine = context.machine();
  const std::string device = variant_under_test->device;
  DiskPlace place(machine, device.find("bus=port") != std::string::npos);
  for (unsigned offset = 0; offset < place.bytes(); offset += 4) {
    see(place.read(offset));
    see(place.writable(offset));
  }
  const bool legacy = place.writable(0x10) != 0;
  const bool modern = place.writable(0x20) != 0;
  place.write(0x10, kLegacyPorts);
  place.write(0x14, kMsix);
  place.write(0x20, static_cast<std::uint32_t>(kCommon));
  place.write(0x24, 0);
  place.write16(0x04, 7);
  if (legacy) {
    see_legacy(machine);
  }
  if (modern) {
    see_modern(machine);
  }
}

Seen look_on(targets::Target& target, const targets::RunSettings& settings) {
  Seen result;
  seen = &result;
  trace::MemoryLog log;
  const targets::RunResult run = target.run({"look", "", look}, settings, log);
  EXPECT_EQ(run.outcome, targets::Outcome::held) << run.reason;
  return result;
}

class ModelVariant : public ::testing::TestWithParam<Variant> {};

TEST_P(ModelVariant, LooksAsOnQemu) {
  variant_under_test = &GetParam();
  targets::RunSettings settings;
  settings.tracing = targets::Tracing::off;
  settings.machine = GetParam().machine;
  settings.devices = {GetParam().device};
  std::unique_ptr<targets::Target> qemu;
  try {
    qemu = targets::make_qemu_target(targets::TargetSpec::parse("qemu"), settings);
  } catch (const targets::LackingError& lacking) {
    GTEST_SKIP() << lacking.what();
  }
  if (qemu->quirks_of() != "qemu-7.2") {
    GTEST_SKIP() << "compared with QEMU 7.2; here is " << qemu->identity();
  }
  const auto model = targets::make_model_target(targets::TargetSpec::parse("model,quirks=qemu-7.2"), settings);
  const Seen on_model = look_on(*model, settings);
  const Seen on_qemu = look_on(*qemu, settings);
  ASSERT_EQ(on_model.size(), on_qemu.size());
  const auto [left, right] = std::ranges::mismatch(on_model, on_qemu);
  EXPECT_TRUE(left == on_model.end()) << "look " << left - on_model.begin() << ": " << std::hex << *left << " here, "
                                      << *right << " on QEMU";
}

INSTANTIATE_TEST_SUITE_P(Device, ModelVariant, ::testing::ValuesIn(kVariants), [](const auto& instance) {
  std::string name = std::string(instance.param.machine) + "_" + instance.param.device;
  std::ranges::replace_if(
      name, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
  return name;
});

}  // namespace
}  // namespace ringside::tests::model_tests
