// What a driver has learnt of configuration space, and so where the virtio structures lie. Passive: it is told what
// the driver read and wrote, and asks the machine nothing.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <map>
#include <vector>

#include "testbench/trace/record.h"
#include "testbench/trace/virtio_layout.h"

namespace ringside::trace {

// A place in a BAR of a block device. `structure` is 0 where no virtio structure lies.
struct BarLocation {
  bool found = false;
  std::uint8_t unit = 0;
  std::uint8_t bar = 0;
  Structure structure{};
  std::uint64_t offset = 0;  // in the structure, or in the BAR when there is none
  std::uint32_t notify_multiplier = 0;
};

class PciShadow {
 public:
  void config_read(std::uint16_t bdf, unsigned offset, unsigned width, std::uint32_t value);
  void config_written(std::uint16_t bdf, unsigned offset, unsigned width, std::uint32_t value);

  [[nodiscard]] BarLocation at_port(std::uint16_t port) { return find(true, port); }
  [[nodiscard]] BarLocation at_memory(std::uint64_t address) { return find(false, address); }

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
  };
  struct Range {
    bool io = false;
    std::uint64_t base = 0;
    std::uint64_t size = 0;
    BarLocation location;  // its offset is that of the range's base
  };
  struct BarWindow {
    bool io = false;
    std::uint64_t base = 0;  // 0: not assigned
    std::uint64_t size = 0;  // 0: not known
  };

  [[nodiscard]] BarLocation find(bool io, std::uint64_t address);
  void identify(Function& function);
  void rebuild();
  void add_structures(const Function& function);
  void add_virtio(const Function& function, unsigned capability);
  void add_msix(const Function& function, unsigned capability);
  void add_range(const Function& function, unsigned bar, std::uint64_t offset, std::uint64_t size, Structure structure,
                 std::uint32_t multiplier);
  [[nodiscard]] static BarWindow window(const Function& function, unsigned bar);
  [[nodiscard]] static bool known(const Function& function, unsigned offset, unsigned width);
  [[nodiscard]] static std::uint32_t word(const Function& function, unsigned offset, unsigned width);

  std::map<std::uint16_t, Function> functions_;
  int units_ = 0;
  std::vector<Range> ranges_;  // structures first, whole BARs after them
  std::size_t last_ = 0;
  bool dirty_ = false;
};

}  // namespace ringside::trace
