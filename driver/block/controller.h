// One virtio block function, without its queues: PCI set-up, negotiation, device configuration. Not a template: nothing
// here touches memory that the device shares.
#pragma once

#include <cstdint>

#include "driver/block/block_device.h"
#include "driver/block/interrupts.h"
#include "driver/block/open.h"
#include "driver/block/request_format.h"
#include "driver/hal/machine.h"
#include "driver/pci/bar.h"
#include "driver/pci/bus.h"
#include "driver/virtio/legacy_transport.h"
#include "driver/virtio/modern_transport.h"
#include "driver/virtio/transport.h"

namespace ringside::block {

// What became of a device that was told to stop.
enum class Stopped : std::uint8_t {
  obeyed,    // it was reset
  silenced,  // it was not, but it has left its slot or is no bus master any more: it touches memory no more
  running,   // neither: nobody can say what it still writes
};

// What a look at the configuration said.
enum class ConfigLook : std::uint8_t { same, changed, unreadable };

class Controller {
 public:
  explicit Controller(hal::Machine& machine) : machine_(&machine), modern_(machine), legacy_(machine) {}

  // Enables the function (whose addresses assign_resources gave), finds the virtio structures, sets interrupts up.
  // False, with the reason on the log, when the function cannot be used. `bus` outlives the controller.
  [[nodiscard]] bool init(const pci::Bus& bus, const pci::DeviceInfo& device, const Options& options);

  // Resets the device and brings it up to where queues can be set up (VIRTIO 1.2, 3.1.1, steps 1 to 6), filling info().
  // False, with the reason on the log and FAILED set, when device and driver cannot work together.
  [[nodiscard]] bool negotiate();
  // Step 7: the configuration's vector, then queue by queue. A queue reset programs one again.
  [[nodiscard]] bool start_configuration();
  [[nodiscard]] bool start_queue(std::uint16_t queue, std::uint16_t size, const virtio::QueueAddresses& addresses);
  [[nodiscard]] bool find_doorbell(std::uint16_t queue, virtio::Doorbell& doorbell);
  // Step 8: DRIVER_OK. False when nobody is there.
  [[nodiscard]] bool go();

  // Resets the device; if it does not obey, bus mastering is taken from it.
  Stopped stop();

  // Switches decoding and bus mastering off: of a function that is not used, so that its addresses are free to become
  // others.
  void let_go() const;

  // Whether the function is still in its slot. Configuration space tells for certain; what is read where its BARs were
  // depends on the machine. If it is, and somebody has switched decoding or bus mastering off, they are on again,
  // unless its addresses are gone too (a reset of the function, or another one in its place): then it is not ours.
  enum class Presence : std::uint8_t { there, cut_off, gone };
  [[nodiscard]] Presence look_after() const;

  [[nodiscard]] const DiskInfo& info() const { return info_; }
  [[nodiscard]] bool has(unsigned feature_bit) const;
  // Of the negotiated features and the options: entries of a queue, and up to how many a queue reset may make of them.
  [[nodiscard]] std::uint16_t queue_size(std::uint16_t queue) const { return sizes_[queue].chosen; }
  [[nodiscard]] std::uint16_t most_queue_size(std::uint16_t queue) const { return sizes_[queue].most; }
  // What the caller has memory for; DiskInfo::max_segments is never more.
  void limit_segments(std::uint16_t most);

  [[nodiscard]] const virtio::Transport& transport() const { return *transport_; }
  [[nodiscard]] const Interrupts& interrupts() const { return interrupts_; }
  // False when there is no device any more.
  bool acknowledge_interrupt() const { return interrupts_.acknowledge(*transport_); }

  // Reads the configuration again if its generation has moved.
  [[nodiscard]] ConfigLook refresh_configuration();

  // Whether completed writes may be lost with the device's power until they are flushed.
  [[nodiscard]] bool write_cache() const;
  // Needs VIRTIO_BLK_F_CONFIG_WCE. What is set here outlives a reset of the device if restore_write_cache() follows.
  [[nodiscard]] bool set_write_cache(bool write_back);
  // False when writes that complete would be less safe than was asked for.
  [[nodiscard]] bool restore_write_cache();

 private:
  [[nodiscard]] bool fail(const char* why);
  [[nodiscard]] const char* choose_transport();
  [[nodiscard]] const char* agree_on_features();
  [[nodiscard]] bool read_configuration();
  [[nodiscard]] const char* choose_queues();
  [[nodiscard]] const char* choose_size(std::uint16_t queue);
  enum class WriteCache : std::uint8_t { as_it_comes, write_through, write_back };

  struct QueueSize {
    std::uint16_t chosen = 0;
    std::uint16_t most = 0;  // that a queue reset may make of it
  };

  hal::Machine* machine_;
  const pci::Bus* bus_ = nullptr;
  pci::Address address_;
  Options options_;
  const pci::Bar* bars_ = nullptr;  // the bus has them
  virtio::ModernTransport modern_;
  virtio::LegacyTransport legacy_;
  virtio::Transport* transport_ = nullptr;  // the one in use
  Interrupts interrupts_;
  DiskInfo info_;
  QueueSize sizes_[kMaxQueues];  // of the first info_.queues
  std::uint32_t generation_ = 0;
  std::uint16_t segment_limit_ = kMaxSegments;
  bool reset_before_ = false;
  WriteCache wanted_cache_ = WriteCache::as_it_comes;
};

}  // namespace ringside::block
