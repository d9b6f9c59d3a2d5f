// What the rest of the driver asks of a virtio device, whichever registers it shows: the status protocol, features, the
// device configuration, queues. Cold: nothing here is on a request's path but the doorbell, which is plain data.
//
// Order of calls, the specification's 3.1.1: reset, add_status(ACKNOWLEDGE), add_status(DRIVER), offered_features,
// accept_features, (device configuration), set_up_queue, add_status(DRIVER_OK). All values read here come from the
// device and are not trusted beyond what is said.
#pragma once

#include <cstdint>

#include "driver/hal/machine.h"
#include "driver/hal/mutant.h"
#include "driver/pci/register_window.h"

namespace ringside::virtio {

// Where one queue's parts lie, as the device will see them.
struct QueueAddresses {
  hal::BusAddress descriptors = hal::kInvalidBusAddress;
  hal::BusAddress available = hal::kInvalidBusAddress;
  hal::BusAddress used = hal::kInvalidBusAddress;
};

// The doorbell (4.1.5.2). Only after set_up_queue of that queue, and never before DRIVER_OK.
struct Doorbell {
  pci::RegisterWindow window;
  std::uint32_t offset = 0;
  std::uint16_t value = 0;     // the queue's number; with VIRTIO_F_NOTIF_CONFIG_DATA what the device told
  bool with_position = false;  // VIRTIO_F_NOTIFICATION_DATA (2.9)
  // `next`: where the driver will put its next entry: next_off, with a packed ring's wrap counter in bit 15.
  void ring(std::uint16_t next) const {
    with_position ? window.write32(offset, value | std::uint32_t{next} << 16) : window.write16(offset, value);
  }
};

class Transport {
 public:
  // The legacy interface has no FEATURES_OK, 32 feature bits, queues of the device's size in the legacy layout, and
  // accesses in the guest's byte order, which is little-endian here.
  [[nodiscard]] virtual bool is_legacy() const = 0;

  // --- Status (2.1). kStatusRemoved when the function is gone.
  [[nodiscard]] virtual std::uint8_t status() const = 0;
  // Bits are only ever added, as 2.1.1 wants it; reset() alone takes them away. False, and nothing is written, when the
  // status reads as all-ones: nobody is there, and who answers again should not find FAILED and NEEDS_RESET set by us.
  bool add_status(std::uint8_t bits) const;
  // Writes 0 and waits until the device shows 0. False when it did not within one second.
  [[nodiscard]] bool reset() const;

  // --- Features (2.2)
  [[nodiscard]] virtual std::uint64_t offered_features() const = 0;
  // Writes them; a modern device then gets FEATURES_OK, which is read back. False when the device refused.
  [[nodiscard]] virtual bool accept_features(std::uint64_t features) const = 0;

  // --- Device configuration (2.5). What the generation counts differs; it changes when the configuration does.
  [[nodiscard]] virtual const pci::RegisterWindow& device_config() const = 0;
  [[nodiscard]] virtual std::uint32_t config_generation() const = 0;

  // --- Queues
  [[nodiscard]] virtual std::uint16_t queue_count() const = 0;
  // Entries that the device allows; 0 when there is no such queue. The size of a legacy queue is this one and no other.
  [[nodiscard]] virtual std::uint16_t max_queue_size(std::uint16_t queue) const = 0;
  // Programs and enables a queue. Null on success, else what the device did not accept, for the log. `msix_entry` is
  // VIRTIO_MSI_NO_VECTOR for none.
  [[nodiscard]] virtual const char* set_up_queue(std::uint16_t queue, std::uint16_t size,
                                                 const QueueAddresses& addresses, std::uint16_t msix_entry) const = 0;
  // VIRTIO_F_RING_RESET (2.6.1). False when the device did not finish within one second.
  [[nodiscard]] virtual bool reset_queue(std::uint16_t queue) const = 0;
  // `features`: what was negotiated. False when the offset that the device told lies outside the structure.
  [[nodiscard]] virtual bool doorbell(std::uint16_t queue, Doorbell& doorbell, std::uint64_t features) const = 0;

  // --- Interrupts
  // MSI-X was switched on or off for the function: the legacy registers move (4.1.4.8).
  virtual void msix_switched(bool enabled) = 0;
  // False when the device refused the entry.
  [[nodiscard]] virtual bool set_config_vector(std::uint16_t msix_entry) const = 0;
  // Reading clears it (4.1.4.5).
  [[nodiscard]] virtual std::uint8_t read_isr() const = 0;

 protected:
  explicit Transport(hal::Machine& machine) : machine_(&machine) {}
  ~Transport() = default;

  virtual void write_status(std::uint8_t status) const = 0;

  // Polls until `read()` is `wanted`. False after one second, or when it is `removed`: nobody is there who could
  // finish.
  template <class Read, class Value>
  [[nodiscard]] bool wait_until(Read read, Value wanted, Value removed) const {
    const std::uint64_t deadline = machine_->now() + hal::kSecond;
    for (;;) {
      const Value value = read();
      if (value == wanted) {
        return true;
      }
      if (value == removed || (machine_->now() >= deadline && !hal::mutant(hal::Mutant::reset_awaited_for_ever))) {
        return false;
      }
      machine_->relax(deadline);
    }
  }

  hal::Machine* machine_;
};

// Runs `read`, which reads device configuration, again until no change fell between its reads (2.5.3.1). Gives up after
// a number of tries, as a device may change its configuration for ever; false then.
template <class Read>
[[nodiscard]] bool read_consistently(const Transport& transport, Read read) {
  for (unsigned tries = 0; tries < 16; ++tries) {
    const std::uint32_t before = transport.config_generation();
    read();
    if (transport.config_generation() == before || hal::mutant(hal::Mutant::generation_unchecked)) {
      return true;
    }
  }
  return false;
}

}  // namespace ringside::virtio
