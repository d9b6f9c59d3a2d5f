// The model's virtio-blk function alone on a bus whose other end is a client of the protocol: it decodes addresses, its
// memory is what DMA reaches, its eventfds are what interrupts arrive at. Elaborated once in a process, powered on for
// each client.
//
// Time: an access happens when the one before it is over. Nobody's program runs here that could wait for anything, so
// what the function has begun is brought to its end by settle(): as fast as that goes, or when its time has come.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "model/device_faults.h"
#include "model/latencies.h"
#include "model/properties.h"
#include "model/tap.h"
#include "model/virtio_blk.h"
#include "testbench/serve/pace.h"
#include "testbench/vfio_user/device.h"

namespace ringside::serve {

struct ServedSetup {
  model::Disk disk;
  model::BlkProperties properties;
  model::Latencies latencies;
  model::Tap* tap = nullptr;
  Pace pace = Pace::free;
};

class ServedDisk final : public vfio_user::Device {
 public:
  // The only one in this process.
  [[nodiscard]] static ServedDisk& instance();

  // Throws nothing; what is wrong with the properties, problem_with() says before.
  void power_on(const ServedSetup& setup);

  // Brings to its end what the function has begun and what is due, but not more than `requests` of it. False when there
  // is more.
  [[nodiscard]] bool settle(unsigned requests);
  // When there will be something to settle() that is not due yet.
  [[nodiscard]] std::optional<std::chrono::steady_clock::time_point> due() const;
  // Since power-on.
  [[nodiscard]] model::Picoseconds now() const;
  // Whether the client has taken memory away that it had mapped.
  [[nodiscard]] bool memory_lost() const;
  // Whether the client's RAM came without a file, so that nothing can be put there.
  [[nodiscard]] bool ram_out_of_reach() const;

  // What the client signals to unmask the pin, see InterruptLines.
  [[nodiscard]] int unmask_event() const;
  [[nodiscard]] unsigned unmask_events() const;
  void take_unmask_event();

  // --- What can be wrong with it, until power-on. What does not happen by itself happens at now().
  void inject(model::DeviceFaults* faults);
  // One more of those to come does not reach the client.
  void lose_interrupt();
  // So many since the last call.
  [[nodiscard]] unsigned take_lost_interrupts();
  void need_reset();
  // Nobody answers in its slot: reads are all-ones, writes are lost, and what it had begun has no end.
  void remove();

  // --- For who watches a session.
  // A register of configuration space, as it is read.
  [[nodiscard]] std::uint32_t config_word(unsigned offset);
  // Where the client's map that begins there lies in this process; null when it is out of reach.
  [[nodiscard]] std::uint8_t* memory_at(std::uint64_t bus) const;
  // PCI accesses that one of the client's is made of: where, which part of its data, how wide.
  static void for_pieces(std::uint64_t offset, std::size_t bytes,
                         const std::function<void(std::uint64_t, std::size_t, unsigned)>& access);

  // --- For a session.
  [[nodiscard]] std::uint64_t region_bytes(std::uint32_t region) const override;
  [[nodiscard]] bool posted(std::uint32_t region) const override;
  void read(std::uint32_t region, std::uint64_t offset, std::span<std::uint8_t> data) override;
  void write(std::uint32_t region, std::uint64_t offset, std::span<const std::uint8_t> data) override;
  void reset() override;
  [[nodiscard]] std::uint32_t vectors(vfio_user::Irq kind) const override;
  void connect(vfio_user::Irq kind, std::uint32_t vector, vfio_user::Descriptor eventfd) override;
  void mask(vfio_user::Irq kind, std::uint32_t vector, bool masked) override;
  void unmask_by(vfio_user::Descriptor eventfd) override;
  void trigger(vfio_user::Irq kind, std::uint32_t vector) override;
  [[nodiscard]] int map(const vfio_user::DmaMap& map, vfio_user::Descriptor file) override;
  [[nodiscard]] int unmap(std::uint64_t address, std::uint64_t size) override;
  void unmap_all() override;

 private:
  // SystemC's headers are slow to compile: only the implementation has them.
  struct Parts;

  ServedDisk();
  ~ServedDisk();
  void access(std::uint32_t region, std::uint64_t offset, std::span<std::uint8_t> data, bool write);

  std::unique_ptr<Parts> parts_;
};

}  // namespace ringside::serve
