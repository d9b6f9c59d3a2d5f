// A PCI function that another process serves, as a function on the model's board: configuration space and registers are
// the server's; which addresses its BARs answer at, and the MSI-X table, are kept here, as a VMM keeps them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/dma_port.h"
#include "model/intx.h"
#include "model/msix_table.h"
#include "model/pci_function.h"
#include "testbench/targets/descriptor.h"
#include "testbench/vfio_user/client.h"

namespace ringside::targets {

class VfioUserDisk final : public model::PciFunction {
 public:
  model::DmaPort messages;  // the way of its message-signalled interrupts; its DMA the server does itself

  VfioUserDisk(const sc_core::sc_module_name& name, const model::Clock& clock, model::IntxSink& pin);

  // `client` serves it until power_off(). Interrupts come from now on. Throws vfio_user::StreamError, and RunAborted
  // for a function that no machine here could have.
  void power_on(vfio_user::Client& client);
  void power_off();
  void reset(model::Picoseconds at) override;
  [[nodiscard]] unsigned vectors() const { return static_cast<unsigned>(vector_events_.size()); }

  // Whether its extended configuration space has the capability (PCI Express 10.5).
  [[nodiscard]] bool has_ats() const;

  // --- Interrupts that have come since the last look become the board's. Returns at once.
  void look();
  // Somebody has dealt with the line that the pin drives.
  void acknowledge();

 private:
  // Where the table and the pending bits lie.
  struct TablePlace {
    unsigned bar = 0;
    std::uint64_t start = 0;
    std::uint64_t end = 0;
  };

  bool bar_access(unsigned bar, model::Access& access, model::Picoseconds at) override;
  void before_config_read(unsigned offset, unsigned size, model::Picoseconds at) override;
  void after_config_write(unsigned offset, unsigned size, model::Picoseconds at) override;
  void strap_bars();
  void strap_interrupts();
  [[nodiscard]] unsigned capability(std::uint8_t id) const;
  void fetch_config(unsigned first, unsigned bytes);
  void follow_server();
  [[nodiscard]] bool table_access(model::Access& access);

  model::IntxSink& pin_;
  vfio_user::Client* client_ = nullptr;
  model::MsixTable table_;
  TablePlace place_;
  unsigned msix_cap_ = 0;
  unsigned express_cap_ = 0;
  bool pin_high_ = false;
  Descriptor pin_event_;
  std::vector<Descriptor> vector_events_;
};

}  // namespace ringside::targets
