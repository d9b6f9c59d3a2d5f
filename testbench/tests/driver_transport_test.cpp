// The driver's transports against registers played by the test.
#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "driver/pci/registers.h"
#include "driver/virtio/legacy_transport.h"
#include "driver/virtio/modern_transport.h"
#include "driver/virtio/spec.h"
#include "testbench/tests/memory_machine.h"

namespace ringside::tests {
namespace {

constexpr std::uint16_t kBase = 0xc000;

// Legacy registers as bytes: what is written is read, except that a queue vector can be refused.
class LegacyMachine final : public MemoryMachine {
 public:
  LegacyMachine() { bytes[virtio::VIRTIO_PCI_QUEUE_NUM + 1] = 1; }  // 256 entries, for every queue below `queues`

  std::uint8_t in8(std::uint16_t port) override { return static_cast<std::uint8_t>(read(port, 1)); }
  std::uint16_t in16(std::uint16_t port) override { return static_cast<std::uint16_t>(read(port, 2)); }
  std::uint32_t in32(std::uint16_t port) override { return read(port, 4); }
  void out8(std::uint16_t port, std::uint8_t value) override { write(port, 1, value); }
  void out16(std::uint16_t port, std::uint16_t value) override { write(port, 2, value); }
  void out32(std::uint16_t port, std::uint32_t value) override { write(port, 4, value); }

  std::array<std::uint8_t, 0x80> bytes{};
  std::vector<std::uint16_t> written;  // offsets, in order
  unsigned queues = 1;
  bool refuse_vectors = false;

