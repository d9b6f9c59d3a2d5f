#include "testbench/targets/qemu_command_line.h"

#include <fmt/core.h>

#include "testbench/guest/mailbox.h"
#include "testbench/targets/dma_arena.h"

namespace ringside::targets {
namespace {

std::string fd_path(int fd) { return fmt::format("/proc/self/fd/{}", fd); }

void append(std::vector<std::string>& arguments, const std::vector<std::string>& more) {
  arguments.insert(arguments.end(), more.begin(), more.end());
}

// Discards are passed on, so that they free space and read back as zeroes; zeroes that are written stay writes. The
// page cache takes the writes: bench and QEMU see the same bytes at once. locking=off: the bench has locked it.
std::vector<std::string> drive_arguments(const DiskPlan& disk, unsigned unit, int fd) {
  const std::string read_only = disk.properties.read_only ? ",read-only=on" : "";
  return {"-blockdev",
          fmt::format("driver=file,node-name=file{},filename={},locking=off,discard=unmap,aio=threads{}", unit,
                      fd_path(fd), read_only),
          "-blockdev",
          fmt::format("driver=raw,node-name={},file=file{},discard=unmap,detect-zeroes=off{}", node_of(unit), unit,
                      read_only)};
}

// The least that a disk can cost: requests complete, and no data moves.
std::vector<std::string> null_drive_arguments(unsigned unit) {
  constexpr std::uint64_t kBytes = 1u << 30;
  return {"-blockdev", fmt::format("driver=null-co,node-name={},size={}", node_of(unit), kBytes)};
}

// What the CPU runs, and how it rings at the bench. A CPU that gives up (a triple fault) is kept as it is, for its
// registers to be read: a reset in its place would start all over.
std::vector<std::string> cpu_arguments(const QemuLaunch& launch) {
  std::vector<std::string> arguments{"-action", "reboot=shutdown,shutdown=pause"};
  if (launch.rom >= 0) {
    append(arguments, {"-bios", fd_path(launch.rom)});
  }
  if (launch.kernel >= 0) {
    append(arguments, {"-kernel", fd_path(launch.kernel)});
  }
  if (launch.bell >= 0) {
    append(arguments, {"-chardev", fmt::format("socket,id=bell0,fd={}", launch.bell), "-device",
                       fmt::format("isa-debugcon,iobase={:#x},chardev=bell0", guest::kBellPort)});
  }
  return arguments;
}

std::string bus_name(const MachinePlan& plan, const std::string& bus) {
  if (bus != "root") {
    return bus;
  }
  return plan.board == Board::pc ? "pci.0" : "pcie.0";
}

// The parts that the board has only where a disk sits behind them.
std::vector<std::string> board_arguments(const MachinePlan& plan) {
  std::vector<std::string> arguments;
  const unsigned ports = plan.root_ports();
  for (unsigned port = 0; port < ports; ++port) {
    append(arguments, {"-device", fmt::format("pcie-root-port,id=port{},chassis={},slot={},addr={:02x}.{:x}{}", port,
                                              port + 1, port + 1, kRootPortDevice, port,
                                              port == 0 && ports > 1 ? ",multifunction=on" : "")});
  }
  if (plan.has_bridge()) {
    append(arguments, {"-device", fmt::format("pci-bridge,id=bridge0,chassis_nr=1,addr={:02x}.0", kBridgeDevice)});
  }
  return arguments;
}

// ioeventfd=off: a doorbell is handled before qtest's answer to it. request-merging=off: requests of one doorbell stay
// requests of their own. rerror, werror: an error is reported to the driver, instead of stopping the machine.
std::vector<std::string> virtio_options(const MachinePlan& plan, const DiskPlan& disk) {
  const model::PciPlace& place = disk.properties.place;
  std::vector<std::string> options{"ioeventfd=off", "request-merging=off", "rerror=report", "werror=report"};
  options.push_back("bus=" + bus_name(plan, place.bus));
  options.push_back(fmt::format("addr={:02x}.{:x}", place.device, place.function));
  options.push_back(fmt::format("multifunction={}", place.multifunction ? "on" : "off"));
  options.push_back("serial=" + disk.properties.serial);
  options.push_back(fmt::format("physical_block_size={}", disk.properties.physical_block_size));
  for (const auto& [name, value] : disk.given.values()) {
    const PropertyOrigin origin = origin_of(name);
    if (name != "serial" && name != "physical_block_size" && origin != PropertyOrigin::place &&
        origin != PropertyOrigin::drive) {
      options.push_back(name + "=" + value);
    }
  }
  return options;
}

std::string joined(const std::vector<std::string>& options) {
  std::string text;
  for (const std::string& option : options) {
    text += (text.empty() ? "" : ",") + with_commas_doubled(option);
  }
  return text;
}

}  // namespace

std::string node_of(unsigned unit) { return fmt::format("disk{}", unit); }
std::string device_id_of(unsigned unit) { return fmt::format("vd{}", unit); }

std::string device_text(const MachinePlan& plan, unsigned unit) {
  const DiskPlan& disk = plan.disks.at(unit);
  const bool ide = disk.given.ide();
  std::vector<std::string> options{ide ? "ide-hd" : "virtio-blk-pci", "id=" + device_id_of(unit),
                                   "drive=" + node_of(unit)};
  append(options, ide ? std::vector<std::string>{"bus=ide.0", "unit=0", "serial=" + disk.properties.serial,
                                                 "rerror=report", "werror=report"}
                      : virtio_options(plan, disk));
  return joined(options);
}

std::vector<std::string> device_arguments(const MachinePlan& plan) {
  std::vector<std::string> arguments = board_arguments(plan);
  for (unsigned unit = 0; unit < plan.disks.size(); ++unit) {
    append(arguments, {"-device", device_text(plan, unit)});
  }
  return arguments;
}

std::vector<std::string> qemu_arguments(const MachinePlan& plan, const QemuLaunch& launch) {
  std::vector<std::string> arguments{"-nodefaults", "-no-user-config", "-display",
                                     "none",        "-accel",          launch.accelerator};
  append(arguments, {"-machine", fmt::format("{},memory-backend=ram0", plan.type)});
  append(arguments, {"-m", fmt::format("{}M", kRamBytes >> 20), "-object",
                     fmt::format("memory-backend-file,id=ram0,size={}M,share=on,mem-path={}", kRamBytes >> 20,
                                 fd_path(launch.ram))});
  append(arguments, cpu_arguments(launch));
  if (launch.counted) {
    append(arguments, {"-icount", "shift=0,sleep=off"});
  }
  append(arguments, {"-chardev", fmt::format("socket,id=qtest0,fd={}", launch.qtest), "-object",
                     "qtest,id=qtest,chardev=qtest0,log=none"});
  append(arguments, {"-chardev", fmt::format("socket,id=qmp0,fd={}", launch.qmp), "-mon", "chardev=qmp0,mode=control"});
  if (launch.gdb >= 0) {
    append(arguments, {"-S", "-chardev", fmt::format("socket,id=gdb0,fd={}", launch.gdb), "-gdb", "chardev:gdb0"});
  }
  append(arguments, board_arguments(plan));
  for (unsigned unit = 0; unit < plan.disks.size(); ++unit) {
    append(arguments, launch.disks.empty() ? null_drive_arguments(unit)
                                           : drive_arguments(plan.disks[unit], unit, launch.disks.at(unit)));
    append(arguments, {"-device", device_text(plan, unit)});
  }
  return arguments;
}

}  // namespace ringside::targets
