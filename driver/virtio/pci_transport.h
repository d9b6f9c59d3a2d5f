// Modern virtio over PCI (VIRTIO 1.2, 4.1): finding the structures, the status protocol, features, queues.
//
// Order of calls, the specification's 3.1.1: init, reset, add_status(ACKNOWLEDGE), add_status(DRIVER),
// offered_features, accept_features, (device configuration), set_up_queue, add_status(DRIVER_OK). All values read here
// come from the device and are not trusted beyond what is said.
#pragma once

#include <cstdint>

#include "driver/hal/machine.h"
#include "driver/pci/bar.h"
#include "driver/pci/config_space.h"
#include "driver/pci/register_window.h"
#include "driver/pci/registers.h"

namespace ringside::virtio {

// Where one queue's parts lie, as the device will see them.
struct QueueAddresses {
  hal::BusAddress descriptors = hal::kInvalidBusAddress;
  hal::BusAddress available = hal::kInvalidBusAddress;
  hal::BusAddress used = hal::kInvalidBusAddress;
};

class PciTransport {
 public:
  // Takes the first usable capability of each type. Null on success, else what is missing, for the log.
  [[nodiscard]] const char* init(hal::Machine& machine, const pci::ConfigSpace& config, pci::Address address,
                                 const pci::Bar* bars);

  // --- Status (2.1). kStatusRemoved when the function is gone.
  [[nodiscard]] std::uint8_t status() const;
  // Bits are only ever added, as 2.1.1 wants it; reset() alone takes them away.
  void add_status(std::uint8_t bits) const;
  // Writes 0 and waits until the device shows 0. False when it did not within one second.
  [[nodiscard]] bool reset() const;

  // --- Features (2.2)
  [[nodiscard]] std::uint64_t offered_features() const;
  // Writes them, sets FEATURES_OK and reads it back. False when the device refused.
  [[nodiscard]] bool accept_features(std::uint64_t features) const;

  // --- Device configuration (2.5)
  [[nodiscard]] std::uint32_t device_config_length() const { return device_.length(); }
  [[nodiscard]] std::uint8_t config_generation() const;
  [[nodiscard]] const pci::RegisterWindow& device_config() const { return device_; }

  // --- Queues
  [[nodiscard]] std::uint16_t queue_count() const;
  // Entries that the device allows; 0 when there is no such queue.
  [[nodiscard]] std::uint16_t max_queue_size(std::uint16_t queue) const;
  // Programs and enables a queue. Null on success, else what the device did not accept, for the log. `msix_entry` is
  // VIRTIO_MSI_NO_VECTOR for none.
  [[nodiscard]] const char* set_up_queue(std::uint16_t queue, std::uint16_t size, const QueueAddresses& addresses,
                                         std::uint16_t msix_entry) const;
  // VIRTIO_F_RING_RESET (2.6.1). False when the device did not finish within one second.
  [[nodiscard]] bool reset_queue(std::uint16_t queue) const;
  // False when the device refused the entry.
  [[nodiscard]] bool set_config_vector(std::uint16_t msix_entry) const;

  // The doorbell (4.1.5.2). Only after set_up_queue of that queue, and never before DRIVER_OK.
  struct Doorbell {
    pci::RegisterWindow window;
    std::uint32_t offset = 0;
    std::uint16_t queue = 0;
    void ring() const { window.write16(offset, queue); }
  };
  // False when the offset that the device told lies outside the structure.
  [[nodiscard]] bool doorbell(std::uint16_t queue, Doorbell& doorbell) const;

  // Reading clears it (4.1.4.5).
  [[nodiscard]] std::uint8_t read_isr() const { return isr_.read8(0); }

 private:
  void adopt(const pci::ConfigSpace& config, pci::Address address, std::uint8_t capability, const pci::Bar* bars);
  [[nodiscard]] bool wait_for(std::uint32_t common_register, unsigned width, std::uint16_t wanted) const;
  void write64(std::uint32_t common_register, hal::BusAddress value) const;

  hal::Machine* machine_ = nullptr;
  pci::RegisterWindow common_;
  pci::RegisterWindow notify_;
  pci::RegisterWindow isr_;
  pci::RegisterWindow device_;
  std::uint32_t notify_multiplier_ = 0;
};

// Runs `read`, which reads device configuration, again until no change fell between its reads (2.5.3.1). Gives up after
// a number of tries, as a device may change its configuration for ever; false then.
template <class Read>
[[nodiscard]] bool read_consistently(const PciTransport& transport, Read read) {
  for (unsigned tries = 0; tries < 16; ++tries) {
    const std::uint8_t before = transport.config_generation();
    read();
    if (transport.config_generation() == before) {
      return true;
    }
  }
  return false;
}

}  // namespace ringside::virtio
