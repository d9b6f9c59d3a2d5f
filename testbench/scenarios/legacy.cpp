// The legacy interface: of a device that has no other, and of a transitional one, which has both.
#include "driver/virtio/spec.h"
#include "testbench/scenarios/data.h"
#include "testbench/scenarios/list.h"
#include "testbench/scenarios/workload.h"

namespace ringside::scenarios {
namespace {

constexpr std::uint64_t kLegacyFeatures = 0xffff'ffff;
constexpr std::uint64_t kVersion1 = virtio::feature(virtio::VIRTIO_F_VERSION_1);

block::Options options_for(block::TransportChoice transport, block::Completion completion) {
  block::Options options;
  options.transport = transport;
  options.completion = completion;
  return options;
}

void use_legacy(Context& context, block::TransportChoice transport, block::Completion completion) {
  block::BlockDevice* const disk = context.open(options_for(transport, completion));
  if (disk == nullptr) {
    return;
  }
  context.observe("features", disk->info().features);
  context.observe("queue size", disk->info().queue_size);
  context.check((disk->info().offered & ~kLegacyFeatures) == 0, "a legacy device offers 32 feature bits");
  run_workload(context, *disk, Workload{});
  context.check(disk->flush() == block::Status::ok, "the flush succeeds");
  check_counters(context, *disk);
  disk->shutdown();
}

// Writes through one interface, for the other to read.
void write_block(Context& context, block::TransportChoice transport, std::uint64_t key) {
  block::BlockDevice* const disk = context.open(options_for(transport, block::Completion::msix));
  if (disk == nullptr) {
    return;
  }
  Buffer buffer(context, block::kBlockSize);
  if (buffer.valid()) {
    fill(buffer.data(), buffer.size(), key);
    context.check(disk->write_block(1, buffer.data()) == block::Status::ok, "the block is written");
  }
  disk->shutdown();
}

void read_block(Context& context, block::TransportChoice transport, std::uint64_t key) {
  block::BlockDevice* const disk = context.open(options_for(transport, block::Completion::msix));
  if (disk == nullptr) {
    return;
  }
  const bool modern = transport == block::TransportChoice::modern;
  context.check(((disk->info().features & kVersion1) != 0) == modern, "VERSION_1 is what tells them apart");
  Buffer buffer(context, block::kBlockSize);
  if (buffer.valid()) {
    context.check(disk->read_block(1, buffer.data()) == block::Status::ok, "the block is read");
    context.check(is_filled(buffer.data(), buffer.size(), key), "the other interface wrote it");
  }
  disk->shutdown();
}

}  // namespace

void legacy(Context& context) {
  use_legacy(context, block::TransportChoice::automatic, block::Completion::msix);
  use_legacy(context, block::TransportChoice::automatic, block::Completion::intx);
  use_legacy(context, block::TransportChoice::automatic, block::Completion::polled);
}

// One driver after the other, as when a boot loader with a legacy driver hands over.
void transitional(Context& context) {
  const std::uint64_t first = context.random().next();
  const std::uint64_t second = context.random().next();
  write_block(context, block::TransportChoice::legacy, first);
  read_block(context, block::TransportChoice::modern, first);
  write_block(context, block::TransportChoice::modern, second);
  read_block(context, block::TransportChoice::legacy, second);
  use_legacy(context, block::TransportChoice::legacy, block::Completion::msix);
}

}  // namespace ringside::scenarios
