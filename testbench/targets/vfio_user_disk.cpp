#include "testbench/targets/vfio_user_disk.h"

#include <fmt/core.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <utility>

#include "model/virtio_shape.h"
#include "testbench/targets/run_aborted.h"

namespace ringside::targets {
namespace {

using vfio_user::Irq;

constexpr std::uint32_t kMemoryTypeBits = 0xf;
constexpr std::uint32_t kIoTypeBits = 0x3;
constexpr std::uint32_t PCI_EXT_CAP_ID_ATS = 0x0f;
constexpr unsigned kMostCapabilities = 48;  // a list that is longer has a loop
// The registers that say what the BARs answer to: command to the last BAR.
constexpr unsigned kFirstFollowed = model::PCI_COMMAND;
constexpr unsigned kEndFollowed = model::PCI_BASE_ADDRESS_0 + 4 * model::kBars;

Descriptor make_event() {
  Descriptor event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event.valid()) {
    throw RunAborted(fmt::format("no eventfd: {}", std::strerror(errno)));
  }
  return event;
}

bool has_come(const Descriptor& event) {
  std::uint64_t count = 0;
  return event.valid() && ::read(event.get(), &count, sizeof count) == static_cast<ssize_t>(sizeof count);
}

}  // namespace

VfioUserDisk::VfioUserDisk(const sc_core::sc_module_name& name, const model::Clock& clock, model::IntxSink& pin)
    : PciFunction(name, clock, model::ConfigSpace({})), messages("messages", 0), pin_(pin) {}

void VfioUserDisk::power_on(vfio_user::Client& client) {
  client_ = &client;
  client.reset();  // whatever it was before
  const std::uint64_t bytes = client.region_bytes(vfio_user::kConfig);
  if (bytes != model::kConfigBytes && bytes != model::kExtendedConfigBytes) {
    throw RunAborted(fmt::format("the served function has {} bytes of configuration space", bytes));
  }
  space_ = model::ConfigSpace({}, bytes);
  for (unsigned offset = 0; offset < bytes; ++offset) {
    space_.define(offset, 0, 0xff);  // what may be written, the server knows
  }
  fetch_config(0, static_cast<unsigned>(bytes));
  strap_bars();
  fetch_config(0, static_cast<unsigned>(bytes));
  for (unsigned offset = 0; offset < bytes; ++offset) {
    space_.define(offset, space_[offset], 0xff);
  }
  power_on_function({}, nullptr);
  messages.power_on({}, nullptr);
  messages.set_bus_master(true);
  messages.set_upstream(true, nullptr);
  strap_interrupts();
}

void VfioUserDisk::power_off() {
  client_ = nullptr;
  pin_event_.close();
  vector_events_.clear();
}

void VfioUserDisk::strap_bars() {
  clear_bars();
  for (unsigned bar = 0; bar < model::kBars; ++bar) {
    const std::uint64_t bytes = client_->region_bytes(bar);
    if (bytes == 0) {
      continue;
    }
    if (!std::has_single_bit(bytes) || bytes >> 32 != 0) {
      throw RunAborted(fmt::format("BAR {} of the served function has {} bytes", bar, bytes));
    }
    const unsigned at = model::PCI_BASE_ADDRESS_0 + 4 * bar;
    // Declaring a BAR puts its type into the copy here, and leaves the address that the server showed to be fetched
    // again.
    const std::uint32_t type = space_.read(at, 4);
    const bool is_io = (type & model::PCI_BASE_ADDRESS_SPACE_IO) != 0;
    define_bar(bar, static_cast<std::uint32_t>(bytes), type & (is_io ? kIoTypeBits : kMemoryTypeBits));
  }
}

unsigned VfioUserDisk::capability(std::uint8_t id) const {
  unsigned at = (space_[model::PCI_STATUS] & model::PCI_STATUS_CAP_LIST) != 0 ? space_[model::PCI_CAPABILITY_LIST] : 0u;
  for (unsigned i = 0; i < kMostCapabilities && at >= model::kConfigHeaderBytes && at <= model::kConfigBytes - 16;
       ++i) {
    if (space_[at] == id) {
      return at;
    }
    at = space_[at + 1] & ~3u;
  }
  return 0;
}

bool VfioUserDisk::has_ats() const {
  unsigned at = model::kConfigBytes;
  for (unsigned i = 0; i < kMostCapabilities && at >= model::kConfigBytes && at + 4 <= space_.bytes(); ++i) {
    const std::uint32_t header = space_.read(at, 4);
    if ((header & 0xffff) == PCI_EXT_CAP_ID_ATS) {
      return true;
    }
    at = header >> 20 & ~3u;
  }
  return false;
}

