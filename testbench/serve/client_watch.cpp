#include "testbench/serve/client_watch.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "testbench/trace/virtio_layout.h"

namespace ringside::serve {
namespace {

using trace::Kind;
using trace::Record;

constexpr std::uint8_t kUnit = 0;
constexpr std::uint16_t kFunction = 0;  // where the client has put it, nobody here is told
constexpr std::uint16_t kThroughWindow = 1;
constexpr std::uint32_t kIoBar = 1;
constexpr std::uint32_t kMemory64 = 4;

// What reads more of configuration space at once is no driver but the client itself, which wants a copy of it.
constexpr std::size_t kMostOfProcessor = 4;

// Where structures are found by: places that the client's own addresses, which may change while it sizes BARs, have
// nothing to do with.
constexpr std::uint64_t base_of(unsigned bar, bool io) {
  return io ? 0x1000u * (bar + 1) : std::uint64_t{0x1000'0000} * (bar + 1);
}

bool is_bar(unsigned offset) {
  return offset >= trace::PCI_BASE_ADDRESS_0 && offset < trace::PCI_BASE_ADDRESS_0 + 4 * trace::kPciBars;
}

std::uint32_t value_of(std::span<const std::uint8_t> data) {
  std::uint32_t value = 0;
  std::memcpy(&value, data.data(), data.size());
  return value;
}

}  // namespace

ClientWatch::ClientWatch(ServedDisk& disk, model::Tap& inner, trace::Sink& sink)
    : disk_(disk),
      inner_(inner),
      recorder_(now_, sink),
      buffers_(recorder_),
      modern_(kUnit, recorder_, buffers_, messages_, *this),
      legacy_(kUnit, recorder_, buffers_, *this) {}

void ClientWatch::seen_at(model::Picoseconds at) { now_ = at / model::kPicosecondsPerNanosecond; }

// --- Where the structures are

void ClientWatch::power_on() {
  learning_ = true;
  for (unsigned offset = 0; offset < trace::kPciConfigBytes; offset += 4) {
    if (!is_bar(offset)) {
      pci_.config_read(kFunction, offset, 4, disk_.config_word(offset));
    }
  }
  for (unsigned bar = 0; bar < trace::kPciBars; ++bar) {
    learn_bar(bar);
  }
  learning_ = false;
}

void ClientWatch::learn_bar(unsigned bar) {
  const std::uint64_t size = disk_.region_bytes(bar);
  if (size == 0) {
    return;
  }
  const unsigned offset = trace::PCI_BASE_ADDRESS_0 + 4 * bar;
  const std::uint32_t kind = disk_.config_word(offset) & 0xf;
  const bool io = (kind & kIoBar) != 0;
  const auto learn = [&](unsigned at, std::uint32_t base, std::uint32_t mask) {
    pci_.config_written(kFunction, at, 4, 0xffff'ffff);
    pci_.config_read(kFunction, at, 4, mask);
    pci_.config_written(kFunction, at, 4, base);
    pci_.config_read(kFunction, at, 4, base);
  };
  learn(offset, static_cast<std::uint32_t>(base_of(bar, io)) | kind, static_cast<std::uint32_t>(~(size - 1)) | kind);
  if (!io && (kind & kMemory64) != 0) {
    learn(offset + 4, 0, 0xffff'ffff);
  }
}

// --- Accesses: a read is recorded after the function has answered, a write before it acts.

void ClientWatch::read(std::uint32_t region, std::uint64_t offset, std::span<std::uint8_t> data) {
  if (region == vfio_user::kConfig && data.size() > kMostOfProcessor) {
    disk_.read(region, offset, data);
    return;
  }
  disk_.for_pieces(offset, data.size(), [&](std::uint64_t at, std::size_t begin, unsigned width) {
    const auto piece = data.subspan(begin, width);
    disk_.read(region, at, piece);
    access(region, at, width, value_of(piece), false);
  });
}

void ClientWatch::write(std::uint32_t region, std::uint64_t offset, std::span<const std::uint8_t> data) {
  disk_.for_pieces(offset, data.size(), [&](std::uint64_t at, std::size_t begin, unsigned width) {
    const auto piece = data.subspan(begin, width);
    access(region, at, width, value_of(piece), true);
    disk_.write(region, at, piece);
  });
}

void ClientWatch::access(std::uint32_t region, std::uint64_t offset, unsigned width, std::uint32_t value, bool write) {
  seen_at(disk_.now());
  if (region != vfio_user::kConfig) {
    bar(region, offset, width, value, write);
  } else if (offset < trace::kPciConfigBytes) {
    config(static_cast<unsigned>(offset), width, value, write);
  } else {
    record_config(static_cast<unsigned>(offset), width, value, 0, write);
  }
}

void ClientWatch::record_config(unsigned offset, unsigned width, std::uint32_t value, std::uint16_t flags, bool write) {
  Record record = trace::driver_record(write ? Kind::config_write : Kind::config_read, kUnit);
  record.region = kFunction;
  record.offset = offset;
  record.width = static_cast<std::uint8_t>(width);
  record.value = value;
  record.flags = flags;
  recorder_.put(record);
}

void ClientWatch::config(unsigned offset, unsigned width, std::uint32_t value, bool write) {
  const trace::ConfigAddress at{kFunction, offset};
  if (const auto window = pci_.through_window(at); window && window->where.structure != trace::Structure{}) {
    record_config(offset, width, 0, kThroughWindow, write);
    structure(window->where, window->width, value, write);
    return;
  }
  if (!is_bar(offset)) {
    write ? pci_.config_written(kFunction, offset, width, value) : pci_.config_read(kFunction, offset, width, value);
  }
  record_config(offset, width, value, write && pci_.aims_window(at) ? kThroughWindow : std::uint16_t{0}, write);
  if (write && pci_.resets_function(at, width, value)) {
    modern_.function_reset();
  }
}

void ClientWatch::bar(std::uint32_t region, std::uint64_t offset, unsigned width, std::uint32_t value, bool write) {
  const bool io = !disk_.posted(region);
  const std::uint64_t address = base_of(region, io) + offset;
  const trace::BarLocation where = io ? pci_.at_port(static_cast<std::uint16_t>(address)) : pci_.at_memory(address);
  if (where.structure != trace::Structure{}) {
    structure(where, width, value, write);
    return;
  }
  const Kind kind = io ? (write ? Kind::port_write : Kind::port_read) : (write ? Kind::mmio_write : Kind::mmio_read);
  Record record = trace::driver_record(kind, kUnit);
  record.region = trace::kRegionBar + region;
  record.offset = offset;
  record.width = static_cast<std::uint8_t>(width);
  record.value = value;
  recorder_.put(record);
}

// What a doorbell announces was there before it.
void ClientWatch::before_doorbell(const trace::BarLocation& where) {
  const bool rings = where.structure == trace::Structure::notify ||
                     (where.structure == trace::Structure::legacy && where.offset == trace::VIRTIO_PCI_QUEUE_NOTIFY);
  for (auto& [number, live] : queues_) {
    if (rings) {
      live.watch->look_for_published();
    }
  }
}

void ClientWatch::structure(const trace::BarLocation& where, unsigned width, std::uint32_t value, bool write) {
  if (write) {
    before_doorbell(where);
  }
  if (where.structure == trace::Structure::legacy) {
    write ? legacy_.write(where.offset, width, value, where.msix_enabled)
          : legacy_.read(where.offset, width, value, where.msix_enabled);
  } else if (write) {
    modern_.write(where.structure, where.offset, width, value, where.notify_multiplier);
  } else {
    modern_.read(where.structure, where.offset, width, value);
  }
}

// A reset of the machine is not the driver's, but after it the driver's status is 0 as well (VIRTIO 1.2, 2.1).
void ClientWatch::reset() {
  seen_at(disk_.now());
  modern_.write(trace::Structure::common, trace::VIRTIO_PCI_COMMON_STATUS, 1, 0, 0);
  modern_.function_reset();
  disk_.reset();
}

void ClientWatch::connect(vfio_user::Irq kind, std::uint32_t vector, vfio_user::Descriptor eventfd) {
  disk_.connect(kind, vector, std::move(eventfd));
}

// --- The client's memory

int ClientWatch::map(const vfio_user::DmaMap& map, vfio_user::Descriptor file) {
  const bool reachable = file.valid();
  const int error = disk_.map(map, std::move(file));
  if (error == 0 && reachable) {
    buffers_.map(map.address, disk_.memory_at(map.address), map.size);
  }
  return error;
}

// Queues with anything there are watched no longer: what they had is gone.
int ClientWatch::unmap(std::uint64_t address, std::uint64_t size) {
  const int error = disk_.unmap(address, size);
  if (error == 0) {
    buffers_.unmap(address);
    std::erase_if(queues_, [&](const auto& entry) {
      return std::ranges::any_of(entry.second.rings, [&](const Span& ring) { return ring.meets(address, size); });
    });
  }
  return error;
}

void ClientWatch::unmap_all() {
  queues_.clear();
  buffers_.unmap_all();
  disk_.unmap_all();
}

// --- Queues

void ClientWatch::queue_started(std::uint8_t, std::uint16_t queue, const trace::QueueSetup& setup) {
  queues_.erase(queue);
  auto watch =
      trace::make_queue_watch(kUnit, queue, setup.size, setup.accepted, setup.rings, {buffers_, hash_, recorder_});
  if (watch == nullptr) {
    return;
  }
  const auto& [first, second, third] = setup.rings;
  const bool packed = (setup.accepted >> trace::VIRTIO_F_RING_PACKED & 1) != 0;
  const bool event_index = (setup.accepted >> trace::VIRTIO_F_EVENT_IDX & 1) != 0;
  const std::uint64_t size = setup.size;
  Live live;
  live.watch = std::move(watch);
  if (packed) {
    live.rings = {Span{first, size * trace::kDescriptorBytes}, Span{second, trace::kEventAreaBytes},
                  Span{third, trace::kEventAreaBytes}};
    live.published = live.rings[0];
    live.suppression = live.rings[1];
  } else {
    live.rings = {Span{first, size * trace::kDescriptorBytes}, Span{second, trace::avail_bytes(setup.size)},
                  Span{third, trace::used_bytes(setup.size)}};
    live.published = {second + trace::kRingIndex, sizeof(std::uint16_t)};
    live.suppression = {second + (event_index ? trace::used_event_offset(setup.size) : trace::kRingFlags),
                        sizeof(std::uint16_t)};
  }
  queues_.emplace(queue, std::move(live));
}

void ClientWatch::queue_stopped(std::uint8_t, std::uint16_t queue) { queues_.erase(queue); }

void ClientWatch::device_reset(std::uint8_t) { queues_.clear(); }

// --- The function's side. The function tells of an access to memory before it makes it: what it will find is there.

void ClientWatch::dma(model::Picoseconds at, std::uint64_t address, std::uint64_t bytes, bool write,
                      model::DmaFailure failure) {
  if (!write && failure == model::DmaFailure::none) {
    seen_at(at);
    for (auto& [queue, live] : queues_) {
      if (live.published.meets(address, bytes)) {
        live.watch->look_for_published();
      } else if (live.suppression.meets(address, bytes)) {
        live.watch->look_for_suppression();
      }
    }
  }
  inner_.dma(at, address, bytes, write, failure);
}

void ClientWatch::used(model::Picoseconds at, std::uint16_t queue, std::uint16_t index) {
  inner_.used(at, queue, index);
  if (const auto found = queues_.find(queue); found != queues_.end()) {
    seen_at(at);
    found->second.watch->look_for_used();
  }
}

void ClientWatch::config_access(model::Picoseconds at, std::uint16_t function, const model::Access& access) {
  if (!learning_) {
    inner_.config_access(at, function, access);
  }
}
void ClientWatch::register_access(model::Picoseconds at, model::Structure structure, const model::Access& access) {
  inner_.register_access(at, structure, access);
}
void ClientWatch::doorbell(model::Picoseconds at, std::uint16_t queue, std::uint32_t value) {
  inner_.doorbell(at, queue, value);
}
void ClientWatch::fetch(model::Picoseconds at, const model::FetchedRequest& request) { inner_.fetch(at, request); }
void ClientWatch::media(model::Picoseconds at, std::uint64_t sector, std::uint64_t bytes, bool write,
                        model::Picoseconds duration) {
  inner_.media(at, sector, bytes, write, duration);
}
void ClientWatch::complete(model::Picoseconds at, std::uint16_t queue, std::uint32_t ordinal, std::uint8_t status,
                           std::uint32_t used_length) {
  inner_.complete(at, queue, ordinal, status, used_length);
}
void ClientWatch::msi(model::Picoseconds at, std::uint16_t vector) { inner_.msi(at, vector); }
void ClientWatch::intx(model::Picoseconds at, bool level) { inner_.intx(at, level); }
void ClientWatch::status(model::Picoseconds at, std::uint8_t status) { inner_.status(at, status); }
void ClientWatch::quirk(model::Picoseconds at, unsigned quirk) { inner_.quirk(at, quirk); }

}  // namespace ringside::serve
