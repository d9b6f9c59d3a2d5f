// How the model's disk interrupts: MSI-X with masks and pending bits, INTx as a level, and neither.
#include "testbench/tests/model_bench.h"

namespace ringside::tests::model_tests {
namespace {

constexpr unsigned kVector = 5;
constexpr std::uint8_t kLine = 11;

TEST(ModelInterrupt, MsixRaisesTheVectorOfItsMessage) {
  run_on_model([](scenarios::Context& context) {
    hal::Machine& machine = context.machine();
    RawDisk disk(machine);
    disk.bring_up();
    disk.use_msix(kVector);
    disk.submit_read(3);
    EXPECT_TRUE(machine.wait(kVector, 0, machine.now() + hal::kMillisecond));
    EXPECT_EQ(machine.interrupts(kVector), 1u);
    EXPECT_EQ(disk.used_index(), 1);
    EXPECT_EQ(disk.used_length(0), 513u);
    EXPECT_EQ(disk.request_status(), 0);
    EXPECT_EQ(machine.mmio_read8(kIsr), 0) << "4.1.4.5.1: the ISR is for INTx";
  });
}

TEST(ModelInterrupt, MaskedVectorStaysPendingUntilUnmasked) {
  run_on_model([](scenarios::Context& context) {
    hal::Machine& machine = context.machine();
    RawDisk disk(machine);
    disk.bring_up();
    disk.use_msix(kVector);
    disk.mask_vector(true);
    disk.submit_read(3);
    disk.settle();
    EXPECT_EQ(disk.used_index(), 1);
    EXPECT_EQ(machine.interrupts(kVector), 0u);
    EXPECT_EQ(machine.mmio_read32(kMsixPba), 1u);
    machine.mmio_write32(kMsixPba, 0);
    EXPECT_EQ(machine.mmio_read32(kMsixPba), 1u) << "the PBA is read-only";
    disk.mask_vector(false);
    EXPECT_EQ(machine.interrupts(kVector), 1u);
    EXPECT_EQ(machine.mmio_read32(kMsixPba), 0u);
  });
}

TEST(ModelInterrupt, FunctionMaskHoldsAllVectorsBack) {
  run_on_model([](scenarios::Context& context) {
    hal::Machine& machine = context.machine();
    RawDisk disk(machine);
    disk.bring_up();
    disk.use_msix(kVector);
    disk.config.write16(kDisk, 0x9a, 0xc000);
    disk.submit_read(3);
    disk.settle();
    EXPECT_EQ(machine.interrupts(kVector), 0u);
    disk.config.write16(kDisk, 0x9a, 0x8000);
    EXPECT_EQ(machine.interrupts(kVector), 1u);
  });
}

TEST(ModelInterrupt, NoVectorMeansNoInterrupt) {
  run_on_model([](scenarios::Context& context) {
    hal::Machine& machine = context.machine();
    RawDisk disk(machine);
    disk.bring_up();
    disk.use_msix(kVector);
    machine.mmio_write16(kCommon + 0x1a, 0xffff);
    disk.submit_read(3);
    EXPECT_FALSE(machine.wait(kVector, 0, machine.now() + hal::kMillisecond));
    EXPECT_EQ(disk.used_index(), 1);
    EXPECT_EQ(machine.mmio_read32(kMsixPba), 0u);
    machine.mmio_write16(kCommon + 0x1a, 2);
    EXPECT_EQ(machine.mmio_read16(kCommon + 0x1a), 0xffffu) << "a vector the device has not got";
  });
}

TEST(ModelInterrupt, IntxIsALevelThatTheIsrReadTakesDown) {
  run_on_model([](scenarios::Context& context) {
    hal::Machine& machine = context.machine();
    RawDisk disk(machine);
    disk.bring_up();
    disk.submit_read(3);
    disk.settle();
    EXPECT_EQ(machine.interrupts(hal::line_vector(kLine)), 0u) << "no PIRQ is routed yet";
    disk.config.write8({1, 0}, 0x63, kLine);  // slot 4, pin A: (4 - 1 + 0) & 3
    EXPECT_EQ(machine.interrupts(hal::line_vector(kLine)), 1u) << "the level was there all along";
    EXPECT_EQ(disk.config.read16(kDisk, 0x06) & 0x08, 0x08);
    machine.acknowledge(hal::line_vector(kLine));
    EXPECT_EQ(machine.interrupts(hal::line_vector(kLine)), 2u) << "still high: it counts again";
    EXPECT_EQ(machine.mmio_read8(kIsr), 1);
    EXPECT_EQ(machine.mmio_read8(kIsr), 0);
    EXPECT_EQ(disk.config.read16(kDisk, 0x06) & 0x08, 0);
    machine.acknowledge(hal::line_vector(kLine));
    EXPECT_EQ(machine.interrupts(hal::line_vector(kLine)), 2u);
    disk.submit_read(4);
    EXPECT_TRUE(machine.wait(hal::line_vector(kLine), 2, machine.now() + hal::kMillisecond));
  });
}

TEST(ModelInterrupt, IntxDisableKeepsTheLineLow) {
  run_on_model([](scenarios::Context& context) {
    hal::Machine& machine = context.machine();
    RawDisk disk(machine);
    disk.config.write8({1, 0}, 0x63, kLine);
    disk.bring_up();
    disk.set_command(0x407);
    disk.submit_read(3);
    disk.settle();
    EXPECT_EQ(machine.interrupts(hal::line_vector(kLine)), 0u);
    disk.set_command(7);
    EXPECT_EQ(machine.interrupts(hal::line_vector(kLine)), 1u);
  });
}

TEST(ModelInterrupt, EventIndexInterruptsWhereTheDriverAskedForIt) {
  run_on_model([](scenarios::Context& context) {
    hal::Machine& machine = context.machine();
    RawDisk disk(machine);
    disk.bring_up(kOfferedFeatures);
    disk.use_msix(kVector);
    const std::uint16_t third = 2;  // used_event: interrupt when used.idx passes it
    std::memcpy(disk.cpu(RawDisk::kAvailable + 4 + 2 * RawDisk::kQueueSize), &third, 2);
    for (std::uint64_t count = 1; count <= 4; ++count) {
      disk.submit_read(count);
      disk.settle();
      EXPECT_EQ(machine.interrupts(kVector), count >= 3 ? 1u : 0u) << count;
      EXPECT_EQ(disk.word(RawDisk::kUsed + 4 + 8 * RawDisk::kQueueSize), count) << "avail_event follows";
    }
  });
}

TEST(ModelInterrupt, NoInterruptFlagSuppresses) {
  run_on_model([](scenarios::Context& context) {
    hal::Machine& machine = context.machine();
    RawDisk disk(machine);
    disk.bring_up();
    disk.use_msix(kVector);
    *disk.cpu(RawDisk::kAvailable) = 1;
    disk.submit_read(1);
    EXPECT_FALSE(machine.wait(kVector, 0, machine.now() + hal::kMillisecond));
    EXPECT_EQ(disk.used_index(), 1);
  });
}

TEST(ModelInterrupt, WaitEndsAtItsDeadlineToTheNanosecond) {
  run_on_model([](scenarios::Context& context) {
    hal::Machine& machine = context.machine();
    const std::uint64_t start = machine.now();
    EXPECT_FALSE(machine.wait(kVector, 0, start + 700));
    EXPECT_EQ(machine.now(), start + 700);
    EXPECT_FALSE(machine.wait(kVector, 0, start + 5 * hal::kSecond)) << "a later deadline than the timer was set to";
    EXPECT_EQ(machine.now(), start + 5 * hal::kSecond);
  });
}

}  // namespace
}  // namespace ringside::tests::model_tests
