// The canonical event log: fixed-size binary records, the same struct on every target. Everything else (VCD, JSON
// lines, comparison) is a projection of it. Freestanding, because a bare-metal guest writes it too.
//
// Addresses in records are normalised to (region, offset): two runs place their memory differently and still
// produce the same record.
#pragma once

#include <cstdint>
#include <span>
#include <type_traits>

namespace ringside::trace {

// Minor versions only add kinds and use fields that were zero; a new major may change anything.
inline constexpr std::uint16_t kSchemaMajor = 1;
inline constexpr std::uint16_t kSchemaMinor = 2;

// Where the event was seen. Comparison uses the driver's side: QEMU's device side is invisible.
enum class Tap : std::uint8_t { driver = 0, device = 1, bench = 2 };

// `value`, `offset`, `length`, `hash`, `aux` as said per kind; fields not named are zero.
enum class Kind : std::uint8_t {
  none = 0,

  // --- Bench
  power_on = 1,  // time 0 of the log
  scenario = 2,  // begins; followed by text records with its name
  text = 3,     // up to 40 bytes in payload; width = bytes in this record, flags bit 0 = more follows; offset..aux hold
                // the bytes
  check = 4,    // value = 1 held, 0 did not; hash = hash of its name; followed by its name as text
  observe = 5,  // value = what the scenario saw; hash = hash of its name; followed by its name as text
  ask = 6,      // offset = what was asked (scenarios::Ask), length = argument, value = answer
  guard = 7,    // guard bytes round a DMA buffer were overwritten: region, offset of the first (relative to the buffer,
                // so it may be negative), value = byte found, length = bytes hit
  disk_hash = 8,  // hash = contents of the disk after the run; length = bytes; ordinal = which disk
  verdict = 9,    // value = 1 held, 0 did not
  log_line = 10,  // the driver's log; followed by text records
  log_end = 11,   // the last record of a file, which no run makes: value = records before it, hash = of all bytes there

  // --- Driver side, cold
  // Configuration space: region = bus<<8|dev<<3|fn, offset, width, value; flags = 1: part of an access to a structure
  // through the window there (VIRTIO 1.2, 4.1.4.9). The driver aims it, or reads or writes pci_cfg_data, and then
  // value = 0 and the record of the structure's register follows.
  config_read = 16,
  config_write = 17,
  port_read = 18,  // a port that is no virtio structure: offset = port, width, value
  port_write = 19,
  mmio_read = 20,  // an address that is no virtio structure: region, offset, width, value
  mmio_write = 21,
  register_read = 22,  // a virtio structure: region = Structure, offset in it, width, value, unit
  register_write = 23,
  doorbell = 24,        // queue, value as written, width
  queue_enabled = 25,   // queue, value = size; offset, length, aux = normalised desc, avail, used (see packed_address);
                        // flags = 1 by a legacy driver, which writes the page number of all three
  queue_disabled = 26,  // queue, by queue reset, or (flags = 1) by a legacy driver that writes page number 0
  device_status = 27,   // value = as written (flags=0) or read back (flags=1)
  features = 28,        // value = offered (flags=0) or accepted (flags=1)
  msix_vector = 29,     // offset = table index, value = vector number as the machine counts, aux = vector control
  dma_alloc = 30,       // region = its number, length, aux = alignment
  dma_free = 31,        // region
  dma_map = 32,         // region, offset, length, flags = direction
  dma_unmap = 33,
  interrupt = 34,     // the driver saw a counter move: offset = vector, value = new count
  wait = 35,          // the driver waits for a vector: offset = vector, value = count seen
  wait_timeout = 36,  // the wait ended at its deadline: offset = vector
  relax = 37,         // the driver polled and found nothing
  acknowledge = 38,   // offset = vector

  // --- Driver side, hot. Of a packed ring (VIRTIO 1.2, 2.8) an index is the place in the ring with the wrap counter in
  // bit 15, and the two words of the driver's event suppression area are used_event and avail_flags.
  avail_publish = 48,  // queue, value = new avail.idx, length = entries added, aux = those since the queue was enabled
  request = 49,  // queue, ordinal = n-th chain on it, flags = VIRTIO_BLK_T_*, offset = sector, length = data bytes,
                 // hash = payload that the device reads, aux = descriptors | indirect<<16 | writable bytes<<17; flags =
                 // kSenseless when the chain cannot be followed, with value = its head; of DISCARD and WRITE_ZEROES
                 // value, region = sector and sectors of the first range; width = 1 when the head was in flight already
  used_seen = 50,    // queue, value = used.idx that the driver read, length = entries new to it (0: it found nothing;
                     // several such in a row are one record), aux = entries since the queue was enabled; when it found
                     // something ordinal = how many looks in a row had found nothing before
  completion = 51,   // queue, ordinal = which chain, value = status byte, length = used length, hash = payload that the
                     // device wrote, flags = VIRTIO_BLK_T_*, offset = sector, aux = writable bytes; width = 1 when
                     // another used element stood for it (IN_ORDER), which tells no length; ordinal = kNoOrdinal
                     // when the id names no chain in flight, with offset = the id
  used_event = 52,   // queue, value
  avail_flags = 53,  // queue, value
  fence = 54,        // value = hal::Fence
  access = 55,       // raw, when asked for: region, offset, width, value, flags = 1 for a store
  defect = 56,  // queue, value = what is wrong (trace::Defect): of a chain, with ordinal, before its request; or of
                // the queue's rings, with ordinal = kNoOrdinal

