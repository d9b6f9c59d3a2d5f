#include "model/virtio_blk_pci.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "model/mutants.h"

namespace ringside::model {
namespace {

constexpr std::uint16_t kRedHat = 0x1af4;
constexpr std::uint16_t kTransitionalBlock = 0x1001;
constexpr std::uint16_t kTransitionalBlockSubsystem = 2;
constexpr std::uint16_t kMassStorageScsi = 0x0100;

constexpr unsigned kLegacyBar = 0;
constexpr unsigned kMsixBar = 1;
constexpr unsigned kModernBar = 4;
constexpr std::uint32_t kLegacyBytes = 0x80;
constexpr std::uint32_t kMsixBytes = 0x1000;
constexpr std::uint32_t kModernBytes = 0x4000;

// Where the structures lie in BAR 4, one page each.
constexpr std::uint32_t kStructureBytes = 0x1000;
constexpr std::uint32_t kCommonOffset = 0x0000;
constexpr std::uint32_t kIsrOffset = 0x1000;
constexpr std::uint32_t kDeviceOffset = 0x2000;
constexpr std::uint32_t kNotifyOffset = 0x3000;
constexpr std::uint32_t kNotifyMultiplier = 4;

// Where the capabilities lie in configuration space.
constexpr unsigned kCommonCap = 0x40;
constexpr unsigned kIsrCap = 0x50;
constexpr unsigned kDeviceCap = 0x60;
constexpr unsigned kNotifyCap = 0x70;
constexpr unsigned kPciCfgCap = 0x84;
constexpr unsigned kMsixCap = 0x98;
constexpr unsigned kScratch = 0xa4;  // from here up, software may keep anything

// 4.1.4: struct virtio_pci_cap, from its first byte on.
constexpr unsigned kCapBar = 4;
constexpr unsigned kCapOffset = 8;
constexpr unsigned kCapLength = 12;
constexpr unsigned kCapPciCfgData = 16;

constexpr std::uint32_t kQueueSelectLimit = 1024;  // of a device that limits it

// Segments of one slot lie apart by an odd number of cache lines: a power of two would put all slots into one cache
// set.
constexpr std::size_t kSegmentStride = kMaxChain + 4;

constexpr std::array<std::uint8_t, 14> virtio_capability(std::uint8_t type, std::uint8_t bar, std::uint32_t offset,
                                                         std::uint32_t length) {
  std::array<std::uint8_t, 14> body{16, type, bar};
  for (unsigned i = 0; i < 4; ++i) {
    body[6 + i] = static_cast<std::uint8_t>(offset >> 8 * i);
    body[10 + i] = static_cast<std::uint8_t>(length >> 8 * i);
  }
  return body;
}

// The two structures with a word more.
constexpr std::array<std::uint8_t, 18> long_virtio_capability(std::uint8_t type, std::uint8_t bar, std::uint32_t offset,
                                                              std::uint32_t length, std::uint32_t extra) {
  std::array<std::uint8_t, 18> body{};
  const auto head = virtio_capability(type, bar, offset, length);
  std::copy(head.begin(), head.end(), body.begin());
  body[0] = 20;
  for (unsigned i = 0; i < 4; ++i) {
    body[14 + i] = static_cast<std::uint8_t>(extra >> 8 * i);
  }
  return body;
}

FunctionIdentity identity() {
  FunctionIdentity identity{};
  identity.vendor = kRedHat;
  identity.device = kTransitionalBlock;
  identity.class_code = kMassStorageScsi;
  identity.status = PCI_STATUS_CAP_LIST;
  identity.subsystem_vendor = kRedHat;
  identity.subsystem = kTransitionalBlockSubsystem;
  identity.interrupt_pin = 1;
  return identity;
}

// 4.1.5.1.2: a vector that the device has not got reads back as NO_VECTOR.
std::uint16_t existing_vector(std::uint32_t value) {
  return static_cast<std::uint16_t>(value < MsixTable::kVectors ? value : VIRTIO_MSI_NO_VECTOR);
}

}  // namespace

ConfigSpace VirtioBlkPci::make_config_space() {
  ConfigSpace space(identity());
  if (mutant(Mutant::write_mask_wrong)) {
    space.define(PCI_CACHE_LINE_SIZE, 0, 0xfe);
  }
  space.add_capability(kCommonCap, PCI_CAP_ID_VNDR,
                       virtio_capability(VIRTIO_PCI_CAP_COMMON_CFG, kModernBar, kCommonOffset, kStructureBytes));
  space.add_capability(kIsrCap, PCI_CAP_ID_VNDR,
                       virtio_capability(VIRTIO_PCI_CAP_ISR_CFG, kModernBar, kIsrOffset, kStructureBytes));
  space.add_capability(kDeviceCap, PCI_CAP_ID_VNDR,
                       virtio_capability(VIRTIO_PCI_CAP_DEVICE_CFG, kModernBar, kDeviceOffset, kStructureBytes));
  space.add_capability(
      kNotifyCap, PCI_CAP_ID_VNDR,
      long_virtio_capability(VIRTIO_PCI_CAP_NOTIFY_CFG, kModernBar, kNotifyOffset, kStructureBytes, kNotifyMultiplier));
  space.add_capability(kPciCfgCap, PCI_CAP_ID_VNDR, long_virtio_capability(VIRTIO_PCI_CAP_PCI_CFG, 0, 0, 0, 0));
  space.make_writable(kPciCfgCap + kCapBar, kPciCfgCap + kCapBar);
  space.make_writable(kPciCfgCap + kCapOffset, kPciCfgCap + kCapPciCfgData + 3);

  constexpr std::uint8_t kLastVector = MsixTable::kVectors - 1;
  constexpr std::array<std::uint8_t, 10> kMsix{kLastVector, 0, kMsixBar, 0, 0, 0, kMsixBar, MsixTable::kPbaOffset >> 8};
  space.add_capability(kMsixCap, PCI_CAP_ID_MSIX, kMsix);
  space.define(kMsixCap + PCI_MSIX_FLAGS + 1, 0, (PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL) >> 8);
  space.make_writable(kScratch, kConfigBytes - 1);
  return space;
}

VirtioBlkPci::VirtioBlkPci(const sc_core::sc_module_name& name, Slot slot, const Clock& clock, std::uint64_t ram_bytes,
                           IntxSink& intx)
    : PciFunction(name, slot, clock, make_config_space()),
      dma("dma", ram_bytes),
      intx_(intx),
      queue_(dma, quirks_),
      blk_(dma, quirks_),
      pool_(kQueueSizeLimit),
      segments_(new Segment[kQueueSizeLimit * kSegmentStride]) {
  sc_core::sc_spawn_options options;
  options.spawn_method();
  options.dont_initialize();
  options.set_sensitivity(&wake_);
  sc_core::sc_spawn([this] { finish(); }, "finish", &options);
}

// What the device is, this time: the board is elaborated once and powered on with other properties each time.
void VirtioBlkPci::strap() {
  space_ = make_config_space();
  define_bar(kLegacyBar, kLegacyBytes, PCI_BASE_ADDRESS_SPACE_IO);
  define_bar(kMsixBar, kMsixBytes, 0);
  define_bar(kModernBar, kModernBytes, PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH);
}

void VirtioBlkPci::power_on(const Disk& disk, QuirkSet quirks, const Latencies& latencies, Tap* tap) {
  wake_.cancel();
  armed_ = kNever;
  strap();
  power_on_function(latencies, tap);
  quirks_.power_on(quirks, tap);
  dma.power_on(latencies, tap);
  msix_.power_on();
  blk_.power_on(disk, latencies);
  status_ = 0;
  generation_ = 0;
  intx_level_ = false;
  fetch_free_ = 0;
  link_free_ = 0;
  held_ = false;
  queue_lives_ = 0;
  interrupts_ = 0;
  reset_device(0);
}

// --- PCI
// ---------------------------------------------------------------------------------------------------------------

bool VirtioBlkPci::bar_access(unsigned bar, Access& access, Picoseconds at) {
  switch (bar) {
    case kMsixBar:
      return msix_access(access, at);
    case kModernBar:
      return structure_access(access, at);
    default:
      // BAR 0 holds the registers of the legacy interface, which this device does not implement: it decodes, reads as
      // all-ones and ignores writes.
      access.value = ~std::uint64_t{0};
      return true;
  }
}

bool VirtioBlkPci::msix_access(Access& access, Picoseconds at) {
  catch_up(at);
  if (!msix_.access(access)) {
    return false;
  }
  if (access.write) {
    dma.seek(at);
    msix_.deliver_pending(dma);
  }
  const bool pba = access.offset >= MsixTable::kPbaOffset;
  show(pba ? Structure::msix_pba : Structure::msix_table, pba ? MsixTable::kPbaOffset : 0, access, at);
  return true;
}

void VirtioBlkPci::before_config_read(unsigned offset, unsigned size, Picoseconds at) {
  catch_up(at);
  const unsigned data = kPciCfgCap + kCapPciCfgData;
  if (offset < data + 4 && offset + size > data) {
    config_window(false, at);
  }
}

void VirtioBlkPci::after_config_write(unsigned offset, unsigned size, Picoseconds at) {
  catch_up(at);
  const auto touches = [offset, size](unsigned first, unsigned bytes) {
    return offset < first + bytes && offset + size > first;
  };
  if (touches(PCI_COMMAND, 2)) {
    command_changed(at);
  }
  if (touches(kMsixCap + PCI_MSIX_FLAGS, 2)) {
    msix_.set_flags(static_cast<std::uint16_t>(space_.read(kMsixCap + PCI_MSIX_FLAGS, 2)));
    dma.seek(at);
    msix_.deliver_pending(dma);
    drive_intx(at);
  }
  if (touches(kPciCfgCap + kCapPciCfgData, 4)) {
    config_window(true, at);
  }
}

// 4.1.4.9: an access to pci_cfg_data is an access to the BAR, at the offset and with the length that the capability's
// own fields say.
void VirtioBlkPci::config_window(bool write, Picoseconds at) {
  const unsigned data = kPciCfgCap + kCapPciCfgData;
  const std::uint32_t offset = space_.read(kPciCfgCap + kCapOffset, 4);
  const std::uint32_t length = space_.read(kPciCfgCap + kCapLength, 4);
  const bool width_allowed = length == 1 || length == 2 || length == 4;
  unsigned bar = space_[kPciCfgCap + kCapBar];
  if (!width_allowed || offset % length != 0) {
    return;
  }
  if (bar != kModernBar && quirks_.fires(Quirk::config_window_bar_ignored, at)) {
    bar = kModernBar;
  }
  const std::uint32_t bar_bytes = bar == kModernBar ? kModernBytes : bar == kMsixBar ? kMsixBytes : 0;
  if (bar_bytes == 0 || offset > bar_bytes - length) {
    return;
  }
  Access access{offset, length, write ? space_.read(data, length) : 0, write};
  if (bar_access(bar, access, at) && !write) {
    for (unsigned i = 0; i < length; ++i) {
      space_.set(data + i, static_cast<std::uint8_t>(access.value >> 8 * i));
    }
  }
}

void VirtioBlkPci::command_changed(Picoseconds at) {
  const bool master = (space_.command() & PCI_COMMAND_MASTER) != 0;
  const bool was_running = (status_ & VIRTIO_CONFIG_S_DRIVER_OK) != 0;
  dma.set_bus_master(master);
  if (!master && was_running && quirks_.fires(Quirk::bus_master_off_clears_driver_ok, at)) {
    set_status(static_cast<std::uint8_t>(status_ & ~VIRTIO_CONFIG_S_DRIVER_OK), at);
  }
  drive_intx(at);
  catch_up(at);  // what had to wait for the bus
}

// --- The structures
// ----------------------------------------------------------------------------------------------------

void VirtioBlkPci::show(Structure structure, std::uint32_t base, const Access& access, Picoseconds at) {
  if (tap_ != nullptr) {
    Access relative = access;
    relative.offset -= base;
    tap_->register_access(at, structure, relative);
  }
}

bool VirtioBlkPci::structure_access(Access& access, Picoseconds at) {
  catch_up(at);
  const std::uint32_t base = access.offset & ~(kStructureBytes - 1);
  const std::uint32_t offset = access.offset - base;
  switch (base) {
    case kNotifyOffset:
      show(Structure::notify, base, access, at);
      if (access.write) {
        doorbell(offset / kNotifyMultiplier, static_cast<std::uint32_t>(access.value), at);
      }
      return true;
    case kIsrOffset:
      access.value = access.write ? access.value : read_isr();
      show(Structure::isr, base, access, at);
      drive_intx(at);
      return true;
    case kDeviceOffset:
      if (access.write) {
        blk_.config_write(offset, access.size, access.value, driver_features(), at);
      } else {
        access.value = blk_.config_read(offset, access.size);
      }
      show(Structure::device, base, access, at);
      return true;
    default:
      if (access.write) {
        show(Structure::common, base, access, at);
        common_write(offset, static_cast<std::uint32_t>(access.value), at);
      } else {
        access.value = common_read(offset);
        show(Structure::common, base, access, at);
      }
      return true;
  }
}

// 4.1.4.5: reading clears.
std::uint32_t VirtioBlkPci::read_isr() { return std::exchange(isr_, std::uint8_t{0}); }

std::uint32_t VirtioBlkPci::common_read(std::uint32_t offset) {
  switch (offset) {
    case device_feature_select:
      return device_feature_select_;
    case device_feature:
      return device_feature_select_ < 2 ? static_cast<std::uint32_t>(offered() >> 32 * device_feature_select_) : 0;
    case driver_feature_select:
      return driver_feature_select_;
    case driver_feature:
      return driver_feature_select_ < 2 ? driver_features_[driver_feature_select_] : 0;
    case config_msix_vector:
      return config_vector_;
    case num_queues:
      return kQueues;
    case device_status:
      return status_;
    case config_generation:
      return generation_;
    case queue_select:
    case queue_notify_off:  // a doorbell of its own for each queue
      return queue_select_;
    default:
      return queue_read(offset);
  }
}

std::uint32_t VirtioBlkPci::queue_read(std::uint32_t offset) {
  const auto half = [](std::uint64_t address, std::uint32_t at_offset, std::uint32_t base) {
    return static_cast<std::uint32_t>(address >> 8 * (at_offset - base));
  };
  const SplitQueue* const queue = selected_queue();
  // A queue that does not exist has size 0 (4.1.4.3), and nothing else either.
  if (queue == nullptr) {
    return offset == queue_msix_vector ? VIRTIO_MSI_NO_VECTOR : 0;
  }
  const SplitQueue::Registers& registers = queue->registers;
  switch (offset) {
    case queue_size:
      return registers.size;
    case queue_msix_vector:
      return mutant(Mutant::vector_readback_wrong) ? VIRTIO_MSI_NO_VECTOR : registers.msix_vector;
    case queue_enable:
      return registers.enabled ? 1 : 0;
    case queue_desc:
    case queue_desc + 4:
      return half(registers.desc, offset, queue_desc);
    case queue_driver:
    case queue_driver + 4:
      return half(registers.driver, offset, queue_driver);
    case queue_device:
    case queue_device + 4:
      return half(registers.device, offset, queue_device);
    default:
      return 0;
  }
}

void VirtioBlkPci::common_write(std::uint32_t offset, std::uint32_t value, Picoseconds at) {
  switch (offset) {
    case device_feature_select:
      device_feature_select_ = value;
      return;
    case driver_feature_select:
      driver_feature_select_ = value;
      return;
    case driver_feature:
      // 3.1.1: features are settled once FEATURES_OK is.
      if (driver_feature_select_ < 2 && (status_ & VIRTIO_CONFIG_S_FEATURES_OK) == 0) {
        driver_features_[driver_feature_select_] = value;
      }
      return;
    case config_msix_vector:
      config_vector_ = existing_vector(value);
      return;
    case device_status:
      write_status(static_cast<std::uint8_t>(value), at);
      return;
    case queue_select:
      if (value < kQueueSelectLimit || !quirks_.fires(Quirk::queue_select_limited, at)) {
        queue_select_ = static_cast<std::uint16_t>(value);
      }
      return;
    default:
      queue_write(offset, value, at);
      return;
  }
}

void VirtioBlkPci::queue_write(std::uint32_t offset, std::uint32_t value, Picoseconds at) {
  const auto set_half = [value](std::uint64_t& address, std::uint32_t at_offset, std::uint32_t base) {
    const unsigned shift = 8 * (at_offset - base);
    address = (address & ~(std::uint64_t{0xffff'ffff} << shift)) | std::uint64_t{value} << shift;
  };
  SplitQueue* const queue = selected_queue();
  if (queue == nullptr) {
    return;
  }
  SplitQueue::Registers& registers = queue->registers;
  switch (offset) {
    case queue_size:
      write_queue_size(*queue, value, at);
      return;
    case queue_msix_vector:
      registers.msix_vector = existing_vector(value);
      return;
    case queue_enable:
      if (static_cast<std::uint16_t>(value) == 1) {
        ++queue_lives_;
        queue->enable(driver_features());
      } else if (quirks_.fires(Quirk::queue_enable_zero_breaks, at)) {
        break_device(at);
      }
      return;
    case queue_desc:
    case queue_desc + 4:
      set_half(registers.desc, offset, queue_desc);
      return;
    case queue_driver:
    case queue_driver + 4:
      set_half(registers.driver, offset, queue_driver);
      return;
    case queue_device:
    case queue_device + 4:
      set_half(registers.device, offset, queue_device);
      return;
    case queue_reset:
      if (static_cast<std::uint16_t>(value) == 1) {
        reset_queue(at);
      }
      return;
    default:
      return;
  }
}

// 4.1.4.3.2: the driver may lower the size, to a power of two, before it enables the queue.
void VirtioBlkPci::write_queue_size(SplitQueue& queue, std::uint32_t value, Picoseconds at) {
  const auto size = static_cast<std::uint16_t>(value);
  const bool valid = std::has_single_bit(size) && size <= largest_queue_size_ && !queue.registers.enabled;
  const bool taken_unchecked =
      !valid && size != 0 && size <= kQueueSizeLimit && quirks_.fires(Quirk::queue_size_unchecked, at);
  if (valid || taken_unchecked) {
    queue.registers.size = size;
  }
}

// --- Status
// ------------------------------------------------------------------------------------------------------------

void VirtioBlkPci::set_status(std::uint8_t value, Picoseconds at) {
  status_ = value;
  if (tap_ != nullptr) {
    tap_->status(at, status_);
  }
}

void VirtioBlkPci::write_status(std::uint8_t value, Picoseconds at) {
  if (value == 0) {
    reset_device(at);
    drive_intx(at);
    set_status(mutant(Mutant::reset_keeps_status) ? VIRTIO_CONFIG_S_ACKNOWLEDGE : 0, at);
    return;
  }
  const auto asks = [this, value](std::uint8_t bit) { return (value & bit) != 0 && (status_ & bit) == 0; };
  if (asks(VIRTIO_CONFIG_S_FEATURES_OK) && !features_acceptable(at)) {
    value = static_cast<std::uint8_t>(value & ~VIRTIO_CONFIG_S_FEATURES_OK);
  }
  if (asks(VIRTIO_CONFIG_S_DRIVER_OK)) {
    blk_.driver_ready(driver_features());
  }
  // 2.1.2: only a reset ends the error state.
  const bool takes_back = broken_ && (value & VIRTIO_CONFIG_S_NEEDS_RESET) == 0;
  if (takes_back && !quirks_.fires(Quirk::needs_reset_cleared_by_write, at)) {
    value |= VIRTIO_CONFIG_S_NEEDS_RESET;
  }
  set_status(value, at);
}

// 2.2.2: an acceptable subset, and 6.1: a modern driver's.
bool VirtioBlkPci::features_acceptable(Picoseconds at) {
  const std::uint64_t accepted = driver_features();
  if ((accepted & ~offered()) != 0 && !quirks_.fires(Quirk::unoffered_features_accepted, at)) {
    return false;
  }
  return (accepted & VIRTIO_F_VERSION_1) != 0 || quirks_.fires(Quirk::version_1_not_required, at);
}

void VirtioBlkPci::reset_device(Picoseconds at) {
  drop_in_flight();
  device_feature_select_ = 0;
  driver_feature_select_ = 0;
  driver_features_ = {};
  config_vector_ = VIRTIO_MSI_NO_VECTOR;
  queue_select_ = 0;
  status_ = 0;
  isr_ = 0;
  broken_ = false;
  queue_.reset();
  show_largest_queue_size(at);
  blk_.reset();
}

// 2.1.2: an error state that only a reset ends, and the driver is told.
void VirtioBlkPci::break_device(Picoseconds at) {
  drop_in_flight();
  broken_ = true;
  set_status(static_cast<std::uint8_t>(status_ | VIRTIO_CONFIG_S_NEEDS_RESET), at);
  if ((status_ & VIRTIO_CONFIG_S_DRIVER_OK) != 0) {
    notify_config(at);
  }
}

// --- The queue
// ---------------------------------------------------------------------------------------------------------

void VirtioBlkPci::drop_in_flight() {
  first_ = 0;
  in_flight_ = 0;
  free_.clear();
  for (Request& request : pool_) {
    free_.push_back(&request);
  }
}

void VirtioBlkPci::reset_queue(Picoseconds at) {
  drop_in_flight();
  queue_.reset_one();
  show_largest_queue_size(at);
}

void VirtioBlkPci::show_largest_queue_size(Picoseconds at) {
  largest_queue_size_ = quirks_.fires(Quirk::queue_size_shows_limit, at) ? kQueueSizeLimit : kQueueSizeMax;
  queue_.registers.size = largest_queue_size_;
}

void VirtioBlkPci::doorbell(std::uint32_t index, std::uint32_t value, Picoseconds at) {
  if (tap_ != nullptr) {
    tap_->doorbell(at, static_cast<std::uint16_t>(index), value);
  }
  const bool usable = index < kQueues && queue_.registers.enabled && !broken_ && dma.bus_master();
  // 3.1.1: before DRIVER_OK the device consumes nothing.
  if (!usable || ((status_ & VIRTIO_CONFIG_S_DRIVER_OK) == 0 && !quirks_.fires(Quirk::kick_before_driver_ok, at))) {
    return;
  }
  fetch_requests(at);
}

void VirtioBlkPci::fetch_requests(Picoseconds at) {
  dma.seek(std::max(at, fetch_free_));
  // What look() admits is at most a queue full, and what is in flight too: the work of one doorbell is bounded.
  for (;;) {
    const SplitQueue::Look look = queue_.look();
    if (look == SplitQueue::Look::nothing) {
      // 2.7.10: from here on the next chain rings the bell. A driver that runs beside the device could have made one
      // available before it saw this; the drivers of this board run when the device does not.
      queue_.ask_for_notification();
      break;
    }
    if (look == SplitQueue::Look::malformed || !fetch_one()) {
      break_device(dma.at());
      return;
    }
  }
  fetch_free_ = dma.at();
}

bool VirtioBlkPci::fetch_one() {
  if (in_flight_ >= queue_.registers.size) {
    return false;
  }
  Request& request = *free_.back();
  Chain chain;
  chain.segments = &segments_[static_cast<std::size_t>(&request - pool_.data()) * kSegmentStride];
  request.ordinal = queue_.fetched();
  if (!queue_.fetch(chain) || !blk_.start(chain, request)) {
    return false;
  }
  free_.pop_back();
  if (tap_ != nullptr) {
    tap_->fetch(dma.at(), {0, request.ordinal, request.type, request.sector, request.bytes});
  }
  schedule(request);
  return true;
}

// Media work in parallel; what they deliver shares one link.
void VirtioBlkPci::schedule(Request& request) {
  const Picoseconds fetched = dma.at();
  const Picoseconds ready = blk_.media_done(request, fetched);
  const Picoseconds link = blk_.link_time(request) + SplitQueue::completion_cost(latencies_);
  link_free_ = std::max(link_free_, fetched) + link;
  request.due = std::max(ready + link, link_free_);
  if (tap_ != nullptr && ready != fetched) {
    tap_->media(fetched, request.sector, request.bytes, request.type != VIRTIO_BLK_T_IN, ready - fetched);
  }
  unsigned at = first_ + in_flight_++;
  for (; at != first_ && order_[(at - 1) & kOrderMask]->due > request.due; --at) {
    order_[at & kOrderMask] = order_[(at - 1) & kOrderMask];
  }
  order_[at & kOrderMask] = &request;
}

void VirtioBlkPci::complete_due(Picoseconds until) {
  while (in_flight_ != 0 && dma.bus_master() && order_[first_ & kOrderMask]->due <= until) {
    Request& request = *order_[first_ & kOrderMask];
    first_ = (first_ + 1) & kOrderMask;
    --in_flight_;
    complete(request, request.due);
  }
}

// Data, status, used element, used index, then the interrupt: the order in which a driver may rely on them (2.7.8.2).
void VirtioBlkPci::complete(Request& request, Picoseconds at) {
  dma.seek(at);
  blk_.write_data(request);
  blk_.write_status(request);
  queue_.put_used(request.head, request.used_length);
  queue_.publish_used();
  if (tap_ != nullptr) {
    tap_->complete(at, 0, request.ordinal, request.status, request.used_length);
    tap_->used(at, 0, queue_.used_index());
  }
  free_.push_back(&request);
  if (queue_.interrupt_wanted()) {
    notify_queue(at);
  }
}

Picoseconds VirtioBlkPci::due(std::uint32_t ordinal) const {
  for (unsigned i = 0; i < in_flight_; ++i) {
    const Request& request = *order_[(first_ + i) & kOrderMask];
    if (request.ordinal == ordinal) {
      return request.due;
    }
  }
  return kNever;
}

bool VirtioBlkPci::complete_one(std::uint32_t ordinal, Picoseconds at) {
  for (unsigned i = 0; dma.bus_master() && i < in_flight_; ++i) {
    Request& request = *order_[(first_ + i) & kOrderMask];
    if (request.ordinal != ordinal) {
      continue;
    }
    for (unsigned j = i; j + 1 < in_flight_; ++j) {
      order_[(first_ + j) & kOrderMask] = order_[(first_ + j + 1) & kOrderMask];
    }
    --in_flight_;
    complete(request, at);
    return true;
  }
  return false;
}

bool VirtioBlkPci::arm() {
  Picoseconds when = kNever;
  if (in_flight_ != 0 && !held_ && dma.bus_master() && interrupt_possible()) {
    const unsigned count = queue_.completions_to_interrupt();
    if (count != 0 && count <= in_flight_) {
      when = order_[(first_ + count - 1) & kOrderMask]->due;
    }
  }
  if (when != armed_) {
    armed_ = when;
    wake_.cancel();
    if (when != kNever) {
      const Picoseconds now = clock_.now();
      wake_.notify(to_sc_time(when > now ? when - now : 0));
    }
  }
  return when != kNever;
}

void VirtioBlkPci::finish() {
  armed_ = kNever;
  catch_up(clock_.now());
}

// --- Interrupts
// --------------------------------------------------------------------------------------------------------

bool VirtioBlkPci::interrupt_possible() const {
  return msix_.enabled() ? msix_.deliverable(queue_.registers.msix_vector)
                         : (space_.command() & PCI_COMMAND_INTX_DISABLE) == 0;
}

void VirtioBlkPci::notify_queue(Picoseconds at) {
  if (mutant(Mutant::interrupt_missing) && ++interrupts_ % 8 == 0) {
    return;
  }
  if (!msix_.enabled() || quirks_.fires(Quirk::isr_with_msix, at)) {
    isr_ |= kIsrQueue;
  }
  send_msi(queue_.registers.msix_vector, at);
  drive_intx(at);
}

void VirtioBlkPci::notify_config(Picoseconds at) {
  isr_ |= kIsrConfig;
  if (quirks_.fires(Quirk::config_interrupt_sets_queue_isr, at)) {
    isr_ |= kIsrQueue;
  }
  if (quirks_.fires(Quirk::config_interrupt_bumps_generation, at)) {
    ++generation_;
  }
  send_msi(config_vector_, at);
  drive_intx(at);
}

void VirtioBlkPci::send_msi(std::uint16_t vector, Picoseconds at) {
  if (!msix_.enabled()) {
    return;
  }
  if (tap_ != nullptr && msix_.deliverable(vector)) {
    tap_->msi(at, vector);
  }
  dma.seek(at);
  msix_.raise(vector, dma);
}

// A level: what the ISR says, unless MSI-X is on or the driver switched the pin off (PCI 3.0, 6.2.2).
void VirtioBlkPci::drive_intx(Picoseconds at) {
  const bool pending = isr_ != 0 && !msix_.enabled();
  const auto status = static_cast<std::uint8_t>(space_[PCI_STATUS] & ~PCI_STATUS_INTERRUPT);
  space_.set(PCI_STATUS, pending ? static_cast<std::uint8_t>(status | PCI_STATUS_INTERRUPT) : status);
  const bool level = pending && (space_.command() & PCI_COMMAND_INTX_DISABLE) == 0;
  if (level == intx_level_) {
    return;
  }
  intx_level_ = level;
  if (tap_ != nullptr) {
    tap_->intx(at, level);
  }
  intx_.set_intx(slot(), space_[PCI_INTERRUPT_PIN], level);
}

}  // namespace ringside::model
