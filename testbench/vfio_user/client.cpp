#include "testbench/vfio_user/client.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "testbench/vfio_user/version.h"

namespace ringside::vfio_user {
namespace {

[[noreturn]] void refuse(const std::string& what) { throw StreamError("the vfio-user server " + what); }

std::string name_of(Command command) { return "command " + std::to_string(static_cast<unsigned>(command)); }

template <class T>
T answer_as(const Bytes& payload, Command command) {
  const auto value = payload_as<T>(payload);
  if (!value) {
    refuse("answers " + name_of(command) + " with too few bytes");
  }
  return *value;
}

}  // namespace

Descriptor connect_to(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    throw StreamError("socket " + path + ": is no path of a socket");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.valid() || ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw StreamError("socket " + path + ": " + std::strerror(errno));
  }
  return socket;
}

Client::Client(Descriptor socket, std::chrono::milliseconds patience)
    : socket_(std::move(socket)), patience_(patience) {
  const std::optional<std::uint32_t> agreed = agreed_transfer(ask(Command::version, propose_version()));
  if (!agreed) {
    refuse("answers with a version that is not known here");
  }
  most_bytes_ = *agreed;
  const DeviceInfo wanted{sizeof(DeviceInfo), 0, 0, 0};
  const auto info = answer_as<DeviceInfo>(ask(Command::device_get_info, payload_of(wanted)), Command::device_get_info);
  if ((info.flags & kDeviceIsPci) == 0 || info.regions < kRegions || info.interrupts <= std::uint32_t(Irq::msix)) {
    refuse("serves no PCI function");
  }
}

void Client::tell(Command command, std::span<const std::uint8_t> payload, std::span<const int> descriptors,
                  std::uint32_t flags) {
  const Header header{++next_id_, static_cast<std::uint16_t>(command), 0, kTypeCommand | flags, 0};
  send(socket_.get(), header, payload, descriptors, std::chrono::steady_clock::now() + patience_);
}

Message Client::answer_to(Command command) {
  const TimePoint deadline = std::chrono::steady_clock::now() + patience_;
  while (!receive(socket_.get(), reader_)) {
    if (!wait_readable(socket_.get(), deadline)) {
      refuse("does not answer " + name_of(command));
    }
  }
  return reader_.take();
}

Bytes Client::ask(Command command, std::span<const std::uint8_t> payload, std::span<const int> descriptors) {
  tell(command, payload, descriptors, 0);
  Message answer = answer_to(command);
  if ((answer.header.flags & kTypeMask) != kTypeReply || answer.header.id != next_id_ ||
      answer.header.command != static_cast<std::uint16_t>(command)) {
    refuse("answers something else than " + name_of(command));
  }
  if ((answer.header.flags & kFlagError) != 0 && command == Command::version && answer.header.error == EBUSY) {
    throw ServerBusy("the vfio-user server is busy with another client");
  }
  if ((answer.header.flags & kFlagError) != 0) {
    refuse("refuses " + name_of(command) + ": " + std::strerror(static_cast<int>(answer.header.error)));
  }
  return std::move(answer.payload);
}

void Client::require_open() const {
  pollfd entry{socket_.get(), POLLRDHUP, 0};
  if (::poll(&entry, 1, 0) == 1) {
    refuse("has closed the connection");
  }
}

std::uint64_t Client::region_bytes(std::uint32_t region) {
  const RegionInfo wanted{sizeof(RegionInfo), 0, region, 0, 0, 0};
  constexpr Command kCommand = Command::device_get_region_info;
  return answer_as<RegionInfo>(ask(kCommand, payload_of(wanted)), kCommand).size;
}

void Client::read(std::uint32_t region, std::uint64_t offset, std::span<std::uint8_t> data) {
  while (!data.empty()) {
    const auto piece = data.first(std::min<std::size_t>(data.size(), most_bytes_));
    const RegionAccess access{offset, region, static_cast<std::uint32_t>(piece.size())};
    const Bytes answer = ask(Command::region_read, payload_of(access));
    if (answer.size() != sizeof access + piece.size()) {
      refuse("answers a read with another number of bytes");
    }
    std::memcpy(piece.data(), answer.data() + sizeof access, piece.size());
    data = data.subspan(piece.size());
    offset += piece.size();
  }
}

void Client::write_pieces(std::uint32_t region, std::uint64_t offset, std::span<const std::uint8_t> data, bool posted) {
  while (!data.empty()) {
    const auto piece = data.first(std::min<std::size_t>(data.size(), most_bytes_));
    const Bytes payload = payload_of(RegionAccess{offset, region, static_cast<std::uint32_t>(piece.size())}, piece);
    if (posted) {
      tell(Command::region_write, payload, {}, kFlagNoReply);
    } else {
      (void)ask(Command::region_write, payload);
    }
    data = data.subspan(piece.size());
    offset += piece.size();
  }
}

void Client::write(std::uint32_t region, std::uint64_t offset, std::span<const std::uint8_t> data) {
  write_pieces(region, offset, data, false);
}

void Client::post(std::uint32_t region, std::uint64_t offset, std::span<const std::uint8_t> data) {
  write_pieces(region, offset, data, true);
}

void Client::reset() { (void)ask(Command::device_reset, {}); }

std::uint32_t Client::vectors(Irq kind) {
  const IrqInfo wanted{sizeof(IrqInfo), 0, static_cast<std::uint32_t>(kind), 0};
  constexpr Command kCommand = Command::device_get_irq_info;
  return answer_as<IrqInfo>(ask(kCommand, payload_of(wanted)), kCommand).count;
}

void Client::connect(Irq kind, std::span<const int> eventfds) {
  for (std::uint32_t start = 0; start < eventfds.size(); start += kMostDescriptors) {
    const auto some = eventfds.subspan(start, std::min<std::size_t>(kMostDescriptors, eventfds.size() - start));
    const IrqSet set{sizeof(IrqSet), kIrqDataEventfd | kIrqTrigger, static_cast<std::uint32_t>(kind), start,
                     static_cast<std::uint32_t>(some.size())};
    (void)ask(Command::device_set_irqs, payload_of(set), some);
  }
}

void Client::unmask(Irq kind, std::uint32_t vector) {
  const IrqSet set{sizeof(IrqSet), kIrqDataNone | kIrqUnmask, static_cast<std::uint32_t>(kind), vector, 1};
  (void)ask(Command::device_set_irqs, payload_of(set));
}

void Client::map(std::uint64_t address, std::uint64_t bytes, int file) {
  const DmaMap map{sizeof(DmaMap), kDmaReadable | kDmaWritable, 0, address, bytes};
  (void)ask(Command::dma_map, payload_of(map), std::span(&file, 1));
}

void Client::unmap(std::uint64_t address, std::uint64_t bytes) {
  (void)ask(Command::dma_unmap, payload_of(DmaUnmap{sizeof(DmaUnmap), 0, address, bytes}));
}

}  // namespace ringside::vfio_user
