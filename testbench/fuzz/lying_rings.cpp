#include <algorithm>
#include <cstring>
#include <utility>

#include "driver/block/block_device.h"
#include "driver/block/virtio_blk_spec.h"
#include "driver/hal/machine.h"
#include "driver/virtio/spec.h"
#include "testbench/fuzz/lying_disk.h"

namespace ringside::fuzz {
namespace {

using namespace block;
using namespace virtio;

constexpr std::size_t kLongestChain = 260;
constexpr std::size_t kHeaderBytes = 16;
constexpr std::uint32_t kIdBytes = 20;

// What a completion lies about.
enum class Told : std::uint8_t {
  id,
  length,
  status,
  never,
  twice,
  index_ahead,
  index_back,
  out_of_order,
  no_data,
  late,
  silent,
  storm,
  flags,
  chain_rewritten,
};
constexpr unsigned kTold = 14;
Told told(const Lie& lie) { return static_cast<Told>(lie.kind % kTold); }
bool is(const Lie* lie, Told what) { return lie != nullptr && told(*lie) == what; }

// What happens while the driver waits.
enum class Happens : std::uint8_t {
  memory_written,
  spurious,
  needs_reset,
  config_changed,
  gone,
  self_reset,
  time,
  flood
};
constexpr unsigned kHappenings = 8;
constexpr std::uint32_t kLongestLeap = 10'000'000;  // microseconds

}  // namespace

template <class T>
T LyingDisk::load(std::uint64_t bus) const {
  T value = 0;
  if (const std::uint8_t* const memory = memory_.at(bus, sizeof value)) {
    std::memcpy(&value, memory, sizeof value);
  }
  return value;
}

template <class T>
void LyingDisk::store(std::uint64_t bus, T value) const {
  if (std::uint8_t* const memory = memory_.at(bus, sizeof value)) {
    std::memcpy(memory, &value, sizeof value);
  }
}

bool LyingDisk::packed() const { return (accepted_ & feature(VIRTIO_F_RING_PACKED)) != 0; }

// --- Requests in

void LyingDisk::doorbell() {
  const Lie* const lie = lies_.next(On::doorbell);
  const unsigned kind = lie == nullptr ? 0 : 1 + lie->kind % 3;
  if (kind == 1) {
    return;  // lost
  }
  for (std::uint16_t number = 0; number < queues_.size(); ++number) {
    fetch(number);
  }
  for (unsigned done = 0; kind == 2 && done < 4 && work(); ++done) {  // at once
  }
  if (kind == 3) {
    reset();
  }
}

void LyingDisk::fetch(std::uint16_t number) {
  if (queues_[number].enabled == 0 || queues_[number].size == 0 || !bus_master() ||
      (status_ & VIRTIO_CONFIG_S_DRIVER_OK) == 0) {
    return;
  }
  packed() ? fetch_packed(number) : fetch_split(number);
}

void LyingDisk::fetch_split(std::uint16_t number) {
  Queue& queue = queues_[number];
  const auto index = load<std::uint16_t>(queue.driver + 2);
  for (unsigned i = 0; queue.taken != index && i < queue.size; ++i, ++queue.taken) {
    Pending pending;
    pending.queue = number;
    pending.id = load<std::uint16_t>(queue.driver + 4 + 2u * (queue.taken % queue.size));
    if (collect_split(queue, pending.id, pending)) {
      pending_.push_back(std::move(pending));
    }
  }
  store(queue.device + 4 + 8u * queue.size, queue.taken);  // avail_event
}

bool LyingDisk::collect_split(const Queue& queue, std::uint16_t head, Pending& pending) const {
  // Counted in steps: an empty table that leads back to itself adds no piece.
  std::uint16_t index = head;
  for (std::size_t step = 0; step < kLongestChain && pending.pieces.size() < kLongestChain; ++step) {
    const std::uint64_t at = queue.desc + 16u * (index % queue.size);
    const auto address = load<std::uint64_t>(at);
    const auto length = load<std::uint32_t>(at + 8);
    const auto flags = load<std::uint16_t>(at + 12);
    if ((flags & VIRTQ_DESC_F_INDIRECT) != 0) {
      add_table(address, length, false, pending);
    } else {
      pending.pieces.push_back({address, length, (flags & VIRTQ_DESC_F_WRITE) != 0});
    }
    if ((flags & VIRTQ_DESC_F_NEXT) == 0) {
      return true;
    }
    index = load<std::uint16_t>(at + 14);
  }
  return false;
}

// Either kind: of a packed one the flags lie where the other has them not.
void LyingDisk::add_table(std::uint64_t address, std::uint32_t bytes, bool packed, Pending& pending) const {
  const std::uint64_t count = std::min<std::uint64_t>(bytes / 16, kLongestChain - pending.pieces.size());
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t at = address + 16 * i;
    const auto flags = load<std::uint16_t>(at + (packed ? 14 : 12));
    pending.pieces.push_back({load<std::uint64_t>(at), load<std::uint32_t>(at + 8), (flags & VIRTQ_DESC_F_WRITE) != 0});
    if (!packed && (flags & VIRTQ_DESC_F_NEXT) == 0) {
      return;
    }
  }
}

