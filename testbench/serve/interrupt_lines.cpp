#include "testbench/serve/interrupt_lines.h"

#include <poll.h>
#include <unistd.h>

#include <utility>

namespace ringside::serve {
namespace {

bool ready(const targets::Descriptor& eventfd, short events) {
  pollfd entry{eventfd.get(), events, 0};
  return ::poll(&entry, 1, 0) == 1 && (entry.revents & events) != 0;
}

}  // namespace

void InterruptLines::power_on(unsigned vectors) {
  pin_ = {};
  pin_high_ = false;
  unmask_pin_by({});
  vectors_.clear();
  vectors_.resize(vectors);
  to_lose_ = 0;
  lost_ = 0;
}

bool InterruptLines::is_lost() {
  if (to_lose_ == 0) {
    return false;
  }
  --to_lose_;
  ++lost_;
  return true;
}

// One whose counter is full says "there was something" already, and may block who writes to it.
void InterruptLines::signal(const Line& line) {
  if (line.eventfd.valid() && ready(line.eventfd, POLLOUT)) {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(line.eventfd.get(), &one, sizeof one);
  }
}

void InterruptLines::connect_pin(targets::Descriptor eventfd) {
  pin_ = {std::move(eventfd), false};
  unmask_pin_by({});
  deliver_pin();
}

void InterruptLines::mask_pin(bool masked) {
  pin_.masked = masked;
  deliver_pin();
}

void InterruptLines::trigger_pin() const { signal(pin_); }

void InterruptLines::unmask_pin_by(targets::Descriptor eventfd) {
  unmask_event_ = std::move(eventfd);
  ++unmask_events_;
}

void InterruptLines::take_unmask_event() {
  std::uint64_t count = 0;
  if (unmask_event_.valid() && ready(unmask_event_, POLLIN) &&
      ::read(unmask_event_.get(), &count, sizeof count) == static_cast<ssize_t>(sizeof count)) {
    mask_pin(false);
  }
}

void InterruptLines::set_intx(std::uint8_t, bool high) {
  pin_high_ = high;
  deliver_pin();
}

void InterruptLines::deliver_pin() {
  if (pin_high_ && !pin_.masked && pin_.eventfd.valid()) {
    pin_.masked = true;
    if (!is_lost()) {
      signal(pin_);
    }
  }
}

void InterruptLines::connect_vector(unsigned vector, targets::Descriptor eventfd) {
  vectors_.at(vector) = {std::move(eventfd), false};
}

void InterruptLines::mask_vector(unsigned vector, bool masked) { vectors_.at(vector).masked = masked; }

void InterruptLines::trigger_vector(unsigned vector) const { signal(vectors_.at(vector)); }

bool InterruptLines::vector_masked(unsigned vector) const {
  return vector >= vectors_.size() || vectors_[vector].masked || !vectors_[vector].eventfd.valid();
}

void InterruptLines::message(unsigned vector) {
  if (!is_lost()) {
    signal(vectors_.at(vector));
  }
}

}  // namespace ringside::serve
