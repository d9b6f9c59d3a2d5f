// What the client's driver does, as far as it can be seen from here, in records of the driver's side: its accesses to
// configuration space and registers as they arrive, and what it has put into its rings when the function comes to look
// for it. So logs, waves and monitors are the same as of a driver that runs beside the bench. What the driver reads in
// its own memory nobody sees: a completion stands where the function returns the buffer, and waits and interrupts are
// not there at all.
//
// It stands in front of the function, and between the function and the recorder of its own side.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "model/tap.h"
#include "testbench/serve/served_disk.h"
#include "testbench/trace/legacy_registers.h"
#include "testbench/trace/pci_shadow.h"
#include "testbench/trace/queue_watch.h"
#include "testbench/trace/recorder.h"
#include "testbench/trace/virtio_registers.h"
#include "testbench/vfio_user/device.h"

namespace ringside::serve {

class ClientWatch final : public vfio_user::Device, public model::Tap, private trace::QueueLife {
 public:
  // `inner` is what records the function's own side, `sink` takes both.
  ClientWatch(ServedDisk& disk, model::Tap& inner, trace::Sink& sink);
  // Learns where the structures of the function are. After its power-on, before a client asks for anything.
  void power_on();

  // --- For a session.
  [[nodiscard]] std::uint64_t region_bytes(std::uint32_t region) const override { return disk_.region_bytes(region); }
  [[nodiscard]] bool posted(std::uint32_t region) const override { return disk_.posted(region); }
  void read(std::uint32_t region, std::uint64_t offset, std::span<std::uint8_t> data) override;
  void write(std::uint32_t region, std::uint64_t offset, std::span<const std::uint8_t> data) override;
  void reset() override;
  [[nodiscard]] std::uint32_t vectors(vfio_user::Irq kind) const override { return disk_.vectors(kind); }
  void connect(vfio_user::Irq kind, std::uint32_t vector, vfio_user::Descriptor eventfd) override;
  void mask(vfio_user::Irq kind, std::uint32_t vector, bool masked) override { disk_.mask(kind, vector, masked); }
  void unmask_by(vfio_user::Descriptor eventfd) override { disk_.unmask_by(std::move(eventfd)); }
  void trigger(vfio_user::Irq kind, std::uint32_t vector) override { disk_.trigger(kind, vector); }
  [[nodiscard]] int map(const vfio_user::DmaMap& map, vfio_user::Descriptor file) override;
  [[nodiscard]] int unmap(std::uint64_t address, std::uint64_t size) override;
  void unmap_all() override;

  // --- For the function.
  void config_access(model::Picoseconds at, std::uint16_t function, const model::Access& access) override;
  void register_access(model::Picoseconds at, model::Structure structure, const model::Access& access) override;
  void dma(model::Picoseconds at, std::uint64_t address, std::uint64_t bytes, bool write,
           model::DmaFailure failure) override;
  void doorbell(model::Picoseconds at, std::uint16_t queue, std::uint32_t value) override;
  void fetch(model::Picoseconds at, const model::FetchedRequest& request) override;
  void media(model::Picoseconds at, std::uint64_t sector, std::uint64_t bytes, bool write,
             model::Picoseconds duration) override;
  void complete(model::Picoseconds at, std::uint16_t queue, std::uint32_t ordinal, std::uint8_t status,
                std::uint32_t used_length) override;
  void used(model::Picoseconds at, std::uint16_t queue, std::uint16_t index) override;
  void msi(model::Picoseconds at, std::uint16_t vector) override;
  void intx(model::Picoseconds at, bool level) override;
  void status(model::Picoseconds at, std::uint8_t status) override;
  void quirk(model::Picoseconds at, unsigned quirk) override;

 private:
  struct Span {
    std::uint64_t start = 0;
    std::uint64_t bytes = 0;
    [[nodiscard]] bool meets(std::uint64_t address, std::uint64_t size) const {
      return address < start + bytes && start < address + size;
    }
  };
  struct Live {
    std::unique_ptr<trace::QueueWatch> watch;
    Span published;    // where the function looks for what is new
    Span suppression;  // and for whether the driver wants to be told
    std::array<Span, 3> rings;
  };

  void queue_started(std::uint8_t unit, std::uint16_t queue, const trace::QueueSetup& setup) override;
  void queue_stopped(std::uint8_t unit, std::uint16_t queue) override;
  void device_reset(std::uint8_t unit) override;

  void learn_bar(unsigned bar);
  void access(std::uint32_t region, std::uint64_t offset, unsigned width, std::uint32_t value, bool write);
  void config(unsigned offset, unsigned width, std::uint32_t value, bool write);
  void bar(std::uint32_t region, std::uint64_t offset, unsigned width, std::uint32_t value, bool write);
  void before_doorbell(const trace::BarLocation& where);
  void structure(const trace::BarLocation& where, unsigned width, std::uint32_t value, bool write);
  void record_config(unsigned offset, unsigned width, std::uint32_t value, std::uint16_t flags, bool write);
  void seen_at(model::Picoseconds at);

  ServedDisk& disk_;
  model::Tap& inner_;
  bool learning_ = false;  // what the bench reads for itself is in no log
  std::uint64_t now_ = 0;  // of the next record, in ns
  trace::Recorder recorder_;
  trace::DmaBuffers buffers_;
  trace::PayloadHash hash_;
  trace::MsiVectors messages_;  // stay empty: the client keeps the table to itself
  trace::PciShadow pci_;
  trace::VirtioRegisters modern_;
  trace::LegacyRegisters legacy_;
  std::map<std::uint16_t, Live> queues_;
};

}  // namespace ringside::serve
