#include "testbench/fuzz/model_ground.h"

#include <array>
#include <cstring>
#include <map>
#include <utility>

#include "driver/block/virtio_blk_spec.h"
#include "driver/virtio/spec.h"
#include "model/ram_storage.h"
#include "model/tap.h"
#include "testbench/fuzz/finding.h"
#include "testbench/targets/model_machine.h"
#include "testbench/targets/model_simulation.h"

namespace ringside::fuzz {
namespace {

using targets::ModelSimulation;

struct Ground {
  model::MachineType machine = model::MachineType::pc;
  bool behind_port = false;
  bool packed = false;
  bool in_order = false;
  bool more = false;  // features that QEMU has not got
  bool iommu = false;
  std::uint16_t queues = 1;
};
constexpr auto kPc = model::MachineType::pc;
constexpr auto kQ35 = model::MachineType::q35;
constexpr Ground kGrounds[] = {
    {.machine = kPc},
    {.machine = kPc, .packed = true},
    {.machine = kPc, .packed = true, .in_order = true, .queues = 2},
    {.machine = kPc, .in_order = true, .more = true, .queues = 2},
    {.machine = kQ35, .behind_port = true},
    {.machine = kQ35, .behind_port = true, .packed = true, .more = true},
    {.machine = kPc, .iommu = true},
    {.machine = kPc, .packed = true, .iommu = true},
};
static_assert(std::size(kGrounds) == ModelGround::kMachines);

constexpr std::size_t kSectorBytes = 512;
constexpr std::uint64_t kMessages = 0xfee0'0000;
constexpr std::uint64_t kMessageBytes = 1u << 20;

// Counts what the device carries out, and sees to it that it reaches nothing but RAM and the interrupt controller.
class Witness final : public model::Tap {
 public:
  explicit Witness(Reached& reached) : reached_(reached) {}

  void config_access(model::Picoseconds, std::uint16_t, const model::Access&) override {}
  void register_access(model::Picoseconds, model::Structure, const model::Access&) override {}
  void dma(model::Picoseconds, std::uint64_t address, std::uint64_t bytes, bool write,
           model::DmaFailure failure) override {
    const bool message = write && address >= kMessages && address - kMessages < kMessageBytes;
    const bool ram = address <= model::Board::kRamBytes && bytes <= model::Board::kRamBytes - address;
    require(failure != model::DmaFailure::none || behind_iommu || message || ram, "DMA to what is no memory");
  }
  void doorbell(model::Picoseconds, std::uint16_t, std::uint32_t) override {}
  void fetch(model::Picoseconds, const model::FetchedRequest& request) override {
    types_[{request.queue, request.ordinal}] = request.type;
  }
  void media(model::Picoseconds, std::uint64_t, std::uint64_t, bool, model::Picoseconds) override {}
  void complete(model::Picoseconds, std::uint16_t queue, std::uint32_t ordinal, std::uint8_t status,
                std::uint32_t) override {
    ++reached_.completions;
    if (status == block::VIRTIO_BLK_S_OK) {
      const std::uint32_t type = types_[{queue, ordinal}];
      ++reached_.requests;
      reached_.reads += type == block::VIRTIO_BLK_T_IN ? 1 : 0;
      reached_.writes += type == block::VIRTIO_BLK_T_OUT ? 1 : 0;
    }
  }
  void used(model::Picoseconds, std::uint16_t, std::uint16_t) override {}
  void msi(model::Picoseconds, std::uint16_t) override {}
  void intx(model::Picoseconds, bool) override {}
  void status(model::Picoseconds, std::uint8_t status) override {
    reached_.bring_ups += (status & virtio::VIRTIO_CONFIG_S_DRIVER_OK) != 0 ? 1 : 0;
  }
  void quirk(model::Picoseconds, unsigned) override {}

  bool behind_iommu = false;  // an address there is none of RAM's

 private:
  Reached& reached_;
  std::map<std::pair<std::uint16_t, std::uint32_t>, std::uint32_t> types_;
};

model::PowerOn power_on_of(const Ground& ground) {
  model::PowerOn power_on;
  power_on.machine = ground.machine;
  model::BlkProperties& properties = power_on.disks.emplace_back().properties;
  if (ground.behind_port) {
    properties.place.bus = "port0";
    properties.place.device = 0;
    properties.disable_legacy = model::OnOffAuto::off;
  } else if (ground.iommu) {
    properties.disable_legacy = model::OnOffAuto::on;
  }
  properties.packed = ground.packed;
  properties.in_order = ground.in_order;
  properties.notification_data = properties.notif_config_data = ground.more;
  properties.secure_erase = properties.lifetime = ground.more;
  properties.iommu_platform = ground.iommu;
  properties.num_queues = ground.queues;
  properties.queue_size = 64;
  return power_on;
}

// Made once: a loop over all of it is most of what an input would cost.
const std::vector<std::uint8_t>& pristine_contents() {
  static const std::vector<std::uint8_t> contents = [] {
    std::vector<std::uint8_t> bytes(ModelGround::kSectors * kSectorBytes);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      bytes[i] = static_cast<std::uint8_t>(i / kSectorBytes * 5 + i);
    }
    return bytes;
  }();
  return contents;
}

}  // namespace

ModelGround::ModelGround(unsigned machine, Reached& reached)
    : reached_(reached), power_on_(power_on_of(kGrounds[machine])), contents_(pristine_contents()) {
  if (kGrounds[machine].behind_port) {
    slot_ = {1, 0, 0};
  }
}

model::Board& ModelGround::board() { return ModelSimulation::instance().board; }

void ModelGround::run(const std::function<void(hal::Machine&)>& program) {
  ModelSimulation& simulation = ModelSimulation::instance();
  model::RamStorage storage(contents_.data());
  Witness witness(reached_);
  model::DiskSetup& disk = power_on_.disks.front();
  witness.behind_iommu = disk.properties.iommu_platform;
  disk.disk = {&storage, kSectors, "fuzz"};
  disk.tap = &witness;
  simulation.board.power_on(power_on_);
  simulation.cpu.power_on();
  simulation.cpu.run([&] {
    targets::ModelMachine machine(simulation.board, simulation.cpu, nullptr, std::nullopt);
    program(machine);
  });
}

void ModelGround::expect_it_works(BareDisk& disk) {
  constexpr std::uint64_t kLastSector = kSectors - 1;
  constexpr std::uint64_t kEverything = ~std::uint64_t{0};
  constexpr std::uint32_t kBytes = 512;
  static_cast<void>(board().plug(0));
  board().disk(0).resize(kSectors, board().clock.now());
  disk.place();
  require(disk.bring_up(kEverything), "the disk does not come up after a reset");
  for (const std::uint32_t type : {block::VIRTIO_BLK_T_IN, block::VIRTIO_BLK_T_OUT}) {
    std::memset(disk.cpu(0, BareDisk::kData), 0x5a, kBytes);
    disk.put_request(0, type, kLastSector, kBytes, type == block::VIRTIO_BLK_T_OUT);
    disk.ring(0);
    disk.let_time_pass(hal::kSecond);
    require(disk.status(0) == block::VIRTIO_BLK_S_OK, "the disk does not work after a reset");
    require(std::memcmp(disk.cpu(0, BareDisk::kData), contents() + kLastSector * kBytes, kBytes) == 0,
            "the disk reads or writes something else after a reset");
  }
}

}  // namespace ringside::fuzz
