#include "testbench/programs/legal.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "driver/block/open.h"
#include "driver/block/virtio_blk_spec.h"
#include "driver/virtio/spec.h"
#include "testbench/programs/building.h"
#include "testbench/programs/legal_disk.h"

namespace ringside::programs {
namespace {

using namespace scenarios;  // Op, Step and the slots of their arguments

constexpr std::uint64_t kLeastSectors = 1024;
constexpr std::uint64_t kMostKey = 1u << 16;
constexpr std::uint64_t kMostInBatch = 128;    // sectors: what the smallest SIZE_MAX takes in one segment
constexpr std::uint64_t kLeastRangeLimit = 8;  // of max-discard-sectors and its like

// Left out of what is negotiated, now and then.
constexpr std::array<unsigned, 9> kOptional = {
    virtio::VIRTIO_F_EVENT_IDX,       virtio::VIRTIO_F_INDIRECT_DESC, virtio::VIRTIO_F_RING_RESET,
    block::VIRTIO_BLK_F_FLUSH,        block::VIRTIO_BLK_F_CONFIG_WCE, block::VIRTIO_BLK_F_DISCARD,
    block::VIRTIO_BLK_F_WRITE_ZEROES, block::VIRTIO_BLK_F_MQ,         block::VIRTIO_BLK_F_TOPOLOGY};

class Generator {
 public:
  Generator(Random& random, const Reach& reach) : random_(random), reach_(reach) {}

  Program make() {
    q35_ = once_in(random_, 3);
    program_.machine = q35_ ? "q35" : "pc";
    program_.disk_sectors = kLeastSectors + 8 * random_.below(896);
    const std::size_t disks = once_in(random_, 8) ? 2 : 1;
    for (std::size_t i = 0; i < disks; ++i) {
      disks_.emplace_back(random_shape(random_, q35_, disks == 1, reach_), program_.disk_sectors);
      program_.devices.push_back(disks_.back().shape.properties);
    }
    const std::uint64_t lives = 1 + random_.below(3);
    for (std::uint64_t life = 0; life < lives; ++life) {
      live();
    }
    program_.summary =
        fmt::format("random: {} steps on {} disk{}", program_.steps.size(), disks, disks == 1 ? "" : "s");
    return std::move(program_);
  }

 private:
  struct Disk {
    Disk(DiskShape its_shape, std::uint64_t sectors) : shape(std::move(its_shape)), contents(sectors) {}
    DiskShape shape;
    Contents contents;
    Overlaps in_flight;
    // As it was opened last.
    std::uint64_t queues = 1;
    std::uint64_t ring = 256;
    bool bounces = false;
    bool write_zeroes = true;
  };

  Step& add(Op op, std::size_t disk) { return set(programs::add(program_, op), RequestArgs::disk, disk); }

  // From open to shutdown, of all disks.
  void live() {
    for (std::size_t i = 0; i < disks_.size(); ++i) {
      open(i);
    }
    const std::uint64_t length = 2 + random_.below(once_in(random_, 4) ? 40 : 12);
    for (std::uint64_t n = 0; n < length; ++n) {
      act(random_.below(disks_.size()));
    }
    for (std::size_t i = 0; i < disks_.size(); ++i) {
      finish(i);
      add(Op::counters, i);
      add(Op::shutdown, i);
    }
  }

  void open(std::size_t index) {
    Disk& disk = disks_[index];
    const DiskShape& shape = disk.shape;
    Step& step = add(Op::open, index);
    set(step, OpenArgs::completion, random_.below(3));
    set(step, OpenArgs::transport, num(transport(shape)));
    if (once_in(random_, 2)) {
      set(step, OpenArgs::config,
          num(q35_ && once_in(random_, 2) ? block::ConfigAccess::ecam : block::ConfigAccess::automatic));
    }
    const std::uint64_t without = left_out(shape);
    disk.queues = 1 + random_.below(shape.queues);
    set(step, OpenArgs::queues, disk.queues);
    if ((without >> block::VIRTIO_BLK_F_MQ & 1) != 0) {
      disk.queues = 1;
    }
    disk.write_zeroes = shape.write_zeroes && (without >> block::VIRTIO_BLK_F_WRITE_ZEROES & 1) == 0;
    if (without != 0) {
      set(step, OpenArgs::without, without);
    }
    if (once_in(random_, 4)) {
      set(step, OpenArgs::vectors, num(block::VectorUse::shared));
    }
    disk.ring = shape.queue_size;
    if (once_in(random_, 3)) {
      disk.ring = ring_size(shape, without);
      set(step, OpenArgs::queue_size, disk.ring);
    }
    disk.bounces = once_in(random_, 10);
    if (disk.bounces) {
      set(step, OpenArgs::data_alignment, once_in(random_, 2) ? 512 : 4096);
    }
  }

