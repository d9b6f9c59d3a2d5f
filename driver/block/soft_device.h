// A block device whose data the CPU itself moves: requests wait in a row and are done one after the other, from poll()
// and wait(). What each kind of device adds is how one request goes on.
#pragma once

#include <cstddef>
#include <cstdint>

#include "driver/block/block_device.h"
#include "driver/hal/machine.h"

namespace ringside::block {

class SoftDevice : public BlockDevice {
 public:
  [[nodiscard]] const DiskInfo& info() const final { return info_; }
  [[nodiscard]] const Counters& counters() const final { return counters_; }
  std::size_t submit(Request* const* requests, std::size_t count) final;
  std::size_t poll() final;
  std::size_t wait(std::size_t count) final;
  [[nodiscard]] std::size_t in_flight() const final { return count_; }
  Status set_write_cache(bool) final { return Status::unsupported; }
  [[nodiscard]] bool write_cache() override { return false; }
  Status reset_queue(std::uint16_t) final { return Status::unsupported; }
  void shutdown() final;

 protected:
  explicit SoftDevice(hal::Machine& machine) : machine_(machine) {}
  ~SoftDevice() = default;

  // Not pure: the table of this class is emitted, and a freestanding link has nothing to put into it for a pure one.

  // Begins the request, which is well-formed, and if it moves sectors, lies inside the disk. Anything but pending ends
  // it. `deadline` is its own or the device's default.
  [[nodiscard]] virtual Status begin(Request& request, std::uint64_t deadline);
  // Takes the request that has begun further, without waiting; pending until it is done.
  [[nodiscard]] virtual Status advance(Request& request);
  // What has begun will not be asked for again.
  virtual void stop() {}

  hal::Machine& machine_;
  DiskInfo info_;
  Counters counters_;

 private:
  static constexpr unsigned kDepth = 32;
  static constexpr std::uint64_t kTimeout = 5 * hal::kSecond;

  [[nodiscard]] Status check(const Request& request) const;
  [[nodiscard]] Status go_on(Request& request);
  void end_first(Status status);

  Request* waiting_[kDepth] = {};
  unsigned first_ = 0;
  unsigned count_ = 0;
  bool begun_ = false;  // the first of them
};

}  // namespace ringside::block