void VfioUserDisk::strap_interrupts() {
  pin_high_ = false;
  pin_event_ = make_event();
  vector_events_.clear();
  express_cap_ = capability(model::PCI_CAP_ID_EXP);
  msix_cap_ = capability(model::PCI_CAP_ID_MSIX);
  const std::uint32_t vectors = msix_cap_ != 0 ? client_->vectors(Irq::msix) : 0;
  if (vectors > model::kMostVectors) {
    throw RunAborted(fmt::format("the served function has {} vectors", vectors));
  }
  place_ = {};
  std::uint32_t pba = 0;
  if (vectors != 0) {
    constexpr std::uint32_t kBarBits = 7;
    const std::uint32_t table_at = space_.read(msix_cap_ + 4, 4);
    const std::uint32_t pba_at = space_.read(msix_cap_ + 8, 4);
    place_.bar = table_at & kBarBits;
    place_.start = table_at & ~kBarBits;
    pba = (pba_at & ~kBarBits) - static_cast<std::uint32_t>(place_.start);
    place_.end = place_.start + pba + (vectors + 63) / 64 * 8;
    if ((pba_at & kBarBits) != place_.bar || pba < vectors * model::kMsixEntryBytes || place_.bar >= model::kBars ||
        place_.end > bar_bytes(place_.bar)) {
      throw RunAborted("the served function has its MSI-X table where it cannot be kept for it");
    }
  }
  table_.power_on(static_cast<std::uint16_t>(vectors), pba);
  std::vector<int> eventfds;
  for (std::uint32_t vector = 0; vector < vectors; ++vector) {
    eventfds.push_back(vector_events_.emplace_back(make_event()).get());
  }
  client_->connect(Irq::msix, eventfds);
  if (client_->vectors(Irq::intx) != 0) {
    const int pin = pin_event_.get();
    client_->connect(Irq::intx, std::span(&pin, 1));
  }
}

void VfioUserDisk::reset(model::Picoseconds) {
  client_->reset();
  table_.reset();
  fetch_config(0, static_cast<unsigned>(space_.bytes()));
  follow_server();
}

void VfioUserDisk::fetch_config(unsigned first, unsigned bytes) {
  std::array<std::uint8_t, model::kExtendedConfigBytes> data;
  const auto shown = std::span(data).first(bytes);
  client_->read(vfio_user::kConfig, first, shown);
  for (unsigned i = 0; i < bytes; ++i) {
    space_.set(first + i, shown[i]);
  }
}

void VfioUserDisk::before_config_read(unsigned offset, unsigned size, model::Picoseconds) {
  fetch_config(offset, size);
}

// What was written went into the copy here as it is; what has become of it, the server says.
void VfioUserDisk::after_config_write(unsigned offset, unsigned size, model::Picoseconds) {
  const std::uint32_t value = space_.read(offset, size);
  std::array<std::uint8_t, 4> bytes{};
  std::memcpy(bytes.data(), &value, size);
  client_->write(vfio_user::kConfig, offset, std::span(bytes).first(size));
  const unsigned control = express_cap_ + model::PCI_EXP_DEVCTL;
  const bool function_reset = express_cap_ != 0 && offset <= control + 1 && offset + size > control + 1 &&
                              (space_[control + 1] & model::PCI_EXP_DEVCTL_BCR_FLR >> 8) != 0;
  if (function_reset) {
    table_.reset();
  }
  fetch_config(offset, size);
  follow_server();
}

void VfioUserDisk::follow_server() {
  fetch_config(kFirstFollowed, kEndFollowed - kFirstFollowed);
  let_decode(true);
  if (msix_cap_ != 0) {
    fetch_config(msix_cap_ + model::PCI_MSIX_FLAGS, 2);
    table_.set_flags(static_cast<std::uint16_t>(space_.read(msix_cap_ + model::PCI_MSIX_FLAGS, 2)));
    table_.deliver_pending(messages);
  }
}

bool VfioUserDisk::table_access(model::Access& access) {
  look();
  model::Access relative = access;
  relative.offset -= static_cast<std::uint32_t>(place_.start);
  const bool claimed = table_.access(relative);
  access.value = relative.value;
  table_.deliver_pending(messages);
  return claimed;
}

bool VfioUserDisk::bar_access(unsigned bar, model::Access& access, model::Picoseconds) {
  if (bar == place_.bar && access.offset >= place_.start && access.offset < place_.end) {
    return table_access(access);
  }
  std::array<std::uint8_t, 8> bytes{};
  const auto data = std::span(bytes).first(access.size);
  if (!access.write) {
    client_->read(bar, access.offset, data);
    access.value = 0;
    std::memcpy(&access.value, data.data(), data.size());
    return true;
  }
  std::memcpy(data.data(), &access.value, data.size());
  bar_is_io(bar) ? client_->write(bar, access.offset, data) : client_->post(bar, access.offset, data);
  return true;
}

void VfioUserDisk::look() {
  for (std::uint16_t vector = 0; vector < vector_events_.size(); ++vector) {
    if (has_come(vector_events_[vector])) {
      table_.raise(vector, messages);
    }
  }
  if (has_come(pin_event_) && !pin_high_) {
    pin_high_ = true;
    pin_.set_intx(space_[model::PCI_INTERRUPT_PIN], true);
  }
}

// The server tells of a pin that is still high once more.
void VfioUserDisk::acknowledge() {
  if (pin_high_) {
    pin_high_ = false;
    pin_.set_intx(space_[model::PCI_INTERRUPT_PIN], false);
    client_->unmask(Irq::intx, 0);
    look();
  }
}

}  // namespace ringside::targets
