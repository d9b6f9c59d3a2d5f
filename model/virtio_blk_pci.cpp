#include "model/virtio_blk_pci.h"

#include <algorithm>

#include "model/mutants.h"

namespace ringside::model {
namespace {

struct Offer {
  bool condition;
  std::uint64_t feature;
};

std::uint64_t transport_features(const BlkProperties& properties) {
  const Offer offers[] = {
      {properties.indirect_desc, VIRTIO_F_INDIRECT_DESC},
      {properties.event_idx, VIRTIO_F_EVENT_IDX},
      {!properties.disable_modern, VIRTIO_F_VERSION_1},
      {properties.iommu_platform, VIRTIO_F_ACCESS_PLATFORM},
      {properties.packed, VIRTIO_F_RING_PACKED},
      {properties.in_order, VIRTIO_F_IN_ORDER},
      {properties.order_platform, VIRTIO_F_ORDER_PLATFORM},
      {properties.notification_data, VIRTIO_F_NOTIFICATION_DATA},
      {properties.notif_config_data, VIRTIO_F_NOTIF_CONFIG_DATA},
      {properties.queue_reset, VIRTIO_F_RING_RESET},
  };
  std::uint64_t features = 0;
  for (const Offer& offer : offers) {
    features |= offer.condition ? offer.feature : 0;
  }
  return features;
}

// 6.3: what only the legacy interface shows. A device that has nothing else may have been asked for SCSI commands.
std::uint32_t legacy_only_features(const BlkProperties& properties) {
  std::uint64_t features = VIRTIO_F_BAD_FEATURE;
  features |= properties.notify_on_empty ? VIRTIO_F_NOTIFY_ON_EMPTY : 0;
  features |= properties.any_layout && !properties.disable_modern ? VIRTIO_F_ANY_LAYOUT : 0;
  features |= properties.disable_modern ? VIRTIO_BLK_F_SCSI : 0;
  return static_cast<std::uint32_t>(features);
}

}  // namespace

VirtioBlkPci::VirtioBlkPci(const sc_core::sc_module_name& name, const Clock& clock, std::uint64_t ram_bytes,
                           IntxSink& intx)
    : PciFunction(name, clock, VirtioShape::of({}, 0).config_space()),
      dma("dma", ram_bytes),
      intx_(intx),
      blk_(dma, quirks_) {
  sc_core::sc_spawn_options options;
  options.spawn_method();
  options.dont_initialize();
  options.set_sensitivity(&wake_);
  sc_core::sc_spawn([this] { finish(); }, "finish", &options);
}

// What the device is, this time: the board is elaborated once and powered on with other properties each time.
void VirtioBlkPci::strap(const BlkProperties& properties) {
  shape_ = VirtioShape::of(properties, block_config_bytes(properties));
  space_ = shape_.config_space();
  clear_bars();
  if (shape_.legacy) {
    define_bar(VirtioShape::kLegacyBar, shape_.legacy_bytes, PCI_BASE_ADDRESS_SPACE_IO);
  }
  if (shape_.vectors != 0) {
    define_bar(VirtioShape::kMsixBar, shape_.msix_bytes, 0);
  }
  if (shape_.modern) {
    define_bar(VirtioShape::kModernBar, shape_.modern_bytes,
               PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH);
  }
  modern_features_ = transport_features(properties) | blk_.features();
  legacy_features_ = static_cast<std::uint32_t>(modern_features_) | legacy_only_features(properties);
  strap_queues(properties);
}

void VirtioBlkPci::strap_queues(const BlkProperties& properties) {
  queue_size_ = properties.queue_size;
  queues_in_use_ = properties.num_queues;
  while (queues_.size() < queues_in_use_) {
    queues_.emplace_back(dma, quirks_, table_);
  }
  for (Virtqueue& queue : queues_) {
    queue.lives = 0;
  }
}

// As many as its rings hold: a device that takes larger rings than it was configured with takes what is in them, too.
void VirtioBlkPci::strap_requests(const QuirkSet& quirks) {
  const std::uint16_t unchecked = quirks.has(Quirk::queue_size_unchecked) ? kUncheckedQueueSizeLimit : std::uint16_t{0};
  requests_.strap(queues_in_use_ * std::size_t{std::max(queue_size_, unchecked)});
}

void VirtioBlkPci::power_on(const Disk& disk, const BlkProperties& properties, QuirkSet quirks,
                            const Latencies& latencies, Tap* tap) {
  wake_.cancel();
  armed_ = kNever;
  blk_.power_on(disk, properties, latencies);
  strap(properties);
  power_on_function(latencies, tap);
  quirks_.power_on(quirks, tap);
  strap_requests(quirks);
  dma.power_on(latencies, tap);
  dma.bounce_by(&quirks_);
  inject(nullptr);
  msix_.power_on(shape_.vectors, shape_.pba_offset);
  status_ = 0;
  generation_ = 0;
  intx_level_ = false;
  asleep_ = false;
  fetch_free_ = 0;
  link_free_ = 0;
  held_ = false;
  interrupts_ = 0;
  reset_device(0);
}

void VirtioBlkPci::inject(DeviceFaults* faults) {
  faults_ = faults;
  dma.inject(faults != nullptr && faults->concerns_memory() ? faults : nullptr);
  blk_.inject(faults);
}

void VirtioBlkPci::vectors_unmasked(Picoseconds at) {
  dma.seek(at);
  msix_.deliver_pending(dma);
}

void VirtioBlkPci::reset(Picoseconds at) {
  const bool had_status = status_ != 0;
  reset_device(at);
  msix_.reset();
  dma.set_bus_master(false);
  asleep_ = false;
  let_decode(true);
  PciFunction::reset(at);
  drive_intx(at);
  if (had_status) {
    set_status(0, at);
  }
}

void VirtioBlkPci::resize(std::uint64_t sectors, Picoseconds at) {
  catch_up(at);
  blk_.resize(sectors);
  notify_config(true, at);
}

bool VirtioBlkPci::bar_access(unsigned bar, Access& access, Picoseconds at) {
  switch (bar) {
    case VirtioShape::kMsixBar:
      return msix_access(access, at);
    case VirtioShape::kModernBar:
      return structure_access(access, at);
    default:
      return legacy_access(access, at);
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
  const bool pba = access.offset >= msix_.pba_offset();
  show(pba ? Structure::msix_pba : Structure::msix_table, pba ? msix_.pba_offset() : 0, access, at);
  return true;
}

void VirtioBlkPci::before_config_read(unsigned offset, unsigned size, Picoseconds at) {
  catch_up(at);
  const unsigned data = shape_.pci_cfg_cap + kCapPciCfgData;
  if (shape_.modern && offset < data + 4 && offset + size > data) {
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
  if (shape_.vectors != 0 && touches(shape_.msix_cap + PCI_MSIX_FLAGS, 2)) {
    msix_flags_changed(at);
  }
  if (shape_.modern && touches(shape_.pci_cfg_cap + kCapPciCfgData, 4)) {
    config_window(true, at);
  }
  if (shape_.express && touches(shape_.pm_cap + PCI_PM_CTRL, 2)) {
    power_state_changed(at);
  }
  if (shape_.express && touches(shape_.express_cap + PCI_EXP_DEVCTL, 2)) {
    const std::uint32_t control = space_.read(shape_.express_cap + PCI_EXP_DEVCTL, 2);
    if ((control & PCI_EXP_DEVCTL_BCR_FLR) != 0) {
      function_level_reset(at);
    }
  }
}

void VirtioBlkPci::msix_flags_changed(Picoseconds at) {
  msix_.set_flags(static_cast<std::uint16_t>(space_.read(shape_.msix_cap + PCI_MSIX_FLAGS, 2)));
  dma.seek(at);
  msix_.deliver_pending(dma);
  drive_intx(at);
}

// PCI Power Management 1.2, 5.4.1 and 3.2.4: in D3hot a function answers configuration cycles and does nothing else; as
// No_Soft_Reset is clear, it comes back reset. D1 and D2 it does not have, so that they are no state of it.
void VirtioBlkPci::power_state_changed(Picoseconds at) {
  const bool sleeps = (space_.read(shape_.pm_cap + PCI_PM_CTRL, 2) & PCI_PM_CTRL_STATE_MASK) == PCI_PM_CTRL_STATE_D3;
  if (sleeps == asleep_ || quirks_.fires(Quirk::power_state_ignored, at)) {
    return;
  }
  asleep_ = sleeps;
  if (sleeps) {
    dma.set_bus_master(false);
    let_decode(false);
  } else {
    reset(at);
  }
}

// PCIe 4.0, 6.6.2: all registers as at power-on, but for what is sticky.
void VirtioBlkPci::function_level_reset(Picoseconds at) {
  const ConfigSpace before = space_;
  if (mutant(Mutant::flr_ignored)) {
    return;
  }
  reset(at);
  if (!quirks_.fires(Quirk::function_reset_keeps_registers, at)) {
    return;
  }
  const auto reset_too = [this](unsigned offset) {
    const auto in = [offset](unsigned first, unsigned bytes) { return offset >= first && offset < first + bytes; };
    return in(shape_.express_cap + PCI_EXP_DEVCTL, 2) || in(shape_.express_cap + PCI_EXP_LNKCTL, 2) ||
           in(shape_.pm_cap + PCI_PM_CTRL, 2) || in(shape_.msix_cap + PCI_MSIX_FLAGS, 2);
  };
  for (unsigned offset = kConfigHeaderBytes; offset < space_.bytes(); ++offset) {
    if (!reset_too(offset)) {
      space_.set(offset, before[offset]);
    }
  }
}

// 4.1.4.9: an access to pci_cfg_data is an access to the BAR, at the offset and with the length that the capability's
// own fields say.
void VirtioBlkPci::config_window(bool write, Picoseconds at) {
  const unsigned data = shape_.pci_cfg_cap + kCapPciCfgData;
  std::uint32_t offset = space_.read(shape_.pci_cfg_cap + kCapOffset, 4);
  const std::uint32_t length = space_.read(shape_.pci_cfg_cap + kCapLength, 4);
  const bool width_allowed = length == 1 || length == 2 || length == 4;
  unsigned bar = space_[shape_.pci_cfg_cap + kCapBar];
  if (!width_allowed) {
    return;
  }
  if (offset % length != 0) {
    if (!quirks_.fires(Quirk::config_window_offset_rounded, at)) {
      return;
    }
    offset -= offset % length;
  }
  if (bar != VirtioShape::kModernBar && quirks_.fires(Quirk::config_window_bar_ignored, at)) {
    bar = VirtioShape::kModernBar;
  }
  const std::uint32_t bar_bytes = bar == VirtioShape::kModernBar ? shape_.modern_bytes
                                  : bar == VirtioShape::kMsixBar ? shape_.msix_bytes
                                                                 : 0;
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
  const bool master = (space_.command() & PCI_COMMAND_MASTER) != 0 && !asleep_;
  const bool was_running = (status_ & VIRTIO_CONFIG_S_DRIVER_OK) != 0;
  dma.set_bus_master(master);
  if (!master && was_running && quirks_.fires(Quirk::bus_master_off_clears_driver_ok, at)) {
    set_status(static_cast<std::uint8_t>(status_ & ~VIRTIO_CONFIG_S_DRIVER_OK), at);
  }
  drive_intx(at);
  catch_up(at);  // what had to wait for the bus
}

void VirtioBlkPci::show(Structure structure, std::uint32_t base, const Access& access, Picoseconds at) {
  if (tap_ != nullptr) {
    Access relative = access;
    relative.offset -= base;
    tap_->register_access(at, structure, relative);
  }
}

bool VirtioBlkPci::structure_access(Access& access, Picoseconds at) {
  catch_up(at);
  if (access.offset >= VirtioShape::kNotifyOffset) {
    const std::uint32_t offset = access.offset - VirtioShape::kNotifyOffset;
    if (offset >= shape_.notify_bytes) {
      return false;
    }
    show(Structure::notify, VirtioShape::kNotifyOffset, access, at);
    if (access.write) {
      notification(offset / shape_.notify_multiplier, access, at);
    }
    return true;
  }
  const std::uint32_t base = access.offset & ~(VirtioShape::kStructureBytes - 1);
  const std::uint32_t offset = access.offset - base;
  switch (base) {
    case VirtioShape::kIsrOffset:
      access.value = access.write ? access.value : read_isr();
      show(Structure::isr, base, access, at);
      drive_intx(at);
      return true;
    case VirtioShape::kDeviceOffset:
      if (access.write) {
        blk_.config_write(offset, access.size, access.value, negotiated(), at);
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
        access.value = common_read(offset, at);
        show(Structure::common, base, access, at);
      }
      return true;
  }
}

}  // namespace ringside::model
