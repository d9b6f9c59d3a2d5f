#include "driver/block/soft_device.h"

#include "driver/block/request_rules.h"

namespace ringside::block {
namespace {

constexpr std::uint64_t kPollInterval = 10 * hal::kMicrosecond;  // nothing tells when such a device is ready

}  // namespace

std::size_t SoftDevice::submit(Request* const* requests, std::size_t count) {
  std::size_t taken = 0;
  for (; taken < count && count_ < kDepth; ++taken) {
    requests[taken]->status = Status::pending;
    requests[taken]->used_length = 0;
    waiting_[(first_ + count_++) % kDepth] = requests[taken];
  }
  return taken;
}

Status SoftDevice::begin(Request&, std::uint64_t) { return Status::unsupported; }

Status SoftDevice::advance(Request&) { return Status::ok; }

Status SoftDevice::check(const Request& request) const {
  if (!well_formed(request)) {
    return Status::refused;
  }
  switch (request.operation) {
    case Operation::read:
    case Operation::write:
      return transfer_allowed(info_, request, data_bytes(request)) ? Status::ok : Status::refused;
    case Operation::get_id:
      return data_bytes(request) == kIdSize ? Status::ok : Status::refused;
    case Operation::flush:
      return Status::ok;
    case Operation::discard:
    case Operation::write_zeroes:
    case Operation::secure_erase:
    case Operation::get_lifetime:
      return Status::unsupported;
  }
  return Status::refused;
}

Status SoftDevice::go_on(Request& request) {
  if (begun_) {
    return advance(request);
  }
  if (const Status verdict = check(request); verdict != Status::ok) {
    return verdict;
  }
  begun_ = true;
  const Status status = begin(request, request.deadline != 0 ? request.deadline : machine_.now() + kTimeout);
  return status == Status::pending ? advance(request) : status;
}

void SoftDevice::end_first(Status status) {
  Request& request = *waiting_[first_];
  first_ = (first_ + 1) % kDepth;
  --count_;
  begun_ = false;
  request.status = status;
  if (request.done != nullptr) {
    request.done(request);
  }
}

std::size_t SoftDevice::poll() {
  const unsigned most = count_;  // a callback may submit more, which is for the next time
  std::size_t completed = 0;
  while (completed < most) {
    const Status status = go_on(*waiting_[first_]);
    if (status == Status::pending) {
      break;
    }
    end_first(status);
    ++completed;
  }
  return completed;
}

std::size_t SoftDevice::wait(std::size_t count) {
  std::size_t completed = poll();
  while (completed < count && count_ != 0) {
    machine_.relax(machine_.now() + kPollInterval);
    completed += poll();
  }
  return completed;
}

void SoftDevice::shutdown() {
  stop();
  while (count_ != 0) {
    end_first(Status::device_lost);
  }
}

}  // namespace ringside::block
