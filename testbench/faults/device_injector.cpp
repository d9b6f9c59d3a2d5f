#include "testbench/faults/device_injector.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "testbench/trace/virtio_layout.h"

namespace ringside::faults {
namespace {

using model::DmaAccess;
using model::MediaFault;
using model::Picoseconds;

constexpr std::uint64_t kWrongBy = 64;  // a guard is at least as wide: what is hit is a DMA buffer's, never more
constexpr std::uint64_t kBeyond = 16;
constexpr std::size_t kMostRemembered = 4096;
constexpr Picoseconds kMicrosecond = 1'000'000;

bool is_dma(Action action, bool write) {
  switch (action) {
    case Action::dma_stale_read:
      return !write;
    case Action::dma_partial_write:
    case Action::dma_wrong_address:
    case Action::dma_write_beyond:
      return write;
    case Action::dma_not_mapped:
      return true;
    default:
      return false;
  }
}

MediaFault media_fault(Action action) {
  switch (action) {
    case Action::media_error:
      return MediaFault::error;
    case Action::media_unsupported:
      return MediaFault::unsupported;
    case Action::media_corrupted:
      return MediaFault::corrupted;
    case Action::media_misdirected:
      return MediaFault::misdirected;
    case Action::media_short:
      return MediaFault::cut_short;
    case Action::media_lost_write:
      return MediaFault::lost;
    default:
      return MediaFault::none;
  }
}

RequestKind kind_of(std::uint32_t type) {
  switch (type) {
    case trace::VIRTIO_BLK_T_IN:
      return RequestKind::read;
    case trace::VIRTIO_BLK_T_OUT:
      return RequestKind::write;
    case trace::VIRTIO_BLK_T_FLUSH:
      return RequestKind::flush;
    default:
      return RequestKind::any;
  }
}

// Errors are for any request; what is done to data needs data, and what is lost must have been written.
bool can_be_done_to(MediaFault fault, RequestKind kind) {
  switch (fault) {
    case MediaFault::error:
    case MediaFault::unsupported:
      return true;
    case MediaFault::lost:
      return kind == RequestKind::write || kind == RequestKind::flush;
    default:
      return kind == RequestKind::read || kind == RequestKind::write;
  }
}

bool touches(const Fault& fault, RequestKind kind, std::uint64_t sector, std::uint64_t bytes) {
  constexpr std::uint64_t kSectorBytes = 512;
  const bool of_kind = fault.request == RequestKind::any || fault.request == kind;
  const bool there =
      !fault.sector || (*fault.sector >= sector && *fault.sector - sector < (bytes + kSectorBytes - 1) / kSectorBytes);
  return of_kind && there;
}

}  // namespace

// --- What is armed

void UnitFaults::used_up(std::size_t place) {
  Armed& armed = armed_[place];
  if (armed.times == armed.fault.times) {
    fired_.push_back(armed.index);
  }
  if (--armed.times == 0) {
    armed_.erase(armed_.begin() + static_cast<std::ptrdiff_t>(place));
  }
}

template <class Which>
bool UnitFaults::take(Which which, std::uint32_t* value) {
  const auto found = std::ranges::find_if(armed_, [&](const Armed& armed) { return which(armed.fault); });
  if (found == armed_.end()) {
    return false;
  }
  if (value != nullptr) {
    *value = found->fault.value;
  }
  used_up(static_cast<std::size_t>(found - armed_.begin()));
  return true;
}

bool UnitFaults::take_of(Action action, std::uint16_t queue, std::uint32_t* value) {
  return take([=](const Fault& fault) { return fault.action == action && fault.queue == queue; }, value);
}

std::vector<std::size_t> UnitFaults::take_fired() { return std::exchange(fired_, {}); }

// --- DMA

void UnitFaults::before_dma(DmaAccess& access) {
  for (std::size_t i = 0; i < armed_.size(); ++i) {
    Armed& armed = armed_[i];
    if (!is_dma(armed.fault.action, access.write)) {
      continue;
    }
    if (armed.passing != 0) {
      --armed.passing;
      continue;
    }
    apply(armed.fault.action, access);
    used_up(i);
    return;
  }
}

void UnitFaults::apply(Action action, DmaAccess& access) {
  switch (action) {
    case Action::dma_stale_read:
      stale_ = true;
      return;
    case Action::dma_partial_write:
      access.size /= 2;
      return;
    case Action::dma_wrong_address:
      access.address += kWrongBy;
      access.size = std::min(access.size, kWrongBy);
      return;
    case Action::dma_write_beyond:
      access.beyond = kBeyond;
      return;
    default:
      access.failure = model::DmaFailure::not_mapped;
      return;
  }
}

void UnitFaults::after_read(std::uint64_t address, std::uint8_t* data, std::uint64_t size) {
  if (!remembers_) {
    return;
  }
  if (std::exchange(stale_, false)) {
    make_stale(address, data, size);
    return;
  }
  if (read_before_.size() >= kMostRemembered) {
    read_before_.clear();
  }
  read_before_[address].assign(data, data + size);
}

void UnitFaults::make_stale(std::uint64_t address, std::uint8_t* data, std::uint64_t size) {
  const auto before = read_before_.find(address);
  const std::uint64_t known = before == read_before_.end() ? 0 : std::min<std::uint64_t>(size, before->second.size());
  if (known != 0) {
    std::memcpy(data, before->second.data(), known);
  }
  std::memset(data + known, 0, size - known);
}

// --- Media

MediaFault UnitFaults::media(std::uint32_t type, std::uint64_t sector, std::uint64_t bytes) {
  const RequestKind kind = kind_of(type);
  Action action{};
  const bool taken = take([&](const Fault& fault) {
    action = fault.action;
    const MediaFault what = media_fault(fault.action);
    return what != MediaFault::none && can_be_done_to(what, kind) && touches(fault, kind, sector, bytes);
  });
  return taken ? media_fault(action) : MediaFault::none;
}

// --- Completion

model::Delay UnitFaults::delay(std::uint16_t queue) {
  std::uint32_t microseconds = 0;
  if (take_of(Action::completion_late, queue, &microseconds)) {
    return {microseconds * kMicrosecond, true};
  }
  const bool slow =
      take_of(Action::completion_delayed, queue, &microseconds) || take_of(Action::media_slow, queue, &microseconds);
  return {slow ? microseconds * kMicrosecond : 0, false};
}

model::Finish UnitFaults::finish(std::uint16_t queue) {
  if (take_of(Action::completion_never, queue)) {
    return model::Finish::never;
  }
  return take_of(Action::completion_twice, queue) ? model::Finish::twice : model::Finish::once;
}

Picoseconds UnitFaults::interrupt_ahead(std::uint16_t queue) {
  std::uint32_t microseconds = 0;
  return take_of(Action::interrupt_early, queue, &microseconds) ? microseconds * kMicrosecond : 0;
}

// --- Interrupts

void UnitFaults::message(model::Message& message) {
  std::uint32_t value = 0;
  const auto is = [](Action action) { return [action](const Fault& fault) { return fault.action == action; }; };
  if (take(is(Action::interrupt_twice), &value)) {
    message.count = value;
  } else if (take(is(Action::interrupt_wrong_vector), &value)) {
    message.vector = static_cast<std::uint16_t>(value);
  } else if (take(is(Action::interrupt_pending))) {
    message.stays_pending = true;
  }
}

// Lasts, once it has begun, until the reset.
bool UnitFaults::line_stuck() {
  const auto stuck =
      std::ranges::find_if(armed_, [](const Armed& armed) { return armed.fault.action == Action::line_stuck; });
  if (stuck == armed_.end()) {
    return false;
  }
  if (stuck->passing == 0) {
    stuck->passing = 1;  // said already
    fired_.push_back(stuck->index);
  }
  return true;
}

void UnitFaults::was_reset() {
  std::erase_if(armed_,
                [](const Armed& armed) { return armed.fault.action == Action::line_stuck && armed.passing != 0; });
}

// --- All disks

DeviceInjector::DeviceInjector(const Plan& plan) {
  for (const Fault& fault : plan.faults) {
    if (happens_in_device(fault.action) || fault.action == Action::media_error) {
      const auto has = [&](auto which) {
        return std::ranges::any_of(plan.faults,
                                   [&](const Fault& other) { return other.unit == fault.unit && which(other.action); });
      };
      const bool of_memory = has([](Action action) { return is_dma(action, true) || is_dma(action, false); });
      const bool stale = has([](Action action) { return action == Action::dma_stale_read; });
      if (const auto [place, added] = units_.try_emplace(fault.unit, of_memory, stale); added) {
        in_order_.push_back(&place->second);
      }
    }
  }
}

void DeviceInjector::arm(std::size_t index, const Fault& fault) { units_.at(fault.unit).arm(index, fault); }

void DeviceInjector::disarm() {
  for (auto& [number, unit] : units_) {
    unit.disarm();
  }
}

std::vector<std::size_t> DeviceInjector::take_fired() {
  std::vector<std::size_t> fired;
  for (auto& [number, unit] : units_) {
    const std::vector<std::size_t> more = unit.take_fired();
    fired.insert(fired.end(), more.begin(), more.end());
  }
  return fired;
}

}  // namespace ringside::faults
