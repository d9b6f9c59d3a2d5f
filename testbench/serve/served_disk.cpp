#include "testbench/serve/served_disk.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <systemc>
#include <tlm>
#include <utility>
#include <vector>

#include "model/clock.h"
#include "model/pci_bus.h"
#include "model/quirks.h"
#include "model/virtio_blk_pci.h"
#include "model/virtio_shape.h"
#include "testbench/serve/client_memory.h"
#include "testbench/serve/interrupt_lines.h"

namespace ringside::serve {
namespace {

using model::Picoseconds;
using vfio_user::Irq;

// The largest piece that a PCI access of this size and place is made of.
unsigned piece_at(std::uint64_t offset, std::size_t left) {
  return offset % 4 == 0 && left >= 4 ? 4 : offset % 2 == 0 && left >= 2 ? 2 : 1;
}

Picoseconds to_picoseconds(std::chrono::nanoseconds time) {
  return static_cast<Picoseconds>(time.count()) * model::kPicosecondsPerNanosecond;
}

}  // namespace

struct ServedDisk::Parts {
  model::Clock clock;
  ClientMemory memory{"memory"};
  InterruptLines interrupts;
  model::VirtioBlkPci function{"function", clock, ClientMemory::kWindowBytes, interrupts};
  model::PciConnector connector{"slot", function, &function.dma};
  model::PciBus bus;
  std::uint16_t vectors = 0;
  Pace pace = Pace::free;
  std::chrono::steady_clock::time_point start;
  Picoseconds ahead = 0;  // of the kernel's time
  bool removed = false;

