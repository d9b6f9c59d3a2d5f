#include "model/board.h"

#include <algorithm>
#include <set>
#include <stdexcept>
#include <string_view>
#include <tuple>

#include "model/bridge_config.h"
#include "model/chipset.h"

namespace ringside::model {
namespace {

constexpr std::string_view kRootBus = "root";
constexpr std::string_view kBridgeBus = "bridge0";
constexpr std::string_view kPortBus = "port";

constexpr Slot kPciBridgeSlot{5, 0};
constexpr std::uint8_t kPortDevice = 2;  // one function of it for each port
constexpr std::uint8_t kDevices = 32;
constexpr std::uint8_t kFunctions = 8;

// Which root port a bus belongs to; nothing for another bus.
std::optional<unsigned> port_of(std::string_view bus) {
  if (bus.size() != kPortBus.size() + 1 || !bus.starts_with(kPortBus)) {
    return std::nullopt;
  }
  const char digit = bus.back();
  return digit >= '0' && digit < static_cast<char>('0' + kRootPorts) ? std::optional<unsigned>(digit - '0')
                                                                     : std::nullopt;
}

bool used(const PowerOn& options, std::string_view bus) {
  return std::ranges::any_of(options.disks, [bus](const DiskSetup& disk) { return disk.properties.place.bus == bus; });
}

unsigned last_port(const PowerOn& options) {
  unsigned last = 0;
  for (const DiskSetup& disk : options.disks) {
    last = std::max(last, port_of(disk.properties.place.bus).value_or(0));
  }
  return last;
}

bool any_port(const PowerOn& options) {
  return std::ranges::any_of(options.disks,
                             [](const DiskSetup& disk) { return port_of(disk.properties.place.bus).has_value(); });
}

std::optional<std::string> problem_with_place(const PciPlace& place, MachineType machine) {
  const bool port = port_of(place.bus).has_value();
  if (!port && place.bus != kRootBus && place.bus != kBridgeBus) {
    return "no bus " + place.bus;
  }
  if (port && machine != MachineType::q35) {
    return "bus " + place.bus + " is one of machine q35";
  }
  if (place.device >= kDevices || place.function >= kFunctions) {
    return std::string("no such slot on a bus");
  }
  if (port && place.device != 0) {
    return "a root port has one device, 0";
  }
  return std::nullopt;
}

using Taken = std::set<std::tuple<std::string, unsigned, unsigned>>;

Taken taken_by_board(const PowerOn& options) {
  Taken taken;
  const auto add = [&taken](Slot slot) { taken.emplace(kRootBus, slot.device, slot.function); };
  const bool pc = options.machine == MachineType::pc;
  for (const Slot slot :
       pc ? std::array{Slot{1, 0}, Slot{1, 1}, Slot{1, 3}} : std::array{Slot{0x1f, 0}, Slot{0x1f, 2}, Slot{0x1f, 3}}) {
    add(slot);
  }
  add({0, 0});
  if (used(options, kBridgeBus)) {
    add(kPciBridgeSlot);
  }
  for (std::uint8_t port = 0; any_port(options) && port <= last_port(options); ++port) {
    add({kPortDevice, port});
  }
  return taken;
}

void add(QuirkCounts& sum, const QuirkCounts& more) {
  for (unsigned i = 0; i < sum.size(); ++i) {
    sum[i] += more[i];
  }
}

}  // namespace

std::optional<std::string> problem_with(const PowerOn& options) {
  if (options.disks.size() > kMostDisks) {
    return "more disks than " + std::to_string(kMostDisks);
  }
  Taken taken = taken_by_board(options);
  for (const DiskSetup& disk : options.disks) {
    const PciPlace& place = disk.properties.place;
    if (auto problem = problem_with_place(place, options.machine)) {
      return problem;
    }
    if (!taken.emplace(place.bus, place.device, place.function).second) {
      return "two functions in slot " + std::to_string(place.device) + "." + std::to_string(place.function) +
             " of bus " + place.bus;
    }
  }
  return std::nullopt;
}

Board::Fixed::Fixed(const char* name, Slot place, const Clock& clock, const ConfigSpace& space)
    : function(name, clock, space), connector((std::string(name) + "_slot").c_str(), function), slot(place) {}

Board::Bridge::Bridge(const char* name, const Clock& clock)
    : function(name, clock, pci_bridge_config_space()), connector((std::string(name) + "_slot").c_str(), function) {}

Board::DiskPlace::DiskPlace(const char* name, const Clock& clock, HostBridge& bridge)
    : function(std::make_unique<VirtioBlkPci>(name, clock, kRamBytes, intx)),
      connector(std::make_unique<PciConnector>((std::string(name) + "_slot").c_str(), *function, &function->dma)) {
  function->dma.socket.bind(bridge.dma);
}

Board::Board(const sc_core::sc_module_name& name)
    : sc_module(name),
      interrupts("interrupts"),
      ram("ram", kRamBytes),
      bridge("bridge", clock, kRamBytes),
      i440fx_("i440fx", {0, 0}, clock, i440fx_config_space()),
      piix3_("piix3", clock, interrupts),
      piix3_connector_("piix3_slot", piix3_),
      piix3_ide_("piix3_ide", clock),
      piix3_ide_connector_("piix3_ide_slot", piix3_ide_),
      piix4_pm_("piix4_pm", {1, 3}, clock, piix4_pm_config_space()),
      mch_("mch", clock, bridge),
      mch_connector_("mch_slot", mch_),
      lpc_("lpc", clock, interrupts),
      lpc_connector_("lpc_slot", lpc_),
      ahci_("ahci", {0x1f, 2}, clock, ich9_ahci_config_space()),
      smbus_("smbus", {0x1f, 3}, clock, ich9_smbus_config_space()),
      pci_bridge_("bridge0", clock) {
  bridge.ram.bind(ram.socket);
  bridge.msi.bind(interrupts.msi);
  for (unsigned i = 0; i < kRootPorts; ++i) {
    ports_[i] = std::make_unique<Bridge>(("port" + std::to_string(i)).c_str(), clock);
  }
  for (unsigned i = 0; i < kMostDisks; ++i) {
    disks_[i] = std::make_unique<DiskPlace>(("disk" + std::to_string(i)).c_str(), clock, bridge);
  }
  present_.reserve(kMostDisks);
}

void Board::stand_in(unsigned index, PciFunction& function) {
  disks_.at(index)->other =
      std::make_unique<PciConnector>(("stand_in" + std::to_string(index) + "_slot").c_str(), function);
}

PciConnector& Board::connector_of(unsigned index) {
  DiskPlace& place = *disks_[index];
  return options_.disks[index].stand_in ? *place.other : *place.connector;
}

PirqRouter& Board::router() {
  return options_.machine == MachineType::pc ? static_cast<PirqRouter&>(piix3_) : static_cast<PirqRouter&>(lpc_);
}

Board::Bridge* Board::bridge_of(const PciPlace& place) {
  if (const auto port = port_of(place.bus)) {
    return ports_[*port].get();
  }
  return place.bus == kBridgeBus ? &pci_bridge_ : nullptr;
}

void Board::power_on(const PowerOn& options) {
  if (const auto problem = problem_with(options)) {
    throw std::invalid_argument(*problem);
  }
  options_ = options;
  clock.power_on();
  interrupts.power_on();
  ram.power_on(options.dmi);
  iommu.power_on(std::ranges::any_of(
      options.disks, [](const DiskSetup& disk) { return disk.properties.iommu_platform && !disk.stand_in; }));
  bridge.power_on(options.quirks, options.tap);
  power_on_chipset(options);
  power_on_bridges(options);
  gone_ = {};
  plugged_ = {};
  // What a machine has not got is powered on as well where an earlier one had it: nothing of that may wake in it.
  for (unsigned i = 0; i < kMostDisks; ++i) {
    const bool there = i < options.disks.size();
    if (there || disks_[i]->in_use) {
      power_on_disk(i);
      disks_[i]->in_use = there;
    }
    if (there) {
      put_in(i);
    }
  }
  list_present();
}

void Board::power_on_chipset(const PowerOn& options) {
  const auto fixed = [&](Fixed& part) {
    part.function.power_on(options.latencies, options.tap);
    bridge.bus.plug(part.connector, part.slot);
  };
  if (options.machine == MachineType::pc) {
    fixed(i440fx_);
    piix3_.power_on(options.latencies, options.tap);
    bridge.bus.plug(piix3_connector_, {1, 0});
    piix3_ide_.power_on(options.ide, options.latencies, options.tap);
    bridge.bus.plug(piix3_ide_connector_, {1, 1});
    piix3_ide_.claim_legacy_ports();
    fixed(piix4_pm_);
  } else {
    mch_.power_on(options.latencies, options.tap);
    bridge.bus.plug(mch_connector_, {0, 0});
    lpc_.power_on(options.latencies, options.tap);
    bridge.bus.plug(lpc_connector_, {0x1f, 0});
    fixed(ahci_);
    fixed(smbus_);
  }
}

// A bridge is there when a disk is behind it; of the root ports, also those that come before one that is.
void Board::power_on_bridges(const PowerOn& options) {
  const bool bridge_there = used(options, kBridgeBus);
  if (bridge_there || pci_bridge_.in_use) {
    power_on_bridge(pci_bridge_, bridge_there, pci_bridge_config_space());
  }
  if (bridge_there) {
    bridge.bus.plug(pci_bridge_.connector, pci_bridge_.slot = kPciBridgeSlot);
  }
  const bool ports = any_port(options);
  const unsigned last = last_port(options);
  for (unsigned i = 0; i < kRootPorts; ++i) {
    const bool there = ports && i <= last;
    if (there || ports_[i]->in_use) {
      power_on_port(i, last, there);
    }
  }
}

void Board::power_on_bridge(Bridge& which, bool there, const ConfigSpace& space) {
  which.function.power_on(space, options_.quirks, options_.latencies, there ? options_.tap : nullptr);
  which.in_use = there;
}

void Board::power_on_port(unsigned index, unsigned last, bool there) {
  Bridge& port = *ports_[index];
  const bool occupied = used(options_, "port" + std::to_string(index));
  power_on_bridge(port, there, root_port_config_space({index, index == 0 && last != 0, occupied}));
  if (occupied) {
    port.function.occupy_slot();
  }
  if (there) {
    port.slot = {kPortDevice, static_cast<std::uint8_t>(index)};
    bridge.bus.plug(port.connector, port.slot);
  }
}

void Board::power_on_disk(unsigned index) {
  static const DiskSetup kNoDisk;
  const bool own = index < options_.disks.size() && !options_.disks[index].stand_in;
  const DiskSetup& setup = own ? options_.disks[index] : kNoDisk;
  disks_[index]->function->power_on(setup.disk, setup.properties, options_.quirks, options_.latencies, setup.tap);
  disks_[index]->function->dma.use_iommu(iommu.enabled() ? &iommu : nullptr);
}

void Board::put_in(unsigned index) {
  DiskPlace& place = *disks_[index];
  const PciPlace& where = options_.disks[index].properties.place;
  const Slot slot{where.device, where.function};
  if (Bridge* const above = bridge_of(where)) {
    place.intx.power_on_behind(router(), slot, above->slot);
    above->function.secondary.plug(connector_of(index), slot);
  } else {
    place.intx.power_on(router(), slot);
    bridge.bus.plug(connector_of(index), slot);
  }
  plugged_[index] = true;
}

bool Board::unplug(unsigned index) {
  if (index >= options_.disks.size() || !plugged_[index]) {
    return false;
  }
  DiskPlace& place = *disks_[index];
  Bridge* const above = bridge_of(options_.disks[index].properties.place);
  (above != nullptr ? above->function.secondary : bridge.bus).unplug(connector_of(index));
  place.intx.cut();
  add(gone_, place.function->quirk_counts());
  power_on_disk(index);
  plugged_[index] = false;
  list_present();
  return true;
}

bool Board::plug(unsigned index) {
  if (index >= options_.disks.size() || plugged_[index]) {
    return false;
  }
  power_on_disk(index);
  put_in(index);
  list_present();
  return true;
}

void Board::list_present() {
  present_.clear();
  for (unsigned i = 0; i < kMostDisks; ++i) {
    if (plugged_[i] && !options_.disks[i].stand_in) {
      present_.push_back(disks_[i]->function.get());
    }
  }
}

std::vector<VirtioBlkPci*> Board::disks() {
  std::vector<VirtioBlkPci*> list;
  for (unsigned i = 0; i < options_.disks.size(); ++i) {
    list.push_back(disks_[i]->function.get());
  }
  return list;
}

std::uint64_t Board::dma_written_end() const {
  std::uint64_t end = ram.transactions_end();
  for (const auto& disk : disks_) {
    end = std::max(end, disk->function->dma.written_end());
  }
  return end;
}

void Board::keep_ram(std::uint64_t first, std::uint64_t end) {
  for (const auto& disk : disks_) {
    end = std::max(end, disk->function->dma.take_written_end());
  }
  ram.keep(first, end);
}

QuirkCounts Board::quirk_counts() const {
  QuirkCounts sum = gone_;
  add(sum, bridge.quirk_counts());
  add(sum, pci_bridge_.function.quirk_counts());
  for (const auto& port : ports_) {
    add(sum, port->function.quirk_counts());
  }
  for (const auto& disk : disks_) {
    add(sum, disk->function->quirk_counts());
  }
  return sum;
}

Picoseconds Board::next_completion() const {
  Picoseconds next = kNever;
  for (const VirtioBlkPci* const disk : present_) {
    next = std::min(next, disk->next_completion());
  }
  return next;
}

bool Board::arm() {
  bool armed = false;
  for (VirtioBlkPci* const disk : present_) {
    armed = disk->arm() || armed;
  }
  return armed;
}

}  // namespace ringside::model

// libsystemc brings a main() that calls sc_main(). The programs here have a main() of their own and start the kernel
// when they need it, but the library still wants the symbol.
int sc_main(int, char*[]) { return 0; }
