#include "testbench/targets/qemu_session.h"

#include <sys/socket.h>

#include <boost/asio/io_context.hpp>
#include <cerrno>
#include <system_error>
#include <vector>

#include "testbench/targets/harness.h"

namespace ringside::targets {
namespace {

std::vector<int> descriptors_of(const QemuLaunch& launch) {
  std::vector<int> descriptors = launch.disks;
  for (const int fd : {launch.ram, launch.rom, launch.kernel, launch.qtest, launch.qmp, launch.bell, launch.gdb}) {
    if (fd >= 0) {
      descriptors.push_back(fd);
    }
  }
  return descriptors;
}

}  // namespace

SocketPair make_sockets() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    throw std::system_error(errno, std::generic_category(), "socketpair");
  }
  return {Descriptor(ends[0]), Descriptor(ends[1])};
}

QemuSession::QemuSession(const std::string& binary, const MachinePlan& plan, std::span<const DiskImage> disks,
                         QemuLaunch launch, const RunClock& clock, LineListener& lines)
    : context_(std::make_unique<boost::asio::io_context>()) {
  try {
    SocketPair qtest = make_sockets();
    SocketPair qmp = make_sockets();
    launch.qtest = qtest.theirs.get();
    launch.qmp = qmp.theirs.get();
    for (const DiskImage& disk : disks) {
      launch.disks.push_back(disk.fd());
    }
    process_.emplace(*context_, binary, qemu_arguments(plan, launch), descriptors_of(launch));
    qtest_.emplace(*process_, LineChannel(*context_, qtest.ours.release()), clock, lines);
    qmp_.emplace(*process_, LineChannel(*context_, qmp.ours.release()), clock);
  } catch (const std::system_error& problem) {
    throw RunAborted(std::string("QEMU cannot be started: ") + problem.what());
  }
}

QemuSession::~QemuSession() = default;

}  // namespace ringside::targets
