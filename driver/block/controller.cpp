#include "driver/block/controller.h"

#include "driver/block/virtio_blk_spec.h"
#include "driver/hal/bits.h"
#include "driver/hal/text.h"
#include "driver/pci/intx_routing.h"
#include "driver/pci/registers.h"
#include "driver/virtio/spec.h"

namespace ringside::block {
namespace {

using virtio::feature;

// What this driver understands; an unknown bit alone is never a reason to give up (VIRTIO 1.2, 2.2.1).
constexpr std::uint64_t kUnderstood =
    feature(VIRTIO_BLK_F_SIZE_MAX) | feature(VIRTIO_BLK_F_SEG_MAX) | feature(VIRTIO_BLK_F_GEOMETRY) |
    feature(VIRTIO_BLK_F_RO) | feature(VIRTIO_BLK_F_BLK_SIZE) | feature(VIRTIO_BLK_F_FLUSH) |
    feature(VIRTIO_BLK_F_TOPOLOGY) | feature(VIRTIO_BLK_F_CONFIG_WCE) | feature(VIRTIO_BLK_F_DISCARD) |
    feature(VIRTIO_BLK_F_WRITE_ZEROES) | feature(virtio::VIRTIO_F_INDIRECT_DESC) | feature(virtio::VIRTIO_F_EVENT_IDX) |
    feature(virtio::VIRTIO_F_VERSION_1) | feature(virtio::VIRTIO_F_RING_RESET);

constexpr std::uint16_t kConfigEntry = 0;  // MSI-X table entries
constexpr std::uint16_t kQueueEntry = 1;

// Both entries raise the same vector: one wait covers used buffers and configuration changes, and a device that breaks
// wakes the driver up instead of letting it sleep until the deadline.
constexpr unsigned kMsiVector = 0;

std::uint16_t usable_queue_size(std::uint16_t wanted, std::uint16_t maximum) {
  return wanted == 0 || wanted > maximum ? maximum : wanted;
}

}  // namespace

bool Controller::fail(const char* why) {
  hal::Line().text("[VirtIO] Block device cannot be used: ").text(why).log_to(*machine_);
  return false;
}

bool Controller::init(const pci::Bus& bus, const pci::DeviceInfo& device, const Options& options) {
  bus_ = &bus;
  address_ = device.address;
  options_ = options;

  pci::BarAllocator allocator(machine_->info());
  if (!allocator.assign(bus.config(), address_, bars_)) {
    return fail("no address space for its BARs");
  }
  hal::Line().text("[VirtIO]   BAR0=").hex(bars_[0].address, 8).log_to(*machine_);
  pci::enable_device(bus.config(), address_, pci::PCI_COMMAND_IO | pci::PCI_COMMAND_MEMORY | pci::PCI_COMMAND_MASTER);

  if (const char* const missing = modern_.init(bus.config(), address_, bars_); missing != nullptr) {
    return fail(missing);
  }
  transport_ = &modern_;
  return set_up_interrupts(device);
}

bool Controller::set_up_interrupts(const pci::DeviceInfo& device) {
  completion_ = options_.completion;
  if (completion_ == Completion::msix) {
    return set_up_msix();
  }
  if (completion_ == Completion::intx) {
    const std::uint8_t irq = pci::route_intx(*bus_, device);
    if (irq == 0) {
      return fail("its INTx pin has no route");
    }
    vector_ = hal::line_vector(irq);
    pci::enable_device(bus_->config(), address_, 0, pci::PCI_COMMAND_INTX_DISABLE);
    return true;
  }
  pci::enable_device(bus_->config(), address_, pci::PCI_COMMAND_INTX_DISABLE);
  return true;
}

bool Controller::set_up_msix() {
  if (!msix_.init(*machine_, bus_->config(), address_, bars_)) {
    return fail("it has no usable MSI-X table");
  }
  if (machine_->info().msi_vectors == 0) {
    return fail("the machine has no message-signalled interrupts");
  }
  vector_ = kMsiVector;
  transport_->msix_switched(true);
  const hal::MsiMessage message = machine_->msi_message(vector_);
  msix_.enable();
  msix_.set_entry(kConfigEntry, message);
  if (msix_.size() > kQueueEntry) {
    msix_.set_entry(kQueueEntry, message);
  }
  msix_.unmask_function();
  return true;
}

std::uint16_t Controller::queue_entry() const {
  if (completion_ != Completion::msix) {
    return virtio::VIRTIO_MSI_NO_VECTOR;
  }
  return msix_.size() > kQueueEntry ? kQueueEntry : kConfigEntry;
}

bool Controller::negotiate() {
  if (!transport_->reset()) {
    return fail("it does not reset");
  }
  transport_->add_status(virtio::VIRTIO_CONFIG_S_ACKNOWLEDGE);
  transport_->add_status(virtio::VIRTIO_CONFIG_S_DRIVER);

  info_ = DiskInfo{};
  info_.offered = transport_->offered_features();
  info_.features = info_.offered & kUnderstood & options_.features;
  const char* problem = nullptr;
  if ((info_.features & feature(virtio::VIRTIO_F_VERSION_1)) == 0) {
    problem = "it offers no VIRTIO_F_VERSION_1";
  } else if (!transport_->accept_features(info_.features)) {
    problem = "it refuses the features";
  } else if (!read_configuration()) {
    problem = "its configuration makes no sense";
  }
  if (problem != nullptr) {
    transport_->add_status(virtio::VIRTIO_CONFIG_S_FAILED);
    return fail(problem);
  }
  return true;
}

bool Controller::has(unsigned feature_bit) const { return (info_.features & feature(feature_bit)) != 0; }

bool Controller::read_configuration() {
  const pci::RegisterWindow& config = transport_->device_config();
  // Optional fields are read only when their feature is there, and only inside the structure (2.5.1).
  const auto field = [&](unsigned bit, std::uint32_t offset, std::uint32_t otherwise) {
    return has(bit) && offset + 4 <= config.length() ? config.read32(offset) : otherwise;
  };
  if (config.length() < kConfigCapacity + 8) {
    return false;
  }
  std::uint32_t segments = 1;
  const bool consistent = virtio::read_consistently(*transport_, [&] {
    info_.sectors = config.read32(kConfigCapacity) | std::uint64_t{config.read32(kConfigCapacity + 4)} << 32;
    info_.max_segment_size = field(VIRTIO_BLK_F_SIZE_MAX, kConfigSizeMax, 0xffff'ffff);
    segments = field(VIRTIO_BLK_F_SEG_MAX, kConfigSegMax, 1);
    info_.block_size = field(VIRTIO_BLK_F_BLK_SIZE, kConfigBlkSize, kSectorSize);
    info_.max_discard_sectors = field(VIRTIO_BLK_F_DISCARD, kConfigMaxDiscardSectors, 0);
    info_.max_write_zeroes_sectors = field(VIRTIO_BLK_F_WRITE_ZEROES, kConfigMaxWriteZeroesSectors, 0);
  });
  generation_ = transport_->config_generation();
  info_.max_segments = segments == 0 ? 1 : segments;
  info_.read_only = has(VIRTIO_BLK_F_RO);
  info_.flush = has(VIRTIO_BLK_F_FLUSH);
  info_.queue_size = usable_queue_size(options_.queue_size, transport_->max_queue_size(kRequestQueue));
  const bool queue_ok =
      hal::is_power_of_two(info_.queue_size) && info_.queue_size >= 2 && info_.queue_size <= virtio::kMaxQueueSize;
  const bool block_ok = hal::is_power_of_two(info_.block_size) && info_.block_size >= kSectorSize;
  return consistent && queue_ok && block_ok && info_.max_segment_size != 0;
}

bool Controller::refresh_configuration() {
  if (transport_->config_generation() == generation_) {
    return false;
  }
  const std::uint16_t queue_size = info_.queue_size;
  const bool sensible = read_configuration();
  info_.queue_size = queue_size;  // a live queue keeps its size
  return sensible;
}

bool Controller::start_queue(std::uint16_t size, const virtio::QueueAddresses& addresses) {
  if (const char* const problem = transport_->set_up_queue(kRequestQueue, size, addresses, queue_entry());
      problem != nullptr) {
    return fail(problem);
  }
  info_.queue_size = size;
  return true;
}

bool Controller::start(std::uint16_t size, const virtio::QueueAddresses& addresses) {
  if (completion_ == Completion::msix && !transport_->set_config_vector(kConfigEntry)) {
    return fail("the configuration vector was refused");
  }
  if (!transport_->doorbell(kRequestQueue, doorbell_, info_.features)) {
    return fail("its doorbell lies outside the notification structure");
  }
  if (!start_queue(size, addresses)) {
    return false;
  }
  transport_->add_status(virtio::VIRTIO_CONFIG_S_DRIVER_OK);
  return true;
}

bool Controller::stop() {
  if (transport_->reset()) {
    return true;
  }
  pci::enable_device(bus_->config(), address_, 0, pci::PCI_COMMAND_MASTER);
  return false;
}

void Controller::acknowledge_interrupt() {
  if (completion_ == Completion::intx) {
    // MSI-X leaves ISR alone (4.1.4.5.2); for INTx the read is what lowers the line, so it comes before the re-arm.
    static_cast<void>(transport_->read_isr());
    machine_->acknowledge(vector_);
  }
}

}  // namespace ringside::block
