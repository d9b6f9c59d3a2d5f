// How the driver is told (VIRTIO 1.2, 4.1.4.5 and 4.1.5): the ISR status and the pin, or MSI-X.
#include <utility>

#include "model/mutants.h"
#include "model/virtio_blk_pci.h"

namespace ringside::model {

// 4.1.4.5: reading clears.
std::uint32_t VirtioBlkPci::read_isr() {
  return std::exchange(isr_, mutant(Mutant::isr_not_cleared) ? isr_ : std::uint8_t{0});
}

bool VirtioBlkPci::interrupt_possible(const Virtqueue& queue) const {
  return msix_.enabled() ? msix_.deliverable(queue.registers.msix_vector)
                         : (space_.command() & PCI_COMMAND_INTX_DISABLE) == 0;
}

bool VirtioBlkPci::interrupt_wanted(Virtqueue& queue) {
  if (queue.interrupt_wanted()) {
    return true;
  }
  // 6.3: NOTIFY_ON_EMPTY, of legacy drivers: whatever they suppress, the last one counts.
  return accepted(VIRTIO_F_NOTIFY_ON_EMPTY) && !accepted(VIRTIO_F_VERSION_1) && queue.in_flight == 0 && queue.empty();
}

void VirtioBlkPci::notify_queue(const Virtqueue& queue, Picoseconds at) {
  if (mutant(Mutant::interrupt_missing) && ++interrupts_ % 8 == 0) {
    return;
  }
  if (!msix_.enabled() || quirks_.fires(Quirk::isr_with_msix, at)) {
    isr_ |= kIsrQueue;
  }
  send_msi((mutant(Mutant::vector_of_queue_0) ? queues_[0] : queue).registers.msix_vector, at);
  drive_intx(at);
}

// Something about the device changed: its configuration, or only its status. A driver hears of it once it is ready.
void VirtioBlkPci::notify_config(bool changed, Picoseconds at) {
  const bool ready = (status_ & VIRTIO_CONFIG_S_DRIVER_OK) != 0;
  // 4.1.4.3.1: a new generation for new contents.
  if (changed ? ready || !quirks_.fires(Quirk::early_resize_keeps_generation, at)
              : ready && quirks_.fires(Quirk::config_interrupt_bumps_generation, at)) {
    if (!mutant(Mutant::generation_stuck)) {
      ++generation_;
    }
  }
  if (!ready || mutant(Mutant::config_interrupt_missing)) {
    return;
  }
  isr_ |= kIsrConfig;
  if (quirks_.fires(Quirk::config_interrupt_sets_queue_isr, at)) {
    isr_ |= kIsrQueue;
  }
  send_msi(config_vector_, at);
  drive_intx(at);
}

void VirtioBlkPci::send_msi(std::uint16_t vector, Picoseconds at) {
  if (!msix_.enabled()) {
    return;
  }
  Message message{vector};
  if (faults_ != nullptr && vector < msix_.vectors()) {
    faults_->message(message);
  }
  if (message.stays_pending) {
    msix_.leave_pending(message.vector);
  } else {
    send_messages(message, at);
  }
}

void VirtioBlkPci::send_messages(const Message& message, Picoseconds at) {
  for (unsigned i = 0; i < message.count; ++i) {
    if (tap_ != nullptr && msix_.deliverable(message.vector)) {
      tap_->msi(at, message.vector);
    }
    dma.seek(at);
    msix_.raise(message.vector, dma);
  }
}

// A level: what the ISR says, unless MSI-X is on or the driver switched the pin off (PCI 3.0, 6.2.2).
void VirtioBlkPci::drive_intx(Picoseconds at) {
  const bool stuck = faults_ != nullptr && intx_level_ && faults_->line_stuck();
  const bool pending = (isr_ != 0 || stuck) && !msix_.enabled();
  const auto status = static_cast<std::uint8_t>(space_[PCI_STATUS] & ~PCI_STATUS_INTERRUPT);
  space_.set(PCI_STATUS, pending ? static_cast<std::uint8_t>(status | PCI_STATUS_INTERRUPT) : status);
  const bool level = pending && (space_.command() & PCI_COMMAND_INTX_DISABLE) == 0;
  if (level == intx_level_ || (!level && mutant(Mutant::intx_never_lowered))) {
    return;
  }
  intx_level_ = level;
  if (tap_ != nullptr) {
    tap_->intx(at, level);
  }
  intx_.set_intx(space_[PCI_INTERRUPT_PIN], level);
}

}  // namespace ringside::model
