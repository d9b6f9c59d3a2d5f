// What users of the driver see: a block device, not a template and not virtio. One virtual call per batch.
//
// Asynchronous underneath: submit() hands over requests, poll() or wait() completes them, by callback. The
// blocking calls are thin wrappers. Not thread-safe: one thread per device.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ringside::block {

inline constexpr std::uint32_t kSectorSize = 512;  // VIRTIO: capacity and sector are in 512-byte units, always
inline constexpr std::uint32_t kBlockSize = 4096;  // the unit of read_block and write_block
inline constexpr std::size_t kIdSize = 20;         // a GET_ID answer: ASCII, NUL-padded, not always terminated

inline constexpr std::size_t kLifetimeSize = 6;  // a GET_LIFETIME answer: struct virtio_blk_lifetime, three le16
inline constexpr std::uint16_t kMaxQueues = 64;  // request queues of one device that this driver uses

enum class Operation : std::uint8_t { read, write, flush, get_id, discard, write_zeroes, secure_erase, get_lifetime };

enum class Status : std::uint8_t {
  ok,
  pending,      // submitted and not complete
  io_error,     // the device said VIRTIO_BLK_S_IOERR, a status the spec does not know, or a length that is too short
  unsupported,  // the device said VIRTIO_BLK_S_UNSUPP, or the feature was not negotiated
  refused,      // the driver would not send it: out of range, misaligned, empty, too long
  timed_out,    // the deadline passed; device or queue was reset and no longer owns the buffers
  device_lost,  // the device broke the protocol, asked for a reset or was removed, and sending it again did not help
};
[[nodiscard]] const char* to_string(Status status);

// One piece of a request's data. It lies in a DMA buffer (hal::Machine::alloc_dma_buffer).
struct Segment {
  void* data = nullptr;
  std::uint32_t size = 0;  // bytes
};

// Owned by the caller; it, its segments and their memory stay put from submit() until `done`.
//
// Until then it may take effect at any time, and more than once: what a device had when it was reset is sent again, as
// often as Options::replays says. So of requests that are in flight together and touch the same sectors any may be the
// last, even one that was there before another of them completed; whoever needs an order waits for completion.
struct Request {
  Operation operation = Operation::read;
  std::uint16_t queue = 0;            // below DiskInfo::queues
  std::uint64_t sector = 0;           // read, write, discard, write_zeroes, secure_erase
  const Segment* segments = nullptr;  // read, write, get_id (one of kIdSize bytes), get_lifetime (kLifetimeSize)
  std::uint16_t segment_count = 0;
  std::uint32_t sector_count = 0;  // discard, write_zeroes, secure_erase
  bool unmap = false;              // write_zeroes: the device may deallocate
  std::uint64_t deadline = 0;      // ns since power-on; 0 takes the device's default timeout
  // Called from poll() and wait(), never from submit(). May submit; may not poll or wait.
  void (*done)(Request& request) = nullptr;
  void* user = nullptr;  // the caller's own

  // Results.
  Status status = Status::ok;
  std::uint32_t used_length = 0;  // what the device claims to have written, clamped to what it was given
};

// What old operating systems were told of a disk; no request depends on it.
struct Geometry {
  std::uint16_t cylinders = 0;
  std::uint8_t heads = 0;
  std::uint8_t sectors = 0;
};

// Where and how large requests are best; hints, in logical blocks but for the exponent.
struct Topology {
  std::uint8_t physical_block_exponent = 0;  // a physical block is 2^n logical ones
  std::uint8_t alignment_offset = 0;
  std::uint16_t min_io_size = 0;
  std::uint32_t opt_io_size = 0;
};

struct DiskInfo {
  std::uint64_t sectors = 0;   // capacity in 512-byte units
  std::uint64_t features = 0;  // negotiated
  std::uint64_t offered = 0;
  std::uint32_t block_size = 512;  // logical block, bytes
  std::uint32_t max_segments = 1;
  std::uint32_t max_segment_size = 0xffffffff;
  std::uint32_t max_discard_sectors = 0;
  std::uint32_t max_write_zeroes_sectors = 0;
  std::uint32_t max_secure_erase_sectors = 0;
  std::uint32_t secure_erase_alignment = 1;  // sectors
  Geometry geometry;
  Topology topology;
  std::uint16_t queue_size = 0;
  std::uint16_t queues = 1;
  bool read_only = false;
  bool flush = false;
};