void LyingDisk::fetch_packed(std::uint16_t number) {
  Queue& queue = queues_[number];
  Pending pending;
  pending.slots = 0;
  for (unsigned i = 0; i < queue.size; ++i) {
    const std::uint64_t at = queue.desc + 16u * queue.taken;
    const auto flags = load<std::uint16_t>(at + 14);
    const bool available = (flags & VIRTQ_DESC_F_AVAIL) != 0;
    if (available != queue.taken_wrap || available == ((flags & VIRTQ_DESC_F_USED) != 0)) {
      return;
    }
    const auto address = load<std::uint64_t>(at);
    const auto length = load<std::uint32_t>(at + 8);
    pending.queue = number;
    pending.id = load<std::uint16_t>(at + 12);
    ++pending.slots;
    if ((flags & VIRTQ_DESC_F_INDIRECT) != 0) {
      add_table(address, length, true, pending);
    } else {
      pending.pieces.push_back({address, length, (flags & VIRTQ_DESC_F_WRITE) != 0});
    }
    queue.taken = static_cast<std::uint16_t>(queue.taken + 1);
    if (queue.taken == queue.size) {
      queue.taken = 0;
      queue.taken_wrap = !queue.taken_wrap;
    }
    if ((flags & VIRTQ_DESC_F_NEXT) == 0) {
      pending_.push_back(std::exchange(pending, {}));
      pending.slots = 0;
    }
  }
}

// --- Requests out

std::uint8_t LyingDisk::transfer(const Pending& pending, std::uint64_t sector, bool to_disk, std::uint32_t& written) {
  std::uint64_t at = sector * kSectorSize;
  std::uint32_t skip = kHeaderBytes;  // of what is readable
  for (std::size_t i = 0; i < pending.pieces.size(); ++i) {
    const Piece& piece = pending.pieces[i];
    const bool status = i + 1 == pending.pieces.size();
    if (piece.writable == to_disk || (status && piece.writable)) {
      continue;
    }
    const std::uint32_t passed = to_disk ? std::min(skip, piece.length) : 0;
    skip -= passed;
    const std::uint32_t bytes = piece.length - passed;
    std::uint8_t* const memory = memory_.at(piece.address + passed, bytes);
    if (memory == nullptr || at > contents_.size() || bytes > contents_.size() - at) {
      return VIRTIO_BLK_S_IOERR;
    }
    to_disk ? std::memcpy(contents_.data() + at, memory, bytes) : std::memcpy(memory, contents_.data() + at, bytes);
    at += bytes;
    written += to_disk ? 0 : bytes;
  }
  return VIRTIO_BLK_S_OK;
}

