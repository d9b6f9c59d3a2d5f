#include "model/virtio_blk.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>

#include "model/mutants.h"

namespace ringside::model {
namespace {

constexpr std::uint32_t kBarrier = 0x8000'0000;  // of the legacy device: a bit beside the type
constexpr std::uint32_t kUnknownType = ~std::uint32_t{0};

// Whether it writes to memory more than its status.
bool sends_data(const Request& request) {
  return request.status == VIRTIO_BLK_S_OK && (request.type == VIRTIO_BLK_T_IN || request.type == VIRTIO_BLK_T_GET_ID ||
                                               request.type == VIRTIO_BLK_T_GET_LIFETIME);
}

}  // namespace

void VirtioBlk::power_on(const Disk& disk, const BlkProperties& properties, const Latencies& latencies) {
  storage_ = disk.storage;
  sectors_ = disk.sectors;
  properties_ = properties;
  features_ = block_features(properties);
  latencies_ = latencies;
  media_.power_on(latencies);
  config_.power_on(properties, disk.storage, disk.sectors);
  serial_ = {};
  std::memcpy(serial_.data(), disk.serial.data(), std::min(disk.serial.size(), serial_.size()));
  reads_ = 0;
  writes_ = 0;
  late_status_ = {};
  shown_cache_ = false;
  inject(nullptr);
  reset();
}

void VirtioBlk::reset() { set_write_back(properties_.write_cache); }

void VirtioBlk::resize(std::uint64_t sectors) {
  sectors_ = sectors;
  if (!mutant(Mutant::resize_not_shown)) {
    config_.set_capacity(sectors);
  }
}

void VirtioBlk::set_write_back(bool write_back) {
  write_back_ = write_back;
  config_.set_write_back(write_back);
}

void VirtioBlk::driver_ready(std::uint64_t driver_features, Picoseconds at) {
  const bool flushes = (driver_features & VIRTIO_BLK_F_FLUSH) != 0;
  if ((driver_features & VIRTIO_BLK_F_CONFIG_WCE) == 0) {
    set_write_back(flushes);
  } else if (!flushes && write_back_ && !quirks_.fires(Quirk::write_back_without_flush, at)) {
    set_write_back(false);  // 5.2.5.2
  }
}

// Only `writeback` can be written, and only once VIRTIO_BLK_F_CONFIG_WCE was negotiated (5.2.5).
void VirtioBlk::config_write(std::uint32_t offset, std::uint32_t size, std::uint64_t value,
                             std::uint64_t driver_features, Picoseconds at) {
  if (!config_.contains(offset, size) || mutant(Mutant::write_cache_stuck)) {
    return;
  }
  if (offset > VirtioBlkConfig::kWriteback || offset + size <= VirtioBlkConfig::kWriteback) {
    if (shown_cache_ != write_back_ && quirks_.fires(Quirk::config_write_restores_cache, at)) {
      set_write_back(shown_cache_);
    }
    return;
  }
  if ((driver_features & VIRTIO_BLK_F_CONFIG_WCE) == 0 && !quirks_.fires(Quirk::write_cache_unnegotiated, at)) {
    return;
  }
  shown_cache_ = (value >> 8 * (VirtioBlkConfig::kWriteback - offset) & 0xff) != 0;
  set_write_back(shown_cache_);
}

// The header may be cut into any number of segments (2.7.4.1: no assumption on framing). What remains of the readable
// segments is the data.
bool VirtioBlk::read_header(Chain& chain, VirtioBlkReqHeader& header) {
  Segment& first = chain.segments[0];
  if (chain.readable_bytes < sizeof header || chain.writable_bytes == 0) {
    return false;
  }
  if (first.size >= sizeof header) {
    return dma_.load(first.address, header);
  }
  return gather(chain, &header, sizeof header);
}

bool VirtioBlk::gather(const Chain& chain, void* data, std::uint32_t size) {
  auto* to = static_cast<std::uint8_t*>(data);
  for (unsigned i = 0; size != 0 && i < chain.readable; ++i) {
    const std::uint32_t piece = std::min(size, chain.segments[i].size);
    if (piece != 0 && !dma_.read(chain.segments[i].address, to, piece)) {
      return false;
    }
    to += piece;
    size -= piece;
  }
  return size == 0;
}

bool VirtioBlk::start(Chain& chain, Request& request) {
  VirtioBlkReqHeader header;
  if (!read_header(chain, header)) {
    return false;
  }
  request.type = header.type;
  request.sector = header.sector;
  request.token = chain.token;
  request.status = VIRTIO_BLK_S_OK;
  request.capacity = static_cast<std::uint32_t>(chain.writable_bytes);

  // The status is the last writable byte, the header the first readable ones: cut them off, and data is left.
  Segment& last = chain.segments[chain.readable + chain.writable - 1];
  request.status_address = last.address + last.size - 1;
  last.size -= 1;
  std::uint32_t header_bytes = sizeof header;
  for (unsigned i = 0; header_bytes != 0; ++i) {
    const std::uint32_t piece = std::min(header_bytes, chain.segments[i].size);
    chain.segments[i].address += piece;
    chain.segments[i].size -= piece;
    header_bytes -= piece;
  }
  chain.readable_bytes -= sizeof header;
  chain.writable_bytes -= 1;
  if (!execute(chain, request)) {
    return false;
  }
  if (!sends_data(request)) {
    request.data_count = 0;  // nothing of the chain is needed any more
  }
  return true;
}

std::uint32_t VirtioBlk::known_type(std::uint32_t type, Picoseconds at) {
  const auto offered = [&](std::uint64_t feature, bool quirk_applies) {
    return (features_ & feature) != 0 || (quirk_applies && quirks_.fires(Quirk::unoffered_types_served, at));
  };
  const auto known = [&](std::uint32_t value) {
    switch (value) {
      case VIRTIO_BLK_T_IN:
      case VIRTIO_BLK_T_OUT:
      case VIRTIO_BLK_T_FLUSH:
      case VIRTIO_BLK_T_GET_ID:
        return true;
      case VIRTIO_BLK_T_DISCARD:
        return offered(VIRTIO_BLK_F_DISCARD, true);
      case VIRTIO_BLK_T_WRITE_ZEROES:
        return offered(VIRTIO_BLK_F_WRITE_ZEROES, true);
      case VIRTIO_BLK_T_GET_LIFETIME:
        return offered(VIRTIO_BLK_F_LIFETIME, false);
      case VIRTIO_BLK_T_SECURE_ERASE:
        return offered(VIRTIO_BLK_F_SECURE_ERASE, false);
      default:
        return false;
    }
  };
  if (known(type)) {
    return type;
  }
  // Bit 31 was a barrier once, and bit 0 says "out" whatever the type.
  const std::uint32_t without_barrier = type & ~kBarrier;
  const std::uint32_t meant = known(without_barrier) ? without_barrier : without_barrier & ~VIRTIO_BLK_T_OUT;
  return known(meant) && quirks_.fires(Quirk::request_type_bits_ignored, at) ? meant : kUnknownType;
}

// 5.2.6: what a device does not know, it answers with UNSUPP.
std::uint8_t VirtioBlk::refuse(std::uint32_t type, const Chain& chain) {
  constexpr std::uint32_t kScsiCommand = 2;  // of the legacy device
  const bool scsi = (type & ~(kBarrier | VIRTIO_BLK_T_OUT)) == kScsiCommand;
  const bool too_few_segments = chain.readable < 2 || chain.writable < 3;
  if (scsi && too_few_segments && quirks_.fires(Quirk::scsi_command_fails, dma_.at())) {
    return VIRTIO_BLK_S_IOERR;
  }
  // Of the legacy command: its own header lies before the status, and begins with the errors.
  if (scsi && !too_few_segments && quirks_.fires(Quirk::scsi_header_written, dma_.at())) {
    dma_.store(chain.segments[chain.readable + chain.writable - 2].address, std::uint32_t{255});
  }
  return VIRTIO_BLK_S_UNSUPP;
}

bool VirtioBlk::execute(Chain& chain, Request& request) {
  request.data = chain.segments + chain.readable;
  request.data_count = chain.writable;
  request.bytes = chain.writable_bytes;
  const std::uint32_t type_as_sent = request.type;
  request.type = known_type(type_as_sent, dma_.at());
  request.fault = MediaFault::none;
  if (faults_ != nullptr && media_refuse(chain, request)) {
    return true;
  }
  switch (request.type) {
    case VIRTIO_BLK_T_IN:
      request.status = check_transfer(request);
      break;
    case VIRTIO_BLK_T_OUT:
      request.data = chain.segments;
      request.data_count = chain.readable;
      request.bytes = chain.readable_bytes;
      request.status = store(request);
      break;
    case VIRTIO_BLK_T_FLUSH:
      request.bytes = 0;
      if (request.fault == MediaFault::lost) {
        break;
      }
      request.status = storage_->flush() && !mutant(Mutant::flush_fails) ? VIRTIO_BLK_S_OK : VIRTIO_BLK_S_IOERR;
      break;
    case VIRTIO_BLK_T_GET_ID:
      request.bytes = std::min<std::uint64_t>(request.bytes, VIRTIO_BLK_ID_BYTES);
      break;
    case VIRTIO_BLK_T_GET_LIFETIME:
      request.status = request.bytes >= sizeof(VirtioBlkLifetime) ? VIRTIO_BLK_S_OK : VIRTIO_BLK_S_IOERR;
      request.bytes = sizeof(VirtioBlkLifetime);
      break;
    case VIRTIO_BLK_T_DISCARD:
    case VIRTIO_BLK_T_WRITE_ZEROES:
    case VIRTIO_BLK_T_SECURE_ERASE:
      request.data = chain.segments;
      request.data_count = chain.readable;
      request.bytes = chain.readable_bytes;
      if (!erase_range(request)) {
        return false;
      }
      break;
    default:
      request.bytes = 0;
      request.status = mutant(Mutant::unknown_type_accepted) ? VIRTIO_BLK_S_OK : refuse(type_as_sent, chain);
      break;
  }
  return true;
}

// Whether the media will not do it at all. What they will do wrong is kept in the request.
bool VirtioBlk::media_refuse(const Chain& chain, Request& request) {
  const std::uint64_t bytes = request.type == VIRTIO_BLK_T_OUT  ? chain.readable_bytes
                              : request.type == VIRTIO_BLK_T_IN ? chain.writable_bytes
                                                                : 0;
  request.fault = request.type == kUnknownType ? MediaFault::none : faults_->media(request.type, request.sector, bytes);
  if (request.fault != MediaFault::error && request.fault != MediaFault::unsupported) {
    return false;
  }
  request.bytes = bytes;
  request.status = request.fault == MediaFault::error ? VIRTIO_BLK_S_IOERR : VIRTIO_BLK_S_UNSUPP;
  return true;
}

// Where on the disk its data lies; elsewhere when the media look for it there.
std::uint64_t VirtioBlk::first_byte(const Request& request) const {
  const std::uint64_t sectors = request.bytes / kSectorBytes;
  const std::uint64_t behind = request.sector + sectors;
  const std::uint64_t other = in_range(behind, sectors) ? behind : request.sector - std::min(request.sector, sectors);
  return (request.fault == MediaFault::misdirected ? other : request.sector) * kSectorBytes;
}

void VirtioBlk::corrupt_disk(const Request& request) {
  std::uint8_t byte = 0;
  const std::uint64_t at = request.sector * kSectorBytes + request.bytes / 2;
  if (storage_->read(at, &byte, 1)) {
    byte ^= 0x10;
    (void)storage_->write(at, &byte, 1);
  }
}

void VirtioBlk::corrupt_memory(const Request& request) {
  std::uint8_t byte = 0;
  if (dma_.load(request.data[0].address, byte)) {
    (void)dma_.store(request.data[0].address, static_cast<std::uint8_t>(byte ^ 0x10));
  }
}

// 5.2.5: the block size says what is fast, not what is allowed.
bool VirtioBlk::blocks_aligned(std::uint64_t sector, std::uint64_t sectors) {
  const std::uint64_t sectors_in_block = properties_.logical_block_size / kSectorBytes;
  return ((sector | sectors) & (sectors_in_block - 1)) == 0 || !quirks_.fires(Quirk::blocks_must_be_aligned, dma_.at());
}

// What is longer than size_max this device cannot transfer.
bool VirtioBlk::segments_fit(const Request& request) const {
  return properties_.size_max == 0 ||
         std::ranges::all_of(std::span(request.data, request.data_count),
                             [this](const Segment& segment) { return segment.size <= properties_.size_max; });
}

std::uint8_t VirtioBlk::check_transfer(const Request& request) {
  const std::uint64_t sectors = request.bytes / kSectorBytes;
  const bool valid = request.bytes % kSectorBytes == 0 && in_range(request.sector, sectors) && segments_fit(request) &&
                     blocks_aligned(request.sector, sectors);
  return valid ? VIRTIO_BLK_S_OK : VIRTIO_BLK_S_IOERR;
}

std::uint8_t VirtioBlk::store(const Request& request) {
  const bool read_only = properties_.read_only && !mutant(Mutant::read_only_ignored);
  if (check_transfer(request) != VIRTIO_BLK_S_OK || read_only) {
    return VIRTIO_BLK_S_IOERR;
  }
  if (mutant(Mutant::write_lost) && ++writes_ % 4 == 0) {
    return VIRTIO_BLK_S_OK;
  }
  if (request.fault == MediaFault::lost) {
    return VIRTIO_BLK_S_OK;
  }
  std::uint64_t offset = first_byte(request);
  std::uint64_t left = request.fault == MediaFault::cut_short ? request.bytes / 2 : request.bytes;
  const unsigned lost = mutant(Mutant::last_segment_lost) && request.data_count > 2 ? 1 : 0;
  for (const Segment& segment : std::span(request.data, request.data_count - lost)) {
    const std::uint64_t piece = std::min<std::uint64_t>(segment.size, left);
    if (piece != 0 && dma_.memory_to_disk(*storage_, offset, segment.address, piece) != DmaPort::Result::ok) {
      return VIRTIO_BLK_S_IOERR;
    }
    offset += piece;
    left -= piece;
  }
  if (request.fault == MediaFault::corrupted) {
    corrupt_disk(request);
  }
  return write_back_ || storage_->flush() ? VIRTIO_BLK_S_OK : VIRTIO_BLK_S_IOERR;
}

// Discard, write zeroes, secure erase (5.2.6.2). One range per request, as the configuration says; false when not even
// one is there.
bool VirtioBlk::erase_range(Request& request) {
  VirtioBlkDiscardWriteZeroes range;
  Chain payload;
  payload.segments = const_cast<Segment*>(request.data);
  payload.readable = request.data_count;
  if (request.bytes > sizeof range) {
    request.status = VIRTIO_BLK_S_UNSUPP;
    return true;
  }
  if (request.bytes < sizeof range || !gather(payload, &range, sizeof range)) {
    return false;
  }
  request.sector = range.sector;
  request.status = check_range(range, request.type);
  if (request.status == VIRTIO_BLK_S_OK && !erase(request.type, range.sector, range.num_sectors)) {
    request.status = VIRTIO_BLK_S_IOERR;
  }
  return true;
}

bool VirtioBlk::erase(std::uint32_t type, std::uint64_t sector, std::uint64_t sectors) {
  const bool discard = type == VIRTIO_BLK_T_DISCARD;
  if (properties_.read_only) {
    return false;
  }
  if (type == VIRTIO_BLK_T_WRITE_ZEROES && mutant(Mutant::write_zeroes_ignored)) {
    return true;
  }
  if (discard && mutant(Mutant::discard_too_far) && in_range(sector, sectors + 1)) {
    ++sectors;
  }
  const std::uint64_t offset = sector * kSectorBytes;
  const std::uint64_t bytes = sectors * kSectorBytes;
  const bool done = discard ? storage_->discard(offset, bytes) : storage_->write_zeroes(offset, bytes);
  return done && (write_back_ || storage_->flush());
}

std::uint32_t VirtioBlk::most_sectors(std::uint32_t type) const {
  return type == VIRTIO_BLK_T_WRITE_ZEROES ? properties_.max_write_zeroes_sectors : properties_.max_discard_sectors;
}

std::uint8_t VirtioBlk::check_range(const VirtioBlkDiscardWriteZeroes& range, std::uint32_t type) {
  const std::uint32_t known_flags = type == VIRTIO_BLK_T_WRITE_ZEROES ? VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP : 0;
  const bool flags_known = (range.flags & ~known_flags) == 0 || mutant(Mutant::range_flag_accepted);
  const bool fits = range.num_sectors <= most_sectors(type) && in_range(range.sector, range.num_sectors) &&
                    blocks_aligned(range.sector, range.num_sectors);
  if (!flags_known && (fits || !quirks_.fires(Quirk::range_checked_before_flags, dma_.at()))) {
    return VIRTIO_BLK_S_UNSUPP;
  }
  return fits ? VIRTIO_BLK_S_OK : VIRTIO_BLK_S_IOERR;
}

Picoseconds VirtioBlk::media_done(const Request& request, Picoseconds start) {
  if (request.status != VIRTIO_BLK_S_OK) {
    return start;
  }
  switch (request.type) {
    case VIRTIO_BLK_T_IN:
      start = mutant(Mutant::read_twice_as_long) ? media_.finish(start, MediaWork::read, request.sector, request.bytes)
                                                 : start;
      return media_.finish(start, MediaWork::read, request.sector, request.bytes);
    case VIRTIO_BLK_T_OUT:
      return write_done(request, start, request.bytes);
    case VIRTIO_BLK_T_DISCARD:
    case VIRTIO_BLK_T_WRITE_ZEROES:
    case VIRTIO_BLK_T_SECURE_ERASE:
      return write_done(request, start, 0);
    case VIRTIO_BLK_T_FLUSH:
      return mutant(Mutant::flush_early) ? start : media_.finish(start, MediaWork::flush, 0, 0);
    default:
      return start;
  }
}

Picoseconds VirtioBlk::write_done(const Request& request, Picoseconds start, std::uint64_t bytes) {
  const Picoseconds written = media_.finish(start, MediaWork::write, request.sector, bytes);
  return write_back_ ? written : media_.finish(written, MediaWork::flush, 0, 0);
}

Picoseconds VirtioBlk::link_time(const Request& request) const {
  const bool free = mutant(Mutant::link_for_nothing);
  const Picoseconds data = sends_data(request) && !free ? latencies_.dma(request.bytes) : 0;
  return data + latencies_.dma(sizeof request.status);
}

void VirtioBlk::write_data(Request& request) {
  if (sends_data(request)) {
    switch (request.type) {
      case VIRTIO_BLK_T_IN:
        read_disk(request);
        break;
      case VIRTIO_BLK_T_GET_ID:
        write_id(request);
        break;
      default:
        write_lifetime(request);
        break;
    }
  }
  set_used_length(request);
}

void VirtioBlk::read_disk(Request& request) {
  ++reads_;
  // The disk may have shrunk since the request was fetched.
  request.status = check_transfer(request);
  if (request.status != VIRTIO_BLK_S_OK) {
    return;
  }
  std::uint64_t offset = first_byte(request);
  if (mutant(Mutant::wrong_sector) && request.sector % 2 == 1) {
    offset -= kSectorBytes;
  }
  if (request.fault == MediaFault::cut_short) {
    request.bytes /= 2;
  }
  std::uint64_t left = request.bytes;
  for (const Segment& segment : std::span(request.data, request.data_count)) {
    const std::uint64_t piece = std::min<std::uint64_t>(segment.size, left);
    if (piece == 0) {
      continue;
    }
    if (dma_.disk_to_memory(*storage_, offset, segment.address, piece) != DmaPort::Result::ok) {
      request.status = VIRTIO_BLK_S_IOERR;
      return;
    }
    offset += piece;
    left -= piece;
    if (mutant(Mutant::stray_write)) {
      dma_.store(segment.address + segment.size, std::uint8_t{0x55});
    }
    if (mutant(Mutant::payload_corrupted) && reads_ % 8 == 1) {
      std::uint8_t byte = 0;
      dma_.load(segment.address, byte);
      dma_.store(segment.address, static_cast<std::uint8_t>(byte ^ 0x10));
    }
  }
  if (request.fault == MediaFault::corrupted && request.data_count != 0) {
    corrupt_memory(request);
  }
}

// 5.2.6: ASCII, padded with NULs.
void VirtioBlk::write_id(const Request& request) {
  const auto serial = mutant(Mutant::id_wrong) ? std::array<char, VIRTIO_BLK_ID_BYTES>{"another"} : serial_;
  std::uint64_t bytes = request.bytes;
  const auto with_one_nul = static_cast<std::uint64_t>(std::ranges::find(serial, '\0') - serial.begin()) + 1;
  if (with_one_nul < bytes && quirks_.fires(Quirk::id_not_padded, dma_.at())) {
    bytes = with_one_nul;
  }
  scatter(request, serial.data(), bytes);
}

// A disk of memory wears out as little as its numbers here say.
void VirtioBlk::write_lifetime(const Request& request) {
  constexpr std::uint16_t kUpToTenPercent = 1;
  constexpr std::uint16_t kUpToTwentyPercent = 2;
  constexpr VirtioBlkLifetime kLifetime{VIRTIO_BLK_PRE_EOL_INFO_NORMAL, kUpToTwentyPercent, kUpToTenPercent};
  scatter(request, &kLifetime, sizeof kLifetime);
}

void VirtioBlk::scatter(const Request& request, const void* data, std::uint64_t size) {
  const auto* const from = static_cast<const std::uint8_t*>(data);
  std::uint64_t done = 0;
  for (const Segment& segment : std::span(request.data, request.data_count)) {
    const std::uint64_t piece = std::min<std::uint64_t>(segment.size, size - done);
    if (piece != 0 && !dma_.write(segment.address, from + done, piece)) {
      return;
    }
    done += piece;
  }
}

// 2.7.8.2: how much was written, the status byte included.
void VirtioBlk::set_used_length(Request& request) {
  request.used_length = sends_data(request) ? static_cast<std::uint32_t>(request.bytes) + 1 : 1;
  if (request.used_length != request.capacity && quirks_.fires(Quirk::used_length_is_capacity, dma_.at())) {
    request.used_length = request.capacity;
  }
  if (mutant(Mutant::used_length_too_long)) {
    request.used_length = request.capacity + 1;
  }
}

void VirtioBlk::write_status(const Request& request) {
  if (mutant(Mutant::status_byte_missing) && request.status != VIRTIO_BLK_S_OK) {
    return;
  }
  if (mutant(Mutant::used_before_status)) {
    const LateStatus late = std::exchange(late_status_, {request.status_address, request.status});
    if (late.address != 0) {
      dma_.store(late.address, late.status);
    }
    return;
  }
  dma_.store(request.status_address, request.status);
}

}  // namespace ringside::model
