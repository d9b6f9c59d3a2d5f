// The IOMMU: its tables, and what a device sees of them.
#include "model/iommu.h"

#include <algorithm>

#include "testbench/tests/model_bench.h"

namespace ringside::tests::model_tests {
namespace {

using model::Iommu;

Iommu::Mapping pages(std::uint64_t bus, std::uint64_t count, std::uint64_t physical = 0) {
  return {bus * Iommu::kPageBytes, count * Iommu::kPageBytes, physical * Iommu::kPageBytes, true, true};
}

TEST(Iommu, MapsWholePagesThatNobodyHas) {
  Iommu iommu;
  iommu.power_on(true);
  EXPECT_TRUE(iommu.map(pages(10, 4, 100)));
  EXPECT_FALSE(iommu.map(pages(10, 4)));
  EXPECT_FALSE(iommu.map(pages(13, 1))) << "its last page";
  EXPECT_FALSE(iommu.map(pages(8, 3))) << "runs into it";
  EXPECT_TRUE(iommu.map(pages(14, 1, 7)));
  EXPECT_TRUE(iommu.map(pages(9, 1)));
  EXPECT_FALSE(iommu.map(pages(20, 0)));
  EXPECT_FALSE(iommu.map({0x1001, 0x1000, 0, true, true}));
  EXPECT_FALSE(iommu.map({0x0, 0x1000, 0x10, true, true}));
  EXPECT_FALSE(iommu.map({~std::uint64_t{0xfff}, 0x2000, 0, true, true})) << "beyond the last address";
  EXPECT_EQ(iommu.find(0xbfff).physical, 100 * Iommu::kPageBytes);
  EXPECT_EQ(iommu.find(0xe000).physical, 7 * Iommu::kPageBytes);
  EXPECT_EQ(iommu.find(0xf000).bytes, 0u);
  const std::uint64_t version = iommu.version();
  EXPECT_TRUE(iommu.unmap(0xa000));
  EXPECT_NE(iommu.version(), version);
  EXPECT_EQ(iommu.find(0xbfff).bytes, 0u);
  EXPECT_FALSE(iommu.unmap(0xa000));
}

constexpr unsigned kNotMapped = 3;  // as model::DmaFailure has it
constexpr std::uint64_t kPlatformFeatures = (kOfferedFeatures | 1ull << 33) & ~(1ull << 29);

void run_behind_iommu(Program program, const std::string& spec = "model") {
  run_on_model_with("iommu_platform=on,disable-legacy=on", program, spec);
}

TEST(Iommu, BusAddressesAreNotPhysicalOnes) {
  run_behind_iommu([](scenarios::Context& context) {
    hal::Machine& machine = context.machine();
    const hal::DmaBuffer buffer = machine.alloc_dma_buffer(8192, 4096);
    EXPECT_GT(hal::raw(buffer.bus), 1ull << 32);
    EXPECT_EQ(machine.virt_to_phys(static_cast<std::uint8_t*>(buffer.cpu) + 5000), buffer.bus + 5000);
    const hal::BusAddress mapped =
        machine.map(static_cast<std::uint8_t*>(buffer.cpu) + 100, 200, hal::DmaDirection::to_device);
    EXPECT_EQ(hal::raw(mapped) % 4096, 100u);
    EXPECT_NE(mapped, buffer.bus + 100);
    machine.unmap(mapped, 200, hal::DmaDirection::to_device);
    EXPECT_EQ(machine.map(&machine, 1, hal::DmaDirection::both), hal::kInvalidBusAddress);
    machine.free_dma_buffer(buffer);
    EXPECT_EQ(machine.virt_to_phys(buffer.cpu), hal::kInvalidBusAddress);
  });
}

TEST(Iommu, UnmappingWhatIsNotMappedEndsTheRun) {
  targets::RunSettings settings;
  settings.tracing = targets::Tracing::off;
  settings.devices = {"iommu_platform=on,disable-legacy=on"};
  trace::MemoryLog log;
  const scenarios::Scenario scenario{"twice", "", [](scenarios::Context& context) {
                                       hal::Machine& machine = context.machine();
                                       const hal::DmaBuffer buffer = machine.alloc_dma_buffer(4096, 4096);
                                       const auto bus = machine.map(buffer.cpu, 64, hal::DmaDirection::both);
                                       machine.unmap(bus, 64, hal::DmaDirection::both);
                                       machine.unmap(bus, 64, hal::DmaDirection::both);
                                     }};
  const auto target = targets::make_model_target(targets::TargetSpec::parse("model"), settings);
  EXPECT_EQ(target->run(scenario, settings, log).outcome, targets::Outcome::error);
}

// A read into memory that was mapped in the given direction; true when the data arrived.
bool read_arrives(hal::Machine& machine, hal::DmaDirection direction, std::int64_t offset = 0, bool unmap = false) {
  RawDisk disk(machine);
  disk.bring_up(kPlatformFeatures);
  const hal::DmaBuffer data = machine.alloc_dma_buffer(8192, 4096);
  std::memset(data.cpu, 0x5a, data.size);
  const hal::BusAddress bus = machine.map(data.cpu, data.size, direction);
  if (unmap) {
    machine.unmap(bus, data.size, direction);
  }
  disk.set_header(0, 1);
  disk.set_descriptor(0, disk.bus(RawDisk::kHeader), 16, RawDisk::kNext, 1);
  disk.set_descriptor(1, hal::raw(bus) + static_cast<std::uint64_t>(offset), 512, RawDisk::kNext | RawDisk::kWrite, 2);
  disk.set_descriptor(2, disk.bus(RawDisk::kStatus), 1, RawDisk::kWrite, 0);
  disk.kick(0);
  disk.settle();
  bool touched = false;
  for (std::size_t i = 0; i < data.size; ++i) {
    touched = touched || static_cast<std::uint8_t*>(data.cpu)[i] != 0x5a;
  }
  return touched;
}

TEST(Iommu, ADeviceReachesWhatIsMappedForItsDirection) {
  for (const char* const spec : {"model", "model,dmi=off"}) {
    run_behind_iommu(
        [](scenarios::Context& context) {
          EXPECT_TRUE(read_arrives(context.machine(), hal::DmaDirection::from_device));
          EXPECT_TRUE(read_arrives(context.machine(), hal::DmaDirection::both, 4096 - 256)) << "over a page boundary";
          EXPECT_FALSE(read_arrives(context.machine(), hal::DmaDirection::to_device)) << "not permitted";
          EXPECT_FALSE(read_arrives(context.machine(), hal::DmaDirection::both, 8192 - 256)) << "over the end";
          EXPECT_FALSE(read_arrives(context.machine(), hal::DmaDirection::both, 0, true)) << "after unmap";
        },
        spec);
  }
}

// Rings, header, data and status lie in one mapping, which the device has used last when it is taken away.
TEST(Iommu, ADeviceForgetsWhatIsUnmapped) {
  run_behind_iommu([](scenarios::Context& context) {
    hal::Machine& machine = context.machine();
    RawDisk disk(machine);
    disk.bring_up(kPlatformFeatures);
    disk.submit_read(1);
    disk.settle();
    EXPECT_EQ(disk.used_index(), 1);
    machine.free_dma_buffer({disk.cpu(0), hal::BusAddress{disk.bus(0)}, 64u << 10});
    disk.submit_read(2);
    disk.settle();
    EXPECT_EQ(disk.used_index(), 1);
  });
}

TEST(Iommu, AFaultIsToldByTheDevicesTap) {
  targets::RunSettings settings;
  settings.tracing = targets::Tracing::events;
  settings.devices = {"iommu_platform=on,disable-legacy=on"};
  const auto log = run_on_model(
      [](scenarios::Context& context) { (void)read_arrives(context.machine(), hal::DmaDirection::both, 0, true); },
      settings);
  EXPECT_TRUE(std::ranges::any_of(log, [](const trace::Record& record) {
    const bool dma = record.kind == trace::Kind::dev_dma_read || record.kind == trace::Kind::dev_dma_write;
    return dma && record.flags == kNotMapped;
  }));
}

}  // namespace
}  // namespace ringside::tests::model_tests
