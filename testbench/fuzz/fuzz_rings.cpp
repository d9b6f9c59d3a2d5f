// A hostile driver against the model's rings. The disk is brought up as it should be; then the input makes requests
// that are right or have one thing wrong with them, writes descriptors, tables, indices and headers as it likes, rings
// doorbells, resets queue or device, and lets time pass. Whatever it does, the device stays inside memory, ends, and
// works after a reset.
#include <cstdint>

#include "driver/block/virtio_blk_spec.h"
#include "driver/virtio/spec.h"
#include "testbench/fuzz/bare_disk.h"
#include "testbench/fuzz/choices.h"
#include "testbench/fuzz/entries.h"
#include "testbench/fuzz/model_ground.h"

namespace ringside::fuzz {
namespace {

using virtio::feature;

constexpr unsigned kMostSteps = 256;

// What a step is. Requests are several times as likely.
enum class Step : std::uint8_t {
  right_request,
  right_request_again,
  wrong_request,
  wrong_request_again,
  descriptor,
  table_entry,
  available_index,
  available_entry,
  bytes,
  doorbell,
  time,
  queue_reset,
  device_reset,
  interrupts,
  bus_master,
  look,
};
constexpr unsigned kSteps = 16;

Reached reached;

class RingAttack {
 public:
  RingAttack(Choices& choices, ModelGround& ground, hal::Machine& machine)
      : choices_(choices), ground_(ground), disk_(machine, ground.slot()) {}

  void run() {
    disk_.place();
    bring_up();
    for (unsigned i = 0; i < kMostSteps && !choices_.spent(); ++i) {
      step();
    }
    ground_.expect_it_works(disk_);
  }

 private:
  // With some of what is offered.
  void bring_up() {
    constexpr unsigned kSometimes[] = {virtio::VIRTIO_F_EVENT_IDX, virtio::VIRTIO_F_NOTIFICATION_DATA,
                                       virtio::VIRTIO_F_RING_PACKED, virtio::VIRTIO_F_INDIRECT_DESC};
    const auto without = choices_.take<std::uint8_t>();
    std::uint64_t features = ~std::uint64_t{0};
    for (unsigned i = 0; i < std::size(kSometimes); ++i) {
      features &= ~((without >> i & 1) != 0 ? feature(kSometimes[i]) : 0);
    }
    static_cast<void>(disk_.bring_up(features));
  }

  void step() {
    const auto what = static_cast<Step>(choices_.below(kSteps));
    const auto detail = choices_.take<std::uint8_t>();
    queue_ = detail % BareDisk::kMostQueues;
    switch (what) {
      case Step::right_request:
      case Step::right_request_again:
        return request(detail);
      case Step::wrong_request:
      case Step::wrong_request_again:
        return wrong_request(detail);
      case Step::descriptor:
        return disk_.set_descriptor(queue_, 16u * (detail >> 1), any_piece(), choices_.take<std::uint16_t>());
      case Step::table_entry:
        return disk_.set_descriptor(queue_, BareDisk::kTables + 16u * (detail >> 1), any_piece(),
                                    choices_.take<std::uint16_t>());
      case Step::available_index:
        return disk_.poke(queue_, BareDisk::kAvailable + 2, choices_.take<std::uint16_t>(), 2);
      case Step::available_entry:
        return disk_.poke(queue_, BareDisk::kAvailable + 4 + 2u * (detail >> 1), choices_.take<std::uint16_t>(), 2);
      case Step::bytes:
        return disk_.poke(queue_, choices_.take<std::uint16_t>(), choices_.take<std::uint64_t>(), 1 + detail % 8);
      case Step::doorbell:
        return disk_.write(BareDisk::kNotify + 2u * detail, detail % 2 == 0 ? 2 : 4, choices_.take<std::uint32_t>());
      case Step::time:
        return disk_.let_time_pass(detail * hal::kMicrosecond);
      case Step::queue_reset:
        disk_.write(BareDisk::kModern + virtio::VIRTIO_PCI_COMMON_Q_SELECT, 2, queue_);
        disk_.write(BareDisk::kModern + virtio::VIRTIO_PCI_COMMON_Q_RESET, 2, 1);
        return disk_.set_queue_up(queue_);
      case Step::device_reset:
        return bring_up();
      case Step::interrupts:
        return aim_interrupts();
      case Step::bus_master:
        return disk_.write_config(disk_.slot(), 4, 2, 3u | (detail & 4));
      case Step::look:
        static_cast<void>(disk_.read(BareDisk::kIsr, 1));
        static_cast<void>(disk_.read(BareDisk::kModern + virtio::VIRTIO_PCI_COMMON_STATUS, 1));
        return;
    }
  }

  void request(std::uint8_t detail) {
    constexpr std::uint32_t kTypes[] = {block::VIRTIO_BLK_T_IN, block::VIRTIO_BLK_T_OUT, block::VIRTIO_BLK_T_FLUSH,
                                        block::VIRTIO_BLK_T_GET_ID};
    const std::uint32_t type = kTypes[detail >> 1 & 3];
    const std::uint64_t sector = choices_.take<std::uint8_t>() % ModelGround::kSectors;
    const std::uint32_t bytes = type == block::VIRTIO_BLK_T_GET_ID ? 20u : 512u << (detail >> 3 & 3);
    disk_.put_request(queue_, type, sector, bytes, (detail & 0x40) != 0);
    if ((detail & 0x80) == 0) {
      disk_.ring(queue_);
    }
  }

