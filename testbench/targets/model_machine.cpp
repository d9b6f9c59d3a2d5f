#include "testbench/targets/model_machine.h"

#include <algorithm>

#include "testbench/targets/harness.h"
#include "testbench/targets/machine_windows.h"

namespace ringside::targets {
namespace {

static_assert(kRamBytes == model::Board::kRamBytes);

// What a relax takes while another run's schedule says what happens: looks count there, not time.
constexpr model::Picoseconds kFollowedRelax = 1000 * model::kPicosecondsPerNanosecond;

// A wait without a deadline looks again this often whether there is still something to wait for.
constexpr model::Picoseconds kLongestSleep = 3600 * hal::kSecond * model::kPicosecondsPerNanosecond;

model::Picoseconds to_picoseconds(std::uint64_t nanoseconds) {
  constexpr std::uint64_t kMost = model::kNever / model::kPicosecondsPerNanosecond;
  return nanoseconds >= kMost ? model::kNever : nanoseconds * model::kPicosecondsPerNanosecond;
}

}  // namespace

ModelMachine::ModelMachine(model::Board& board, ModelCpu& cpu, ModelFollower* follower,
                           std::optional<std::chrono::seconds> limit)
    : BoardMachine(board, cpu),
      follower_(follower),
      arena_(board.ram.data()),
      tables_(board.iommu),
      real_limit_(limit ? std::optional<ComputeLimit>(*limit) : std::nullopt) {
  arena_.is_zero_from(kArenaBase);  // as power-on leaves it
}

// The next run's buffers will lie where this one's did. A driver that wrote beyond its last buffer did not get far.
ModelMachine::~ModelMachine() {
  constexpr std::uint64_t kOverrun = 64u << 10;
  board_.keep_ram(kArenaBase, arena_.high_water() + kOverrun);
}

void ModelMachine::check_real_time() {
  if (real_limit_ && real_limit_->is_over()) {
    throw RunAborted("the run has used up its real time");
  }
}

hal::DmaBuffer ModelMachine::alloc_dma_buffer(std::size_t size, std::size_t alignment) {
  arena_.was_written_below(board_.dma_written_end());  // by devices that went astray
  if (!board_.iommu.enabled()) {
    return arena_.alloc(size, alignment);
  }
  // Pages of its own, so that nothing else lies within the device's reach.
  const std::size_t whole_pages = std::max<std::size_t>(alignment, model::Iommu::kPageBytes);
  const hal::DmaBuffer buffer = arena_.alloc(size, whole_pages);
  return buffer.cpu == nullptr ? buffer : tables_.add_buffer(buffer, whole_pages);
}

void ModelMachine::free_dma_buffer(const hal::DmaBuffer& buffer) {
  arena_.free(board_.iommu.enabled() ? tables_.remove_buffer(buffer).value_or(buffer) : buffer);
}

// Without an IOMMU the PC's devices reach all of RAM, coherently: there is nothing to set up or to take down. RAM is
// mapped as a whole, but what is no DMA buffer is none of the driver's business.
hal::BusAddress ModelMachine::map(void* cpu, std::size_t size, hal::DmaDirection direction) {
  const hal::BusAddress physical = arena_.bus_of(cpu, size);
  if (!board_.iommu.enabled() || physical == hal::kInvalidBusAddress) {
    return physical;
  }
  return tables_.map(hal::raw(physical), size, direction);
}

void ModelMachine::unmap(hal::BusAddress bus, std::size_t size, hal::DmaDirection direction) {
  if (board_.iommu.enabled() && !tables_.unmap(bus, size, direction)) {
    throw RunAborted("the driver unmapped what it had not mapped like that");
  }
}

hal::BusAddress ModelMachine::virt_to_phys(const void* cpu) {
  const hal::BusAddress physical = arena_.bus_of(cpu);
  if (!board_.iommu.enabled() || physical == hal::kInvalidBusAddress) {
    return physical;
  }
  return tables_.bus_of(hal::raw(physical));
}

void* ModelMachine::alloc_private(std::size_t size, std::size_t alignment) {
  return arena_.alloc_private(size, alignment);
}

std::uint64_t ModelMachine::interrupts(unsigned vector) {
  tick();
  board_.catch_up(cpu_.now());
  return count(vector);
}

bool ModelMachine::wait(unsigned vector, std::uint64_t seen, std::uint64_t deadline_ns) {
  tick();
  const model::Picoseconds deadline = to_picoseconds(deadline_ns);
  if (follower_ != nullptr && count(vector) == seen && follower_->rules() &&
      follower_->wait([&] { return count(vector) != seen; })) {
    return true;
  }
  for (;;) {
    const model::Picoseconds now = cpu_.now();
    board_.catch_up(now);
    if (count(vector) != seen) {
      return true;
    }
    if (now >= deadline) {
      return false;
    }
    if (!board_.arm() && deadline == model::kNever) {
      throw RunAborted("the driver waits without a deadline for an interrupt that nobody will raise");
    }
    cpu_.wait_for_interrupt(std::min(deadline, now + kLongestSleep));
  }
}

void ModelMachine::acknowledge(unsigned vector) {
  tick();
  board_.catch_up(cpu_.now());
  if (vector >= hal::kFirstLineVector) {
    board_.interrupts.acknowledge(vector - hal::kFirstLineVector);
  }
}

std::uint64_t ModelMachine::now() {
  tick();
  const model::Picoseconds now = cpu_.now();
  board_.catch_up(now);
  return now / model::kPicosecondsPerNanosecond;
}

void ModelMachine::let_time_pass_until(model::Picoseconds deadline) {
  if (deadline == model::kNever) {
    throw RunAborted("the driver waits without a deadline, and no device will do anything");
  }
  cpu_.sleep_until(std::max(deadline, cpu_.now()));
  board_.catch_up(cpu_.now());
}

void ModelMachine::relax(std::uint64_t deadline_ns) {
  tick();
  board_.catch_up(cpu_.now());
  const bool following = follower_ != nullptr && follower_->rules();
  const model::Picoseconds next = following ? cpu_.now() + kFollowedRelax : board_.next_completion();
  let_time_pass_until(std::min(to_picoseconds(deadline_ns), next));
}

}  // namespace ringside::targets