  block::TransportChoice transport(const DiskShape& shape) {
    using block::TransportChoice;
    switch (random_.below(5)) {
      case 0:
        return shape.legacy ? TransportChoice::legacy : TransportChoice::modern;
      case 1:
        return shape.modern ? TransportChoice::pci_cfg_window : TransportChoice::automatic;
      default:
        return TransportChoice::automatic;
    }
  }

  std::uint64_t left_out(const DiskShape& shape) {
    std::uint64_t without = 0;
    for (const unsigned bit : kOptional) {
      without |= once_in(random_, 10) ? virtio::feature(bit) : 0;
    }
    if (shape.packed && once_in(random_, 6)) {
      without |= virtio::feature(virtio::VIRTIO_F_RING_PACKED);
    }
    // A ring of 4 has no room for a chain of header, data and status but by a table.
    if (shape.queue_size < 8) {
      without &= ~virtio::feature(virtio::VIRTIO_F_INDIRECT_DESC);
    }
    return without;
  }

  std::uint64_t ring_size(const DiskShape& shape, std::uint64_t without) {
    const bool indirect = shape.indirect && (without >> virtio::VIRTIO_F_INDIRECT_DESC & 1) == 0;
    const std::uint64_t size = std::uint64_t{indirect ? 4u : 8u} << random_.below(6);
    return std::min(size, shape.queue_size);
  }

  void act(std::size_t index) {
    const std::uint64_t dice = random_.below(100);
    if (dice < 50) {
      request(index, false);
    } else if (dice < 75) {
      batch(index);
    } else if (dice < 82) {
      finish(index);
    } else if (dice < 86) {
      add(Op::info, index);
    } else if (dice < 89) {
      add(Op::poll, index);
    } else if (dice < 93) {
      finish(index);
      set(set(add(Op::set_write_cache, index), SettingArgs::value, random_.below(2)), SettingArgs::expect, kAnyStatus);
    } else if (dice < 97) {
      reset_queue(index);
    } else {
      set(programs::add(program_, Op::delay), DelayArgs::ns, 1000 * (1 + random_.below(2000)));
    }
  }

  void reset_queue(std::size_t index) {
    finish(index);
    const DiskShape& shape = disks_[index].shape;
    const std::uint64_t size =
        once_in(random_, 3) ? 0 : std::min(std::uint64_t{8} << random_.below(5), shape.queue_size);
    set(set(add(Op::reset_queue, index), SettingArgs::value, size), SettingArgs::expect, kAnyStatus);
    disks_[index].ring = size == 0 ? disks_[index].ring : std::min(size, disks_[index].ring);
  }

  // What the driver sends in several parts, or through its bounce buffer, may have to wait for room, and when there is
  // room depends on when others complete: the order of such requests would be a matter of time. So in batches there are
  // none of those.
  void batch(std::size_t index) {
    if (disks_[index].bounces) {
      return request(index, false);
    }
    const std::uint64_t length = 2 + random_.below(once_in(random_, 4) ? 40 : 10);
    for (std::uint64_t i = 0; i < length; ++i) {
      request(index, true);
    }
    if (once_in(random_, 4)) {
      return;  // more may join
    }
    add(Op::submit, index);
    if (once_in(random_, 3)) {
      set(add(Op::wait, index), DiskArgs::count, 1 + random_.below(length));
    }
    if (once_in(random_, 2)) {
      finish(index);
    }
  }

  void finish(std::size_t index) {
    add(Op::finish, index);
    disks_[index].in_flight.clear();
  }

  void request(std::size_t index, bool batched) {
    const std::uint64_t dice = random_.below(100);
    if (dice < 42) {
      read(index, batched);
    } else if (dice < 80) {
      write(index, batched);
    } else if (dice < 87) {
      plain(index, Op::flush, batched);
    } else if (dice < 90) {
      plain(index, once_in(random_, 3) ? Op::get_lifetime : Op::get_id, batched);
    } else {
      range(index, dice < 94 ? Op::discard : dice < 99 ? Op::write_zeroes : Op::secure_erase, batched);
    }
  }

