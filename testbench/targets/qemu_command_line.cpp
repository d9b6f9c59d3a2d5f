#include "testbench/targets/qemu_command_line.h"

#include <fmt/format.h>

#include "testbench/targets/dma_arena.h"
#include "testbench/targets/target.h"

namespace ringside::targets {
namespace {

std::string fd_path(int fd) { return fmt::format("/proc/self/fd/{}", fd); }

// Discards are passed on, so that they free space and read back as zeroes; zeroes that are written stay writes. The
// page cache takes the writes: bench and QEMU see the same bytes at once. locking=off: the bench has locked it.
std::vector<std::string> disk_arguments(int disk) {
  return {"-blockdev",
          fmt::format("driver=file,node-name=file0,filename={},locking=off,discard=unmap,aio=threads", fd_path(disk)),
          "-blockdev", fmt::format("driver=raw,node-name={},file=file0,discard=unmap,detect-zeroes=off", kDiskNode)};
}

// ioeventfd=off: a doorbell is handled before qtest's answer to it. request-merging=off: requests of one doorbell stay
// requests of their own. rerror, werror: an error is reported to the driver, instead of stopping the machine.
std::string device() {
  return fmt::format(
      "virtio-blk-pci,id=vd0,addr=04.0,drive={},serial={},ioeventfd=off,request-merging=off,rerror=report,werror="
      "report",
      kDiskNode, kSerial);
}

void append(std::vector<std::string>& arguments, const std::vector<std::string>& more) {
  arguments.insert(arguments.end(), more.begin(), more.end());
}

}  // namespace

std::vector<std::string> qemu_arguments(const QemuLaunch& launch) {
  std::vector<std::string> arguments{"-nodefaults", "-no-user-config", "-display", "none", "-accel", "tcg"};
  append(arguments, {"-machine", fmt::format("{},memory-backend=ram0", launch.machine)});
  append(arguments, {"-m", fmt::format("{}M", kRamBytes >> 20), "-object",
                     fmt::format("memory-backend-file,id=ram0,size={}M,share=on,mem-path={}", kRamBytes >> 20,
                                 fd_path(launch.ram))});
  append(arguments, {"-bios", fd_path(launch.rom)});
  append(arguments, {"-chardev", fmt::format("socket,id=qtest0,fd={}", launch.qtest), "-object",
                     "qtest,id=qtest,chardev=qtest0,log=none"});
  append(arguments, {"-chardev", fmt::format("socket,id=qmp0,fd={}", launch.qmp), "-mon", "chardev=qmp0,mode=control"});
  append(arguments, disk_arguments(launch.disk));
  append(arguments, {"-device", device()});
  return arguments;
}

}  // namespace ringside::targets
