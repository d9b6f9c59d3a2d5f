#include "testbench/targets/vfio_user_contents.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>

#include "driver/block/open.h"
#include "testbench/targets/run_aborted.h"

namespace ringside::targets {
namespace {

constexpr std::uint32_t kPieceBytes = 1u << 20;
constexpr std::uint16_t kShortQueue = 16;

// A disk that is up, and a buffer for it. Neither is given back: the machine ends, or the run does, and a call that a
// server which has gone does not answer has no place in a destructor.
class OpenDisk {
 public:
  OpenDisk(hal::Machine& machine, const block::Options& options) {
    disk_ = block::open_disk(machine, hal::Plain{}, options);
    data_ = machine.alloc_dma_buffer(kPieceBytes, 4096).cpu;
  }

  [[nodiscard]] block::BlockDevice* disk() { return data_ != nullptr ? disk_ : nullptr; }
  [[nodiscard]] void* data() { return data_; }

 private:
  block::BlockDevice* disk_ = nullptr;
  void* data_ = nullptr;
};

// Calls `transfer(sector, offset, bytes)` for one piece of the image after the other, until one fails.
template <class Transfer>
bool in_pieces(std::uint64_t bytes, Transfer transfer) {
  for (std::uint64_t offset = 0; offset < bytes; offset += kPieceBytes) {
    const auto piece = static_cast<std::uint32_t>(std::min<std::uint64_t>(kPieceBytes, bytes - offset));
    if (!transfer(offset / block::kSectorSize, static_cast<off_t>(offset), piece)) {
      return false;
    }
  }
  return true;
}

}  // namespace

std::string put_contents(hal::Machine& machine, const DiskImage& image, const Misfit& misfit) {
  // As many queues, and as long ones, as it has: the caller compares them with what is wanted.
  block::Options options;
  options.queues = block::kMaxQueues;
  OpenDisk open(machine, options);
  if (open.disk() == nullptr) {
    return "the served disk does not come up";
  }
  const block::DiskInfo& info = open.disk()->info();
  const std::uint64_t sectors = image.bytes() / block::kSectorSize;
  if (info.sectors != sectors) {
    return fmt::format("the served disk has {} sectors; {} are wanted", info.sectors, sectors);
  }
  if (info.read_only) {
    return "the served disk can only be read: its contents are not ours to choose";
  }
  if (std::string reason = misfit(info); !reason.empty()) {
    return reason;
  }
  const bool written = in_pieces(image.bytes(), [&](std::uint64_t sector, off_t offset, std::uint32_t bytes) {
    return ::pread(image.fd(), open.data(), bytes, offset) == static_cast<ssize_t>(bytes) &&
           open.disk()->write(sector, open.data(), bytes) == block::Status::ok;
  });
  return written ? "" : "the served disk does not take the contents that the scenario wants";
}

void fetch_contents(hal::Machine& machine, const DiskImage& image) {
  // A scenario that had a ring of 32768 has left no memory for another of those.
  block::Options options;
  options.queue_size = kShortQueue;
  OpenDisk open(machine, options);
  const bool same_size = open.disk() != nullptr && open.disk()->info().sectors == image.bytes() / block::kSectorSize;
  const bool fetched =
      same_size && in_pieces(image.bytes(), [&](std::uint64_t sector, off_t offset, std::uint32_t bytes) {
        return open.disk()->read(sector, open.data(), bytes) == block::Status::ok &&
               ::pwrite(image.fd(), open.data(), bytes, offset) == static_cast<ssize_t>(bytes);
      });
  if (!fetched) {
    throw RunAborted("the contents of the served disk cannot be read back at the end");
  }
}

}  // namespace ringside::targets
