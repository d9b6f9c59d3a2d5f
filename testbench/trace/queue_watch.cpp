#include "testbench/trace/queue_watch.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "testbench/trace/packed_watch.h"
#include "testbench/trace/split_watch.h"

namespace ringside::trace {
namespace {

constexpr std::size_t kUsualPieces = 8;

bool has_range(std::uint16_t type) {
  return type == VIRTIO_BLK_T_DISCARD || type == VIRTIO_BLK_T_WRITE_ZEROES || type == VIRTIO_BLK_T_SECURE_ERASE;
}

}  // namespace

QueueWatch::QueueWatch(std::uint8_t unit, std::uint16_t queue, const QueueRings& rings, std::vector<Range> ranges,
                       const WatchTools& tools)
    : unit_(unit), queue_(queue), rings_(rings), ranges_(std::move(ranges)), tools_(tools) {}

bool QueueWatch::lies_in(const GuardedBuffer& buffer) const {
  const auto inside = [&](const std::uint8_t* ring) { return ring >= buffer.cpu && ring < buffer.cpu + buffer.size; };
  return inside(rings_.descriptors) || inside(rings_.avail) || inside(rings_.used);
}

// --- What the driver publishes

void QueueWatch::published(std::uint16_t position, std::uint32_t added) {
  Record record = driver_record(Kind::avail_publish, unit_, queue_);
  record.value = position;
  record.length = added;
  record.aux = published_ + added;
  tools_.recorder.put(record);
  if (added > rings_.size) {
    published_ += added;  // nonsense, and so are the chains that it would have us read: they do not follow
  }
}

void QueueWatch::senseless(std::uint16_t id) {
  Record record = driver_record(Kind::request, unit_, queue_);
  record.ordinal = static_cast<std::uint32_t>(published_++);
  record.flags = kSenseless;
  record.value = id;
  tools_.recorder.put(record);
}

QueueWatch::Chain& QueueWatch::begin_chain(std::uint16_t id) {
  if (id >= chains_.size()) {
    chains_.resize(std::size_t{id} + 1);
  }
  Chain& chain = chains_[id];
  again_ = chain.in_flight;
  chain.in_flight = true;
  chain.ordinal = static_cast<std::uint32_t>(published_++);
  chain.last = {};
  chain.writable.clear();
  chain.writable_bytes = 0;
  chain.withdrawals = tools_.buffers.withdrawals();
  if (accepted(VIRTIO_F_IN_ORDER)) {
    if (again_) {
      std::erase(order_, id);
    }
    order_.push_back(id);
  }
  tools_.hash.begin();
  return chain;
}

void QueueWatch::add_piece(std::uint64_t address, std::uint32_t length, bool device_writes, Walk& walk, Chain& chain) {
  if (++walk.descriptors == 1) {
    walk.first_bytes = length;
  }
  const std::uint8_t* const cpu = tools_.buffers.cpu_of(address, length);
  if (cpu == nullptr && length != 0 && !accepted(VIRTIO_F_ACCESS_PLATFORM)) {
    chain_defect(Defect::outside_memory, walk, chain);
  }
  if (!device_writes && walk.any_writable) {
    chain_defect(Defect::readable_after_writable, walk, chain);
  }
  if (device_writes) {
    add_writable({cpu, length}, walk, chain);
  } else {
    walk.readable_bytes += length;
    add_readable(cpu, length, walk);
  }
}

void QueueWatch::add_writable(const Piece& piece, Walk& walk, Chain& chain) {
  walk.any_writable = true;
  walk.last_writable_bytes = piece.length;
  chain.writable_bytes += piece.length;
  if (piece.length != 0) {
    chain.last = piece;
  }
  if (tools_.hash.on()) {
    chain.writable.reserve(kUsualPieces);
    chain.writable.push_back(piece);
  }
}

// The header is the first 16 readable bytes, however they are laid out (2.7.4: a device assumes nothing about that).
void QueueWatch::add_readable(const std::uint8_t* cpu, std::uint32_t length, Walk& walk) {
  const auto missing = static_cast<std::uint32_t>(sizeof walk.header - walk.header_bytes);
  const std::uint32_t of_header = std::min(missing, length);
  if (cpu == nullptr) {
    walk.sense = walk.sense && of_header == 0;  // what it asks for cannot be read
  } else {
    add_header(cpu, of_header, walk);
    add_payload(cpu + of_header, length - of_header, walk);
  }
  walk.header_bytes += of_header;
}

void QueueWatch::add_header(const std::uint8_t* cpu, std::uint32_t bytes, Walk& walk) {
  if (bytes == sizeof walk.header) {  // as nearly always: no call for two words
    std::memcpy(&walk.header, cpu, sizeof walk.header);
  } else {
    std::memcpy(reinterpret_cast<std::uint8_t*>(&walk.header) + walk.header_bytes, cpu, bytes);
  }
}

void QueueWatch::add_payload(const std::uint8_t* cpu, std::uint32_t bytes, Walk& walk) {
  if (bytes == 0) {
    return;
  }
  tools_.hash.add(cpu, bytes);
  const auto of_range = std::min(static_cast<std::uint32_t>(sizeof walk.range - walk.range_bytes), bytes);
  std::memcpy(reinterpret_cast<std::uint8_t*>(&walk.range) + walk.range_bytes, cpu, of_range);
  walk.range_bytes += of_range;
}

void QueueWatch::chain_defect(Defect what, Walk& walk, const Chain& chain) {
  const std::uint32_t bit = 1u << static_cast<unsigned>(what);
  if ((walk.told & bit) == 0) {
    walk.told |= bit;
    Record record = driver_record(Kind::defect, unit_, queue_);
    record.ordinal = chain.ordinal;
    record.value = static_cast<std::uint64_t>(what);
    tools_.recorder.put(record);
  }
}

void QueueWatch::ring_defect(Defect what, std::uint64_t length) {
  Record record = driver_record(Kind::defect, unit_, queue_);
  record.ordinal = kNoOrdinal;
  record.value = static_cast<std::uint64_t>(what);
  record.length = length;
  tools_.recorder.put(record);
}

const std::uint8_t* QueueWatch::table_of(std::uint64_t address, std::uint32_t length, Walk& walk, const Chain& chain) {
  const std::uint8_t* const table = tools_.buffers.cpu_of(address, length);
  if (table == nullptr && !accepted(VIRTIO_F_ACCESS_PLATFORM)) {
    chain_defect(Defect::outside_memory, walk, chain);
  }
  return table;
}

// What shows only when the whole chain is known.
void QueueWatch::judge_chain(const Chain& chain, Walk& walk) {
  constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 32;
  if (walk.readable_bytes + chain.writable_bytes > kMostBytes) {
    chain_defect(Defect::more_than_4_gib, walk, chain);
  }
  if (has_range(chain.type) && walk.range_bytes == sizeof walk.range) {
    const bool unmap = (walk.range.flags & VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP) != 0;
    if ((walk.range.flags & ~VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP) != 0) {
      chain_defect(Defect::reserved_range_flags, walk, chain);
    } else if (unmap && chain.type == VIRTIO_BLK_T_DISCARD) {
      chain_defect(Defect::unmap_in_discard, walk, chain);
    }
  }
  const bool any_layout = accepted(VIRTIO_F_VERSION_1) || accepted(VIRTIO_F_ANY_LAYOUT);
  if (!any_layout && (walk.first_bytes != sizeof walk.header || walk.last_writable_bytes != 1)) {
    chain_defect(Defect::legacy_layout, walk, chain);
  }
}

void QueueWatch::end_chain(std::uint16_t id, Chain& chain, Walk& walk) {
  const bool readable = walk.sense && walk.header_bytes == sizeof walk.header;
  chain.type = readable ? static_cast<std::uint16_t>(walk.header.type) : kSenseless;
  chain.sector = readable ? walk.header.sector : 0;
  if (readable) {
    judge_chain(chain, walk);
  }

  const std::uint64_t data_written = chain.writable_bytes == 0 ? 0 : chain.writable_bytes - 1;  // less the status byte
  Record& record = tools_.recorder.next(Kind::request, unit_, queue_);
  record.ordinal = chain.ordinal;
  record.width = again_ ? 1 : 0;
  record.flags = chain.type;
  record.offset = chain.sector;
  record.value = readable ? 0 : id;
  if (has_range(chain.type) && walk.range_bytes == sizeof walk.range) {
    record.value = walk.range.sector;
    record.region = walk.range.sectors;
  }
  record.length = walk.readable_bytes - walk.header_bytes + data_written;
  record.hash = tools_.hash.end();
  record.aux = walk.descriptors | std::uint64_t{walk.indirect} << 16 | chain.writable_bytes << 17;
  tools_.recorder.put_next();
}

void QueueWatch::look_for_suppression(Kind kind, std::uint16_t value, std::uint32_t& last) {
  if (value != last) {
    last = value;
    record_suppression(kind, value);
  }
}

void QueueWatch::record_suppression(Kind kind, std::uint64_t value) {
  Record record = driver_record(kind, unit_, queue_);
  record.value = value;
  tools_.recorder.put(record);
}

// --- What it sees come back

void QueueWatch::found(std::uint16_t position, std::uint32_t added) {
  if (added == 0 && ++idle_looks_ > 1) {
    return;
  }
  used_ += added;
  Record record = driver_record(Kind::used_seen, unit_, queue_);
  record.value = position;
  record.length = added;
  record.aux = used_;
  if (added != 0) {
    record.ordinal = idle_looks_;
    idle_looks_ = 0;
  }
  tools_.recorder.put(record);
}

std::uint32_t QueueWatch::chains_up_to(std::uint32_t id) const {
  if (!accepted(VIRTIO_F_IN_ORDER)) {
    return 1;
  }
  const auto place = std::find(order_.begin(), order_.end(), id);
  return place == order_.end() ? 1 : static_cast<std::uint32_t>(place - order_.begin()) + 1;
}

std::uint32_t QueueWatch::entries_up_to(std::uint32_t id) const {
  if (!is_in_flight(id)) {
    return 1;
  }
  std::uint32_t entries = chains_[id].entries;
  const std::uint32_t older = chains_up_to(id) - 1;
  for (std::uint32_t i = 0; i < older; ++i) {
    entries += chains_[order_[i]].entries;
  }
  return entries;
}

void QueueWatch::completed_up_to(std::uint32_t id, std::uint32_t length) {
  for (std::uint32_t left = chains_up_to(id); left > 1; --left) {
    const std::uint16_t oldest = order_.front();
    order_.pop_front();
    completed(oldest, 0, true);
  }
  if (!order_.empty() && order_.front() == id) {
    order_.pop_front();
  }
  completed(id, length, false);
}

void QueueWatch::completed(std::uint32_t id, std::uint32_t length, bool skipped) {
  Record& record = tools_.recorder.next(Kind::completion, unit_, queue_);
  record.length = length;
  record.width = skipped ? 1 : 0;
  if (!is_in_flight(id)) {
    record.ordinal = kNoOrdinal;
    record.offset = id;
    tools_.recorder.put_next();
    return;
  }
  Chain& chain = chains_[id];
  chain.in_flight = false;
  record.ordinal = chain.ordinal;
  record.flags = chain.type;
  record.offset = chain.sector;
  record.aux = chain.writable_bytes;
  record.value = status_of(chain);
  record.hash = hash_of_results(chain);
  tools_.recorder.put_next();
  for (const Piece& piece : chain.writable) {
    tools_.buffers.check_near(piece.cpu);
  }
}

// The buffer may have been freed meanwhile, by a driver that gave up on the request.
bool QueueWatch::is_there(const Piece& piece, const Chain& chain) const {
  return piece.length != 0 && piece.cpu != nullptr &&
         (chain.withdrawals == tools_.buffers.withdrawals() || tools_.buffers.reachable(piece.cpu, piece.length));
}

// The last byte that the device may write is the status, whatever the layout (5.2.6).
std::uint8_t QueueWatch::status_of(const Chain& chain) const {
  return is_there(chain.last, chain) ? chain.last.cpu[chain.last.length - 1] : std::uint8_t{0};
}

std::uint64_t QueueWatch::hash_of_results(const Chain& chain) {
  tools_.hash.begin();
  std::uint64_t left = chain.writable_bytes;
  for (const Piece& piece : chain.writable) {
    left -= piece.length;
    if (is_there(piece, chain)) {
      tools_.hash.add(piece.cpu, left == 0 ? piece.length - 1 : piece.length);
    }
  }
  return tools_.hash.end();
}

std::unique_ptr<QueueWatch> make_queue_watch(std::uint8_t unit, std::uint16_t queue, std::uint16_t size,
                                             std::uint64_t accepted, const std::array<std::uint64_t, 3>& addresses,
                                             const WatchTools& tools) {
  if (size == 0 || size > kMaxQueueSize) {
    return nullptr;
  }
  const bool packed = (accepted >> VIRTIO_F_RING_PACKED & 1) != 0;
  QueueRings rings;
  rings.size = size;
  rings.accepted = accepted;
  rings.descriptors = tools.buffers.cpu_of(addresses[0], std::uint64_t{size} * kDescriptorBytes);
  rings.avail = tools.buffers.cpu_of(addresses[1], packed ? kEventAreaBytes : avail_bytes(size));
  rings.used = tools.buffers.cpu_of(addresses[2], packed ? kEventAreaBytes : used_bytes(size));
  if (rings.descriptors == nullptr || rings.avail == nullptr || rings.used == nullptr) {
    return nullptr;
  }
  if (packed) {
    return std::make_unique<PackedWatch>(unit, queue, rings, tools);
  }
  return std::make_unique<SplitWatch>(unit, queue, rings, tools);
}

}  // namespace ringside::trace
