#include "testbench/fuzz/bare_disk.h"

#include <algorithm>
#include <cstring>

#include "driver/pci/registers.h"
#include "driver/virtio/spec.h"

namespace ringside::fuzz {
namespace {

using namespace pci;
using namespace virtio;

constexpr std::uint16_t kConfigAddress = 0xcf8;
constexpr std::uint16_t kConfigData = 0xcfc;
constexpr std::uint32_t kEnable = 0x8000'0000;

// Of a chipset, what could lie over the BARs.
constexpr Slot kHostBridge{0, 0, 0};
constexpr Slot kLpc{0, 0x1f, 0};
constexpr Slot kRootPort{0, 2, 0};
constexpr unsigned kEcamBase = 0x60;
constexpr unsigned kRcba = 0xf0;
constexpr std::uint32_t kIch9Lpc = 0x2918'8086;

constexpr std::uint8_t kUntouched = 0xee;
constexpr std::size_t kChains = 5;     // of three descriptors that a ring of 16 has room for
constexpr std::size_t kRequests = 64;  // headers and status bytes, in turn

}  // namespace

BareDisk::BareDisk(hal::Machine& machine, const Slot& slot) : machine_(machine), slot_(slot) {
  for (Queue& queue : queues_) {
    queue.memory = machine.alloc_dma_buffer(kQueueBytes, 4096);
    // Behind an IOMMU the device has one address for all of it.
    queue.memory.bus = machine.map(queue.memory.cpu, kQueueBytes, hal::DmaDirection::both);
  }
}

// --- Registers

std::uint32_t BareDisk::read_config(const Slot& slot, unsigned offset, unsigned width) {
  machine_.out32(kConfigAddress,
                 kEnable | slot.bus << 16 | (slot.device & 31) << 11 | (slot.function & 7) << 8 | (offset & 0xfcu));
  const auto port = static_cast<std::uint16_t>(kConfigData + offset % 4);
  return width == 1 ? machine_.in8(port) : width == 2 ? machine_.in16(port) : machine_.in32(port);
}

void BareDisk::write_config(const Slot& slot, unsigned offset, unsigned width, std::uint32_t value) {
  machine_.out32(kConfigAddress,
                 kEnable | slot.bus << 16 | (slot.device & 31) << 11 | (slot.function & 7) << 8 | (offset & 0xfcu));
  const auto port = static_cast<std::uint16_t>(kConfigData + offset % 4);
  if (width == 1) {
    machine_.out8(port, static_cast<std::uint8_t>(value));
  } else if (width == 2) {
    machine_.out16(port, static_cast<std::uint16_t>(value));
  } else {
    machine_.out32(port, value);
  }
}

std::uint32_t BareDisk::read(std::uint64_t address, unsigned width) {
  return width == 1   ? machine_.mmio_read8(address)
         : width == 2 ? machine_.mmio_read16(address)
                      : machine_.mmio_read32(address);
}

void BareDisk::write(std::uint64_t address, unsigned width, std::uint32_t value) {
  if (width == 1) {
    machine_.mmio_write8(address, static_cast<std::uint8_t>(value));
  } else if (width == 2) {
    machine_.mmio_write16(address, static_cast<std::uint16_t>(value));
  } else {
    machine_.mmio_write32(address, value);
  }
}

// --- The legal way

void BareDisk::place_bridge() {
  write_config(kRootPort, PCI_PRIMARY_BUS, 4, 0x0001'0100);
  write_config(kRootPort, PCI_IO_BASE, 2, 0xc0c0);
  write_config(kRootPort, PCI_MEMORY_BASE, 4, 0xe000'e000);
  write_config(kRootPort, PCI_PREF_MEMORY_BASE, 4, 0x0000'fff0);
  write_config(kRootPort, 0x3e, 2, 0);  // bridge control
  write_config(kRootPort, PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

void BareDisk::place() {
  if (read_config(kLpc, PCI_VENDOR_ID, 4) == kIch9Lpc) {
    write_config(kHostBridge, kEcamBase, 4, 0);
    write_config(kLpc, kRcba, 4, 0);
  }
  if (slot_.bus != 0) {
    place_bridge();
  }
  unsigned capability = read_config(slot_, PCI_CAPABILITY_LIST, 1);
  for (unsigned i = 0; i < 48 && capability >= 0x40 && capability < 0xff; ++i) {
    const unsigned id = read_config(slot_, capability, 1);
    if (id == PCI_CAP_ID_PM) {
      write_config(slot_, capability + 4, 2, 0);  // D0
    } else if (id == PCI_CAP_ID_MSIX) {
      write_config(slot_, capability + PCI_MSIX_FLAGS, 2, 0);
    }
    capability = read_config(slot_, capability + 1, 1);
  }
  write_config(slot_, PCI_BASE_ADDRESS_0, 4, kLegacyPorts);
  write_config(slot_, PCI_BASE_ADDRESS_0 + 4, 4, static_cast<std::uint32_t>(kTable));
  write_config(slot_, PCI_BASE_ADDRESS_0 + 16, 4, static_cast<std::uint32_t>(kModern));
  write_config(slot_, PCI_BASE_ADDRESS_0 + 20, 4, 0);
  write_config(slot_, PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

std::uint64_t BareDisk::negotiate(std::uint64_t features) {
  std::uint64_t accepted = 0;
  for (std::uint32_t half = 0; half < 2; ++half) {
    write(kModern + VIRTIO_PCI_COMMON_DFSELECT, 4, half);
    const std::uint64_t offered = read(kModern + VIRTIO_PCI_COMMON_DF, 4);
    accepted |= (offered << 32 * half) & features;
    write(kModern + VIRTIO_PCI_COMMON_GFSELECT, 4, half);
    write(kModern + VIRTIO_PCI_COMMON_GF, 4, static_cast<std::uint32_t>(accepted >> 32 * half));
  }
  return accepted;
}

bool BareDisk::bring_up(std::uint64_t features) {
  constexpr std::uint8_t kKnown = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER;
  constexpr std::uint8_t kAgreed = kKnown | VIRTIO_CONFIG_S_FEATURES_OK;
  write(kModern + VIRTIO_PCI_COMMON_STATUS, 1, 0);
  write(kModern + VIRTIO_PCI_COMMON_STATUS, 1, kKnown);
  const std::uint64_t agreed = negotiate(features);
  packed_ = (agreed & feature(VIRTIO_F_RING_PACKED)) != 0;
  tells_place_ = (agreed & feature(VIRTIO_F_NOTIFICATION_DATA)) != 0;
  tells_name_ = (agreed & feature(VIRTIO_F_NOTIF_CONFIG_DATA)) != 0;
  write(kModern + VIRTIO_PCI_COMMON_STATUS, 1, kAgreed);
  queues_in_use_ = std::min<unsigned>(read(kModern + VIRTIO_PCI_COMMON_NUMQ, 2), kMostQueues);
  for (unsigned queue = 0; queue < queues_in_use_; ++queue) {
    set_queue_up(queue);
  }
  write(kModern + VIRTIO_PCI_COMMON_STATUS, 1, kAgreed | VIRTIO_CONFIG_S_DRIVER_OK);
  return read(kModern + VIRTIO_PCI_COMMON_STATUS, 1) == (kAgreed | VIRTIO_CONFIG_S_DRIVER_OK);
}

void BareDisk::set_queue_up(unsigned queue) {
  Queue& its = queues_[queue];
  its.next = its.requests = 0;
  its.wrap = true;
  std::memset(its.memory.cpu, 0, kHeaders);
  write(kModern + VIRTIO_PCI_COMMON_Q_SELECT, 2, queue);
  write(kModern + VIRTIO_PCI_COMMON_Q_SIZE, 2, kQueueSize);
  constexpr std::uint32_t kRegisters[] = {VIRTIO_PCI_COMMON_Q_DESCLO, VIRTIO_PCI_COMMON_Q_AVAILLO,
                                          VIRTIO_PCI_COMMON_Q_USEDLO};
  constexpr std::size_t kParts[] = {kDescriptors, kAvailable, kUsed};
  for (unsigned i = 0; i < 3; ++i) {
    write(kModern + kRegisters[i], 4, static_cast<std::uint32_t>(bus(queue, kParts[i])));
    write(kModern + kRegisters[i] + 4, 4, static_cast<std::uint32_t>(bus(queue, kParts[i]) >> 32));
  }
  its.name = tells_name_ ? read(kModern + VIRTIO_PCI_COMMON_Q_NDATA, 2) : queue;
  write(kModern + VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
}

std::size_t BareDisk::status_offset(unsigned queue) const {
  return kStatuses + (queues_[queue].requests + kRequests - 1) % kRequests;
}

void BareDisk::put_request(unsigned queue, std::uint32_t type, std::uint64_t sector, std::uint32_t bytes,
                           bool indirect) {
  const std::size_t header = kHeaders + 16 * (queues_[queue].requests % kRequests);
  ++queues_[queue].requests;
  poke(queue, header, type, 8);
  poke(queue, header + 8, sector, 8);
  poke(queue, status_offset(queue), kUntouched, 1);
  constexpr std::uint32_t kOut = 1;
  const std::uint16_t data_flags = type == kOut ? 0 : VIRTQ_DESC_F_WRITE;
  put_pieces(queue,
             {{{bus(queue, header), 16, 0},
               {bus(queue, kData), bytes, data_flags},
               {bus(queue, status_offset(queue)), 1, VIRTQ_DESC_F_WRITE}}},
             indirect);
}

void BareDisk::put_pieces(unsigned queue, const std::array<Piece, 3>& pieces, bool indirect) {
  Queue& its = queues_[queue];
  const std::size_t table = kTables + 48 * (its.requests % kRequests);
  const Piece whole{bus(queue, table), 48, VIRTQ_DESC_F_INDIRECT};
  const std::size_t start = its.next % kQueueSize;
  const std::size_t first = its.next % kChains * 3;  // of the descriptors that a chain in the ring takes
  const std::size_t count = indirect ? 1 : pieces.size();
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    Piece piece = pieces[i];
    const bool last = i + 1 == pieces.size();
    piece.flags = static_cast<std::uint16_t>(piece.flags | (last || (indirect && packed_) ? 0 : VIRTQ_DESC_F_NEXT));
    if (indirect) {
      set_descriptor(queue, table + 16 * i, piece, static_cast<std::uint16_t>(packed_ ? piece.flags : i + 1));
    } else if (!packed_) {
      set_descriptor(queue, 16 * (first + i), piece, static_cast<std::uint16_t>(first + i + 1));
    }
  }
  if (!packed_) {
    if (indirect) {
      set_descriptor(queue, 16 * first, whole, 0);
    }
    poke(queue, kAvailable + 4 + 2 * start, first, 2);
    poke(queue, kAvailable + 2, ++its.next, 2);
    return;
  }
  for (std::size_t i = 0; i < count; ++i) {
    Piece piece = indirect ? whole : pieces[i];
    const bool more = !indirect && i + 1 != pieces.size();
    piece.flags = static_cast<std::uint16_t>(piece.flags | (more ? VIRTQ_DESC_F_NEXT : 0) |
                                             (its.wrap ? VIRTQ_DESC_F_AVAIL : VIRTQ_DESC_F_USED));
    set_descriptor(queue, 16u * its.next, piece, piece.flags);
    its.next = static_cast<std::uint16_t>((its.next + 1) % kQueueSize);
    its.wrap = its.next == 0 ? !its.wrap : its.wrap;
  }
}

// 2.9 and 4.1.5.2: the queue by its name, or with it the place up to which the driver has come.
void BareDisk::ring(unsigned queue) {
  const Queue& its = queues_[queue];
  const std::uint32_t place = packed_ ? its.next | (its.wrap ? 0x8000u : 0u) : its.next;
  write(kNotify + 4 * queue, tells_place_ ? 4 : 2, tells_place_ ? place << 16 | its.name : its.name);
}

void BareDisk::let_time_pass(std::uint64_t nanoseconds) {
  const std::uint64_t end = machine_.now() + nanoseconds;
  while (machine_.now() < end) {
    machine_.relax(end);
  }
}

// --- Memory

std::uint8_t* BareDisk::cpu(unsigned queue, std::size_t offset) {
  return static_cast<std::uint8_t*>(queues_[queue].memory.cpu) + offset;
}

std::uint64_t BareDisk::bus(unsigned queue, std::size_t offset) const {
  return hal::raw(queues_[queue].memory.bus) + offset;
}

void BareDisk::poke(unsigned queue, std::size_t offset, std::uint64_t value, unsigned bytes) {
  if (offset + bytes <= kQueueBytes) {
    std::memcpy(cpu(queue, offset), &value, bytes);
  }
}

// `last_word` is `next` of a split ring, and its flags come before it; of a packed one the id does, and flags are last.
void BareDisk::set_descriptor(unsigned queue, std::size_t at, const Piece& piece, std::uint16_t last_word) {
  poke(queue, at, piece.address, 8);
  poke(queue, at + 8, piece.length, 4);
  poke(queue, at + 12, packed_ ? at / 16 % kQueueSize : piece.flags, 2);
  poke(queue, at + 14, last_word, 2);
}

std::uint16_t BareDisk::used_index(unsigned queue) {
  std::uint16_t index = 0;
  std::memcpy(&index, cpu(queue, kUsed + 2), sizeof index);
  return index;
}

}  // namespace ringside::fuzz
