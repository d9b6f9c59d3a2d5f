#include "testbench/targets/qemu_machine.h"

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>

#include "testbench/targets/harness.h"
#include "testbench/targets/let_time_pass.h"
#include "testbench/targets/machine_windows.h"

namespace ringside::targets {
namespace {

// A look at the socket costs a system call, so that only some looks at memory come with one.
constexpr unsigned kLooksPerPoll = 16;

// A firmware that leaves everything as power-on did: `cli; hlt; jmp hlt` at the reset vector, the CPU inert for good.
Descriptor make_rom() {
  constexpr std::size_t kSize = 64u << 10;
  constexpr std::size_t kResetVector = kSize - 16;
  constexpr std::array<std::uint8_t, 4> kHalt{0xfa, 0xf4, 0xeb, 0xfd};
  Descriptor rom(::memfd_create("ringside-rom", MFD_CLOEXEC));
  if (!rom.valid() || ::ftruncate(rom.get(), kSize) != 0 ||
      ::pwrite(rom.get(), kHalt.data(), kHalt.size(), kResetVector) != static_cast<ssize_t>(kHalt.size())) {
    throw RunAborted(std::string("a memory file for firmware: ") + std::strerror(errno));
  }
  return rom;
}

// What changes in memory while it lives, the device has changed.
class Waiting {
 public:
  explicit Waiting(QtestRecording* recording) : recording_(recording) {
    if (recording_ != nullptr) {
      recording_->before_wait();
    }
  }
  ~Waiting() {
    if (recording_ != nullptr) {
      recording_->after_wait();
    }
  }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

 private:
  QtestRecording* recording_;
};

}  // namespace

QemuMachine::QemuMachine(const std::string& binary, const MachinePlan& plan, std::span<const DiskImage> disks,
                         std::optional<std::chrono::seconds> limit)
    : plan_(plan), disks_(disks), clock_(limit), ram_(kRamBytes), arena_(ram_.data()), interrupts_(ram_.data()) {
  const Descriptor rom = make_rom();
  QemuLaunch launch;
  launch.ram = ram_.fd();
  launch.rom = rom.get();
  session_.emplace(binary, plan_, disks_, launch, clock_, interrupts_);
  qtest().intercept_lines();
  power_on_ = clock_.passed();
}

void QemuMachine::record(QtestRecording& recording) {
  recording_ = &recording;
  recording.attach(static_cast<const std::uint8_t*>(ram_.data()), arena_);
  qtest().record(recording);
}

QemuMachine::~QemuMachine() {
  if (recording_ != nullptr) {
    recording_->close();
  }
}

hal::MachineInfo QemuMachine::info() { return machine_info(plan_.board == Board::q35, QemuInterrupts::kMsiVectors); }

std::uint8_t QemuMachine::in8(std::uint16_t port) { return static_cast<std::uint8_t>(qtest().read("inb", port)); }
std::uint16_t QemuMachine::in16(std::uint16_t port) { return static_cast<std::uint16_t>(qtest().read("inw", port)); }
std::uint32_t QemuMachine::in32(std::uint16_t port) { return static_cast<std::uint32_t>(qtest().read("inl", port)); }
void QemuMachine::out8(std::uint16_t port, std::uint8_t value) { qtest().write("outb", port, value); }
void QemuMachine::out16(std::uint16_t port, std::uint16_t value) { qtest().write("outw", port, value); }
void QemuMachine::out32(std::uint16_t port, std::uint32_t value) { qtest().write("outl", port, value); }

std::uint8_t QemuMachine::mmio_read8(std::uint64_t address) {
  return static_cast<std::uint8_t>(qtest().read("readb", address));
}
std::uint16_t QemuMachine::mmio_read16(std::uint64_t address) {
  return static_cast<std::uint16_t>(qtest().read("readw", address));
}
std::uint32_t QemuMachine::mmio_read32(std::uint64_t address) {
  return static_cast<std::uint32_t>(qtest().read("readl", address));
}
void QemuMachine::mmio_write8(std::uint64_t address, std::uint8_t value) { qtest().write("writeb", address, value); }
void QemuMachine::mmio_write16(std::uint64_t address, std::uint16_t value) { qtest().write("writew", address, value); }
void QemuMachine::mmio_write32(std::uint64_t address, std::uint32_t value) { qtest().write("writel", address, value); }

hal::DmaBuffer QemuMachine::alloc_dma_buffer(std::size_t size, std::size_t alignment) {
  return arena_.alloc(size, alignment);
}

void QemuMachine::free_dma_buffer(const hal::DmaBuffer& buffer) { arena_.free(buffer); }

// The PC's devices reach all of RAM, coherently: there is nothing to set up or to take down.
hal::BusAddress QemuMachine::map(void* cpu, std::size_t size, hal::DmaDirection) { return arena_.bus_of(cpu, size); }
void QemuMachine::unmap(hal::BusAddress, std::size_t, hal::DmaDirection) {}

hal::BusAddress QemuMachine::virt_to_phys(const void* cpu) { return arena_.bus_of(cpu); }

void* QemuMachine::alloc_private(std::size_t size, std::size_t alignment) {
  return arena_.alloc_private(size, alignment);
}

hal::MsiMessage QemuMachine::msi_message(unsigned vector) { return QemuInterrupts::message(vector); }

std::uint64_t QemuMachine::interrupts(unsigned vector) {
  qtest().poll();
  return interrupts_.count(vector);
}

bool QemuMachine::wait(unsigned vector, std::uint64_t seen, std::uint64_t deadline) {
  idle_looks_ = 0;
  const Waiting waiting(recording_);
  return wait_for([this] { return now(); }, deadline,
                  [&](unsigned look, bool last) {
                    if (last || look % kLooksPerPoll == 0) {
                      qtest().poll();
                    }
                    return interrupts_.count(vector) != seen;
                  });
}

void QemuMachine::acknowledge(unsigned vector) {
  qtest().poll();  // the line may have changed since
  interrupts_.acknowledge(vector);
}

std::uint64_t QemuMachine::now() { return static_cast<std::uint64_t>((clock_.passed() - power_on_).count()); }

void QemuMachine::relax(std::uint64_t) {
  const Waiting waiting(recording_);
  if (idle_looks_ % kLooksPerPoll == 0) {
    qtest().poll();
  }
  let_time_pass(idle_looks_++);
}

// Nobody listens here: what the driver logs is seen by the tap.
void QemuMachine::log(const char*, std::size_t) {}

}  // namespace ringside::targets
