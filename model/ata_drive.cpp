#include "model/ata_drive.h"

#include <algorithm>
#include <string_view>

namespace ringside::model {
namespace {

// Command block (ATA/ATAPI-6, 7). The model's own transcription.
constexpr unsigned ERROR = 1;
constexpr unsigned SECTOR_COUNT = 2;
constexpr unsigned LBA_LOW = 3;
constexpr unsigned LBA_MID = 4;
constexpr unsigned LBA_HIGH = 5;
constexpr unsigned DEVICE = 6;
constexpr unsigned STATUS = 7;

constexpr std::uint8_t BSY = 0x80;
constexpr std::uint8_t DRDY = 0x40;
constexpr std::uint8_t DSC = 0x10;  // obsolete, and set by every drive
constexpr std::uint8_t DRQ = 0x08;
constexpr std::uint8_t ERR = 0x01;

constexpr std::uint8_t UNC = 0x40;
constexpr std::uint8_t IDNF = 0x10;
constexpr std::uint8_t ABRT = 0x04;

constexpr std::uint8_t SRST = 0x04;
constexpr std::uint8_t LBA = 0x40;

constexpr std::uint8_t READ_SECTORS = 0x20;
constexpr std::uint8_t READ_SECTORS_EXT = 0x24;
constexpr std::uint8_t WRITE_SECTORS = 0x30;
constexpr std::uint8_t WRITE_SECTORS_EXT = 0x34;
constexpr std::uint8_t FLUSH_CACHE = 0xe7;
constexpr std::uint8_t FLUSH_CACHE_EXT = 0xea;
constexpr std::uint8_t IDENTIFY_DEVICE = 0xec;

constexpr std::uint64_t kLba28Sectors = (1u << 28) - 1;  // what the 28-bit capacity can say
constexpr std::uint64_t kLba48Sectors = std::uint64_t{1} << 48;

void put_word(std::array<std::uint8_t, 512>& words, unsigned word, std::uint64_t value) {
  words[2 * word] = static_cast<std::uint8_t>(value);
  words[2 * word + 1] = static_cast<std::uint8_t>(value >> 8);
}

// Two characters a word, the first in the upper byte, padded with spaces.
void put_text(std::array<std::uint8_t, 512>& words, unsigned word, unsigned characters, std::string_view text) {
  for (unsigned i = 0; i < characters; ++i) {
    words[2 * word + (i ^ 1u)] = static_cast<std::uint8_t>(i < text.size() ? text[i] : ' ');
  }
}

}  // namespace

void AtaDrive::power_on(const IdeDisk& disk, const Latencies& latencies) {
  disk_ = disk;
  latencies_ = latencies;
  in_reset_ = false;
  reset();
}

// The signature of a disk: count 1, address 1 (9.12).
void AtaDrive::reset() {
  registers_ = {};
  registers_[SECTOR_COUNT].now = 1;
  registers_[LBA_LOW].now = 1;
  device_ = 0;
  error_ = 1;
  status_ = DRDY | DSC;
  busy_until_ = 0;
  transfer_ = Transfer::none;
  sectors_left_ = 0;
  position_ = 0;
  buffer_ = {};
}

std::uint8_t AtaDrive::status(Picoseconds at) const {
  if (!present()) {
    return 0;
  }
  return in_reset_ || at < busy_until_ ? BSY : status_;
}

std::uint8_t AtaDrive::read(unsigned offset, Picoseconds at) {
  if (!present()) {
    return 0;
  }
  switch (offset) {
    case ERROR:
      return error_;
    case DEVICE:
      return device_;
    case STATUS:
      return status(at);
    default:
      return registers_[offset].now;
  }
}

void AtaDrive::write(unsigned offset, std::uint8_t value, Picoseconds at) {
  if (!present() || (status(at) & BSY) != 0) {
    return;  // a busy drive ignores its registers (7.2.7)
  }
  if (offset == STATUS) {
    execute(value, at);
  } else if (offset == DEVICE) {
    device_ = value;
  } else {
    registers_[offset] = {value, registers_[offset].now};
  }
}

void AtaDrive::write_control(std::uint8_t value) {
  const bool was_in_reset = in_reset_;
  in_reset_ = (value & SRST) != 0;
  if (was_in_reset && !in_reset_) {
    reset();
  }
}

void AtaDrive::execute(std::uint8_t command, Picoseconds at) {
  status_ = DRDY | DSC;
  error_ = 0;
  transfer_ = Transfer::none;
  switch (command) {
    case READ_SECTORS:
    case READ_SECTORS_EXT:
      begin_transfer(Transfer::to_host, command == READ_SECTORS_EXT, at);
      break;
    case WRITE_SECTORS:
    case WRITE_SECTORS_EXT:
      begin_transfer(Transfer::from_host, command == WRITE_SECTORS_EXT, at);
      break;
    case FLUSH_CACHE:
    case FLUSH_CACHE_EXT:
      busy_for(latencies_.media_flush_ns, at);
      if (!disk_.storage->flush()) {
        fail(ABRT);
      }
      break;
    case IDENTIFY_DEVICE:
      identify();
      break;
    default:
      fail(ABRT);
  }
}

void AtaDrive::busy_for(std::uint64_t nanoseconds, Picoseconds at) {
  busy_until_ = at + nanoseconds * kPicosecondsPerNanosecond;
}

void AtaDrive::fail(std::uint8_t error) {
  transfer_ = Transfer::none;
  error_ = error;
  status_ = DRDY | DSC | ERR;
}

std::uint64_t AtaDrive::address(bool wide) const {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  for (const unsigned offset : {LBA_HIGH, LBA_MID, LBA_LOW}) {
    low = low << 8 | registers_[offset].now;
    high = high << 8 | registers_[offset].before;
  }
  return low | (wide ? high : std::uint64_t{device_ & 0x0fu}) << 24;
}

// 0 stands for the most there can be.
std::uint32_t AtaDrive::count(bool wide) const {
  const Deep& reg = registers_[SECTOR_COUNT];
  const std::uint32_t count = wide ? std::uint32_t{reg.before} << 8 | reg.now : reg.now;
  const std::uint32_t most = wide ? 0x1'0000 : 0x100;
  return count == 0 ? most : count;
}

void AtaDrive::begin_transfer(Transfer transfer, bool wide, Picoseconds at) {
  if ((device_ & LBA) == 0) {
    fail(ABRT);
    return;
  }
  sector_ = address(wide);
  sectors_left_ = count(wide);
  if (sector_ >= disk_.sectors || sectors_left_ > disk_.sectors - sector_) {
    fail(IDNF);
    return;
  }
  transfer_ = transfer;
  if (transfer == Transfer::to_host) {
    busy_for(latencies_.media_read_ns, at);
    load_sector();
  } else {
    position_ = 0;
    status_ |= DRQ;
  }
}

void AtaDrive::load_sector() {
  position_ = 0;
  if (disk_.storage->read(sector_ * kSectorBytes, buffer_.data(), kSectorBytes)) {
    status_ |= DRQ;
  } else {
    fail(UNC);
  }
}

void AtaDrive::store_sector(Picoseconds at) {
  busy_for(latencies_.media_write_ns, at);
  if (!disk_.storage->write(sector_ * kSectorBytes, buffer_.data(), kSectorBytes)) {
    fail(UNC);
  }
}

// The buffer is empty, or full: on to the next, or to the end of the command.
void AtaDrive::next_sector(Picoseconds at) {
  status_ &= static_cast<std::uint8_t>(~DRQ);
  if (transfer_ == Transfer::from_host) {
    store_sector(at);
    if (transfer_ == Transfer::none) {
      return;
    }
  }
  ++sector_;
  if (--sectors_left_ == 0) {
    transfer_ = Transfer::none;
  } else if (transfer_ == Transfer::to_host) {
    load_sector();
  } else {
    position_ = 0;
    status_ |= DRQ;
  }
}

std::uint16_t AtaDrive::read_data(Picoseconds at) {
  if ((status(at) & (BSY | DRQ)) != DRQ || transfer_ != Transfer::to_host) {
    return 0;
  }
  const auto value = static_cast<std::uint16_t>(buffer_[position_] | buffer_[position_ + 1] << 8);
  position_ += 2;
  if (position_ == kSectorBytes) {
    next_sector(at);
  }
  return value;
}

void AtaDrive::write_data(std::uint16_t value, Picoseconds at) {
  if ((status(at) & (BSY | DRQ)) != DRQ || transfer_ != Transfer::from_host) {
    return;
  }
  buffer_[position_] = static_cast<std::uint8_t>(value);
  buffer_[position_ + 1] = static_cast<std::uint8_t>(value >> 8);
  position_ += 2;
  if (position_ == kSectorBytes) {
    next_sector(at);
  }
}

void AtaDrive::identify() {
  constexpr std::uint16_t kFixedDisk = 0x0040;
  constexpr std::uint16_t kCapabilityLba = 1u << 9;
  constexpr std::uint16_t kAta4To6 = 0x0070;
  constexpr std::uint16_t kValid = 1u << 14;
  constexpr std::uint16_t kFlushExtFlushLba48 = 1u << 13 | 1u << 12 | 1u << 10;
  buffer_ = {};
  put_word(buffer_, 0, kFixedDisk);
  put_text(buffer_, 10, 20, disk_.serial);
  put_text(buffer_, 23, 8, "1.0");
  put_text(buffer_, 27, 40, "RINGSIDE DISK");
  put_word(buffer_, 49, kCapabilityLba);
  const std::uint64_t sectors = std::min(disk_.sectors, kLba48Sectors);
  const std::uint64_t short_sectors = std::min(sectors, kLba28Sectors);
  put_word(buffer_, 60, short_sectors);
  put_word(buffer_, 61, short_sectors >> 16);
  put_word(buffer_, 80, kAta4To6);
  for (const unsigned supported_or_enabled : {83u, 86u}) {
    put_word(buffer_, supported_or_enabled, (supported_or_enabled == 83 ? kValid : 0u) | kFlushExtFlushLba48);
  }
  put_word(buffer_, 84, kValid);
  put_word(buffer_, 87, kValid);
  for (unsigned i = 0; i < 4; ++i) {
    put_word(buffer_, 100 + i, sectors >> (16 * i));
  }
  transfer_ = Transfer::to_host;
  sectors_left_ = 1;
  position_ = 0;
  status_ |= DRQ;
}

}  // namespace ringside::model