  // Any header, and one piece that is something else.
  void wrong_request(std::uint8_t detail) {
    const std::size_t header = BareDisk::kHeaders + 0x400;
    disk_.poke(queue_, header, choices_.take<std::uint16_t>(), 8);
    disk_.poke(queue_, header + 8, choices_.take<std::uint16_t>(), 8);
    constexpr auto kWrite = virtio::VIRTQ_DESC_F_WRITE;
    std::array<Piece, 3> pieces{{{disk_.bus(queue_, header), 16, 0},
                                 {disk_.bus(queue_, BareDisk::kData), 512, kWrite},
                                 {disk_.bus(queue_, BareDisk::kStatuses), 1, kWrite}}};
    const unsigned which = detail >> 1 & 3;
    if (which < pieces.size()) {
      pieces[which] = any_piece();
    } else {
      pieces[1].flags = 0;
    }
    disk_.put_pieces(queue_, pieces, (detail & 0x40) != 0);
    disk_.ring(queue_);
  }

  // Mostly in the queue's memory, else at a border of what there is.
  std::uint64_t any_address() {
    const auto kind = choices_.take<std::uint8_t>();
    const auto near = choices_.take<std::uint16_t>();
    switch (kind % 8) {
      case 0:
        return model::Board::kRamBytes - near;
      case 1:
        return BareDisk::kModern + near % 0x4000u;
      case 2:
        return 0xfee0'0000 + near;
      case 3:
        return 0 - std::uint64_t{near};
      case 4:
        return choices_.take<std::uint64_t>();
      default:
        return disk_.bus(queue_, near);
    }
  }

  Piece any_piece() {
    const std::uint64_t address = any_address();
    const auto length = choices_.take<std::uint16_t>();
    const auto flags = choices_.take<std::uint16_t>();
    // Long ones now and then: what is longer than memory, and what wraps.
    return {address, (length & 0x8000) != 0 ? std::uint32_t{length} << 17 | length : length, flags};
  }

  // A message is a write wherever the table says.
  void aim_interrupts() {
    const unsigned entry = choices_.below(3);
    const std::uint64_t address = any_address() & ~std::uint64_t{3};
    const std::uint64_t at = BareDisk::kTable + 16u * entry;
    disk_.write(at, 4, static_cast<std::uint32_t>(address));
    disk_.write(at + 4, 4, static_cast<std::uint32_t>(address >> 32));
    disk_.write(at + 8, 4, choices_.take<std::uint16_t>());
    disk_.write(at + 12, 4, choices_.take<std::uint8_t>() & 1);
    disk_.write_config(disk_.slot(), kMsixFlags, 2, 0x8000);
    disk_.write(BareDisk::kModern + virtio::VIRTIO_PCI_COMMON_Q_SELECT, 2, queue_);
    disk_.write(BareDisk::kModern + virtio::VIRTIO_PCI_COMMON_Q_MSIX, 2, entry);
    disk_.write(BareDisk::kModern + virtio::VIRTIO_PCI_COMMON_MSIX, 2, 0);
  }
  static constexpr unsigned kMsixFlags = 0x9a;  // where the model has them on the root bus

  Choices& choices_;
  ModelGround& ground_;
  BareDisk disk_;
  unsigned queue_ = 0;
};

void add(std::string& text, std::initializer_list<unsigned> bytes) {
  for (const unsigned byte : bytes) {
    text += static_cast<char>(byte);
  }
}

// One of each kind of step, with bytes that make something of it.
std::string step_seed(unsigned machine, unsigned what) {
  std::string seed;
  add(seed, {machine, 0});
  add(seed, {0, 0x00, 5, 10, 50});
  add(seed, {what, 0x06, 1, 0x10, 0x00, 6, 0x00, 0x80, 0x40, 0x00, 0x02, 0x00});
  add(seed, {0, 0x42, 7, 9, 0, 0, 0, 0, 0, 10, 255});
  return seed;
}

}  // namespace

void run_rings(Input input) {
  Choices choices(input);
  ModelGround ground(choices.below(ModelGround::kMachines), reached);
  ground.run([&](hal::Machine& machine) { RingAttack(choices, ground, machine).run(); });
}

const Reached& rings_reached() { return reached; }

// On every machine: requests that are right, of all kinds, in the ring and in tables; then each kind of step.
std::vector<std::string> ring_seeds(const std::string&) {
  std::vector<std::string> seeds;
  for (unsigned machine = 0; machine < ModelGround::kMachines; ++machine) {
    for (const unsigned without : {0u, 3u, 4u, 8u}) {
      std::string seed;
      add(seed, {machine, without});
      for (unsigned detail = 0; detail < 0x80; detail += 6) {
        add(seed, {0, detail, detail, 10, 100});
      }
      seeds.push_back(seed);
    }
    for (unsigned what = 2; what < kSteps; ++what) {
      seeds.push_back(step_seed(machine, what));
    }
  }
  return seeds;
}

}  // namespace ringside::fuzz
