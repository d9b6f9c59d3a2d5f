// A hostile driver against the model's registers: configuration space of every function, BARs, ports, the window in
// configuration space, in any width and order, before and after a bring-up as it should be, with requests under way,
// while the disk is pulled, put back and resized. Whatever it does, the disk that is placed anew and reset works.
#include <cstdint>

#include "driver/block/virtio_blk_spec.h"
#include "driver/virtio/spec.h"
#include "testbench/fuzz/bare_disk.h"
#include "testbench/fuzz/choices.h"
#include "testbench/fuzz/entries.h"
#include "testbench/fuzz/model_ground.h"

namespace ringside::fuzz {
namespace {

constexpr unsigned kMostSteps = 256;

enum class Step : std::uint8_t {
  bring_up,
  config_write,
  config_write_32,
  config_read,
  other_config_write,
  common_write,
  common_write_again,
  queue_write,
  device_write,
  table_write,
  structure_read,
  port_write,
  port_read,
  any_port,
  window,
  request,
  doorbell,
  time,
  hot_plug,
  resize,
  status,
  anywhere,
  place,
};
constexpr unsigned kSteps = 23;

Reached reached;

class RegisterAttack {
 public:
  RegisterAttack(Choices& choices, ModelGround& ground, hal::Machine& machine)
      : choices_(choices), ground_(ground), machine_(machine), disk_(machine, ground.slot()) {}

  void run() {
    disk_.place();
    for (unsigned i = 0; i < kMostSteps && !choices_.spent(); ++i) {
      step();
    }
    ground_.expect_it_works(disk_);
  }

 private:
  static constexpr unsigned kWidths[] = {1, 2, 4};

  void step() {
    const auto what = static_cast<Step>(choices_.below(kSteps));
    const auto detail = choices_.take<std::uint8_t>();
    switch (what) {
      case Step::bring_up:
        return static_cast<void>(disk_.bring_up(detail == 0 ? ~std::uint64_t{0} : choices_.take<std::uint64_t>()));
      case Step::config_write:
        return disk_.write_config(disk_.slot(), detail, width(detail), choices_.take<std::uint32_t>());
      case Step::config_write_32:
        return disk_.write_config(disk_.slot(), detail & 0xfcu, 4, choices_.take<std::uint32_t>());
      case Step::config_read:
        return static_cast<void>(disk_.read_config(disk_.slot(), detail, width(detail)));
      case Step::other_config_write:
        return other_config(detail);
      case Step::common_write:
      case Step::common_write_again:
        return write_aligned(BareDisk::kModern + detail % 0x40u);
      case Step::queue_write:
        return write_aligned(BareDisk::kModern + virtio::VIRTIO_PCI_COMMON_Q_SELECT + detail % 0x28u);
      case Step::device_write:
        return write_aligned(BareDisk::kDeviceConfig + detail);
      case Step::table_write:
        return write_aligned(BareDisk::kTable + detail + (detail % 4 == 3 ? 0x800 : 0));
      case Step::structure_read:
        return read_aligned(BareDisk::kModern + 0x1000u * (detail & 3) + (detail >> 2));
      case Step::port_write:
        return write_port(static_cast<std::uint16_t>(BareDisk::kLegacyPorts + detail % 0x80u));
      case Step::port_read:
        return read_port(static_cast<std::uint16_t>(BareDisk::kLegacyPorts + detail % 0x80u));
      case Step::any_port:
        return any_port(detail);
      case Step::window:
        return window(detail);
      case Step::request:
        return request(detail);
      case Step::doorbell:
        return write_aligned(BareDisk::kNotify + detail);
      case Step::time:
        return disk_.let_time_pass(detail * hal::kMicrosecond);
      case Step::hot_plug:
        return static_cast<void>(detail % 2 == 0 ? ground_.board().unplug(0) : ground_.board().plug(0));
      case Step::resize:
        return resize(detail);
      case Step::status:
        return disk_.write(BareDisk::kModern + virtio::VIRTIO_PCI_COMMON_STATUS, 1, detail);
      case Step::anywhere:
        return anywhere();
      case Step::place:
        return disk_.place();
    }
  }

  // Of what one byte says, the width that its lowest bits allow, or a smaller one.
  unsigned width(unsigned offset) {
    const unsigned wanted = kWidths[choices_.below(3)];
    return offset % wanted == 0 ? wanted : 1;
  }

  void write_aligned(std::uint64_t address) {
    const unsigned bytes = width(static_cast<unsigned>(address));
    disk_.write(address, bytes, choices_.take<std::uint32_t>());
  }
  void read_aligned(std::uint64_t address) {
    static_cast<void>(disk_.read(address, width(static_cast<unsigned>(address))));
  }

