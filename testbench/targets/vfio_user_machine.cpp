#include "testbench/targets/vfio_user_machine.h"

#include "testbench/targets/let_time_pass.h"
#include "testbench/targets/machine_windows.h"
#include "testbench/targets/model_cpu.h"

namespace ringside::targets {
namespace {

constexpr unsigned kIdleLooksPerCheck = 1024;

}  // namespace

VfioUserMachine::VfioUserMachine(const MachinePlan& plan, std::span<vfio_user::Client> clients,
                                 std::optional<std::chrono::seconds> limit)
    : BoardMachine(VfioUserPlaces::instance().simulation.board, VfioUserPlaces::instance().simulation.cpu),
      places_(VfioUserPlaces::instance()),
      clock_(limit),
      ram_(kRamBytes),
      arena_(ram_.data()),
      clients_(clients) {
  cpu_.run([] {});  // elaborated, whoever was here first
  model::PowerOn power_on;
  power_on.machine = plan.board == Board::q35 ? model::MachineType::q35 : model::MachineType::pc;
  for (const DiskPlan& disk : plan.disks) {
    model::DiskSetup& setup = power_on.disks.emplace_back();
    setup.properties = disk.properties;
    setup.stand_in = true;
  }
  for (unsigned i = 0; i < clients_.size(); ++i) {
    clients_[i].map(0, kRamBytes, ram_.fd());
    places_.disks.at(i)->power_on(clients_[i]);
  }
  board_.power_on(power_on);
  cpu_.power_on();
  power_on_ = clock_.passed();
}

VfioUserMachine::~VfioUserMachine() {
  board_.power_on({});
  for (const auto& disk : places_.disks) {
    disk->power_off();
  }
  for (vfio_user::Client& client : clients_) {
    try {
      client.unmap(0, kRamBytes);
    } catch (const vfio_user::StreamError&) {
      // A server that has gone has no map left.
    }
  }
}

bool VfioUserMachine::unplug(unsigned disk) {
  if (disk >= clients_.size() || !board_.unplug(disk)) {
    return false;
  }
  // Nothing of what it had in flight happens any more.
  places_.disks[disk]->reset(0);
  return true;
}

bool VfioUserMachine::plug(unsigned disk) { return disk < clients_.size() && board_.plug(disk); }

hal::DmaBuffer VfioUserMachine::alloc_dma_buffer(std::size_t size, std::size_t alignment) {
  return arena_.alloc(size, alignment);
}

void VfioUserMachine::free_dma_buffer(const hal::DmaBuffer& buffer) { arena_.free(buffer); }

// The servers have all of RAM, coherently: there is nothing to set up or to take down.
hal::BusAddress VfioUserMachine::map(void* cpu, std::size_t size, hal::DmaDirection) {
  return arena_.bus_of(cpu, size);
}

void VfioUserMachine::unmap(hal::BusAddress, std::size_t, hal::DmaDirection) {}

hal::BusAddress VfioUserMachine::virt_to_phys(const void* cpu) { return arena_.bus_of(cpu); }

void* VfioUserMachine::alloc_private(std::size_t size, std::size_t alignment) {
  return arena_.alloc_private(size, alignment);
}

void VfioUserMachine::look() {
  clock_.check();
  for (unsigned i = 0; i < clients_.size(); ++i) {
    clients_[i].require_open();  // else its last interrupt is waited for to the end of a deadline
    places_.disks[i]->look();
  }
}

std::uint64_t VfioUserMachine::interrupts(unsigned vector) {
  look();
  return count(vector);
}

bool VfioUserMachine::wait(unsigned vector, std::uint64_t seen, std::uint64_t deadline) {
  idle_looks_ = 0;
  return wait_for([this] { return now(); }, deadline,
                  [&](unsigned, bool) {
                    look();
                    return count(vector) != seen;
                  });
}

void VfioUserMachine::acknowledge(unsigned vector) {
  if (vector < hal::kFirstLineVector) {
    return;
  }
  for (unsigned i = 0; i < clients_.size(); ++i) {
    places_.disks[i]->acknowledge();
  }
  board_.interrupts.acknowledge(vector - hal::kFirstLineVector);
}

std::uint64_t VfioUserMachine::now() { return static_cast<std::uint64_t>((clock_.passed() - power_on_).count()); }

void VfioUserMachine::relax(std::uint64_t) {
  if (idle_looks_ % kIdleLooksPerCheck == 0) {
    look();
  }
  let_time_pass(idle_looks_++);
}

}  // namespace ringside::targets
