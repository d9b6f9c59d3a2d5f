#include "testbench/programs/legal_disk.h"

#include <fmt/core.h>

#include <algorithm>

#include "testbench/programs/building.h"

namespace ringside::programs {
namespace {

class ShapeMaker {
 public:
  ShapeMaker(scenarios::Random& random, bool q35, bool alone, const Reach& reach)
      : random_(random), q35_(q35), alone_(alone), reach_(reach) {}

  DiskShape make() {
    place();
    interfaces();
    rings();
    disk();
    if (reach_.bench_properties) {
      bench();
    }
    return shape_;
  }

 private:
  bool say(const std::string& property) {
    shape_.properties += (shape_.properties.empty() ? "" : ",") + property;
    return true;
  }
  // True when it has been said.
  bool maybe(std::uint64_t once_in_so_many, const std::string& property) {
    return once_in(random_, once_in_so_many) && say(property);
  }

  void place() {
    if (alone_ && q35_ && maybe(5, "bus=port0")) {
      shape_.legacy = false;
      maybe(2, "ats=on");
    } else if (alone_) {
      maybe(10, "bus=bridge0");
    }
    maybe(8, "page-per-vq=on");
  }

  void interfaces() {
    if (shape_.legacy && maybe(12, "disable-modern=on")) {
      shape_.modern = false;
    } else if (maybe(6, "disable-legacy=on")) {
      shape_.legacy = false;
      maybe(3, "iommu_platform=on");
    }
  }

  void rings() {
    shape_.packed = shape_.modern && maybe(3, "packed=on");
    shape_.indirect = !maybe(8, "indirect_desc=off");
    maybe(6, "event_idx=off");
    maybe(8, "queue_reset=off");
    if (once_in(random_, 2)) {
      shape_.queues = 1 + random_.below(once_in(random_, 4) ? 8 : 4);
      say(fmt::format("num-queues={}", shape_.queues));
    }
    if (once_in(random_, 6)) {
      const std::uint64_t vectors = random_.below(shape_.queues + 2);
      say(fmt::format("vectors={}", vectors == 1 ? 2 : vectors));  // 4.1.5.1.2.1: none, or at least two
    }
    if (once_in(random_, 3)) {
      shape_.queue_size = std::uint64_t{shape_.indirect ? 4u : 8u} << random_.below(7);
      say(fmt::format("queue-size={}", shape_.queue_size));
    }
    maybe(8, "seg-max-adjust=off");
  }

  void disk() {
    shape_.read_only = maybe(16, "read_only=on");
    if (maybe(8, "logical_block_size=4096")) {
      shape_.block = 8;
    }
    maybe(8, "config-wce=off");
    maybe(6, "write-cache=off");
    maybe(8, "discard=off");
    shape_.write_zeroes = !maybe(8, "write-zeroes=off");
    maybe(8, fmt::format("max-discard-sectors={}", 8 * (1 + random_.below(64))));
    maybe(8, fmt::format("max-write-zeroes-sectors={}", 8 * (1 + random_.below(64))));
    maybe(8, fmt::format("serial=disk-{:x}", random_.below(1u << 24)));
  }

  void bench() {
    maybe(5, "in_order=on");
    maybe(5, "notification_data=on");
    maybe(6, "notif_config_data=on");
    maybe(8, "order_platform=on");
    shape_.lifetime = maybe(6, "lifetime=on");
    shape_.secure_erase = maybe(6, "secure_erase=on");
    maybe(8, "size_max=65536");
  }

  scenarios::Random& random_;
  bool q35_;
  bool alone_;
  const Reach& reach_;
  DiskShape shape_;
};

}  // namespace

DiskShape random_shape(scenarios::Random& random, bool q35, bool alone, const Reach& reach) {
  return ShapeMaker(random, q35, alone, reach).make();
}

void Contents::hold(std::uint64_t sector, std::uint64_t count, std::uint64_t key) {
  for (std::uint64_t i = 0; i < count && sector + i < keys_.size(); ++i) {
    keys_[sector + i] = key;
  }
}

std::uint64_t Contents::of(std::uint64_t sector, std::uint64_t count) const {
  for (std::uint64_t i = 1; i < count; ++i) {
    if (keys_[sector + i] != keys_[sector]) {
      return kUnknown;
    }
  }
  return keys_[sector];
}

bool Overlaps::conflict(std::uint64_t sector, std::uint64_t count, bool changes) const {
  return std::ranges::any_of(ranges_, [&](const Range& range) {
    return (changes || range.changes) && sector < range.sector + range.count && range.sector < sector + count;
  });
}

}  // namespace ringside::programs
