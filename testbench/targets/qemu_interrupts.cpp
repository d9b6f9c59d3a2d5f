#include "testbench/targets/qemu_interrupts.h"

#include <fmt/core.h>

#include <atomic>

#include "testbench/targets/dma_arena.h"
#include "testbench/targets/harness.h"

namespace ringside::targets {
namespace {

constexpr std::uint64_t kMailboxes = 8u << 20;
constexpr std::uint64_t kMailboxStride = 64;  // a cache line each
constexpr std::uint32_t kRaised = 1;
static_assert(kMailboxes + QemuInterrupts::kMsiVectors * kMailboxStride <= kArenaBase);

constexpr std::uint64_t mailbox(unsigned vector) { return kMailboxes + vector * kMailboxStride; }

bool is_line(unsigned vector) { return vector >= hal::kFirstLineVector; }

unsigned checked(unsigned vector) {
  const unsigned index = is_line(vector) ? vector - hal::kFirstLineVector : vector;
  if (index >= (is_line(vector) ? QemuInterrupts::kLines : QemuInterrupts::kMsiVectors)) {
    throw RunAborted(fmt::format("the driver named interrupt vector {:#x}, which this machine does not have", vector));
  }
  return index;
}

}  // namespace

hal::MsiMessage QemuInterrupts::message(unsigned vector) {
  if (is_line(vector)) {
    throw RunAborted(fmt::format("the driver wants messages for vector {:#x}, which is a line", vector));
  }
  return {mailbox(checked(vector)), kRaised};
}

std::uint64_t QemuInterrupts::count(unsigned vector) {
  const unsigned index = checked(vector);
  if (is_line(vector)) {
    return lines_[index].count;
  }
  // Taken, not only seen, so that the next message counts again; two between two looks count as one. Acquire: what the
  // device wrote before its message is visible after it.
  auto* const word = reinterpret_cast<std::uint32_t*>(ram_ + mailbox(index));
  if (std::atomic_ref<std::uint32_t>(*word).exchange(0, std::memory_order_acquire) != 0) {
    ++messages_[index];
  }
  return messages_[index];
}

void QemuInterrupts::acknowledge(unsigned vector) {
  const unsigned index = checked(vector);
  if (is_line(vector)) {
    lines_[index].masked = false;
    deliver(lines_[index]);
  }
}

void QemuInterrupts::line_changed(unsigned line, bool high) {
  lines_.at(line).high = high;
  deliver(lines_.at(line));
}

void QemuInterrupts::deliver(Line& line) {
  if (line.high && !line.masked) {
    ++line.count;
    line.masked = true;
  }
}

}  // namespace ringside::targets