std::uint8_t LyingDisk::carry_out(const Pending& pending, std::uint32_t& written) {
  if (pending.pieces.empty() || pending.pieces.front().length < kHeaderBytes) {
    return VIRTIO_BLK_S_IOERR;
  }
  const auto type = load<std::uint32_t>(pending.pieces.front().address);
  const auto sector = load<std::uint64_t>(pending.pieces.front().address + 8);
  if (sector > kSectors) {
    return VIRTIO_BLK_S_IOERR;
  }
  std::uint8_t status = VIRTIO_BLK_S_OK;
  switch (type) {
    case VIRTIO_BLK_T_IN:
    case VIRTIO_BLK_T_OUT:
      status = transfer(pending, sector, type == VIRTIO_BLK_T_OUT, written);
      (type == VIRTIO_BLK_T_IN ? reached_.reads : reached_.writes) += status == VIRTIO_BLK_S_OK ? 1 : 0;
      break;
    case VIRTIO_BLK_T_GET_ID:
      written += kIdBytes;
      break;
    case VIRTIO_BLK_T_FLUSH:
    case VIRTIO_BLK_T_DISCARD:
    case VIRTIO_BLK_T_WRITE_ZEROES:
      break;
    default:
      return VIRTIO_BLK_S_UNSUPP;
  }
  ++reached_.requests;
  return status;
}

bool LyingDisk::work() {
  if (pending_.empty() || !bus_master()) {
    return false;
  }
  const Lie* const lie = lies_.next(On::completion);
  const std::size_t which = is(lie, Told::out_of_order) ? lie->where % pending_.size() : 0;
  Pending pending = std::move(pending_[which]);
  pending_.erase(pending_.begin() + static_cast<std::ptrdiff_t>(which));
  if (is(lie, Told::late)) {
    pending.rests = 1 + lie->value % 16;
    orphans_.push_back(std::move(pending));
  } else if (!is(lie, Told::never)) {
    complete(pending, lie);
  }
  return true;
}

void LyingDisk::complete(const Pending& pending, const Lie* lie) {
  std::uint32_t written = 0;
  const std::uint8_t status = is(lie, Told::no_data) ? VIRTIO_BLK_S_OK : carry_out(pending, written);
  put_status(pending, is(lie, Told::status) ? static_cast<std::uint8_t>(lie->value) : status);
  if (is(lie, Told::chain_rewritten)) {
    rewrite_chain(pending, lie->value);
  }
  Queue& queue = queues_[pending.queue];
  if (queue.enabled == 0 || queue.size == 0) {
    return;
  }
  const std::uint32_t id = is(lie, Told::id) ? lie->value : pending.id;
  const std::uint32_t length = is(lie, Told::length) ? lie->value : written + 1;
  for (unsigned i = 0; i < (is(lie, Told::twice) ? 2u : 1u); ++i) {
    packed() ? put_used_packed(queue, pending, id, length, lie) : put_used(queue, pending, id, length, lie);
  }
  for (unsigned i = 0; i < (is(lie, Told::silent) ? 0u : is(lie, Told::storm) ? 64u : 1u); ++i) {
    interrupt(queue.vector, VIRTIO_PCI_ISR_QUEUE);
  }
}

void LyingDisk::put_status(const Pending& pending, std::uint8_t status) const {
  if (!pending.pieces.empty() && pending.pieces.back().writable && pending.pieces.back().length != 0) {
    store(pending.pieces.back().address + pending.pieces.back().length - 1, status);
  }
}

void LyingDisk::rewrite_chain(const Pending& pending, std::uint32_t value) const {
  const Queue& queue = queues_[pending.queue];
  for (std::uint64_t offset = 0; offset < 16; offset += 4) {
    store(queue.desc + 16u * (pending.id % std::max<std::uint16_t>(queue.size, 1)) + offset, value);
  }
}