  struct Stretch {
    std::uint64_t sector;
    std::uint64_t count;
  };

  // Small ones mostly, often near each other, so that they meet; always whole blocks.
  Stretch stretch(const Disk& disk, std::uint64_t most) {
    const std::uint64_t block = disk.shape.block;
    const std::uint64_t blocks =
        std::max<std::uint64_t>(1, (once_in(random_, 6) ? most : std::min<std::uint64_t>(most, 16)) / block);
    const std::uint64_t count = block * (1 + random_.below(blocks));
    const std::uint64_t room =
        once_in(random_, 3) ? disk.contents.sectors() : std::min<std::uint64_t>(disk.contents.sectors(), 512);
    return {block * random_.below((room - count) / block + 1), count};
  }

  // Sent, or collected; and what is in flight with it does not touch what it changes.
  Step& begin(std::size_t index, Op op, bool batched, const Stretch& where, bool changes) {
    Disk& disk = disks_[index];
    constexpr std::size_t kMostInFlight = 100;  // the interpreter keeps 256, for all disks
    if (disk.in_flight.conflict(where.sector, where.count, changes) || disk.in_flight.count() >= kMostInFlight) {
      finish(index);
    }
    if (batched) {
      disk.in_flight.add(where.sector, where.count, changes);
    }
    Step& step = add(op, index);
    if (batched) {
      set(step, RequestArgs::batch, 1);
    }
    if (disk.queues > 1) {
      set(step, RequestArgs::queue, random_.below(disk.queues));
    }
    return step;
  }

  void place(Step& step, const Stretch& where) {
    set(set(step, RequestArgs::sector, where.sector), RequestArgs::sectors, where.count);
  }

  void cut(const Disk& disk, Step& step, bool batched) {
    constexpr std::uint64_t kRoomForAnyChain = 64;
    if (batched && disk.ring < kRoomForAnyChain) {
      return;
    }
    if (once_in(random_, 3)) {
      set(step, RequestArgs::segments, 2 + random_.below(once_in(random_, 5) ? 40 : 4));
    }
    if (once_in(random_, 8)) {
      set(step, RequestArgs::shift, 1 + random_.below(600));
    }
  }

  void read(std::size_t index, bool batched) {
    const Stretch where = stretch(disks_[index], batched ? kMostInBatch : 256);
    Step& step = begin(index, Op::read, batched, where, false);
    place(step, where);
    cut(disks_[index], step, batched);
    const std::uint64_t key = disks_[index].contents.of(where.sector, where.count);
    if (key == Contents::kZero) {
      set(step, RequestArgs::expect_zero, 1);
    } else if (key != Contents::kUnknown) {
      set(step, RequestArgs::expect_fill, key);
    }
  }

  void write(std::size_t index, bool batched) {
    Disk& disk = disks_[index];
    const Stretch where = stretch(disk, batched ? kMostInBatch : 256);
    Step& step = begin(index, Op::write, batched, where, true);
    place(step, where);
    cut(disk, step, batched);
    const std::uint64_t key = 1 + random_.below(kMostKey);
    set(step, RequestArgs::fill, key);
    if (disk.shape.read_only) {
      set(step, RequestArgs::expect, kAnyStatus);
    } else {
      disk.contents.hold(where.sector, where.count, key);
    }
  }

  void plain(std::size_t index, Op op, bool batched) {
    Step& step = begin(index, op, batched, {0, 0}, false);
    if (op != Op::get_id) {
      set(step, RequestArgs::expect, kAnyStatus);  // not every disk has it
    }
  }

  void range(std::size_t index, Op op, bool batched) {
    Disk& disk = disks_[index];
    const Stretch where = stretch(disk, batched ? kLeastRangeLimit : 512);
    Step& step = begin(index, op, batched, where, true);
    place(step, where);
    const bool certain = op == Op::write_zeroes && disk.write_zeroes && !disk.shape.read_only;
    if (op == Op::write_zeroes && once_in(random_, 2)) {
      set(step, RequestArgs::unmap, 1);
    }
    if (!certain) {
      set(step, RequestArgs::expect, kAnyStatus);
    }
    disk.contents.hold(where.sector, where.count, certain ? Contents::kZero : Contents::kUnknown);
  }

  Random& random_;
  const Reach& reach_;
  bool q35_ = false;
  Program program_;
  std::vector<Disk> disks_;
};

}  // namespace

Program make_legal(Random& random, const Reach& reach) { return Generator(random, reach).make(); }

}  // namespace ringside::programs
