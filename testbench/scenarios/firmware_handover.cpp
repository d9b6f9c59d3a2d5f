// The disk as firmware leaves it, in use: the driver takes it over, and what firmware had is left alone.
#include "driver/block/find.h"
#include "driver/pci/bus.h"
#include "driver/pci/capability.h"
#include "driver/pci/registers.h"
#include "driver/pci/resources.h"
#include "driver/virtio/spec.h"
#include "testbench/scenarios/list.h"
#include "testbench/scenarios/workload.h"

namespace ringside::scenarios {
namespace {

// struct virtio_pci_cap and struct virtio_pci_common_cfg (VIRTIO 1.2, 4.1.4 and 4.1.4.3), as far as they are looked at.
constexpr std::uint8_t kCapType = 3;
constexpr std::uint8_t kCapBar = 4;
constexpr std::uint8_t kCapOffset = 8;
constexpr std::uint8_t kCommonType = 1;
constexpr std::uint32_t kDeviceStatus = 0x14;
constexpr std::uint32_t kQueueSelect = 0x16;
constexpr std::uint32_t kQueueEnable = 0x1c;
constexpr std::uint32_t kQueueDevice = 0x30;

constexpr std::uint8_t kInUse = virtio::VIRTIO_CONFIG_S_ACKNOWLEDGE | virtio::VIRTIO_CONFIG_S_DRIVER |
                                virtio::VIRTIO_CONFIG_S_FEATURES_OK | virtio::VIRTIO_CONFIG_S_DRIVER_OK;

// A look at a function that goes past the driver.
class Function {
 public:
  Function(hal::Machine& machine, const pci::ConfigSpace& config, pci::Address address)
      : machine_(machine), config_(config), address_(address) {
    for (unsigned i = 0; i < pci::kBarCount; ++i) {
      bars_[i] = config.read32(address, bar_register(i));
    }
    common_ = find_common();
  }

  [[nodiscard]] bool has_common() const { return common_ != 0; }
  [[nodiscard]] std::uint8_t status() const { return machine_.mmio_read8(common_ + kDeviceStatus); }
  [[nodiscard]] bool first_queue_is_live() const {
    machine_.mmio_write16(common_ + kQueueSelect, 0);
    return machine_.mmio_read16(common_ + kQueueEnable) != 0;
  }
  // Where the device writes what it has used of the first queue.
  [[nodiscard]] std::uint64_t used_ring() const {
    machine_.mmio_write16(common_ + kQueueSelect, 0);
    return machine_.mmio_read32(common_ + kQueueDevice) |
           std::uint64_t{machine_.mmio_read32(common_ + kQueueDevice + 4)} << 32;
  }

  [[nodiscard]] std::uint16_t command() const { return config_.read16(address_, pci::PCI_COMMAND); }
  [[nodiscard]] std::uint8_t interrupt_line() const { return config_.read8(address_, pci::PCI_INTERRUPT_LINE); }
  [[nodiscard]] bool bars_are_kept() const {
    bool kept = true;
    for (unsigned i = 0; i < pci::kBarCount; ++i) {
      kept = kept && config_.read32(address_, bar_register(i)) == bars_[i];
    }
    return kept;
  }

 private:
  static std::uint16_t bar_register(unsigned index) {
    return static_cast<std::uint16_t>(pci::PCI_BASE_ADDRESS_0 + 4 * index);
  }

  // 0 where firmware gave it no address.
  [[nodiscard]] std::uint64_t find_common() const {
    constexpr std::uint32_t kFlags = 0xf;
    pci::CapabilityWalk walk(config_, address_);
    for (pci::Capability capability; walk.next(capability);) {
      const auto read8 = [&](unsigned offset) {
        return config_.read8(address_, static_cast<std::uint16_t>(capability.offset + offset));
      };
      if (capability.id != pci::PCI_CAP_ID_VNDR || read8(kCapType) != kCommonType || read8(kCapBar) >= pci::kBarCount) {
        continue;
      }
      const unsigned bar = read8(kCapBar);
      const std::uint32_t offset = config_.read32(address_, static_cast<std::uint16_t>(capability.offset + kCapOffset));
      const bool wide = (bars_[bar] & 6) == 4 && bar + 1 < pci::kBarCount;  // a 64-bit one
      const std::uint64_t base = (bars_[bar] & ~kFlags) | (wide ? std::uint64_t{bars_[bar + 1]} << 32 : 0);
      return base == 0 ? 0 : base + offset;
    }
    return 0;
  }

  hal::Machine& machine_;
  const pci::ConfigSpace& config_;
  pci::Address address_;
  std::uint32_t bars_[pci::kBarCount] = {};
  std::uint64_t common_ = 0;
};

bool check_in_use(Context& context, const Function& function) {
  if (!context.check(function.has_common(), "firmware has given the disk's registers an address")) {
    return false;
  }
  const std::uint16_t decoding = pci::PCI_COMMAND_MEMORY | pci::PCI_COMMAND_MASTER;
  context.check((function.command() & decoding) == decoding, "firmware has switched decoding and bus mastering on");
  const std::uint8_t line = function.interrupt_line();
  context.check(line != 0 && line < 16, "firmware has noted an interrupt line");
  context.observe("device status as firmware left it", function.status());
  const bool in_use = context.check(function.status() == kInUse, "firmware's driver is still in charge");
  return context.check(function.first_queue_is_live(), "its queue is live") && in_use;
}

void use(Context& context, block::Completion completion) {
  block::Options options;
  options.completion = completion;
  if (block::BlockDevice* const disk = context.open(options); disk != nullptr) {
    run_workload(context, *disk, Workload{});
    check_counters(context, *disk);
    disk->shutdown();
  }
}

}  // namespace

void firmware_handover(Context& context) {
  hal::Machine& machine = context.machine();
  pci::Bus bus(machine);
  if (!context.check(bus.init(), "the bus is scanned")) {
    return;
  }
  const pci::DeviceInfo* const device = block::find_virtio_block_device(bus);
  if (!context.check(device != nullptr, "there is a virtio block device")) {
    return;
  }
  const Function function(machine, bus.config(), device->address);
  if (!check_in_use(context, function)) {
    return;
  }
  constexpr std::uint64_t kUsedIndex = 2;  // behind the flags (2.7.8)
  const std::uint64_t used_index = function.used_ring() + kUsedIndex;
  const std::uint16_t used = machine.mmio_read16(used_index);

  use(context, block::Completion::msix);
  use(context, block::Completion::intx);
  context.check(function.bars_are_kept(), "the BARs are where firmware put them");
  context.check(machine.mmio_read16(used_index) == used, "nothing was used of firmware's queue");
  context.check(function.status() == 0, "the disk is left reset");
}

}  // namespace ringside::scenarios
