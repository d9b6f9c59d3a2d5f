#include "driver/block/ata.h"

#include <initializer_list>
#include <new>

#include "driver/block/ata_spec.h"
#include "driver/block/request_rules.h"
#include "driver/hal/text.h"

namespace ringside::block {
namespace {

constexpr AtaPlace kPlaces[] = {
    {0x1f0, 0x3f6, false},
    {0x1f0, 0x3f6, true},
    {0x170, 0x376, false},
    {0x170, 0x376, true},
};

constexpr std::uint64_t kIdentifyTimeout = 2 * hal::kSecond;
constexpr std::uint64_t kResetTimeout = 2 * hal::kSecond;  // a drive with platters may take 31 s to spin up; ours run
constexpr std::uint64_t kPollInterval = 10 * hal::kMicrosecond;
constexpr std::uint32_t kCommandSectors =
    256;  // what an LBA28 command takes at most, and quite enough for an LBA48 one
constexpr unsigned kSectorWords = kSectorSize / 2;

std::uint64_t number(const std::uint16_t* words, unsigned first, unsigned count) {
  std::uint64_t value = 0;
  for (unsigned i = count; i-- > 0;) {
    value = value << 16 | words[first + i];
  }
  return value;
}

}  // namespace

// --- Finding a drive ---------------------------------------------------------------------------------------------

AtaDisk* AtaDisk::open(hal::Machine& machine) {
  hal::Line().text("[ATA] Looking for a drive on the legacy ports...").log_to(machine);
  void* const memory = machine.alloc_private(sizeof(AtaDisk), alignof(AtaDisk));
  if (memory == nullptr) {
    return nullptr;
  }
  for (const AtaPlace& place : kPlaces) {
    if (machine.in8(place.control_port) == ata::kFloating) {
      continue;
    }
    auto* const disk = new (memory) AtaDisk(machine, place);
    if (disk->identify()) {
      hal::Line line;
      line.text("[ATA] Drive at port ").hex(place.command_ports, 3).text(place.second ? ", second: " : ", first: ");
      line.dec(disk->info().sectors).text(" sectors").log_to(machine);
      return disk;
    }
  }
  hal::Line().text("[ATA] No drive").log_to(machine);
  return nullptr;
}

// A status is valid 400 ns after a drive was selected or given a command (9.6); a port read takes at least 100.
void AtaDisk::settle() const {
  for (unsigned i = 0; i < 4; ++i) {
    static_cast<void>(alternate_status());
  }
}

void AtaDisk::select(std::uint8_t device_bits) const {
  out(ata::DEVICE, ata::kDeviceBase | (place_.second ? ata::DEV : 0u) | device_bits);
  settle();
}

bool AtaDisk::wait_while_busy(std::uint64_t deadline) const {
  for (;;) {
    const std::uint8_t now = alternate_status();
    if ((now & ata::BSY) == 0) {
      return true;
    }
    if (now == ata::kFloating || machine_.now() >= deadline) {
      return false;
    }
    machine_.relax(machine_.now() + kPollInterval);
  }
}

// Registers that keep what is written tell a drive from an empty cable whose status happens to look sane.
bool AtaDisk::present() const {
  constexpr std::uint8_t kOne = 0x55;
  constexpr std::uint8_t kOther = 0xaa;
  out(ata::SECTOR_COUNT, kOne);
  out(ata::LBA_LOW, kOther);
  return machine_.in8(port(ata::SECTOR_COUNT)) == kOne && machine_.in8(port(ata::LBA_LOW)) == kOther;
}

bool AtaDisk::identify() {
  machine_.out8(place_.control_port, ata::nIEN);
  select(0);
  const std::uint64_t deadline = machine_.now() + kIdentifyTimeout;
  if (alternate_status() == ata::kNobody || !wait_while_busy(deadline) || !present()) {
    return false;
  }
  for (const std::uint16_t cleared : {ata::SECTOR_COUNT, ata::LBA_LOW, ata::LBA_MID, ata::LBA_HIGH}) {
    out(cleared, 0);
  }
  issue(ata::IDENTIFY_DEVICE);
  if (status() == ata::kNobody || !wait_while_busy(deadline)) {
    return false;
  }
  const std::uint8_t now = status();
  // A packet device (a CD drive) refuses the command and leaves its signature in the address registers.
  const bool answered = (now & (ata::ERR | ata::DF)) == 0 && (now & ata::DRQ) != 0;
  if (!answered || machine_.in8(port(ata::LBA_MID)) != 0 || machine_.in8(port(ata::LBA_HIGH)) != 0) {
    return false;
  }
  std::uint16_t words[ata::kIdentifyWords];
  read_words(words, ata::kIdentifyWords);
  return understand(words);
}

// Nothing of it is trusted further than this.
bool AtaDisk::understand(const std::uint16_t* words) {
  const std::uint16_t sets = words[ata::kWordCommandSets];
  const bool sets_valid = (sets & ata::kCommandSetsValidMask) == ata::kCommandSetsValid;
  const std::uint16_t sector_size = words[ata::kWordSectorSize];
  const bool long_sectors =
      (sector_size & ata::kCommandSetsValidMask) == ata::kCommandSetsValid && (sector_size & ata::kLongSectors) != 0;
  if ((words[ata::kWordGeneral] & ata::kNotAta) != 0 || (words[ata::kWordCapabilities] & ata::kCapabilityLba) == 0 ||
      long_sectors) {
    hal::Line().text("[ATA] Drive cannot be used: no LBA, or sectors of another size").log_to(machine_);
    return false;
  }
  lba48_ = sets_valid && (sets & ata::kSetLba48) != 0;
  flush_ext_ = lba48_ && (sets & ata::kSetFlushExt) != 0;
  info_.flush = sets_valid && (sets & (ata::kSetFlush | ata::kSetFlushExt)) != 0;
  info_.sectors = lba48_ ? number(words, ata::kWordLba48Sectors, 4) : number(words, ata::kWordLba28Sectors, 2);
  for (unsigned i = 0; i < kIdSize; ++i) {
    const std::uint16_t pair = words[ata::kWordSerial + i / 2];
    serial_[i] = static_cast<std::uint8_t>(i % 2 == 0 ? pair >> 8 : pair);
  }
  if (info_.sectors == 0 || info_.sectors > (lba48_ ? ata::kLba48Limit : ata::kLba28Limit)) {
    hal::Line().text("[ATA] Drive cannot be used: its capacity makes no sense").log_to(machine_);
    return false;
  }
  info_.max_segments = 0xffff;
  return true;
}

// --- Requests ----------------------------------------------------------------------------------------------------

// Text fields of ATA are padded with spaces, on either side; an answer to GET_ID is padded with NULs.
void AtaDisk::copy_id(Request& request) const {
  std::uint8_t id[kIdSize] = {};
  unsigned first = 0;
  while (first < kIdSize && serial_[first] == ' ') {
    ++first;
  }
  unsigned end = kIdSize;
  while (end > first && (serial_[end - 1] == ' ' || serial_[end - 1] == 0)) {
    --end;
  }
  for (unsigned i = first; i < end; ++i) {
    id[i - first] = serial_[i];
  }
  SegmentCursor(request).copy_from(id, kIdSize);
}

Status AtaDisk::begin(Request& request, std::uint64_t deadline) {
  if (dead_) {
    return Status::device_lost;
  }
  deadline_ = deadline;
  if (request.operation == Operation::get_id) {
    copy_id(request);
    return Status::ok;
  }
  select(0);
  if (request.operation == Operation::flush) {
    if (!info_.flush) {
      return Status::unsupported;
    }
    issue(flush_ext_ ? ata::FLUSH_CACHE_EXT : ata::FLUSH_CACHE);
    sectors_left_ = in_command_ = 0;
    phase_ = Phase::finishing;
    return Status::pending;
  }
  write_ = request.operation == Operation::write;
  data_ = SegmentCursor(request);
  sector_ = request.sector;
  sectors_left_ = data_bytes(request) / kSectorSize;
  next_command();
  return Status::pending;
}

void AtaDisk::next_command() {
  in_command_ = sectors_left_ < kCommandSectors ? static_cast<std::uint32_t>(sectors_left_) : kCommandSectors;
  if (sector_ + in_command_ <= ata::kLba28Limit) {
    address_28(sector_, in_command_);
    issue(write_ ? ata::WRITE_SECTORS : ata::READ_SECTORS);
  } else {
    address_48(sector_, in_command_);
    issue(write_ ? ata::WRITE_SECTORS_EXT : ata::READ_SECTORS_EXT);
  }
  sector_ += in_command_;
  sectors_left_ -= in_command_;
  phase_ = write_ ? Phase::writing : Phase::reading;
}

// 256 sectors are a count of 0 (6.2).
void AtaDisk::address_28(std::uint64_t sector, std::uint32_t count) const {
  select(static_cast<std::uint8_t>(ata::LBA | (sector >> 24 & 0x0f)));
  out(ata::SECTOR_COUNT, count);
  out(ata::LBA_LOW, sector);
  out(ata::LBA_MID, sector >> 8);
  out(ata::LBA_HIGH, sector >> 16);
}

// Each register is two deep: what is written first becomes the upper half (6.20).
void AtaDisk::address_48(std::uint64_t sector, std::uint32_t count) const {
  select(ata::LBA);
  out(ata::SECTOR_COUNT, count >> 8);
  out(ata::LBA_LOW, sector >> 24);
  out(ata::LBA_MID, sector >> 32);
  out(ata::LBA_HIGH, sector >> 40);
  out(ata::SECTOR_COUNT, count);
  out(ata::LBA_LOW, sector);
  out(ata::LBA_MID, sector >> 8);
  out(ata::LBA_HIGH, sector >> 16);
}

void AtaDisk::issue(std::uint8_t command) const {
  out(ata::COMMAND, command);
  settle();
}

void AtaDisk::read_words(std::uint16_t* words, unsigned count) const {
  for (unsigned i = 0; i < count; ++i) {
    words[i] = machine_.in16(port(ata::DATA));
  }
}

void AtaDisk::write_words(const std::uint16_t* words, unsigned count) const {
  for (unsigned i = 0; i < count; ++i) {
    machine_.out16(port(ata::DATA), words[i]);
  }
}

// By way of a sector of our own: the caller's pieces may end anywhere, also inside a word.
void AtaDisk::move_sector() {
  std::uint16_t words[kSectorWords];
  if (write_) {
    data_.copy_to(words, kSectorSize);
    write_words(words, kSectorWords);
  } else {
    read_words(words, kSectorWords);
    data_.copy_from(words, kSectorSize);
  }
  --in_command_;
  settle();
}

Status AtaDisk::advance(Request& request) {
  for (;;) {
    const std::uint8_t now = status();
    if (now == ata::kFloating || now == ata::kNobody) {
      dead_ = true;
      return Status::device_lost;
    }
    if ((now & ata::BSY) != 0) {
      return machine_.now() < deadline_ ? Status::pending : give_up();
    }
    if ((now & (ata::ERR | ata::DF)) != 0) {
      phase_ = Phase::idle;
      return failure(now, request.operation);
    }
    if (in_command_ == 0) {
      if (sectors_left_ != 0) {
        next_command();
        continue;
      }
      phase_ = Phase::idle;
      request.used_length =
          write_ || request.operation != Operation::read ? 0 : static_cast<std::uint32_t>(data_bytes(request));
      return Status::ok;
    }
    if ((now & ata::DRQ) == 0) {
      return machine_.now() < deadline_ ? Status::pending : give_up();
    }
    move_sector();
  }
}

Status AtaDisk::failure(std::uint8_t status, Operation operation) const {
  const bool aborted = (status & ata::ERR) != 0 && (machine_.in8(port(ata::ERROR)) & ata::ABRT) != 0;
  return aborted && operation == Operation::flush ? Status::unsupported : Status::io_error;
}

// The deadline passed: the drive is taken back before anybody is told, so that it cannot answer late.
Status AtaDisk::give_up() {
  ++counters_.timeouts;
  ++counters_.resets;
  dead_ = !reset_channel();
  phase_ = Phase::idle;
  return Status::timed_out;
}

bool AtaDisk::reset_channel() {
  constexpr std::uint64_t kResetPulse = 5 * hal::kMicrosecond;  // 9.2
  constexpr std::uint64_t kAfterReset = 2 * hal::kMillisecond;
  machine_.out8(place_.control_port, ata::SRST | ata::nIEN);
  const std::uint64_t pulse_end = machine_.now() + kResetPulse;
  while (machine_.now() < pulse_end) {
    machine_.relax(pulse_end);
  }
  machine_.out8(place_.control_port, ata::nIEN);
  const std::uint64_t look = machine_.now() + kAfterReset;
  while (machine_.now() < look) {
    machine_.relax(look);
  }
  const bool ready = wait_while_busy(machine_.now() + kResetTimeout);
  if (ready) {
    select(0);
  }
  return ready;
}

void AtaDisk::stop() {
  if (phase_ != Phase::idle) {
    dead_ = !reset_channel();
    phase_ = Phase::idle;
  }
}

}  // namespace ringside::block