 private:
  std::uint32_t read(std::uint16_t port, unsigned width) {
    const auto offset = static_cast<std::uint16_t>(port - kBase);
    if (offset == virtio::VIRTIO_PCI_QUEUE_NUM && bytes[virtio::VIRTIO_PCI_QUEUE_SEL] >= queues) {
      return 0;
    }
    std::uint32_t value = 0;
    std::memcpy(&value, &bytes[offset], width);
    return value;
  }
  void write(std::uint16_t port, unsigned width, std::uint32_t value) {
    const auto offset = static_cast<std::uint16_t>(port - kBase);
    written.push_back(offset);
    if (offset == virtio::VIRTIO_MSI_QUEUE_VECTOR && refuse_vectors) {
      value = virtio::VIRTIO_MSI_NO_VECTOR;
    }
    std::memcpy(&bytes[offset], &value, width);
  }
};

virtio::QueueAddresses legacy_layout(std::uint64_t base, std::uint64_t size) {
  const std::uint64_t available = base + 16 * size;
  const std::uint64_t used = (available + 6 + 2 * size + 4095) & ~std::uint64_t{4095};
  return {hal::BusAddress{base}, hal::BusAddress{available}, hal::BusAddress{used}};
}

class DriverLegacyTransport : public ::testing::Test {
 protected:
  DriverLegacyTransport() {
    bars[0] = {pci::BarKind::io, false, kBase, 0x80};
    EXPECT_EQ(transport.init(bars), nullptr);
  }
  LegacyMachine machine;
  pci::Bar bars[pci::kBarCount];
  virtio::LegacyTransport transport{machine};
};

TEST_F(DriverLegacyTransport, NeedsRegistersInBar0) {
  bars[0] = {};
  EXPECT_NE(transport.init(bars), nullptr);
  bars[0] = {pci::BarKind::io, false, kBase, 0x10};
  EXPECT_NE(transport.init(bars), nullptr);
}

TEST_F(DriverLegacyTransport, TheConfigurationMovesWithMsix) {
  machine.bytes[0x14] = 0x11;
  machine.bytes[0x18] = 0x22;
  EXPECT_EQ(transport.device_config().read8(0), 0x11);
  transport.msix_switched(true);
  EXPECT_EQ(transport.device_config().read8(0), 0x22);
  EXPECT_EQ(transport.device_config().length(), 0x80u - 0x18u);
}

TEST_F(DriverLegacyTransport, FeaturesHave32BitsAndNoFeaturesOk) {
  machine.bytes[3] = 0x80;
  EXPECT_EQ(transport.offered_features(), 0x8000'0000u);
  EXPECT_TRUE(transport.accept_features(0x8000'0000u));
  EXPECT_EQ(machine.bytes[7], 0x80);
  EXPECT_EQ(transport.status() & virtio::VIRTIO_CONFIG_S_FEATURES_OK, 0);
  EXPECT_FALSE(transport.accept_features(std::uint64_t{1} << virtio::VIRTIO_F_VERSION_1));
}

TEST_F(DriverLegacyTransport, AQueueIsGivenByItsPage) {
  EXPECT_EQ(transport.max_queue_size(0), 256);
  EXPECT_EQ(transport.set_up_queue(0, 256, legacy_layout(0x12'3456'7000, 256), virtio::VIRTIO_MSI_NO_VECTOR), nullptr);
  std::uint32_t page = 0;
  std::memcpy(&page, &machine.bytes[virtio::VIRTIO_PCI_QUEUE_PFN], 4);
  EXPECT_EQ(page, 0x0123'4567u);
  EXPECT_STREQ(transport.set_up_queue(0, 256, legacy_layout(0x1000, 256), virtio::VIRTIO_MSI_NO_VECTOR),
               "the queue is already enabled");
}

TEST_F(DriverLegacyTransport, AQueueBeyond16TiBIsRefused) {
  EXPECT_STREQ(transport.set_up_queue(0, 256, legacy_layout(std::uint64_t{1} << 44, 256), virtio::VIRTIO_MSI_NO_VECTOR),
               "the queue lies where a legacy device cannot find it");
  EXPECT_EQ(transport.set_up_queue(0, 256, legacy_layout((std::uint64_t{1} << 44) - 0x1000, 256),
                                   virtio::VIRTIO_MSI_NO_VECTOR),
            nullptr);
}

TEST_F(DriverLegacyTransport, AQueueInAnotherLayoutOrOfAnotherSizeIsRefused) {
  virtio::QueueAddresses shifted = legacy_layout(0x1'0000, 256);
  shifted.used = hal::BusAddress{hal::raw(shifted.used) + 16};
  EXPECT_NE(transport.set_up_queue(0, 256, shifted, virtio::VIRTIO_MSI_NO_VECTOR), nullptr);
  EXPECT_NE(transport.set_up_queue(0, 256, legacy_layout(0x1'0800, 256), virtio::VIRTIO_MSI_NO_VECTOR), nullptr);
  EXPECT_NE(transport.set_up_queue(0, 128, legacy_layout(0x1'0000, 128), virtio::VIRTIO_MSI_NO_VECTOR), nullptr);
  EXPECT_EQ(machine.bytes[virtio::VIRTIO_PCI_QUEUE_PFN], 0);
}

TEST_F(DriverLegacyTransport, VectorsExistOnlyWithMsix) {
  EXPECT_TRUE(transport.set_config_vector(virtio::VIRTIO_MSI_NO_VECTOR));
  EXPECT_FALSE(transport.set_config_vector(0));
  EXPECT_TRUE(machine.written.empty()) << "there the device configuration lies";
  transport.msix_switched(true);
  EXPECT_TRUE(transport.set_config_vector(0));
  machine.refuse_vectors = true;
  EXPECT_STREQ(transport.set_up_queue(0, 256, legacy_layout(0x1000, 256), 1), "the queue's vector was refused");
}

TEST_F(DriverLegacyTransport, QueuesAreCountedUntilTheFirstWithoutASize) {
  machine.queues = 3;
  EXPECT_EQ(transport.queue_count(), 3);
}

TEST_F(DriverLegacyTransport, TheGenerationFollowsTheContents) {
  const std::uint32_t before = transport.config_generation();
  EXPECT_EQ(transport.config_generation(), before);
  machine.bytes[0x14 + 5] ^= 1;
  EXPECT_NE(transport.config_generation(), before);
}

TEST_F(DriverLegacyTransport, ARemovedDeviceShowsItselfAndHasNoQueues) {
  machine.bytes.fill(0xff);
  EXPECT_EQ(transport.status(), virtio::kStatusRemoved);
  machine.queues = 0;
  EXPECT_EQ(transport.queue_count(), 0);
}

TEST_F(DriverLegacyTransport, TheDoorbellIsTheQueuesNumber) {
  virtio::Doorbell doorbell;
  ASSERT_TRUE(transport.doorbell(5, doorbell, 0));
  doorbell.ring(77);
  EXPECT_EQ(machine.bytes[virtio::VIRTIO_PCI_QUEUE_NOTIFY], 5);
}

// --- The window in configuration space ---------------------------------------------------------------------------

constexpr pci::Address kSlot4{0, 4, 0};
constexpr unsigned kWindow = 0x84;

// A modern function with all structures in BAR 4, whose BAR nobody has mapped.
FakeFunction modern_function() {
  FakeFunction result;
  result.set(pci::PCI_VENDOR_ID, 2, 0x1af4);
  result.set(pci::PCI_DEVICE_ID, 2, 0x1042);
  result.set(pci::PCI_STATUS, 2, pci::PCI_STATUS_CAP_LIST);
  result.set(pci::PCI_CAPABILITY_LIST, 1, 0x40);
  const auto capability = [&result](unsigned at, unsigned next, unsigned type, unsigned offset, unsigned length) {
    result.set(at, 1, pci::PCI_CAP_ID_VNDR);
    result.set(at + 1, 1, next);
    result.set(at + virtio::VIRTIO_PCI_CAP_LEN, 1, 20);
    result.set(at + virtio::VIRTIO_PCI_CAP_CFG_TYPE, 1, type);
    result.set(at + virtio::VIRTIO_PCI_CAP_BAR, 1, 4);
    result.set(at + virtio::VIRTIO_PCI_CAP_OFFSET, 4, offset);
    result.set(at + virtio::VIRTIO_PCI_CAP_LENGTH, 4, length);
  };
  capability(0x40, 0x54, virtio::VIRTIO_PCI_CAP_COMMON_CFG, 0, 0x1000);
  capability(0x54, 0x68, virtio::VIRTIO_PCI_CAP_ISR_CFG, 0x1000, 0x1000);
  capability(0x68, 0x98, virtio::VIRTIO_PCI_CAP_DEVICE_CFG, 0x2000, 0x1000);
  capability(0x98, kWindow, virtio::VIRTIO_PCI_CAP_NOTIFY_CFG, 0x3000, 0x1000);
  capability(kWindow, 0, virtio::VIRTIO_PCI_CAP_PCI_CFG, 0, 0);
  result.set(kWindow + virtio::VIRTIO_PCI_CAP_BAR, 1, 0);
  result.set_writable(kWindow + virtio::VIRTIO_PCI_CAP_BAR, 1, 0xff);
  result.set_writable(kWindow + virtio::VIRTIO_PCI_CAP_OFFSET, 8, ~std::uint64_t{0});
  result.set_writable(kWindow + virtio::VIRTIO_PCI_CFG_DATA, 4, 0xffff'ffff);
  return result;
}

class DriverConfigWindow : public ::testing::Test {
 protected:
  DriverConfigWindow() {
    machine.functions[4 << 3] = modern_function();
    bars[4] = {pci::BarKind::memory64, true, 0, 0x4000};
  }
  std::uint32_t field(unsigned offset) {
    std::uint32_t value = 0;
    std::memcpy(&value, &machine.functions[4 << 3].bytes[kWindow + offset], 4);
    return value;
  }
  MemoryMachine machine;
  pci::ConfigSpace config{machine};
  pci::Bar bars[pci::kBarCount];
  virtio::ModernTransport transport{machine};
};

TEST_F(DriverConfigWindow, ReachesARegisterByBarOffsetAndLength) {
  ASSERT_EQ(transport.init(config, kSlot4, bars, virtio::ModernTransport::Access::config_window), nullptr);
  machine.functions[4 << 3].set(kWindow + virtio::VIRTIO_PCI_CFG_DATA, 4, 0xabcd'ef5a);
  EXPECT_EQ(transport.device_config().read8(0x20), 0x5a);
  EXPECT_EQ(machine.functions[4 << 3].bytes[kWindow + virtio::VIRTIO_PCI_CAP_BAR], 4);
  EXPECT_EQ(field(virtio::VIRTIO_PCI_CAP_OFFSET), 0x2020u);
  EXPECT_EQ(field(virtio::VIRTIO_PCI_CAP_LENGTH), 1u);
  EXPECT_EQ(transport.device_config().read16(0x22), 0xef5a);
  EXPECT_EQ(field(virtio::VIRTIO_PCI_CAP_LENGTH), 2u);
  transport.device_config().write32(0x24, 0x1234'5678);
  EXPECT_EQ(field(virtio::VIRTIO_PCI_CFG_DATA), 0x1234'5678u);
  EXPECT_EQ(field(virtio::VIRTIO_PCI_CAP_OFFSET), 0x2024u);
}

TEST_F(DriverConfigWindow, IsRefusedWhereTheCapabilityIsMissingOrTooShort) {
  machine.functions[4 << 3].set(kWindow + virtio::VIRTIO_PCI_CAP_LEN, 1, 16);
  EXPECT_NE(transport.init(config, kSlot4, bars, virtio::ModernTransport::Access::config_window), nullptr);
  EXPECT_EQ(transport.init(config, kSlot4, bars), nullptr) << "mapped, it is not needed";
}

TEST_F(DriverConfigWindow, AStructureBeyondItsBarIsNotUsed) {
  bars[4].size = 0x3000;
  EXPECT_STREQ(transport.init(config, kSlot4, bars), "no usable notification structure");
}

}  // namespace
}  // namespace ringside::tests