void LyingDisk::put_used(Queue& queue, const Pending&, std::uint32_t id, std::uint32_t length, const Lie* lie) {
  const std::uint64_t element = queue.device + 4 + 8u * (queue.used % queue.size);
  store(element, id);
  store(element + 4, length);
  ++queue.used;
  const std::uint16_t shift = is(lie, Told::index_ahead)  ? static_cast<std::uint16_t>(lie->value)
                              : is(lie, Told::index_back) ? static_cast<std::uint16_t>(-(lie->value & 0x7fff))
                                                          : std::uint16_t{0};
  store(queue.device + 2, static_cast<std::uint16_t>(queue.used + shift));
}

void LyingDisk::put_used_packed(Queue& queue, const Pending& pending, std::uint32_t id, std::uint32_t length,
                                const Lie* lie) {
  const std::uint64_t at = queue.desc + 16u * queue.used;
  store(at + 8, length);
  store(at + 12, static_cast<std::uint16_t>(id));
  const auto wrap = static_cast<std::uint16_t>(queue.used_wrap ? VIRTQ_DESC_F_AVAIL | VIRTQ_DESC_F_USED : 0);
  store(at + 14, is(lie, Told::flags) ? static_cast<std::uint16_t>(lie->value) : wrap);
  queue.used = static_cast<std::uint16_t>(queue.used + pending.slots);
  if (queue.used >= queue.size) {
    queue.used = static_cast<std::uint16_t>(queue.used - queue.size);
    queue.used_wrap = !queue.used_wrap;
  }
}

void LyingDisk::interrupt(std::uint16_t vector, std::uint8_t cause) {
  if (!message_signalled()) {
    pin_ += isr_ == 0 ? 1 : 0;
    isr_ |= cause;
  } else if (vector < kVectors) {
    ++messages_[table_[4u * vector + 2] % kVectors];
  }
}

// --- What nobody asked for

void LyingDisk::wake_orphans() {
  for (std::size_t i = orphans_.size(); i-- != 0;) {
    if (--orphans_[i].rests == 0) {
      const Pending pending = std::move(orphans_[i]);
      orphans_.erase(orphans_.begin() + static_cast<std::ptrdiff_t>(i));
      if (pending.queue < queues_.size() && bus_master()) {
        complete(pending, nullptr);
      }
    }
  }
}

std::uint64_t LyingDisk::rest() {
  wake_orphans();
  const Lie* const lie = lies_.next(On::sleep);
  if (lie == nullptr) {
    return 0;
  }
  switch (static_cast<Happens>(lie->kind % kHappenings)) {
    case Happens::memory_written:
      if (std::uint8_t* const byte = memory_.anywhere(lie->where, lie->value >> 8)) {
        *byte = static_cast<std::uint8_t>(lie->value);
      }
      break;
    case Happens::spurious:
      interrupt(static_cast<std::uint16_t>(lie->value % kVectors), VIRTIO_PCI_ISR_QUEUE);
      break;
    case Happens::needs_reset:
      status_ |= VIRTIO_CONFIG_S_NEEDS_RESET;
      interrupt(config_vector_, VIRTIO_PCI_ISR_CONFIG);
      break;
    case Happens::config_changed:
      std::memcpy(device_config_.data() + lie->where % 0x40, &lie->value, sizeof lie->value);
      ++generation_;
      interrupt(config_vector_, VIRTIO_PCI_ISR_CONFIG);
      break;
    case Happens::gone:
      gone_ = true;
      pending_.clear();
      break;
    case Happens::self_reset:
      reset();
      break;
    case Happens::time:
      return std::uint64_t{lie->value % kLongestLeap} * hal::kMicrosecond;
    case Happens::flood:
      messages_[lie->where % kVectors] += lie->value;
      break;
  }
  return 0;
}

}  // namespace ringside::fuzz
