#include "driver/block/simulated.h"

#include <new>

#include "driver/block/eclipsefs_image.h"
#include "driver/block/request_rules.h"
#include "driver/block/segment_cursor.h"
#include "driver/hal/text.h"

namespace ringside::block {
namespace {

constexpr std::uint32_t kBytes = 128u << 10;
constexpr std::size_t kPage = 4096;
constexpr char kName[kIdSize + 1] = "simulated-disk\0\0\0\0\0\0";

constexpr char kReadme[] =
    "This disk is simulated: it is memory of the driver's own, and is gone at power-off.\n"
    "The machine has no disk that works.\n";
constexpr char kVersion[] = "EclipseFS 2.0\n";

constexpr eclipsefs::ImageNode kNodes[] = {
    {"readme.txt", eclipsefs::NodeType::file, kReadme, sizeof kReadme - 1},
    {"version", eclipsefs::NodeType::file, kVersion, sizeof kVersion - 1},
    {"tmp", eclipsefs::NodeType::directory},
};

}  // namespace

SimulatedDisk* SimulatedDisk::open(hal::Machine& machine) {
  auto* const memory = static_cast<std::uint8_t*>(machine.alloc_private(kBytes, kPage));
  void* const place = machine.alloc_private(sizeof(SimulatedDisk), alignof(SimulatedDisk));
  if (memory == nullptr || place == nullptr ||
      eclipsefs::write_image(memory, kBytes, kNodes, sizeof kNodes / sizeof kNodes[0]) == 0) {
    hal::Line().text("[Simulated] No memory for a simulated disk").log_to(machine);
    return nullptr;
  }
  hal::Line().text("[Simulated] Disk of ").dec(kBytes / kSectorSize).text(" sectors in memory").log_to(machine);
  return new (place) SimulatedDisk(machine, memory);
}

SimulatedDisk::SimulatedDisk(hal::Machine& machine, std::uint8_t* memory) : SoftDevice(machine), memory_(memory) {
  info_.sectors = kBytes / kSectorSize;
  info_.max_segments = 0xffff;
  info_.flush = true;
}

Status SimulatedDisk::begin(Request& request, std::uint64_t) {
  SegmentCursor data(request);
  std::uint8_t* const at = memory_ + request.sector * kSectorSize;
  switch (request.operation) {
    case Operation::read:
      request.used_length = static_cast<std::uint32_t>(data_bytes(request));
      data.copy_from(at, request.used_length);
      return Status::ok;
    case Operation::write:
      data.copy_to(at, static_cast<std::uint32_t>(data_bytes(request)));
      return Status::ok;
    case Operation::get_id:
      data.copy_from(kName, kIdSize);
      return Status::ok;
    case Operation::flush:
      return Status::ok;  // memory is all there is: what was written is as safe as it will be
    default:
      return Status::unsupported;
  }
}

}  // namespace ringside::block
