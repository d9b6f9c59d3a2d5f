#include "testbench/targets/qemu_asks.h"

#include "driver/block/block_device.h"
#include "testbench/targets/qemu_hotplug.h"

namespace ringside::targets {
namespace {

std::uint64_t resize(Qmp& qmp, std::uint64_t sectors) {
  constexpr std::uint64_t kMostSectors = std::uint64_t{1} << 40;
  const bool done = sectors <= kMostSectors && qmp.resize_disk(0, sectors * block::kSectorSize);
  return done ? sectors : scenarios::kNotAvailable;
}

std::uint64_t done_or_not(bool done) { return done ? 1 : scenarios::kNotAvailable; }

}  // namespace

std::uint64_t answer_by_qemu(QemuSession& session, const MachinePlan& plan, std::span<const DiskImage> disks,
                             scenarios::Ask what, std::uint64_t argument) {
  const bool is_disk = argument < disks.size();
  const auto unit = static_cast<unsigned>(argument);
  switch (what) {
    case scenarios::Ask::disk_sectors:
      return is_disk ? disks[unit].bytes() / block::kSectorSize : scenarios::kNotAvailable;
    case scenarios::Ask::resize:
      return resize(session.qmp(), argument);
    case scenarios::Ask::unplug:
      return done_or_not(is_disk && unplug_disk(session.qtest(), session.qmp(), plan, unit));
    case scenarios::Ask::plug:
      return done_or_not(is_disk && plug_disk(session.qmp(), plan, unit));
    case scenarios::Ask::hold:
    case scenarios::Ask::release:
    case scenarios::Ask::media_error:
    case scenarios::Ask::calm:  // the harness's
      return scenarios::kNotAvailable;
  }
  return scenarios::kNotAvailable;
}

}  // namespace ringside::targets