// Everything unexpected that a device did, and what the driver did about it. All zero after a run against a correct
// device, but for config_changes.
struct Counters {
  std::uint64_t used_id_out_of_range = 0;
  std::uint64_t used_id_not_in_flight = 0;
  std::uint64_t used_out_of_order = 0;  // with VIRTIO_F_IN_ORDER
  std::uint64_t used_index_jumped = 0;
  std::uint64_t used_length_clamped = 0;
  std::uint64_t used_length_short = 0;  // of a read that succeeded: less than its data, and so it did not
  std::uint64_t unknown_status = 0;
  std::uint64_t timeouts = 0;
  std::uint64_t lost_interrupts = 0;    // found complete at the deadline, without an interrupt
  std::uint64_t needs_reset = 0;        // DEVICE_NEEDS_RESET was found
  std::uint64_t removals = 0;           // the function was found gone
  std::uint64_t cut_off = 0;            // decoding or bus mastering was found switched off, and not by us
  std::uint64_t resets = 0;             // of the device, for recovery; bring-up does not count
  std::uint64_t queue_resets = 0;       // of one queue, for recovery
  std::uint64_t resets_unfinished = 0;  // of a queue or the device: it did not come to their end
  std::uint64_t replays = 0;            // requests sent again after a reset
  // DMA buffers that are never given back: the device neither reset nor let go of the bus, and may write to them, and
  // to the data of requests that it had, for as long as the machine runs.
  std::uint64_t buffers_lost = 0;
  std::uint64_t config_changes = 0;
  std::uint64_t config_unreadable = 0;  // it changed faster than it could be read, or made no sense
  std::uint64_t spurious_interrupts = 0;
};

class BlockDevice {
 public:
  [[nodiscard]] virtual const DiskInfo& info() const = 0;
  [[nodiscard]] virtual const Counters& counters() const = 0;

  // Queues up to `count` requests and rings the doorbell at most once. Returns how many were taken; fewer than
  // `count` when the ring is full. A request that the driver refuses counts as taken and completes in poll().
  virtual std::size_t submit(Request* const* requests, std::size_t count) = 0;

  // Completes what the device has finished, without waiting. Returns how many requests completed.
  virtual std::size_t poll() = 0;

  // Completes at least `count` requests (or all in flight, if fewer), sleeping in between; every wait ends at
  // the requests' deadlines. Returns how many completed.
  virtual std::size_t wait(std::size_t count) = 0;

  // The same for one queue, below DiskInfo::queues. A device with one queue need not tell them apart.
  virtual std::size_t poll_queue(std::uint16_t) { return poll(); }
  virtual std::size_t wait_queue(std::uint16_t, std::size_t count) { return wait(count); }

  // Requests in flight.
  [[nodiscard]] virtual std::size_t in_flight() const = 0;

  // Write-back (true) or write-through (false); unsupported without VIRTIO_BLK_F_CONFIG_WCE.
  virtual Status set_write_cache(bool write_back) = 0;
  [[nodiscard]] virtual bool write_cache() = 0;

  // Resets the request queues and enables them again with `queue_size` entries (a power of two; 0 keeps the size). What
  // was in flight ends with Status::device_lost. unsupported without VIRTIO_F_RING_RESET. Not to be called from `done`.
  virtual Status reset_queue(std::uint16_t queue_size) = 0;

  // Resets the device and gives everything back. What was in flight ends with Status::device_lost; a `done` that
  // submits finds that nothing is taken. No other call is allowed afterwards.
  virtual void shutdown() = 0;

  // --- Blocking calls. Data lies in a DMA buffer; `bytes` is a multiple of the sector size.
  Status execute(Request& request);
  Status read(std::uint64_t sector, void* data, std::uint32_t bytes);
  Status write(std::uint64_t sector, void* data, std::uint32_t bytes);
  Status flush();
  Status get_id(void* id);
  Status discard(std::uint64_t sector, std::uint32_t sectors);
  Status write_zeroes(std::uint64_t sector, std::uint32_t sectors, bool unmap);
  Status secure_erase(std::uint64_t sector, std::uint32_t sectors);
  Status get_lifetime(void* lifetime);  // kLifetimeSize bytes
  Status read_block(std::uint64_t block, void* data);
  Status write_block(std::uint64_t block, void* data);

 protected:
  ~BlockDevice() = default;
};

}  // namespace ringside::block
