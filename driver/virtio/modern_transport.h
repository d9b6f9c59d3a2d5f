// Modern virtio over PCI (VIRTIO 1.2, 4.1): finding the structures by their capabilities, and their registers.
#pragma once

#include <cstdint>

#include "driver/hal/machine.h"
#include "driver/pci/bar.h"
#include "driver/pci/config_space.h"
#include "driver/pci/register_window.h"
#include "driver/pci/registers.h"
#include "driver/virtio/transport.h"

namespace ringside::virtio {

class ModernTransport final : public Transport {
 public:
  explicit ModernTransport(hal::Machine& machine) : Transport(machine) {}

  // How the structures are reached: where their BARs are mapped, or through VIRTIO_PCI_CAP_PCI_CFG (4.1.4.9).
  enum class Access : std::uint8_t { mapped, config_window };

  // Takes the first usable capability of each type. Null on success, else what is missing, for the log. `config`
  // outlives the transport, and the transport stays where it is.
  [[nodiscard]] const char* init(const pci::ConfigSpace& config, pci::Address address, const pci::Bar* bars,
                                 Access access = Access::mapped);

  [[nodiscard]] bool is_legacy() const override { return false; }
  [[nodiscard]] std::uint8_t status() const override;
  [[nodiscard]] std::uint64_t offered_features() const override;
  [[nodiscard]] bool accept_features(std::uint64_t features) const override;
  [[nodiscard]] const pci::RegisterWindow& device_config() const override { return device_; }
  [[nodiscard]] std::uint32_t config_generation() const override;
  [[nodiscard]] std::uint16_t queue_count() const override;
  [[nodiscard]] std::uint16_t max_queue_size(std::uint16_t queue) const override;
  [[nodiscard]] const char* set_up_queue(std::uint16_t queue, std::uint16_t size, const QueueAddresses& addresses,
                                         std::uint16_t msix_entry) const override;
  [[nodiscard]] bool reset_queue(std::uint16_t queue) const override;
  [[nodiscard]] bool doorbell(std::uint16_t queue, Doorbell& doorbell, std::uint64_t features) const override;
  void msix_switched(bool) override {}
  [[nodiscard]] bool set_config_vector(std::uint16_t msix_entry) const override;
  [[nodiscard]] std::uint8_t read_isr() const override { return isr_.read8(0); }

  // A structure by its VIRTIO_PCI_CAP_* type, for whoever tests a device; a window that leads nowhere for any other.
  [[nodiscard]] pci::RegisterWindow structure(std::uint8_t type) const;

 private:
  void write_status(std::uint8_t status) const override;
  [[nodiscard]] bool find_window(const pci::ConfigSpace& config, pci::Address address);
  void adopt(const pci::ConfigSpace& config, pci::Address address, std::uint8_t capability, const pci::Bar* bars);
  void write64(std::uint32_t common_register, hal::BusAddress value) const;

  pci::ConfigWindow window_;  // in use when its `config` is not null
  pci::RegisterWindow common_;
  pci::RegisterWindow notify_;
  pci::RegisterWindow isr_;
  pci::RegisterWindow device_;
  std::uint32_t notify_multiplier_ = 0;
};

}  // namespace ringside::virtio