  // --- Device side (the model)
  dev_config = 80,    // config space access: region, offset, width, value, flags = 1 for a write
  dev_register = 81,  // region = Structure, offset, width, value, flags = 1 for a write
  dev_doorbell = 82,  // queue, value
  dev_dma_read = 83,  // offset = bus address, length, flags = why it failed (0 = it did not)
  dev_dma_write = 84,
  dev_fetch = 85,      // queue, ordinal, flags = type, offset = sector, length
  dev_complete = 86,   // queue, ordinal, value = status, length = used length
  dev_used = 87,       // queue, value = used.idx published
  dev_interrupt = 88,  // offset = entry of the MSI-X table (or kIntxEntry, 0xffff), value = level
  dev_status = 89,     // value
  dev_quirk = 90,      // value = quirk number
  dev_fault = 91,      // value = which fault fired
  dev_media = 92,      // sector in offset, length, flags = 1 for a write, value = duration ns
  // --- What a device keeps to itself, asked of its simulator (the model, QEMU) before a reset takes it away
  dev_state = 93,        // value = status, aux = features that the driver accepted
  dev_queue_state = 94,  // queue, value = size, offset = place in the available ring (or the packed one) that it will
                         // fetch next, length = the same of what it will use next, ordinal = chains fetched and not
                         // used yet, hash = hash of the three addresses, normalised and packed
};

// The virtio structures, numbered as VIRTIO_PCI_CAP_* (VIRTIO 1.2, 4.1.4), and the MSI-X ones after them.
enum class Structure : std::uint32_t {
  common = 1,
  notify = 2,
  isr = 3,
  device = 4,
  pci_cfg = 5,
  msix_table = 16,
  msix_pba = 17,
  legacy = 18  // the registers of a legacy interface that have no place in the structures above (4.1.4.8)
};

// In place of an entry of the MSI-X table.
inline constexpr std::uint64_t kIntxEntry = 0xffff;

// Regions: what an address was normalised to.
inline constexpr std::uint32_t kRegionUnknown = 0;        // offset = the address itself
inline constexpr std::uint32_t kRegionDma = 0x0100'0000;  // + number of the allocation since power-on
inline constexpr std::uint32_t kRegionBar = 0x0200'0000;  // + unit<<4 | BAR

// An ordinal for a used element that names no request, and a request type for a chain that cannot be followed.
inline constexpr std::uint32_t kNoOrdinal = 0xffff'ffff;
inline constexpr std::uint16_t kSenseless = 0xffff;

// An address in one word: number of the DMA allocation (they count from 1), offset in it. Outside all of them the
// number is 0 and the address itself, below 2^40, stands.
[[nodiscard]] constexpr std::uint64_t packed_address(std::uint32_t region, std::uint64_t offset) {
  const std::uint64_t number = region >= kRegionDma && region < kRegionBar ? region - kRegionDma : 0;
  return number << 40 | (offset & 0xff'ffff'ffff);
}

struct Record {
  std::uint64_t time = 0;  // ns since power-on
  Kind kind = Kind::none;
  Tap tap = Tap::bench;
  std::uint8_t unit = 0;   // which block device, in the order of discovery
  std::uint8_t width = 0;  // bytes
  std::uint16_t queue = 0;
  std::uint16_t flags = 0;
  std::uint32_t region = 0;
  std::uint32_t ordinal = 0;
  std::uint64_t offset = 0;
  std::uint64_t value = 0;
  std::uint64_t length = 0;
  std::uint64_t hash = 0;
  std::uint64_t aux = 0;
};
static_assert(sizeof(Record) == 64);
static_assert(std::is_trivially_copyable_v<Record>);

// Takes records in the order in which they happened. append() and append_all() must not be reentered.
class Sink {
 public:
  virtual void append(const Record& record) = 0;
  // One after the other: for whoever takes many at once for less than each alone.
  virtual void append_all(std::span<const Record> records) {
    for (const Record& record : records) {
      append(record);
    }
  }

 protected:
  ~Sink() = default;
};

}  // namespace ringside::trace
