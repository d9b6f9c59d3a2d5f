// Each quirk is something that QEMU 7.2 was seen doing: the same program of registers and rings sees the same on QEMU
// and on a model with its quirks, and something else on a model that follows the specification.
#include <algorithm>
#include <iterator>

#include "testbench/targets/qemu_target.h"
#include "testbench/tests/model_bench.h"
#include "testbench/tests/model_disk_place.h"

namespace ringside::tests::model_tests {
namespace {

using Seen = std::vector<std::uint64_t>;
Seen* seen = nullptr;

void see(std::uint64_t value) { seen->push_back(value); }

// QEMU is concurrent: what it will do, it has done when a tenth of a second has passed without it.
void await_used(hal::Machine& machine, RawDisk& disk, std::uint16_t index) {
  const std::uint64_t end = machine.now() + hal::kSecond / 10;
  while (disk.used_index() != index && machine.now() < end) {
    machine.relax(end);
  }
}

void see_completion(hal::Machine& machine, RawDisk& disk, std::uint16_t index) {
  await_used(machine, disk, index);
  see(disk.used_index());
  see(disk.request_status());
  see(index == 0 ? 0 : disk.used_length((index - 1u) % RawDisk::kQueueSize));
}

struct Case {
  const char* quirk;
  Program program;
  const char* device = "";
  const char* machine = "pc";
};

std::uint8_t legacy_status(hal::Machine& machine) { return machine.in8(kLegacyPorts + 18); }

// A packed ring of 16 over the memory that is a split one otherwise, with one read in it: descriptors 0 to 2.
void submit_packed(hal::Machine& machine, RawDisk& disk) {
  disk.set_header(0, 1);
  const auto put = [&disk](unsigned index, std::uint64_t address, std::uint32_t length, std::uint16_t flags) {
    constexpr std::uint16_t kAvailable = 1u << 7;
    disk.set_descriptor(index, address, length, 7, static_cast<std::uint16_t>(flags | kAvailable));
  };
  put(0, disk.bus(RawDisk::kHeader), 16, RawDisk::kNext);
  put(1, disk.bus(RawDisk::kData), 512, RawDisk::kNext | RawDisk::kWrite);
  put(2, disk.bus(RawDisk::kStatus), 1, RawDisk::kWrite);
  machine.mmio_write16(kNotify, 0);
}

const Case kCases[] = {
    {"used-length-is-capacity",
     [](scenarios::Context& context) {
       RawDisk disk(context.machine());
       disk.bring_up();
       disk.submit_read(1ull << 40);
       see_completion(context.machine(), disk, 1);
     }},
    {"request-type-bits-ignored",
     [](scenarios::Context& context) {
       RawDisk disk(context.machine());
       disk.bring_up();
       std::uint16_t index = 0;
       for (const std::uint32_t type : {5u, 9u, 0x8000'0000u}) {
         disk.submit(type, 0, 512, true);
         see_completion(context.machine(), disk, ++index);
       }
     }},
    {"unoffered-features-accepted",
     [](scenarios::Context& context) { see(RawDisk(context.machine()).negotiate(kOfferedFeatures | 1ull << 45)); }},
    {"version-1-not-required", [](scenarios::Context& context) { see(RawDisk(context.machine()).negotiate(0x6e54)); }},
    {"queue-select-limited",
     [](scenarios::Context& context) {
       RawDisk disk(context.machine());
       context.machine().mmio_write16(kCommon + 0x16, 1024);
       see(context.machine().mmio_read16(kCommon + 0x16));
       see(context.machine().mmio_read16(kCommon + 0x18));
     }},
    {"queue-size-unchecked",
     [](scenarios::Context& context) {
       RawDisk disk(context.machine());
       disk.negotiate();
       for (const unsigned size : {100u, 512u, 1024u, 1025u, 0u, 256u}) {
         context.machine().mmio_write16(kCommon + 0x18, static_cast<std::uint16_t>(size));
         see(context.machine().mmio_read16(kCommon + 0x18));
       }
     }},
    {"queue-enable-zero-breaks",
     [](scenarios::Context& context) {
       RawDisk disk(context.machine());
       disk.negotiate();
       disk.enable_queue();
       context.machine().mmio_write16(kCommon + 0x1c, 0);
       see(disk.status());
       see(context.machine().mmio_read16(kCommon + 0x1c));
     }},
    {"kick-before-driver-ok",
     [](scenarios::Context& context) {
       RawDisk disk(context.machine());
       disk.negotiate();
       disk.enable_queue();
       disk.submit_read(1);
       see_completion(context.machine(), disk, 1);
     }},
    {"isr-with-msix",
     [](scenarios::Context& context) {
       RawDisk disk(context.machine());
       disk.bring_up();
       disk.use_msix(0);
       disk.submit_read(1);
       see_completion(context.machine(), disk, 1);
       see(context.machine().mmio_read8(kIsr));
     }},
    {"config-interrupt-sets-queue-isr",
     [](scenarios::Context& context) {
       RawDisk disk(context.machine());
       disk.bring_up();
       disk.kick(RawDisk::kQueueSize);
       see_completion(context.machine(), disk, 0);
       see(disk.status());
       see(context.machine().mmio_read8(kIsr));
     }},
    {"config-interrupt-bumps-generation",
     [](scenarios::Context& context) {
       RawDisk disk(context.machine());
       disk.bring_up();
       see(context.machine().mmio_read8(kCommon + 0x15));
       disk.kick(RawDisk::kQueueSize);
       see_completion(context.machine(), disk, 0);
       see(context.machine().mmio_read8(kCommon + 0x15));
     }},
    {"config-window-bar-ignored",
     [](scenarios::Context& context) {
       RawDisk disk(context.machine());
       disk.set_status(3);
       disk.config.write8(kDisk, 0x88, 1);
       disk.config.write32(kDisk, 0x8c, 0x14);
       disk.config.write32(kDisk, 0x90, 1);
       see(disk.config.read8(kDisk, 0x94));
     }},
    {"write-cache-unnegotiated",
     [](scenarios::Context& context) {
       RawDisk disk(context.machine());
       disk.bring_up(kOfferedFeatures & ~(1ull << 11));
       context.machine().mmio_write8(kDeviceConfig + 32, 0);
       see(context.machine().mmio_read8(kDeviceConfig + 32));
     }},
    {"bus-master-off-clears-driver-ok",
     [](scenarios::Context& context) {
       RawDisk disk(context.machine());
       disk.bring_up();
       disk.set_command(3);
       see(disk.status());
       disk.set_command(7);
       see(disk.status());
     }},
    {"needs-reset-cleared-by-write",
     [](scenarios::Context& context) {
       RawDisk disk(context.machine());
       disk.bring_up();
       disk.kick(RawDisk::kQueueSize);
       see_completion(context.machine(), disk, 0);
       disk.set_status(0x0f);
       see(disk.status());
       disk.submit_read(1);
       see_completion(context.machine(), disk, 1);
     }},
    {"indirect-with-next-accepted",
     [](scenarios::Context& context) {
       RawDisk disk(context.machine());
       disk.bring_up();
       disk.submit_read(1);
       await_used(context.machine(), disk, 1);
       std::memcpy(disk.cpu(RawDisk::kTable), disk.cpu(RawDisk::kDescriptors), 48);
       disk.set_header(0, 1);
       disk.set_descriptor(5, disk.bus(RawDisk::kTable), 48, RawDisk::kIndirect | RawDisk::kNext, 6);
       disk.kick(5);
       see_completion(context.machine(), disk, 2);
       see(disk.status());
     }},
    {"range-checked-before-flags",
     [](scenarios::Context& context) {
       RawDisk disk(context.machine());
       disk.bring_up();
       constexpr std::uint64_t kRange[] = {1ull << 40, 2ull << 32 | 8};  // sector; 8 sectors, flags 2
       std::memcpy(disk.cpu(RawDisk::kData), kRange, sizeof kRange);
       disk.submit(11, 0, 16, false);
       see_completion(context.machine(), disk, 1);
     }},
    {"scsi-command-fails",
     [](scenarios::Context& context) {
       RawDisk disk(context.machine());
       disk.bring_up();
       disk.submit(2, 0, 512, true);
       see_completion(context.machine(), disk, 1);
     }},
    {"id-not-padded",
     [](scenarios::Context& context) {
       RawDisk disk(context.machine());
       disk.bring_up();
       std::memset(disk.cpu(RawDisk::kData), 0x77, 20);
       disk.submit(8, 0, 20, true);
       see_completion(context.machine(), disk, 1);
       std::copy_n(disk.cpu(RawDisk::kData), 20, std::back_inserter(*seen));
     }},
    {"used-descriptor-without-write",
     [](scenarios::Context& context) {
       RawDisk disk(context.machine());
       disk.bring_up((kOfferedFeatures & ~(1ull << 29)) | 1ull << 34);
       submit_packed(context.machine(), disk);
       const std::uint64_t end = context.machine().now() + hal::kSecond / 10;
       while (disk.word(RawDisk::kDescriptors + 14) >> 15 == 0 && context.machine().now() < end) {
         context.machine().relax(end);
       }
       see(disk.request_status());
       for (const std::size_t field : {8u, 12u, 14u}) {  // length, id, flags
         see(disk.word(RawDisk::kDescriptors + field));
       }
     },
     "packed=on"},
    {"unoffered-types-served",
     [](scenarios::Context& context) {
       RawDisk disk(context.machine());
       disk.bring_up(kOfferedFeatures & ~(1ull << 29) & ~(3ull << 13));
       std::uint16_t index = 0;
       for (const std::uint32_t type : {11u, 13u, 10u, 14u}) {
         constexpr std::uint64_t kRange[] = {8, 8};
         std::memcpy(disk.cpu(RawDisk::kData), kRange, sizeof kRange);
         disk.submit(type, 0, sizeof kRange, false);
         see_completion(context.machine(), disk, ++index);
       }
     },
     "discard=off,write-zeroes=off"},
    {"blocks-must-be-aligned",
     [](scenarios::Context& context) {
       RawDisk disk(context.machine());
       disk.bring_up();
       const std::uint64_t sectors[] = {0, 1, 8, 8};
       const std::uint32_t bytes[] = {512, 4096, 2048, 4096};
       for (std::uint16_t i = 0; i < 4; ++i) {
         disk.submit_read(sectors[i], bytes[i]);
         see_completion(context.machine(), disk, static_cast<std::uint16_t>(i + 1));
       }
     },
     "logical_block_size=4096,physical_block_size=4096"},
    {"write-back-without-flush",
     [](scenarios::Context& context) {
       RawDisk disk(context.machine());
       disk.bring_up(kOfferedFeatures & ~(1ull << 29) & ~(1ull << 9));
       see(context.machine().mmio_read8(kDeviceConfig + 32));
     }},
    {"early-resize-keeps-generation",
     [](scenarios::Context& context) {
       RawDisk disk(context.machine());
       see(context.bench().ask(scenarios::Ask::resize, 16384));
       see(context.machine().mmio_read8(kCommon + 0x15));
       see(context.machine().mmio_read32(kDeviceConfig));
       disk.bring_up();
       see(context.bench().ask(scenarios::Ask::resize, 20480));
       see(context.machine().mmio_read8(kCommon + 0x15) != 0 ? 1 : 0);
       see(context.machine().mmio_read32(kDeviceConfig));
     }},
    {"queue-release-resets-device",
     [](scenarios::Context& context) {
       hal::Machine& machine = context.machine();
       RawDisk disk(machine);
       machine.out8(kLegacyPorts + 18, 0);
       machine.out8(kLegacyPorts + 18, 3);
       machine.out32(kLegacyPorts + 8, 0x1000);
       see(machine.in32(kLegacyPorts + 8));
       see(legacy_status(machine));
       machine.out32(kLegacyPorts + 8, 0);
       see(machine.in32(kLegacyPorts + 8));
       see(legacy_status(machine));
     }},
    {"legacy-status-enables-bus-master",
     [](scenarios::Context& context) {
       hal::Machine& machine = context.machine();
       RawDisk disk(machine);
       disk.set_command(3);
       machine.out8(kLegacyPorts + 18, 1);
       see(disk.config.read16(kDisk, 0x04));
       machine.out8(kLegacyPorts + 18, 3);
       see(disk.config.read16(kDisk, 0x04));
     }},
    {"function-reset-keeps-registers",
     [](scenarios::Context& context) {
       DiskPlace place(context.machine(), true);
       constexpr unsigned kWritten[] = {0x0c, 0x10, 0x14, 0x20, 0x3c, 0x48, 0x50, 0x68,
                                        0x80, 0x8c, 0xcc, 0xd0, 0xd4, 0xdc, 0xe8, 0x104};
       place.write16(0x04, 0x0406);
       for (const unsigned offset : kWritten) {
         place.write(offset, offset == 0x48 ? 0x7fff : 0xfff0'ffff);
       }
       place.write16(0x48, 0x8000);
       for (unsigned offset = 0; offset < 0x110; offset += 4) {
         see(place.read(offset));
       }
     },
     "bus=port0,ats=on", "q35"},
    {"power-state-ignored",
     [](scenarios::Context& context) {
       DiskPlace place(context.machine(), true);
       place.write(0x20, static_cast<std::uint32_t>(kCommon));
       place.write16(0x04, 7);
       for (const unsigned state : {0u, 3u, 0u}) {
         place.write16(0x80, static_cast<std::uint16_t>(state));
         see(place.read(0x80));
         see(place.read(0x04));
         see(place.read(0x20));
         see(context.machine().mmio_read16(kCommon + 0x12));
       }
     },
     "bus=port0", "q35"},
};

struct Witness {
  Seen seen;
  std::vector<targets::QuirkHit> quirks;
};

targets::RunSettings settings_of(const Case& which) {
  targets::RunSettings settings;
  settings.tracing = targets::Tracing::off;
  settings.machine = which.machine;
  settings.devices = {which.device};
  return settings;
}

Witness run_on(targets::Target& target, const Case& which) {
  trace::MemoryLog log;
  Witness run;
  seen = &run.seen;
  const targets::RunResult result = target.run({"quirk", "", which.program}, settings_of(which), log);
  EXPECT_EQ(result.outcome, targets::Outcome::held) << result.reason;
  run.quirks = result.quirks;
  return run;
}

Witness witness_on_model(const char* spec, const Case& which) {
  return run_on(*targets::make_model_target(targets::TargetSpec::parse(spec), settings_of(which)), which);
}

class ModelQuirk : public ::testing::TestWithParam<Case> {};

TEST_P(ModelQuirk, FiresWhereStrictDiffers) {
  const Witness quirky = witness_on_model("model,quirks=qemu-7.2", GetParam());
  const Witness strict = witness_on_model("model,strict", GetParam());
  EXPECT_NE(quirky.seen, strict.seen);
  EXPECT_TRUE(strict.quirks.empty());
  EXPECT_TRUE(
      std::ranges::any_of(quirky.quirks, [](const targets::QuirkHit& hit) { return hit.name == GetParam().quirk; }));
}

TEST_P(ModelQuirk, AgreesWithQemu) {
  std::unique_ptr<targets::Target> qemu;
  try {
    qemu = targets::make_qemu_target(targets::TargetSpec::parse("qemu"), settings_of(GetParam()));
  } catch (const targets::LackingError& lacking) {
    GTEST_SKIP() << lacking.what();
  }
  if (qemu->quirks_of() != "qemu-7.2") {
    GTEST_SKIP() << "the quirks were measured on QEMU 7.2; here is " << qemu->identity();
  }
  const Witness model = witness_on_model("model,quirks=qemu-7.2", GetParam());
  EXPECT_EQ(run_on(*qemu, GetParam()).seen, model.seen);
}

INSTANTIATE_TEST_SUITE_P(Qemu, ModelQuirk, ::testing::ValuesIn(kCases), [](const auto& instance) {
  std::string name = instance.param.quirk;
  std::ranges::replace(name, '-', '_');
  return name;
});

}  // namespace
}  // namespace ringside::tests::model_tests
