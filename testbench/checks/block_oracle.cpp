#include "testbench/checks/block_oracle.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "testbench/checks/in_flight.h"
#include "testbench/checks/monitors.h"
#include "testbench/checks/virtio_numbers.h"
#include "testbench/trace/hash.h"
#include "testbench/trace/names.h"

namespace ringside::checks {

// --- Contents

void DiskContents::forget(const Extent& extent) {
  auto at = known_.upper_bound(extent.begin);
  if (at != known_.begin() && std::prev(at)->second.end > extent.begin) {
    --at;
  }
  while (at != known_.end() && at->first < extent.end) {
    const auto [begin, old] = *at;
    at = known_.erase(at);
    if (!old.contents.zero) {
      continue;  // of the rest of it no hash is known
    }
    if (begin < extent.begin) {
      known_[begin] = {extent.begin, old.contents};
    }
    if (old.end > extent.end) {
      known_[extent.end] = {old.end, old.contents};
      break;
    }
  }
}

void DiskContents::learn(const Extent& extent, const Contents& contents) {
  forget(extent);
  known_[extent.begin] = {extent.end, contents};
  if (known_.size() > kMaxExtents) {
    known_.erase(known_.begin());
  }
}

std::optional<Contents> DiskContents::expected(const Extent& extent) const {
  const auto after = known_.upper_bound(extent.begin);
  if (after == known_.begin()) {
    return std::nullopt;
  }
  const auto& [begin, known] = *std::prev(after);
  const bool exact = begin == extent.begin && known.end == extent.end;
  const bool inside_zeroes = known.contents.zero && extent.end <= known.end;
  return exact || inside_zeroes ? std::optional<Contents>(known.contents) : std::nullopt;
}

// --- The monitor

namespace {

using namespace trace;

constexpr Clause kReadsWhatWasWritten{"5.2.6.2", Role::device};
constexpr Clause kReadsZeroes{"blkop-dev-09", Role::device};
constexpr Clause kReadOnlyKept{"blkop-dev-04", Role::device};
constexpr std::array kClauses = {kReadsWhatWasWritten, kReadsZeroes, kReadOnlyKept};
constexpr std::array kKinds = {Kind::device_status, Kind::queue_enabled, Kind::queue_disabled, Kind::request,
                               Kind::completion};

constexpr std::uint64_t kLongestZeroes = 64u << 20;  // bytes: a longer read of zeroes is not judged

std::uint64_t hash_of_zeroes(std::uint64_t bytes) {
  static const std::vector<std::uint8_t> zeroes(64 * 1024);
  HashStream hash;
  hash.begin();
  for (std::uint64_t left = bytes; left != 0;) {
    const std::uint64_t piece = std::min<std::uint64_t>(left, zeroes.size());
    hash.add(zeroes.data(), piece);
    left -= piece;
  }
  return hash.end();
}

Extent extent_at(std::uint64_t sector, std::uint64_t sectors) {
  const std::uint64_t most = ~std::uint64_t{0} - sector;
  return {sector, sector + std::min(sectors, most)};
}

// What is read there afterwards is the device's to choose.
bool leaves_undefined(std::uint16_t type) { return type == VIRTIO_BLK_T_DISCARD || type == VIRTIO_BLK_T_SECURE_ERASE; }

bool changes_contents(std::uint16_t type) {
  return type == VIRTIO_BLK_T_OUT || type == VIRTIO_BLK_T_WRITE_ZEROES || leaves_undefined(type);
}

class BlockOracle final : public Monitor {
 public:
  using Monitor::Monitor;
  const char* name() const override { return "block oracle"; }
  std::span<const Clause> clauses() const override { return kClauses; }
  std::span<const Kind> kinds() const override { return kKinds; }
  // From outside, data is read when the driver may have it back already.
  bool judges(View view) const override { return view == View::beside; }

  void take(const Record& record) override {
    switch (record.kind) {
      case Kind::device_status:
        if (is_reset(record)) {
          disks_[record.unit].flying.clear();
        }
        break;
      case Kind::queue_enabled:
      case Kind::queue_disabled:
        disks_[record.unit].flying.erase(record.queue);
        break;
      case Kind::request:
        publish(record);
        break;
      case Kind::completion:
        complete(record);
        break;
      default:
        break;
    }
  }

