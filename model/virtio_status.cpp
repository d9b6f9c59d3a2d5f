// The status protocol of the device (VIRTIO 1.2, 2.1 and 3.1): how a driver takes it over, and what a reset undoes.
#include "model/mutants.h"
#include "model/virtio_blk_pci.h"

namespace ringside::model {

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
    if (quirks_.fires(Quirk::refused_status_dropped, at)) {
      return;
    }
    value = static_cast<std::uint8_t>(value & ~VIRTIO_CONFIG_S_FEATURES_OK);
  }
  if (asks(VIRTIO_CONFIG_S_FEATURES_OK)) {
    feature_registers_matter(at);
  }
  if (asks(VIRTIO_CONFIG_S_DRIVER_OK)) {
    blk_.driver_ready(negotiated(), at);
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
  if ((driver_features() & ~modern_features_) != 0 && !quirks_.fires(Quirk::unoffered_features_accepted, at)) {
    return false;
  }
  if (!accepted(VIRTIO_F_VERSION_1)) {
    return quirks_.fires(Quirk::version_1_not_required, at);
  }
  // 6.2: a driver that takes the device's addresses for the machine's gets nowhere behind translation.
  return (modern_features_ & VIRTIO_F_ACCESS_PLATFORM) == 0 || accepted(VIRTIO_F_ACCESS_PLATFORM);
}

// What a reset should have cleared, and the driver has not written since, is accepted now.
void VirtioBlkPci::feature_registers_matter(Picoseconds at) {
  for (unsigned word = 0; word < features_kept_.size(); ++word) {
    if (features_kept_[word] && written_features_[word] != 0) {
      (void)quirks_.fires(Quirk::reset_keeps_feature_registers, at);
    }
  }
}

void VirtioBlkPci::reset_device(Picoseconds at) {
  if (faults_ != nullptr) {
    faults_->was_reset();
  }
  drop_in_flight();
  const bool keeps = quirks_.has(Quirk::reset_keeps_feature_registers);
  if (!keeps) {
    device_feature_select_ = 0;
    driver_feature_select_ = 0;
    written_features_ = {};
  }
  features_kept_ = {keeps, keeps};
  selects_kept_ = keeps;
  driver_features_ = {};
  absent_queues_.clear();
  config_vector_ = VIRTIO_MSI_NO_VECTOR;
  queue_select_ = 0;
  status_ = 0;
  isr_ = 0;
  broken_ = false;
  for (std::size_t i = 0; i < queues_in_use_; ++i) {
    if (!mutant(Mutant::reset_keeps_queues)) {
      queues_[i].reset();
    }
    show_largest_queue_size(queues_[i], at);
  }
  blk_.reset();
}

// 2.1.2: an error state that only a reset ends, and the driver is told.
void VirtioBlkPci::break_device(Picoseconds at) {
  drop_in_flight();
  broken_ = true;
  if (!accepted(VIRTIO_F_VERSION_1) && quirks_.fires(Quirk::legacy_breaks_silently, at)) {
    return;
  }
  set_status(static_cast<std::uint8_t>(status_ | VIRTIO_CONFIG_S_NEEDS_RESET), at);
  notify_config(false, at);
}

}  // namespace ringside::model
