#include "testbench/programs/illegal.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <vector>

#include "driver/block/virtio_blk_spec.h"
#include "driver/virtio/spec.h"
#include "testbench/programs/building.h"
#include "testbench/programs/illegal_chain.h"

namespace ringside::programs {
namespace {

using namespace scenarios;  // Op, Step and the slots of their arguments

constexpr std::uint64_t kVersion1 = virtio::feature(virtio::VIRTIO_F_VERSION_1);
constexpr std::uint64_t kDriverOk = 0x0f;
constexpr std::uint64_t kBeforeFeaturesOk = 0x03;
constexpr std::uint64_t kDefaultSectors = 4096;
constexpr std::uint64_t kPatienceUs = 2'000'000;  // with a QEMU that has many others beside it

class Generator {
 public:
  explicit Generator(Random& random) : random_(random) {}

  Program make() {
    packed_ = once_in(random_, 3);
    program_.machine = "pc";
    program_.disk_sectors = kDefaultSectors;
    program_.devices.push_back(packed_ ? "packed=on" : "");
    programs::add(program_, Op::find);
    for (unsigned buffer = 0; buffer < kBufferSizes.size(); ++buffer) {
      set(set(programs::add(program_, Op::buffer), BufferArgs::buffer, buffer), BufferArgs::length,
          kBufferSizes[buffer]);
    }
    const std::uint64_t lives = 1 + random_.below(3);
    for (std::uint64_t life = 0; life < lives; ++life) {
      live();
    }
    bring_up();
    send(good_request());
    program_.summary =
        fmt::format("random mistakes: {} steps on a {} ring", program_.steps.size(), packed_ ? "packed" : "split");
    return std::move(program_);
  }

 private:
  // From one reset to the next: what is good, then one mistake, which may break the device.
  void live() {
    bring_up();
    for (std::uint64_t good = random_.below(3); good != 0; --good) {
      send(good_request());
    }
    if (once_in(random_, 3)) {
      register_mistake();
      send(good_request());
    } else {
      Chain chain = once_in(random_, 3) ? bad_request() : good_request();
      if (packed_) {
        spoil_contents(chain, random_);
      } else {
        spoil(chain, random_, indirect_);
      }
      send(chain);
    }
  }

  void bring_up() {
    indirect_ = once_in(random_, 2);
    std::uint64_t features = kVersion1 | (packed_ ? virtio::feature(virtio::VIRTIO_F_RING_PACKED) : 0);
    features |= indirect_ ? virtio::feature(virtio::VIRTIO_F_INDIRECT_DESC) : 0;
    features |= once_in(random_, 4) ? virtio::feature(virtio::VIRTIO_F_EVENT_IDX) : 0;
    features |= once_in(random_, 2) ? virtio::feature(block::VIRTIO_BLK_F_FLUSH) : 0;
    set(programs::add(program_, Op::negotiate), NegotiateArgs::features, features);
    size_ = std::uint64_t{16} << random_.below(3);
    Step& queue = set(programs::add(program_, Op::queue), QueueArgs::size, size_);
    set(queue, QueueArgs::ring, packed_ ? 1 : 0);
    set(programs::add(program_, Op::status), StatusArgs::value, kDriverOk);
    slot_ = 0;
  }

  Chain good_request() {
    static constexpr std::array kTypes{block::VIRTIO_BLK_T_IN, block::VIRTIO_BLK_T_OUT, block::VIRTIO_BLK_T_FLUSH,
                                       block::VIRTIO_BLK_T_GET_ID};
    return make_request(kTypes[random_.below(kTypes.size())], random_.below(kDefaultSectors - 8),
                        kSectorBytes * (1 + random_.below(7)));
  }

  // Its chain is well-formed; what it asks for is not.
  Chain bad_request() {
    const std::uint64_t odd_bytes[] = {1, 16, 20, 511, 513, 1024};
    const std::uint64_t odd_sectors[] = {0, kDefaultSectors - 1, kDefaultSectors, 1ull << 32, 1ull << 55, ~0ull};
    const auto type = static_cast<std::uint32_t>(random_.below(16));
    return make_request(once_in(random_, 8) ? type | 0x8000'0000 : type, odd_sectors[random_.below(6)],
                        odd_bytes[random_.below(6)]);
  }

  void send(const Chain& chain) {
    fill(kDataBuffer, kBufferSizes[kDataBuffer], 0x11);
    fill(kStatusBuffer, kBufferSizes[kStatusBuffer], 0xee);
    Step& header = set(programs::add(program_, Op::header), HeaderArgs::buffer, kHeaderBuffer);
    set(set(header, HeaderArgs::type, chain.type), HeaderArgs::sector, chain.sector);
    if (chain.range) {
      Step& range = set(programs::add(program_, Op::range), RangeArgs::buffer, kDataBuffer);
      set(set(set(range, RangeArgs::sector, chain.sector), RangeArgs::sectors, 8), RangeArgs::flags, chain.range_flags);
    }
    if (chain.table) {
      table(chain);
    } else {
      direct(chain);
    }
    if (!packed_) {
      set(programs::add(program_, Op::publish), RingArgs::head, chain.head);
    }
    programs::add(program_, Op::notify);
    observe();
  }