  // Ports need no alignment.
  void write_port(std::uint16_t port) {
    const unsigned bytes = kWidths[choices_.below(3)];
    const auto value = choices_.take<std::uint32_t>();
    if (bytes == 1) {
      machine_.out8(port, static_cast<std::uint8_t>(value));
    } else if (bytes == 2) {
      machine_.out16(port, static_cast<std::uint16_t>(value));
    } else {
      machine_.out32(port, value);
    }
  }
  void read_port(std::uint16_t port) {
    const unsigned bytes = kWidths[choices_.below(3)];
    static_cast<void>(bytes == 1 ? machine_.in8(port) : bytes == 2 ? machine_.in16(port) : machine_.in32(port));
  }
  // Of the chipset (IDE, interrupt controllers, configuration) or any.
  void any_port(std::uint8_t detail) {
    constexpr std::uint16_t kPorts[] = {0xcf8, 0xcfc, 0x1f0, 0x1f7, 0x3f6, 0x170, 0x20, 0x4d0};
    const std::uint16_t port = detail < 0x40 ? static_cast<std::uint16_t>(kPorts[detail % 8] + (detail >> 3) % 8)
                                             : choices_.take<std::uint16_t>();
    detail % 2 == 0 ? write_port(port) : read_port(port);
  }

  void other_config(std::uint8_t detail) {
    constexpr Slot kOthers[] = {{0, 0, 0}, {0, 1, 0}, {0, 1, 1}, {0, 1, 3}, {0, 0x1f, 0}, {0, 0x1f, 2}, {0, 2, 0}};
    const Slot& slot = kOthers[detail % std::size(kOthers)];
    const unsigned offset = choices_.take<std::uint8_t>();
    disk_.write_config(slot, offset, width(offset), choices_.take<std::uint32_t>());
    static_cast<void>(disk_.read_config(slot, offset, 1));
  }

  // 4.1.4.9, where the model has it on the root bus: aimed anywhere, read or written in any width.
  void window(std::uint8_t detail) {
    constexpr unsigned kWindow = 0x84;
    disk_.write_config(disk_.slot(), kWindow + 4, 1, detail % 8);
    disk_.write_config(disk_.slot(), kWindow + 8, 4, choices_.take<std::uint16_t>());
    disk_.write_config(disk_.slot(), kWindow + 12, 4, 1u << (detail >> 3) % 4);
    if ((detail & 0x80) != 0) {
      disk_.write_config(disk_.slot(), kWindow + 16, kWidths[detail % 3], choices_.take<std::uint32_t>());
    } else {
      static_cast<void>(disk_.read_config(disk_.slot(), kWindow + 16, kWidths[detail % 3]));
    }
  }

  // One that is right, so that there is something in flight.
  void request(std::uint8_t detail) {
    const std::uint32_t type = (detail & 1) != 0 ? block::VIRTIO_BLK_T_OUT : block::VIRTIO_BLK_T_IN;
    const unsigned queue = detail >> 1 & 1;
    disk_.put_request(queue, type, detail % 64, 1024, (detail & 4) != 0);
    disk_.ring(queue);
  }

  void resize(std::uint8_t detail) {
    if (ground_.board().plugged(0)) {
      ground_.board().disk(0).resize(1 + detail % ModelGround::kSectors, machine_.now() * 1000);
    }
  }

  void anywhere() {
    const std::uint64_t address = choices_.take<std::uint64_t>() & ~std::uint64_t{3};
    static_cast<void>(disk_.read(address, 4));
    disk_.write(address, 4, choices_.take<std::uint32_t>());
  }

  Choices& choices_;
  ModelGround& ground_;
  hal::Machine& machine_;
  BareDisk disk_;
};

}  // namespace

void run_registers(Input input) {
  Choices choices(input);
  ModelGround ground(choices.below(ModelGround::kMachines), reached);
  ground.run([&](hal::Machine& machine) { RegisterAttack(choices, ground, machine).run(); });
}

const Reached& registers_reached() { return reached; }

// On every machine: a bring-up and requests, then one of each kind of step, and requests again.
std::vector<std::string> register_seeds(const std::string&) {
  constexpr char kBringUp = static_cast<char>(Step::bring_up);
  constexpr char kRequest = static_cast<char>(Step::request);
  constexpr char kTime = static_cast<char>(Step::time);
  std::vector<std::string> seeds;
  for (unsigned machine = 0; machine < ModelGround::kMachines; ++machine) {
    const std::string start{static_cast<char>(machine), kBringUp, 0, kRequest, 0, kRequest, 5, kTime, 100};
    seeds.push_back(start);
    for (unsigned what = 1; what < kSteps; ++what) {
      const std::string step{static_cast<char>(what), static_cast<char>(0x14 + 8 * what), 2, 0x0f, 0, 1, 0, 0, 0};
      seeds.push_back(start + step + std::string{kBringUp, 0, kRequest, 1, kTime, 50});
    }
  }
  return seeds;
}

}  // namespace ringside::fuzz
