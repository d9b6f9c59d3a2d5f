// What a driver has learnt of configuration space, and so where the virtio structures lie. Passive: it is told what
// the driver read and wrote, and asks the machine nothing.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "testbench/trace/record.h"
#include "testbench/trace/virtio_layout.h"

namespace ringside::trace {

// A place in a BAR of a block device. `structure` is 0 where no virtio structure lies; Structure::legacy stands for all
// of the legacy interface's BAR 0.
struct BarLocation {
  bool found = false;
  std::uint8_t unit = 0;
  std::uint8_t bar = 0;
  Structure structure{};
  std::uint64_t offset = 0;  // in the structure, or in the BAR when there is none
  std::uint32_t notify_multiplier = 0;
  bool msix_enabled = false;  // legacy registers lie elsewhere then (VIRTIO 1.2, 4.1.4.8)
};

// A register of a function's configuration space.
struct ConfigAddress {
  std::uint16_t bdf = 0;
  unsigned offset = 0;
};

// What an access to pci_cfg_data reaches (VIRTIO 1.2, 4.1.4.9).
struct WindowAccess {
  BarLocation where;
  unsigned width = 0;
};

class PciShadow {
 public:
  void config_read(std::uint16_t bdf, unsigned offset, unsigned width, std::uint32_t value);
  void config_written(std::uint16_t bdf, unsigned offset, unsigned width, std::uint32_t value);

  [[nodiscard]] BarLocation at_port(std::uint16_t port) { return find(true, port); }
  [[nodiscard]] BarLocation at_memory(std::uint64_t address) { return find(false, address); }

  // The memory-mapped configuration space of a q35, once the driver has programmed it.
  [[nodiscard]] std::optional<ConfigAddress> at_ecam(std::uint64_t address) const;
  // The access to a structure that an access to this register of configuration space is, if it is one.
  [[nodiscard]] std::optional<WindowAccess> through_window(const ConfigAddress& at);
  // Whether a write there says where that window looks.
  [[nodiscard]] bool aims_window(const ConfigAddress& at) const;
  // Whether this write resets the function as a whole (PCI Express, 6.6.2).
  [[nodiscard]] bool resets_function(const ConfigAddress& at, unsigned width, std::uint32_t value) const;

  // Which block device a function is; -1 for anything else.
  [[nodiscard]] int unit_of(std::uint16_t bdf) const;

 private:
  struct Bar {
    std::uint32_t written = 0;  // the address half, as the driver last wrote or read it
    std::uint32_t mask = 0;     // what it read after writing all ones
    bool sizing = false;
  };
  struct Function {
    std::array<std::uint8_t, kPciConfigBytes> bytes{};
    std::bitset<kPciConfigBytes> known;
    std::array<Bar, kPciBars> bars;
    int unit = -1;
    bool msix_enabled = false;
  };
  struct Range {
    bool io = false;
    bool assigned = false;
    std::uint64_t base = 0;        // where the BAR is assigned
    std::uint64_t bar_offset = 0;  // in its BAR
    std::uint64_t size = 0;
    BarLocation location;  // its offset is that of the range's base
  };
  struct Ecam {
    bool enabled = false;
    std::uint64_t base = 0;
    std::uint64_t size = 0;
  };
  struct BarWindow {
    bool io = false;
    std::uint64_t base = 0;  // 0: not assigned
    std::uint64_t size = 0;  // 0: not known
  };

  [[nodiscard]] Function& of(std::uint16_t bdf);
  // Null when nothing is known of it.
  [[nodiscard]] const Function* function(std::uint16_t bdf) const;
  [[nodiscard]] BarLocation find(bool io, std::uint64_t address);
  // Null unless it is a block device.
  [[nodiscard]] const Function* disk(std::uint16_t bdf) const;
  [[nodiscard]] static unsigned window_of(const Function& function);
  // Cheaper: may a window's data be there?
  [[nodiscard]] static bool looks_like_window_data(const Function& function, unsigned offset);
  void changed(const Function& function);
  void learn_ecam(const Function& function, unsigned offset, unsigned width, std::uint32_t value);
  static void learn_capability_write(Function& function, unsigned offset, unsigned width, std::uint32_t value);
  void identify(Function& function);
  void rebuild();
  void add_structures(const Function& function);
  void add_virtio(const Function& function, unsigned capability);
  void add_msix(const Function& function, unsigned capability);
  void add_range(const Function& function, unsigned bar, std::uint64_t offset, std::uint64_t size, Structure structure,
                 std::uint32_t multiplier);
  [[nodiscard]] static BarWindow window(const Function& function, unsigned bar);
  // Of the first one with this id, and of virtio's with this type; 0 when there is none.
  [[nodiscard]] static unsigned capability(const Function& function, std::uint8_t id, std::uint32_t virtio_type);
  [[nodiscard]] static bool known(const Function& function, unsigned offset, unsigned width);
  [[nodiscard]] static std::uint32_t word(const Function& function, unsigned offset, unsigned width);

  std::map<std::uint16_t, Function> functions_;
  // The last one that was asked for: an access asks several times, and a function is mostly read from its beginning to
  // its end. Functions stay where they are.
  mutable std::uint16_t last_bdf_ = 0;
  mutable const Function* last_function_ = nullptr;
  int units_ = 0;
  Ecam ecam_;
  std::vector<Range> ranges_;  // structures first, whole BARs after them
  std::size_t last_ = 0;
  bool dirty_ = false;
};

}  // namespace ringside::trace