  void table(const Chain& chain) {
    for (std::size_t i = 0; i < chain.pieces.size(); ++i) {
      Step& entry = describe(chain.pieces[i], i, packed_ ? 0 : chain.pieces[i].next);
      set(entry, DescArgs::table, kTableBuffer);
      entry.args[DescArgs::flags] &= packed_ ? ~std::uint64_t{virtio::VIRTQ_DESC_F_NEXT} : ~std::uint64_t{0};
    }
    Piece head{Base::buffer, kTableBuffer, 0, chain.table_bytes, chain.table_flags, 0};
    Step& step = describe(head, packed_ ? slot_ : 0, 0);
    available(step);
    slot_ += packed_ ? 1 : 0;
  }

  // A packed list's first descriptor is the last to be written (2.8.6.1).
  void direct(const Chain& chain) {
    if (!packed_) {
      for (std::size_t i = 0; i < chain.pieces.size(); ++i) {
        describe(chain.pieces[i], i, chain.pieces[i].next);
      }
      return;
    }
    for (std::size_t i = chain.pieces.size(); i-- != 0;) {
      available(describe(chain.pieces[i], slot_ + i, 0));
    }
    slot_ += chain.pieces.size();
  }

  Step& describe(const Piece& piece, std::uint64_t index, std::uint64_t next) {
    Step& step = set(programs::add(program_, Op::desc), DescArgs::index, index);
    set_address(step, DescArgs::address, piece.base, piece.which, piece.offset);
    set(set(step, DescArgs::length, piece.length), DescArgs::flags, piece.flags);
    return packed_ ? set(step, DescArgs::id, 1) : set(step, DescArgs::next, next);
  }

  // The ring is large enough for one lap to hold all of a life.
  void available(Step& step) const {
    if (packed_) {
      step.args[DescArgs::flags] |= virtio::VIRTQ_DESC_F_AVAIL;
    }
  }

  void observe() {
    set(programs::add(program_, Op::await), AwaitArgs::timeout_us, kPatienceUs);
    Step& status = set(programs::add(program_, Op::peek), BufferArgs::buffer, kStatusBuffer);
    set(set(status, BufferArgs::width, 1), BufferArgs::when, num(Look::used));
    Step& data = set(programs::add(program_, Op::hash), BufferArgs::buffer, kDataBuffer);
    set(set(data, BufferArgs::length, kBufferSizes[kDataBuffer]), BufferArgs::when, num(Look::used));
    look(kDeviceStatus, 1);
  }

  void fill(std::uint64_t buffer, std::uint64_t length, std::uint64_t byte) {
    Step& step = set(programs::add(program_, Op::fill), BufferArgs::buffer, buffer);
    set(set(step, BufferArgs::length, length), BufferArgs::byte, byte);
  }

  // --- Registers of the common configuration, by offset: any width may be meant.

  static constexpr std::uint64_t kDeviceStatus = 0x14;

  Step& access(Op op, std::uint64_t offset, std::uint64_t width) {
    Step& step = programs::add(program_, op);
    set(step, RegisterArgs::structure, virtio::VIRTIO_PCI_CAP_COMMON_CFG);
    // Registers are accessed naturally aligned (hal::Machine): all else is a matter of the bus, not of the device.
    return set(set(step, RegisterArgs::offset, offset / width * width), RegisterArgs::width, width);
  }
  void look(std::uint64_t offset, std::uint64_t width) { access(Op::register_read, offset, width); }
  void write(std::uint64_t offset, std::uint64_t width, std::uint64_t value) {
    set(access(Op::register_write, offset, width), RegisterArgs::value, value);
  }

  // None that says DEVICE_NEEDS_RESET, which is the device's to say: with it set, waiting for a request ends at once or
  // when the request is done, whichever is first.
  void register_mistake() {
    constexpr std::uint64_t kQueueSelect = 0x16;
    constexpr std::uint64_t kQueueSize = 0x18;
    constexpr std::uint64_t kVector = 0x1a;
    constexpr std::uint64_t kQueueEnable = 0x1c;
    switch (random_.below(8)) {
      case 0:  // read-only registers; in one of them, as wide as it is written, lies the status
        write(std::array<std::uint64_t, 4>{0x04, 0x12, kDeviceStatus, 0x1e}[random_.below(4)], 2,
              random_.below(0x10000) & ~std::uint64_t{virtio::VIRTIO_CONFIG_S_NEEDS_RESET});
        break;
      case 1:
        write(kQueueEnable, 2, random_.below(3));
        break;
      case 2:
        write(kQueueSelect, 2, 1 + random_.below(0xffff));
        look(kQueueSize, 2);
        write(kQueueSelect, 2, 0);
        break;
      case 3:
        write(kVector, 2, random_.below(0x10000));
        look(kVector, 2);
        break;
      case 4:  // whatever lies there, in any width
        for (unsigned n = 0; n < 4; ++n) {
          look(random_.below(0x38), std::uint64_t{1} << random_.below(3));
        }
        break;
      case 5:
        set(programs::add(program_, Op::status), StatusArgs::value, kBeforeFeaturesOk | random_.below(4) << 2);
        break;
      case 6:
        write(0x08, 4, random_.below(3));
        write(0x0c, 4, random_.next() & 0xffff'ffff);
        look(0x0c, 4);
        break;
      default:  // a doorbell that is none
        set(set(programs::add(program_, Op::notify), RingArgs::value, random_.below(0x10000)), RingArgs::offset,
            4 + 4 * random_.below(255));
        break;
    }
  }

  Random& random_;
  Program program_;
  bool packed_ = false;
  bool indirect_ = false;
  std::uint64_t size_ = 0;
  std::uint64_t slot_ = 0;  // of a packed ring, the next to fill
};

}  // namespace

Program make_illegal(scenarios::Random& random) { return Generator(random).make(); }

}  // namespace ringside::programs
