#include "driver/block/interrupts.h"

#include "driver/hal/mutant.h"
#include "driver/hal/text.h"
#include "driver/pci/intx_routing.h"
#include "driver/pci/registers.h"
#include "driver/virtio/spec.h"

namespace ringside::block {
namespace {

constexpr std::uint16_t kConfigEntry = 0;
constexpr std::uint16_t kFirstQueueEntry = 1;
constexpr std::uint8_t kNoIsr = 0xff;  // it has two bits (4.1.4.5); all of them, no device shows

}  // namespace

const char* Interrupts::init(hal::Machine& machine, const pci::Bus& bus, const pci::DeviceInfo& device,
                             const pci::Bar* bars, virtio::Transport& transport, const Options& options) {
  machine_ = &machine;
  completion_ = options.completion;
  if (completion_ == Completion::msix) {
    const char* const missing = init_msix(bus, device, bars);
    if (missing == nullptr) {
      transport.msix_switched(true);
      program_table(options);
      return nullptr;
    }
    hal::Line().text("[VirtIO]   INTx in place of MSI-X: ").text(missing).log_to(machine);
    completion_ = Completion::intx;
  }
  pci::disable_msix(bus.config(), device.address);  // a driver before us may have left it on
  if (completion_ == Completion::intx) {
    return init_line(bus, device);
  }
  pci::enable_device(bus.config(), device.address, pci::PCI_COMMAND_INTX_DISABLE);
  return nullptr;
}

const char* Interrupts::init_msix(const pci::Bus& bus, const pci::DeviceInfo& device, const pci::Bar* bars) {
  if (machine_->info().msi_vectors == 0) {
    return "the machine has no message-signalled interrupts";
  }
  return msix_.init(*machine_, bus.config(), device.address, bars) ? nullptr : "it has no usable MSI-X table";
}

const char* Interrupts::init_line(const pci::Bus& bus, const pci::DeviceInfo& device) {
  const std::uint8_t irq = pci::route_intx(bus, device);
  if (irq == 0) {
    return "its INTx pin has no route";
  }
  first_vector_ = last_vector_ = hal::line_vector(irq);
  pci::enable_device(bus.config(), device.address, 0, pci::PCI_COMMAND_INTX_DISABLE);
  return nullptr;
}

void Interrupts::program_table(const Options& options) {
  const unsigned queues = options.vectors == VectorUse::shared || options.queues == 0 ? 1u : options.queues;
  const unsigned wanted = queues < kMaxQueues ? queues : kMaxQueues;
  last_entry_ = static_cast<std::uint16_t>(msix_.size() > wanted ? wanted : msix_.size() - 1);
  const unsigned vectors = machine_->info().msi_vectors;
  const bool separate = wanted > 1;
  last_vector_ = !separate ? 0 : vectors > last_entry_ ? last_entry_ : vectors - 1;
  msix_.enable();
  for (unsigned entry = kConfigEntry; entry <= last_entry_; ++entry) {
    msix_.set_entry(entry, machine_->msi_message(vector_of_entry(entry)));
  }
  msix_.unmask_function();
}

std::uint16_t Interrupts::config_entry() const {
  return completion_ == Completion::msix ? kConfigEntry : virtio::VIRTIO_MSI_NO_VECTOR;
}

std::uint16_t Interrupts::queue_entry(std::uint16_t queue) const {
  if (completion_ != Completion::msix) {
    return virtio::VIRTIO_MSI_NO_VECTOR;
  }
  const unsigned own = kFirstQueueEntry + queue;
  if (own > kFirstQueueEntry && own == last_entry_ && hal::mutant(hal::Mutant::queue_without_vector)) {
    return virtio::VIRTIO_MSI_NO_VECTOR;
  }
  return own < last_entry_ ? static_cast<std::uint16_t>(own) : last_entry_;
}

bool Interrupts::acknowledge(const virtio::Transport& transport) const {
  if (completion_ != Completion::intx) {
    return true;
  }
  // MSI-X leaves ISR alone (4.1.4.5.2); for INTx the read is what lowers the line, so it comes before the re-arm.
  std::uint8_t isr = hal::mutant(hal::Mutant::isr_not_read) ? std::uint8_t{0} : transport.read_isr();
  if (hal::mutant(hal::Mutant::isr_read_twice)) {
    isr = transport.read_isr();
  }
  if (!hal::mutant(hal::Mutant::line_not_rearmed)) {
    machine_->acknowledge(first_vector_);
  }
  return isr != kNoIsr || hal::mutant(hal::Mutant::isr_all_ones_overlooked);
}

}  // namespace ringside::block
