// The functions of a machine, on bus 0 and behind its bridges: finding them, and what each says of itself.
#pragma once

#include <cstdint>
#include <optional>

#include "driver/hal/machine.h"
#include "driver/pci/bar.h"
#include "driver/pci/config_space.h"
#include "driver/pci/registers.h"

namespace ringside::pci {

inline constexpr std::uint16_t kNoBridge = 0xffff;

// What a bridge passes on downstream: [base, base + size), in one of its windows. Size 0: nothing.
struct BridgeWindow {
  std::uint64_t base = 0;
  std::uint64_t size = 0;
  std::uint64_t alignment = 0;  // that what lies behind it needs
};
enum class Space : std::uint8_t { io, memory, prefetchable };
inline constexpr unsigned kSpaces = 3;

struct DeviceInfo {
  Address address;
  std::uint16_t vendor = 0;
  std::uint16_t device = 0;
  std::uint32_t class_code = 0;  // class<<16 | subclass<<8 | programming interface
  std::uint8_t revision = 0;
  std::uint8_t header_type = 0;      // without the multi-function bit
  std::uint8_t interrupt_pin = 0;    // 0 none, 1 INTA .. 4 INTD
  std::uint8_t interrupt_line = 0;   // what firmware noted; meaningless where none ran
  std::uint16_t parent = kNoBridge;  // the bridge that it lies behind: an index into the bus

  // Bridges only.
  std::uint8_t secondary = 0;    // the bus behind it; 0: none could be given a number
  std::uint8_t subordinate = 0;  // the last bus behind it
  bool wide_prefetchable = false;
  BridgeWindow windows[kSpaces];

  // After assign_resources.
  Bar bars[kBarCount];
  bool decodes = false;           // it answered at its addresses when they were looked at: somebody may use it
  const char* problem = nullptr;  // why the function cannot be used, for the log

  [[nodiscard]] bool is_bridge() const { return header_type == PCI_HEADER_TYPE_BRIDGE; }
  // A host bridge's are left alone: sizing switches decoding off, and its decoding is the way to all the others.
  [[nodiscard]] unsigned bar_count() const {
    if (class_code >> 8 == PCI_CLASS_BRIDGE_HOST) {
      return 0;
    }
    return header_type == PCI_HEADER_TYPE_NORMAL ? kBarCount : is_bridge() ? kBridgeBarCount : 0;
  }
};

class Bus {
 public:
  explicit Bus(hal::Machine& machine) : machine_(&machine), config_(machine) {}

  // Scans bus 0 and every bus behind a bridge, and writes the boot messages. Bridges without bus numbers get some;
  // numbers that make sense are left alone. False, with the reason on the log, when private memory has run out or the
  // machine lacks the way of access.
  bool init(ConfigAccess access = ConfigAccess::cam);

  [[nodiscard]] hal::Machine& machine() const { return *machine_; }
  [[nodiscard]] const ConfigSpace& config() const { return config_; }
  [[nodiscard]] unsigned count() const { return count_; }
  [[nodiscard]] const DeviceInfo& operator[](unsigned index) const { return shelves_[index / kShelf][index % kShelf]; }
  [[nodiscard]] DeviceInfo& operator[](unsigned index) { return shelves_[index / kShelf][index % kShelf]; }

  // The first one; null when there is none.
  [[nodiscard]] const DeviceInfo* find(std::uint16_t vendor, std::uint16_t device) const;

 private:
  static constexpr unsigned kMostFunctions = 256;  // of the whole machine; any further are not seen
  static constexpr unsigned kShelf = 16;           // functions; few machines need a second one

  // A bus being scanned: its functions are in the table, its bridges are visited one after the other.
  struct Level {
    unsigned bus = 0;
    std::uint16_t bridge = kNoBridge;  // that leads to it
    bool renumbered = false;           // the bridge's last bus number is still open
    unsigned begin = 0;                // its functions in the table
    unsigned end = 0;
    unsigned next = 0;      // to visit
    unsigned next_bus = 0;  // the first number that is free
    unsigned last_bus = 0;  // numbers end here
  };

  [[nodiscard]] bool choose_access(ConfigAccess access);
  void scan();
  void enter(Level& level);
  void leave(const Level& level, Level& parent);
  [[nodiscard]] bool open_bridge(const Level& level, std::uint16_t index, Level& below);
  [[nodiscard]] bool has_numbers(const Level& level, std::uint16_t index) const;
  void scan_device(Address first, std::uint16_t parent);
  // What stands in the header type of the function there, which is in the table now; nothing where there is none.
  [[nodiscard]] std::optional<std::uint8_t> scan_function(Address address, std::uint16_t parent);
  // Null when the table is full, or there is no memory for it.
  [[nodiscard]] DeviceInfo* new_entry();
  void write_numbers(const DeviceInfo& bridge) const;
  void log_devices();

  hal::Machine* machine_;
  ConfigSpace config_;
  DeviceInfo* shelves_[kMostFunctions / kShelf] = {};  // of the table, in private memory
  unsigned count_ = 0;
  bool out_of_memory_ = false;
};

// Sets bits of COMMAND (PCI_COMMAND_IO, _MEMORY, _MASTER) and clears others. A function that does not answer is left
// alone.
void enable_device(const ConfigSpace& config, Address address, std::uint16_t set, std::uint16_t clear = 0);

}  // namespace ringside::pci
