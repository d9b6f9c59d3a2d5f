// How a virtio block function tells the driver that something happened: MSI-X, its INTx line, or not at all.
//
// A driver that uses one queue has everything raise one vector of the machine: one wait covers used buffers and
// configuration changes, and a device that breaks wakes it up. With more queues each has an MSI-X entry and a vector of
// its own, as far as device and machine have them; the queues beyond share the last. Configuration changes keep vector
// 0.
#pragma once

#include <cstdint>

#include "driver/block/open.h"
#include "driver/hal/machine.h"
#include "driver/pci/bar.h"
#include "driver/pci/bus.h"
#include "driver/pci/msix.h"
#include "driver/virtio/transport.h"

namespace ringside::block {

class Interrupts {
 public:
  // Null on success, else the reason, for the log. A function or a machine without MSI-X gets INTx instead; the log
  // says so. `bus` outlives this.
  [[nodiscard]] const char* init(hal::Machine& machine, const pci::Bus& bus, const pci::DeviceInfo& device,
                                 const pci::Bar* bars, virtio::Transport& transport, const Options& options);

  [[nodiscard]] Completion completion() const { return completion_; }
  // The entry of the MSI-X table for a queue, VIRTIO_MSI_NO_VECTOR without MSI-X.
  [[nodiscard]] std::uint16_t queue_entry(std::uint16_t queue) const;
  [[nodiscard]] std::uint16_t config_entry() const;

  // The machine's vectors. Meaningless when completion is polled.
  [[nodiscard]] bool per_queue() const { return last_vector_ != first_vector_; }
  [[nodiscard]] unsigned config_vector() const { return first_vector_; }
  [[nodiscard]] unsigned queue_vector(std::uint16_t queue) const {
    return per_queue() ? vector_of_entry(queue_entry(queue)) : first_vector_;
  }

  // After an interrupt. For INTx reads ISR, which lowers the line, and re-arms it. False when ISR reads as all-ones:
  // nobody is there who could lower the line.
  bool acknowledge(const virtio::Transport& transport) const;

 private:
  [[nodiscard]] const char* init_msix(const pci::Bus& bus, const pci::DeviceInfo& device, const pci::Bar* bars);
  [[nodiscard]] const char* init_line(const pci::Bus& bus, const pci::DeviceInfo& device);
  void program_table(const Options& options);
  [[nodiscard]] unsigned vector_of_entry(unsigned entry) const { return entry < last_vector_ ? entry : last_vector_; }

  hal::Machine* machine_ = nullptr;
  pci::Msix msix_;
  Completion completion_ = Completion::polled;
  std::uint16_t last_entry_ = 0;  // of the MSI-X table, in use
  unsigned first_vector_ = 0;
  unsigned last_vector_ = 0;
};

}  // namespace ringside::block
