#include "model/piix3_ide.h"

#include <cstring>

#include "model/chipset.h"

namespace ringside::model {
namespace {

constexpr std::uint16_t kFirstCommand = 0x1f0;  // eight ports
constexpr std::uint16_t kFirstControl = 0x3f6;
constexpr std::uint16_t kSecondCommand = 0x170;
constexpr std::uint16_t kSecondControl = 0x376;
constexpr std::uint16_t kCommandPorts = 8;
constexpr std::uint16_t kDevicePort = kFirstCommand + 6;
constexpr std::uint8_t kSecondDrive = 0x10;

bool is_first_command(std::uint16_t port) { return port >= kFirstCommand && port < kFirstCommand + kCommandPorts; }

}  // namespace

Piix3Ide::Piix3Ide(const sc_core::sc_module_name& name, const Clock& clock)
    : PciFunction(name, clock, piix3_ide_config_space()) {}

void Piix3Ide::power_on(const IdeDisk& disk, const Latencies& latencies, Tap* tap) {
  power_on_function(latencies, tap);
  drive_.power_on(disk, latencies);
  device_ = 0;
}

void Piix3Ide::claim_legacy_ports() {
  unsigned number = kBars;
  for (const std::uint16_t command : {kFirstCommand, kSecondCommand}) {
    claim(AddressSpace::io, number++, {command, static_cast<std::uint64_t>(command + kCommandPorts - 1)});
  }
  for (const std::uint16_t control : {kFirstControl, kSecondControl}) {
    claim(AddressSpace::io, number++, {control, control});
  }
}

void Piix3Ide::forward(AddressSpace space, tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay) {
  const unsigned size = transaction.get_data_length();
  if (space != AddressSpace::io || size > sizeof(std::uint32_t)) {
    transaction.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
    return;
  }
  const auto port = static_cast<std::uint16_t>(transaction.get_address());
  const bool write = transaction.is_write();
  const std::uint64_t cost = write ? latencies_.register_write_ns : latencies_.register_read_ns;
  delay += to_sc_time(cost * kPicosecondsPerNanosecond);
  const Picoseconds at = clock_.now() + delay.value();
  std::uint32_t value = 0;
  if (write) {
    std::memcpy(&value, transaction.get_data_ptr(), size);
    write_port(port, size, value, at);
  } else {
    value = read_port(port, size, at);
    std::memcpy(transaction.get_data_ptr(), &value, size);
  }
  transaction.set_response_status(tlm::TLM_OK_RESPONSE);
}

// Whether a read of the first channel reaches the drive; the other drive, and the other channel, are not there.
bool Piix3Ide::selected(std::uint16_t port) const {
  return (is_first_command(port) || port == kFirstControl) && (device_ & kSecondDrive) == 0;
}

// The data port takes words, or two words at once; the others take bytes, of which only the first is decoded.
std::uint32_t Piix3Ide::read_port(std::uint16_t port, unsigned size, Picoseconds at) {
  if (!selected(port)) {
    return 0;
  }
  if (port == kFirstControl) {
    return drive_.status(at);
  }
  if (port != kFirstCommand) {
    return drive_.read(port - kFirstCommand, at);
  }
  const std::uint32_t low = size >= 2 ? drive_.read_data(at) : 0;
  return size == 4 ? low | std::uint32_t{drive_.read_data(at)} << 16 : low;
}

void Piix3Ide::write_port(std::uint16_t port, unsigned size, std::uint32_t value, Picoseconds at) {
  const auto byte = static_cast<std::uint8_t>(value);
  if (port == kFirstControl) {
    drive_.write_control(byte);
    return;
  }
  if (!is_first_command(port)) {
    return;
  }
  if (port == kDevicePort) {
    device_ = byte;
  }
  if (port == kFirstCommand) {
    if (selected(port) && size >= 2) {
      drive_.write_data(static_cast<std::uint16_t>(value), at);
    }
    if (selected(port) && size == 4) {
      drive_.write_data(static_cast<std::uint16_t>(value >> 16), at);
    }
    return;
  }
  // Both drives take what is written to their registers, but only the selected one takes the command (7.1).
  const unsigned offset = port - kFirstCommand;
  constexpr unsigned kCommand = 7;
  if (offset != kCommand || selected(port)) {
    drive_.write(offset, byte, at);
  }
}

}  // namespace ringside::model
