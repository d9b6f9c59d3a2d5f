// The legacy interface (VIRTIO 1.2, 4.1.4.8): one run of registers at the start of BAR 0, from before the
// specification. Fields are in the guest's byte order, which is ours: x86 is little-endian.
#pragma once

#include <cstdint>

#include "driver/hal/machine.h"
#include "driver/pci/bar.h"
#include "driver/pci/register_window.h"
#include "driver/virtio/transport.h"

namespace ringside::virtio {

class LegacyTransport final : public Transport {
 public:
  explicit LegacyTransport(hal::Machine& machine) : Transport(machine) {}

  // Null on success, else what is missing, for the log.
  [[nodiscard]] const char* init(const pci::Bar* bars);

  [[nodiscard]] bool is_legacy() const override { return true; }
  [[nodiscard]] std::uint8_t status() const override;
  [[nodiscard]] std::uint64_t offered_features() const override;
  [[nodiscard]] bool accept_features(std::uint64_t features) const override;
  [[nodiscard]] const pci::RegisterWindow& device_config() const override { return device_; }
  // There is none: a hash of what the configuration says takes its place (2.5.4: read until it reads the same).
  [[nodiscard]] std::uint32_t config_generation() const override;
  [[nodiscard]] std::uint16_t queue_count() const override;
  [[nodiscard]] std::uint16_t max_queue_size(std::uint16_t queue) const override;
  [[nodiscard]] const char* set_up_queue(std::uint16_t queue, std::uint16_t size, const QueueAddresses& addresses,
                                         std::uint16_t msix_entry) const override;
  [[nodiscard]] bool reset_queue(std::uint16_t) const override { return false; }  // only with the device
  [[nodiscard]] bool doorbell(std::uint16_t queue, Doorbell& doorbell, std::uint64_t features) const override;
  void msix_switched(bool enabled) override;
  [[nodiscard]] bool set_config_vector(std::uint16_t msix_entry) const override;
  [[nodiscard]] std::uint8_t read_isr() const override;

  // All of them, for whoever tests a device.
  [[nodiscard]] const pci::RegisterWindow& registers() const { return registers_; }

 private:
  void write_status(std::uint8_t status) const override;

  pci::Bar bar_;
  pci::RegisterWindow registers_;
  pci::RegisterWindow device_;
  bool msix_ = false;
};

}  // namespace ringside::virtio
