// Function-level reset of a disk behind a root port: between two drivers, and behind the back of one.
#include "driver/block/find.h"
#include "driver/pci/bus.h"
#include "driver/pci/express.h"
#include "driver/pci/registers.h"
#include "testbench/scenarios/data.h"
#include "testbench/scenarios/list.h"

namespace ringside::scenarios {
namespace {

constexpr std::uint64_t kSector = 64;
constexpr std::size_t kInFlight = 4;

void reset(Context& context) {
  pci::Bus bus(context.machine());
  if (!context.check(bus.init(), "the bus is scanned")) {
    return;
  }
  const pci::DeviceInfo* const device = block::find_virtio_block_device(bus);
  if (!context.check(device != nullptr, "there is a virtio block device")) {
    return;
  }
  context.check(pci::reset_function(context.machine(), bus.config(), device->address) == pci::FunctionReset::done,
                "the function is reset");
  context.observe("COMMAND after the reset", bus.config().read16(device->address, pci::PCI_COMMAND));
  for (unsigned bar = 0; bar < pci::kBarCount; ++bar) {
    const auto reg = static_cast<std::uint16_t>(pci::PCI_BASE_ADDRESS_0 + 4 * bar);
    context.observe("BAR after the reset", bus.config().read32(device->address, reg));
  }
}

block::Options quick() {
  block::Options options;
  options.timeout = 50 * hal::kMillisecond;
  return options;
}

void write_and_reset(Context& context, Buffer& buffer, std::uint64_t key) {
  block::BlockDevice* const disk = context.open();
  if (disk == nullptr) {
    return;
  }
  fill(buffer.data(), block::kBlockSize, key);
  context.check(disk->write(kSector, buffer.data(), block::kBlockSize) == block::Status::ok, "the write succeeds");
  context.check(disk->flush() == block::Status::ok, "the flush succeeds");
  reset(context);
  disk->shutdown();  // which the device no longer hears
}

void read_after_reset(Context& context, Buffer& buffer, std::uint64_t key) {
  block::BlockDevice* const disk = context.open();
  if (disk == nullptr) {
    return;
  }
  fill(buffer.data(), block::kBlockSize, ~key);
  context.check(disk->read(kSector, buffer.data(), block::kBlockSize) == block::Status::ok, "the read succeeds");
  context.check(is_filled(buffer.data(), block::kBlockSize, key), "what was written is there");
  disk->shutdown();
}

// The driver is not told: its requests go to a device that has forgotten its queues and where its registers were.
void reset_unnoticed(Context& context, Buffer& buffer) {
  block::BlockDevice* const disk = context.open(quick());
  if (disk == nullptr) {
    return;
  }
  block::Request requests[kInFlight];
  block::Request* pointers[kInFlight];
  block::Segment segments[kInFlight];
  for (std::size_t i = 0; i < kInFlight; ++i) {
    segments[i] = {buffer.data(i * block::kBlockSize), block::kBlockSize};
    requests[i].sector = kSector + i * (block::kBlockSize / block::kSectorSize);
    requests[i].segments = &segments[i];
    requests[i].segment_count = 1;
    pointers[i] = &requests[i];
  }
  reset(context);
  context.check(disk->submit(pointers, kInFlight) == kInFlight, "the requests are taken");
  static_cast<void>(disk->wait(kInFlight));
  bool ended = true;
  for (const block::Request& request : requests) {
    ended = ended && (request.status == block::Status::timed_out || request.status == block::Status::device_lost);
  }
  context.check(ended && disk->in_flight() == 0, "every request ends, lost");
  disk->shutdown();
}

}  // namespace

void flr(Context& context) {
  Buffer buffer(context, kInFlight * std::size_t{block::kBlockSize}, 4096);
  if (!buffer.valid()) {
    return;
  }
  const std::uint64_t key = context.random().next();
  write_and_reset(context, buffer, key);
  read_after_reset(context, buffer, key);
  reset_unnoticed(context, buffer);
  read_after_reset(context, buffer, key);
}

}  // namespace ringside::scenarios