 private:
  struct Flying {
    std::uint16_t type = 0;
    Extent extent;
    std::uint64_t hash = 0;            // of what is written
    bool contested = false;            // another change of the same sectors was in flight with it
    std::optional<Contents> expected;  // of a read
  };
  struct Disk {
    DiskContents contents;
    std::map<std::uint16_t, InFlight<Flying>> flying;  // by queue
  };

  void publish(const Record& record) {
    Disk& disk = disks_[record.unit];
    Flying request;
    request.type = record.flags;
    request.hash = record.hash;
    if (record.flags == VIRTIO_BLK_T_IN || record.flags == VIRTIO_BLK_T_OUT) {
      // A length that is no multiple of 512 touches its last sector too, if the device accepts it at all.
      request.extent = extent_at(record.offset, (record.length + kSectorBytes - 1) / kSectorBytes);
      request.contested = record.length % kSectorBytes != 0;
    } else if (changes_contents(record.flags)) {
      request.extent = extent_at(record.value, record.region);
    }
    if (changes(record)) {
      const bool several = record.flags != VIRTIO_BLK_T_OUT && record.length != sizeof(BlockRange);
      several ? disk.contents.clear() : disk.contents.forget(request.extent);
      contest(disk, request);
    } else if (record.flags == VIRTIO_BLK_T_IN && !request.contested) {
      request.expected = disk.contents.expected(request.extent);
    }
    disk.flying[record.queue].add(record.ordinal, request);
  }

  // A disk that is read-only keeps its contents whatever it is asked to do (5.2.6.2).
  [[nodiscard]] bool read_only(const Record& record) const {
    return has(facts().device(record.unit).offered, VIRTIO_BLK_F_RO);
  }
  [[nodiscard]] bool changes(const Record& record) const {
    return changes_contents(record.flags) && !read_only(record);
  }

  static void contest(Disk& disk, Flying& change) {
    for (auto& [queue, requests] : disk.flying) {
      requests.for_each([&](std::uint32_t, Flying& other) {
        if (other.extent.overlaps(change.extent)) {
          other.expected.reset();
          if (changes_contents(other.type)) {
            other.contested = change.contested = true;
          }
        }
      });
    }
  }

  void complete(const Record& record) {
    Disk& disk = disks_[record.unit];
    InFlight<Flying>& flying = disk.flying[record.queue];
    const Flying* const found = flying.find(record.ordinal);
    if (found == nullptr) {
      return;
    }
    const Flying request = *found;
    flying.remove(record.ordinal);
    if (record.value != VIRTIO_BLK_S_OK || request.extent.begin >= request.extent.end) {
      return;
    }
    if (request.type == VIRTIO_BLK_T_IN) {
      judge(record, request);
      if (read_only(record)) {  // where nothing is written, what is read has to stay
        disk.contents.learn(request.extent, {false, record.hash, index()});
      }
    } else if (!request.contested && !read_only(record) && !leaves_undefined(request.type) &&
               changes_contents(request.type)) {
      disk.contents.learn(request.extent, {request.type == VIRTIO_BLK_T_WRITE_ZEROES, request.hash, index()});
    }
  }

  void judge(const Record& record, const Flying& read) {
    const std::uint64_t bytes = (read.extent.end - read.extent.begin) * kSectorBytes;
    if (!read.expected.has_value() || (read.expected->zero && bytes > kLongestZeroes)) {
      return;
    }
    const std::uint64_t expected = read.expected->zero ? hash_of_zeroes(bytes) : read.expected->hash;
    if (record.hash != expected) {
      const Clause& written = read_only(record) ? kReadOnlyKept : kReadsWhatWasWritten;
      violated(read.expected->zero ? kReadsZeroes : written,
               fmt::format("record {} reads sectors {} to {} as {:016x}, but record {} had left {:016x} there{}",
                           index(), read.extent.begin, read.extent.end - 1, record.hash, read.expected->source,
                           expected, read.expected->zero ? " (zeroes)" : ""));
    }
  }

  std::map<std::uint8_t, Disk> disks_;
};

}  // namespace

std::unique_ptr<Monitor> make_block_oracle(const Tools& tools) { return std::make_unique<BlockOracle>(tools); }

}  // namespace ringside::checks
