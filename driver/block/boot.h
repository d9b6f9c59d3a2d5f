// From power-on to a disk with a file system on it: PCI, then virtio; where no virtio disk is found or none comes up,
// ATA; and without that either, the simulated disk. Then the file system is checked.
#pragma once

#include <cstdint>

#include "driver/block/block_device.h"
#include "driver/block/eclipsefs.h"
#include "driver/hal/machine.h"

namespace ringside::block {

enum class BootSource : std::uint8_t { none, virtio, ata, simulated };

struct Boot {
  BlockDevice* disk = nullptr;  // null: not even memory
  BootSource source = BootSource::none;
  eclipsefs::Result file_system = eclipsefs::Result::io_error;
};

// Scans PCI and brings a virtio disk up, or returns null: open_disk() with whatever it takes.
struct OpenVirtio {
  BlockDevice* (*open)(void* user);
  void* user;
};

[[nodiscard]] Boot boot(hal::Machine& machine, const OpenVirtio& open_virtio);

// Lists the root on the driver's log and reads its first file to the end. ok: all of that makes sense.
[[nodiscard]] eclipsefs::Result check_file_system(hal::Machine& machine, BlockDevice& disk);

}  // namespace ringside::block