  // How far the function may go.
  [[nodiscard]] Picoseconds limit() const {
    return pace == Pace::free ? model::kNever : to_picoseconds(std::chrono::steady_clock::now() - start);
  }
};

ServedDisk& ServedDisk::instance() {
  ::setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", 0);  // standard output is for results
  static ServedDisk* const disk = new ServedDisk;         // never destroyed: the kernel refers to it until exit
  return *disk;
}

ServedDisk::ServedDisk() : parts_(std::make_unique<Parts>()) {
  parts_->function.dma.socket.bind(parts_->memory.socket);
  sc_core::sc_start(sc_core::SC_ZERO_TIME);  // elaborates
}

ServedDisk::~ServedDisk() = default;

void ServedDisk::power_on(const ServedSetup& setup) {
  Parts& parts = *parts_;
  parts.clock.power_on();
  parts.pace = setup.pace;
  parts.start = std::chrono::steady_clock::now();
  parts.ahead = 0;
  parts.removed = false;
  parts.memory.power_on();
  parts.function.power_on(setup.disk, setup.properties, {}, setup.latencies, setup.tap);
  parts.function.dma.use_iommu(&parts.memory.iommu);
  parts.function.dma.beside_driver();
  parts.function.route_messages(parts.interrupts);
  parts.bus.power_on();
  parts.bus.plug(parts.connector, {});
  parts.vectors = model::VirtioShape::of(setup.properties, 0).vectors;
  parts.interrupts.power_on(parts.vectors);
}

Picoseconds ServedDisk::now() const { return parts_->clock.now() + parts_->ahead; }

bool ServedDisk::memory_lost() const { return parts_->memory.lost(); }

bool ServedDisk::ram_out_of_reach() const { return parts_->memory.ram_out_of_reach(); }

void ServedDisk::inject(model::DeviceFaults* faults) { parts_->function.inject(faults); }

void ServedDisk::lose_interrupt() { parts_->interrupts.lose_next(); }

unsigned ServedDisk::take_lost_interrupts() { return parts_->interrupts.take_lost(); }

void ServedDisk::need_reset() { parts_->function.break_device(now()); }

void ServedDisk::remove() { parts_->removed = true; }

bool ServedDisk::settle(unsigned requests) {
  Parts& parts = *parts_;
  if (parts.removed) {
    return true;
  }
  const Picoseconds limit = parts.limit();
  for (unsigned done = 0;
       parts.function.next_completion() != model::kNever && parts.function.next_completion() <= limit; ++done) {
    if (done == requests) {
      return false;
    }
    const Picoseconds due = std::max(now(), parts.function.next_completion());
    parts.ahead = due - parts.clock.now();
    parts.function.catch_up(due);
  }
  if (parts.pace == Pace::real && limit > now()) {
    parts.ahead = limit - parts.clock.now();
  }
  // The kernel follows, so that its own time is that of the function's last event.
  if (parts.ahead != 0) {
    sc_core::sc_start(model::to_sc_time(std::exchange(parts.ahead, 0)));
  }
  return true;
}

std::optional<std::chrono::steady_clock::time_point> ServedDisk::due() const {
  const Picoseconds next = parts_->removed ? model::kNever : parts_->function.next_completion();
  if (parts_->pace == Pace::free || next == model::kNever) {
    return std::nullopt;
  }
  return parts_->start + std::chrono::nanoseconds(next / model::kPicosecondsPerNanosecond + 1);
}

std::uint64_t ServedDisk::region_bytes(std::uint32_t region) const {
  if (region == vfio_user::kConfig) {
    return parts_->function.config_bytes();
  }
  return region <= vfio_user::kLastBar ? parts_->function.bar_bytes(region) : 0;
}

bool ServedDisk::posted(std::uint32_t region) const {
  return region <= vfio_user::kLastBar && !parts_->function.bar_is_io(region);
}

void ServedDisk::access(std::uint32_t region, std::uint64_t offset, std::span<std::uint8_t> data, bool write) {
  if (parts_->removed) {
    if (!write) {
      std::ranges::fill(data, std::uint8_t{0xff});
    }
    return;
  }
  tlm::tlm_generic_payload transaction;
  transaction.set_command(write ? tlm::TLM_WRITE_COMMAND : tlm::TLM_READ_COMMAND);
  transaction.set_address(offset);
  transaction.set_data_ptr(data.data());
  transaction.set_data_length(static_cast<unsigned>(data.size()));
  transaction.set_streaming_width(static_cast<unsigned>(data.size()));
  sc_core::sc_time delay = model::to_sc_time(parts_->ahead);
  if (region == vfio_user::kConfig) {
    parts_->bus.config_transport(transaction, delay);
  } else {
    parts_->function.access_bar(region, transaction, delay);
  }
  parts_->ahead = delay.value();
  if (!write && !transaction.is_response_ok()) {
    std::ranges::fill(data, std::uint8_t{0xff});  // nobody claimed it
  }
}

std::uint32_t ServedDisk::config_word(unsigned offset) {
  std::array<std::uint8_t, 4> bytes{};
  access(vfio_user::kConfig, offset, bytes, false);
  std::uint32_t value = 0;
  std::memcpy(&value, bytes.data(), bytes.size());
  return value;
}

std::uint8_t* ServedDisk::memory_at(std::uint64_t bus) const { return parts_->memory.at(bus); }

void ServedDisk::for_pieces(std::uint64_t offset, std::size_t bytes,
                            const std::function<void(std::uint64_t, std::size_t, unsigned)>& access) {
  for (std::size_t done = 0; done < bytes;) {
    const unsigned width = piece_at(offset + done, bytes - done);
    access(offset + done, done, width);
    done += width;
  }
}

void ServedDisk::read(std::uint32_t region, std::uint64_t offset, std::span<std::uint8_t> data) {
  while (!data.empty()) {
    const unsigned size = piece_at(offset, data.size());
    access(region, offset, data.first(size), false);
    data = data.subspan(size);
    offset += size;
  }
}

void ServedDisk::write(std::uint32_t region, std::uint64_t offset, std::span<const std::uint8_t> data) {
  while (!data.empty()) {
    std::array<std::uint8_t, 4> piece{};
    const unsigned size = piece_at(offset, data.size());
    std::memcpy(piece.data(), data.data(), size);
    access(region, offset, std::span(piece).first(size), true);
    data = data.subspan(size);
    offset += size;
  }
}

void ServedDisk::reset() { parts_->function.reset(now()); }

// One pin, and as many messages as the function has vectors. It has no MSI, and tells of no errors.
std::uint32_t ServedDisk::vectors(Irq kind) const {
  return kind == Irq::intx ? 1u : kind == Irq::msix ? parts_->vectors : 0u;
}

void ServedDisk::connect(Irq kind, std::uint32_t vector, vfio_user::Descriptor eventfd) {
  if (kind == Irq::intx) {
    parts_->interrupts.connect_pin(std::move(eventfd));
    return;
  }
  parts_->interrupts.connect_vector(vector, std::move(eventfd));
  parts_->function.vectors_unmasked(now());
}

void ServedDisk::mask(Irq kind, std::uint32_t vector, bool masked) {
  if (kind == Irq::intx) {
    parts_->interrupts.mask_pin(masked);
    return;
  }
  parts_->interrupts.mask_vector(vector, masked);
  parts_->function.vectors_unmasked(now());
}

void ServedDisk::trigger(Irq kind, std::uint32_t vector) {
  if (kind == Irq::intx) {
    parts_->interrupts.trigger_pin();
  } else {
    parts_->interrupts.trigger_vector(vector);
  }
}

void ServedDisk::unmask_by(vfio_user::Descriptor eventfd) { parts_->interrupts.unmask_pin_by(std::move(eventfd)); }

int ServedDisk::unmask_event() const { return parts_->interrupts.unmask_event(); }

unsigned ServedDisk::unmask_events() const { return parts_->interrupts.unmask_events(); }

void ServedDisk::take_unmask_event() { parts_->interrupts.take_unmask_event(); }

int ServedDisk::map(const vfio_user::DmaMap& map, vfio_user::Descriptor file) {
  const bool readable = (map.flags & vfio_user::kDmaReadable) != 0;
  const bool writable = (map.flags & vfio_user::kDmaWritable) != 0;
  return parts_->memory.map({map.address, map.size, readable, writable}, file, map.offset);
}

int ServedDisk::unmap(std::uint64_t address, std::uint64_t size) { return parts_->memory.unmap(address, size); }

void ServedDisk::unmap_all() { parts_->memory.unmap_all(); }

}  // namespace ringside::serve
