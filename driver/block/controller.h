// One virtio block function, without its queue: PCI set-up, interrupts, negotiation, device configuration. Not a
// template: nothing here touches memory that the device shares.
#pragma once

#include <cstdint>

#include "driver/block/block_device.h"
#include "driver/block/open.h"
#include "driver/hal/machine.h"
#include "driver/pci/bar.h"
#include "driver/pci/bus.h"
#include "driver/pci/msix.h"
#include "driver/virtio/modern_transport.h"
#include "driver/virtio/transport.h"

namespace ringside::block {

inline constexpr std::uint16_t kRequestQueue = 0;

class Controller {
 public:
  explicit Controller(hal::Machine& machine) : machine_(&machine), modern_(machine) {}

  // Assigns BARs, enables the function, finds the virtio structures, sets interrupts up. False, with the reason on the
  // log, when the function cannot be used. `bus` outlives the controller.
  [[nodiscard]] bool init(const pci::Bus& bus, const pci::DeviceInfo& device, const Options& options);

  // Resets the device and brings it up to where queues can be set up (VIRTIO 1.2, 3.1.1, steps 1 to 6), filling info().
  // False, with the reason on the log and FAILED set, when device and driver cannot work together.
  [[nodiscard]] bool negotiate();
  // Steps 7 and 8: the queue, then DRIVER_OK. `size` entries.
  [[nodiscard]] bool start(std::uint16_t size, const virtio::QueueAddresses& addresses);
  // Programs the request queue alone, after a queue reset.
  [[nodiscard]] bool start_queue(std::uint16_t size, const virtio::QueueAddresses& addresses);

  // Resets the device; if it does not obey, bus mastering is taken from it. Either way it touches memory no more.
  // False when it did not obey.
  bool stop();

  [[nodiscard]] const DiskInfo& info() const { return info_; }
  [[nodiscard]] bool has(unsigned feature_bit) const;
  [[nodiscard]] Completion completion() const { return completion_; }
  [[nodiscard]] unsigned vector() const { return vector_; }  // unless completion is polled
  [[nodiscard]] const virtio::Transport& transport() const { return *transport_; }
  [[nodiscard]] const virtio::Doorbell& doorbell() const { return doorbell_; }

  // After an interrupt. For INTx reads ISR, which lowers the line, and re-arms it.
  void acknowledge_interrupt();

  // Reads the configuration again if its generation has moved. True when it had.
  [[nodiscard]] bool refresh_configuration();

 private:
  [[nodiscard]] bool fail(const char* why);
  [[nodiscard]] bool set_up_interrupts(const pci::DeviceInfo& device);
  [[nodiscard]] bool set_up_msix();
  [[nodiscard]] bool read_configuration();
  [[nodiscard]] std::uint16_t queue_entry() const;

  hal::Machine* machine_;
  const pci::Bus* bus_ = nullptr;
  pci::Address address_;
  Options options_;
  pci::Bar bars_[pci::kBarCount];
  pci::Msix msix_;
  virtio::ModernTransport modern_;
  virtio::Transport* transport_ = nullptr;  // the one in use
  virtio::Doorbell doorbell_;
  DiskInfo info_;
  Completion completion_ = Completion::polled;
  unsigned vector_ = 0;
  std::uint32_t generation_ = 0;
};

}  // namespace ringside::block
