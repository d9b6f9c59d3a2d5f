#include "testbench/vfio_user/session.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

#include "testbench/vfio_user/version.h"

namespace ringside::vfio_user {
namespace {

constexpr std::uint32_t kDataFlags = kIrqDataNone | kIrqDataBool | kIrqDataEventfd;
constexpr std::uint32_t kActionFlags = kIrqMask | kIrqUnmask | kIrqTrigger;

// A message that brings descriptors which its command does not take has something else in mind.
unsigned most_descriptors(Command command) {
  return command == Command::dma_map ? 1 : command == Command::device_set_irqs ? kMostDescriptors : 0;
}

// Interrupts are told of by eventfds, and the pin may be unmasked by one: who has interrupts go straight into a guest
// has no time for a message. No client has one for anything else.
bool takes_eventfd(Irq kind, std::uint32_t action) {
  return action == kIrqTrigger || (action == kIrqUnmask && kind == Irq::intx);
}

// Whoever writes to anything else, or waits for it, gets what the client has thought of.
bool is_eventfd(const Descriptor& descriptor) {
  const std::string link = "/proc/self/fd/" + std::to_string(descriptor.get());
  std::array<char, 32> target{};
  const ssize_t size = ::readlink(link.c_str(), target.data(), target.size());
  return size > 0 && std::string_view(target.data(), static_cast<std::size_t>(size)) == "anon_inode:[eventfd]";
}

}  // namespace

Session::~Session() {
  device_.unmap_all();
  for (std::uint32_t kind = 0; kind < kIrqKinds; ++kind) {
    for (std::uint32_t vector = 0; vector < device_.vectors(Irq{kind}); ++vector) {
      device_.connect(Irq{kind}, vector, {});
    }
  }
}

bool Session::take(Message message) {
  if ((message.header.flags & kTypeMask) != kTypeCommand) {
    ended_by_ = "it answered what it was not asked";
    return false;
  }
  if (!begun_) {
    return begin(message);
  }
  const auto command = Command{message.header.command};
  if (message.descriptors.size() > most_descriptors(command)) {
    reply(message.header, {EINVAL, {}});
  } else if (command == Command::region_write) {
    region_write(message);
  } else {
    reply(message.header, answer(message));
  }
  return true;
}

bool Session::begin(const Message& message) {
  if (Command{message.header.command} != Command::version) {
    ended_by_ = "it did not begin with its version";
    reply(message.header, {EINVAL, {}});
    return false;
  }
  std::optional<Bytes> agreed = answer_version(message.payload);
  if (!agreed) {
    ended_by_ = "its version of the protocol is not known here";
    reply(message.header, {EINVAL, {}});
    return false;
  }
  begun_ = true;
  reply(message.header, {0, std::move(*agreed)});
  return true;
}

void Session::reply(const Header& command, const Answer& answer) {
  if ((command.flags & kFlagNoReply) != 0) {
    return;
  }
  Header header{command.id, command.command, 0, kTypeReply, 0};
  if (answer.error != 0) {
    header.flags |= kFlagError;
    header.error = static_cast<std::uint32_t>(answer.error);
  }
  send_(header, answer.payload);
}

Session::Answer Session::answer(Message& message) {
  switch (Command{message.header.command}) {
    case Command::dma_map:
      return dma_map(message);
    case Command::dma_unmap:
      return dma_unmap(message);
    case Command::device_get_info:
      if (!payload_as<DeviceInfo>(message.payload)) {
        return {EINVAL, {}};
      }
      return {0, payload_of(DeviceInfo{sizeof(DeviceInfo), kDeviceResets | kDeviceIsPci, kRegions, kIrqKinds})};
    case Command::device_get_region_info:
      return region_info(message);
    case Command::device_get_irq_info:
      return irq_info(message);
    case Command::device_set_irqs:
      return set_irqs(message);
    case Command::region_read:
      return region_read(message);
    case Command::device_reset:
      device_.reset();
      return {};
    case Command::version:
      return {EINVAL, {}};  // once is enough
    default:
      return {ENOTSUP, {}};
  }
}

Session::Answer Session::dma_map(Message& message) {
  const auto map = payload_as<DmaMap>(message.payload);
  if (!map || (map->flags & ~(kDmaReadable | kDmaWritable)) != 0 || map->size == 0 ||
      map->address + (map->size - 1) < map->address) {
    return {EINVAL, {}};
  }
  return {device_.map(*map, message.descriptors.empty() ? Descriptor() : std::move(message.descriptors.front())), {}};
}

Session::Answer Session::dma_unmap(const Message& message) {
  const auto range = payload_as<DmaUnmap>(message.payload);
  if (!range || (range->flags & ~kUnmapAll) != 0) {
    return {EINVAL, {}};
  }
  if ((range->flags & kUnmapAll) != 0) {
    device_.unmap_all();
    return {0, payload_of(*range)};
  }
  const int error = device_.unmap(range->address, range->size);
  return error != 0 ? Answer{error, {}} : Answer{0, payload_of(*range)};
}

Session::Answer Session::region_info(const Message& message) const {
  const auto asked = payload_as<RegionInfo>(message.payload);
  if (!asked || asked->argsz < sizeof(RegionInfo) || asked->index >= kRegions) {
    return {EINVAL, {}};
  }
  RegionInfo info{sizeof(RegionInfo), 0, asked->index, 0, device_.region_bytes(asked->index), 0};
  info.flags = info.size != 0 ? kRegionReadable | kRegionWritable : 0;
  return {0, payload_of(info)};
}

Session::Answer Session::irq_info(const Message& message) const {
  const auto asked = payload_as<IrqInfo>(message.payload);
  if (!asked || asked->argsz < sizeof(IrqInfo) || asked->index >= kIrqKinds) {
    return {EINVAL, {}};
  }
  const Irq kind{asked->index};
  IrqInfo info{sizeof(IrqInfo), 0, asked->index, device_.vectors(kind)};
  if (info.count != 0) {
    info.flags = kIrqEventfd | kIrqMaskable | (kind == Irq::intx ? kIrqAutomasked : 0);
  }
  return {0, payload_of(info)};
}

Session::Answer Session::set_irqs(Message& message) {
  const auto set = payload_as<IrqSet>(message.payload);
  if (!set || set->index >= kIrqKinds || (set->flags & ~(kDataFlags | kActionFlags)) != 0 ||
      !std::has_single_bit(set->flags & kDataFlags) || !std::has_single_bit(set->flags & kActionFlags)) {
    return {EINVAL, {}};
  }
  const Irq kind{set->index};
  const std::uint32_t vectors = device_.vectors(kind);
  if (set->start > vectors || set->count > vectors - set->start) {
    return {EINVAL, {}};
  }
  const std::uint32_t data = set->flags & kDataFlags;
  const std::uint32_t action = set->flags & kActionFlags;
  const bool all = set->start == 0 && set->count == 0 && data == kIrqDataNone && action == kIrqTrigger;
  const std::uint32_t count = all ? vectors : set->count;
  const std::size_t descriptors = message.descriptors.size();
  const bool bytes_missing = data == kIrqDataBool && message.payload.size() < sizeof(IrqSet) + count;
  const bool eventfds_wrong = data == kIrqDataEventfd
                                  ? !takes_eventfd(kind, action) || (descriptors != 0 && descriptors != count)
                                  : descriptors != 0;
  if (bytes_missing || eventfds_wrong || !std::ranges::all_of(message.descriptors, is_eventfd)) {
    return {EINVAL, {}};
  }
  if (data == kIrqDataEventfd && action == kIrqUnmask) {
    device_.unmask_by(descriptors != 0 ? std::move(message.descriptors.front()) : Descriptor());
    return {};
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t vector = set->start + i;
    if (all || data == kIrqDataEventfd) {
      device_.connect(kind, vector, descriptors != 0 ? std::move(message.descriptors[i]) : Descriptor());
    } else if (data == kIrqDataBool && message.payload[sizeof(IrqSet) + i] == 0) {
      continue;
    } else if (action == kIrqTrigger) {
      device_.trigger(kind, vector);
    } else {
      device_.mask(kind, vector, action == kIrqMask);
    }
  }
  return {};
}

bool Session::lies_in_region(const RegionAccess& access) const {
  const std::uint64_t bytes = access.region < kRegions ? device_.region_bytes(access.region) : 0;
  return access.count != 0 && access.count <= kMostTransfer && access.count <= bytes &&
         access.offset <= bytes - access.count;
}

Session::Answer Session::region_read(const Message& message) {
  const auto access = payload_as<RegionAccess>(message.payload);
  if (!access || !lies_in_region(*access)) {
    return {EINVAL, {}};
  }
  Bytes payload = payload_of(*access);
  payload.resize(sizeof *access + access->count);
  device_.read(access->region, access->offset, std::span(payload).subspan(sizeof *access));
  return {0, std::move(payload)};
}

void Session::region_write(const Message& message) {
  const auto access = payload_as<RegionAccess>(message.payload);
  if (!access || !lies_in_region(*access) || message.payload.size() - sizeof *access != access->count) {
    reply(message.header, {EINVAL, {}});
    return;
  }
  const auto data = std::span(message.payload).subspan(sizeof *access);
  const Answer done{0, payload_of(*access)};
  if (device_.posted(access->region)) {
    reply(message.header, done);
    device_.write(access->region, access->offset, data);
  } else {
    device_.write(access->region, access->offset, data);
    reply(message.header, done);
  }
}

}  // namespace ringside::vfio_user
