#include "driver/pci/resources.h"

#include "driver/hal/mutant.h"
#include "driver/pci/bridge_window.h"
#include "driver/pci/power.h"

namespace ringside::pci {
namespace {

struct Range {
  std::uint64_t base = 0;
  std::uint64_t end = 0;
};

std::uint64_t align_up(std::uint64_t value, std::uint64_t alignment) {
  return (value + alignment - 1) & ~(alignment - 1);
}

bool overlap(const Range& a, const Range& b) { return a.base < b.end && b.base < a.end; }
bool inside(const Range& inner, const Range& outer) { return inner.base >= outer.base && inner.end <= outer.end; }

Range range_of(const Bar& bar) { return {bar.address, bar.address + bar.size}; }
Range range_of(const BridgeWindow& window) { return {window.base, window.base + window.size}; }

// One pass over all functions. Bridges come before what lies behind them in the table: so needs are summed up from its
// end, and addresses are handed out from its beginning.
class Assignment {
 public:
  explicit Assignment(Bus& bus) : bus_(bus), info_(bus.machine().info()) {}

  void run() {
    for (unsigned i = 0; i < bus_.count(); ++i) {
      read(bus_[i]);
    }
    for (unsigned i = 0; i < bus_.count() && !hal::mutant(hal::Mutant::misplaced_bars_kept); ++i) {
      free_misplaced(i);
    }
    for (unsigned i = 0; i < bus_.count(); ++i) {
      check(i);
    }
    for (unsigned i = bus_.count(); i-- != 0;) {
      if (bus_[i].is_bridge()) {
        measure(i);
      }
    }
    for (unsigned i = 0; i < bus_.count(); ++i) {
      place(i);
    }
  }

 private:
  void read(DeviceInfo& info) {
    wake(bus_.machine(), bus_.config(), info.address);
    const unsigned count = info.bar_count();
    if (count != 0 && !read_bars(bus_.config(), info.address, count, info.bars, info.decodes)) {
      info.problem = "its BARs cannot be read";
    }
    if (info.is_bridge()) {
      read_windows(bus_.config(), info);
    }
  }

  // --- Which of the windows before it a BAR lies in

  [[nodiscard]] bool prefetchable_path(unsigned parent) const {
    for (; parent != kNoBridge; parent = bus_[parent].parent) {
      if (!bus_[parent].wide_prefetchable) {
        return false;
      }
    }
    return true;
  }

  // A prefetchable 64-bit BAR may lie above 4 GiB if every bridge before it reaches there. All others go below; a
  // prefetchable one may lie in a window that is not.
  [[nodiscard]] Space space_of(const Bar& bar, unsigned parent) const {
    if (bar.kind == BarKind::io) {
      return Space::io;
    }
    const bool high = bar.kind == BarKind::memory64 && bar.prefetchable && prefetchable_path(parent);
    return high ? Space::prefetchable : Space::memory;
  }

  [[nodiscard]] Range window(Space space, unsigned parent) const {
    if (parent != kNoBridge) {
      return range_of(bus_[parent].windows[static_cast<unsigned>(space)]);
    }
    const bool high = space == Space::prefetchable && info_.high_window.size != 0;
    const hal::Window& root = space == Space::io ? info_.io_window : high ? info_.high_window : info_.memory_window;
    return {root.base, root.base + root.size};
  }

  // --- What is taken

  // Calls `visit` with the index of every function on a bus but `but`, and each range that it has there.
  template <class Visit>
  void each_range(unsigned parent, bool io, Visit visit) const {
    for (unsigned i = 0; i < bus_.count(); ++i) {
      const DeviceInfo& info = bus_[i];
      if (info.parent != parent) {
        continue;
      }
      for (const Bar& bar : info.bars) {
        if (bar.kind != BarKind::none && bar.address != 0 && (bar.kind == BarKind::io) == io) {
          visit(i, range_of(bar));
        }
      }
      for (unsigned space = 0; space < kSpaces; ++space) {
        const BridgeWindow& window = info.windows[space];
        if (window.base != 0 && (static_cast<Space>(space) == Space::io) == io) {
          visit(i, range_of(window));
        }
      }
    }
  }

  // The lowest free place in the window; 0 when there is none. Ends: every step goes beyond a range that is taken.
  [[nodiscard]] std::uint64_t find_place(const Range& window, unsigned parent, bool io, std::uint64_t size,
                                         std::uint64_t alignment) const {
    std::uint64_t base = align_up(window.base, alignment);
    for (;;) {
      if (base < window.base || base >= window.end || size > window.end - base) {
        return 0;
      }
      const Range wanted{base, base + size};
      std::uint64_t beyond = 0;
      each_range(parent, io, [&](unsigned, const Range& taken) {
        if (overlap(taken, wanted) && taken.end > beyond) {
          beyond = taken.end;
        }
      });
      if (beyond == 0) {
        return base;
      }
      base = align_up(beyond, alignment);
    }
  }

  // --- Addresses that were there before

  [[nodiscard]] bool reachable(const Bar& bar, unsigned parent) const {
    constexpr std::uint64_t kIoSpaceEnd = 0x1'0000;
    const Range range = range_of(bar);
    if (bar.kind == BarKind::io && range.end > kIoSpaceEnd) {
      return false;
    }
    if (parent == kNoBridge) {
      return true;  // where firmware may have put it is wider than where we would
    }
    return bar.kind == BarKind::io
               ? inside(range, window(Space::io, parent))
               : inside(range, window(Space::memory, parent)) || inside(range, window(Space::prefetchable, parent));
  }

  // What nobody uses may lie where it cannot be used: the BARs of a function that said another size before, or was
  // given up half way. They get other addresses.
  void free_misplaced(unsigned index) {
    DeviceInfo& info = bus_[index];
    for (Bar& bar : info.bars) {
      if (info.decodes || bar.kind == BarKind::none || bar.address == 0) {
        continue;
      }
      const Range range = range_of(bar);
      unsigned overlapping = 0;  // itself counts
      each_range(info.parent, bar.kind == BarKind::io,
                 [&](unsigned, const Range& other) { overlapping += overlap(range, other) ? 1 : 0; });
      if (overlapping > 1 || !well_placed(bar, info.parent)) {
        bar.address = 0;
      }
    }
  }

  // Where it would have been put, or in another window that serves: what was left half sized is at the very end of the
  // address space. Firmware that has no windows for us knows better.
  [[nodiscard]] bool well_placed(const Bar& bar, unsigned parent) const {
    const Range range = range_of(bar);
    const auto lies_in = [&](Space space) { return inside(range, window(space, parent)); };
    const bool io = bar.kind == BarKind::io;
    const Range first = window(io ? Space::io : Space::memory, parent);
    if (first.base == first.end) {
      return reachable(bar, parent);
    }
    return io ? lies_in(Space::io) : lies_in(Space::memory) || lies_in(Space::prefetchable);
  }

  void check(unsigned index) {
    DeviceInfo& info = bus_[index];
    for (const Bar& bar : info.bars) {
      if (bar.kind == BarKind::none || bar.address == 0) {
        continue;
      }
      if (!reachable(bar, info.parent)) {
        info.problem = "its BARs lie where its bridge passes nothing on";
      }
      each_range(info.parent, bar.kind == BarKind::io, [&](unsigned other, const Range& range) {
        if (other != index && overlap(range, range_of(bar))) {
          info.problem = "its BARs overlap another function's";
        }
      });
    }
  }

  // --- What a bridge needs

  void measure(unsigned bridge) {
    for (unsigned space = 0; space < kSpaces; ++space) {
      BridgeWindow& window = bus_[bridge].windows[space];
      if (window.base == 0) {
        measure(bridge, static_cast<Space>(space), window);
      }
    }
  }

  // As if the window began at an address with the alignment that it will have.
  void measure(unsigned bridge, Space space, BridgeWindow& window) const {
    std::uint64_t end = 0;
    std::uint64_t alignment = window_granularity(space);
    const auto add = [&](std::uint64_t size, std::uint64_t aligned) {
      end = align_up(end, aligned) + size;
      alignment = aligned > alignment ? aligned : alignment;
    };
    for (unsigned i = bridge + 1; i < bus_.count(); ++i) {
      const DeviceInfo& info = bus_[i];
      if (info.parent != bridge) {
        continue;
      }
      for (const Bar& bar : info.bars) {
        if (bar.kind != BarKind::none && bar.address == 0 && space_of(bar, bridge) == space) {
          add(bar.size, bar.size);
        }
      }
      const BridgeWindow& below = info.windows[static_cast<unsigned>(space)];
      if (below.base == 0 && below.size != 0) {
        add(below.size, below.alignment);
      }
    }
    window.size = align_up(end, window_granularity(space));
    window.alignment = alignment;
  }

  // --- Handing out

  void place(unsigned index) {
    DeviceInfo& info = bus_[index];
    for (unsigned i = 0; i < info.bar_count(); ++i) {
      place_bar(info, i);
    }
    if (info.is_bridge()) {
      place_windows(info);
    }
  }

  void place_bar(DeviceInfo& info, unsigned index) {
    Bar& bar = info.bars[index];
    if (bar.kind == BarKind::none || bar.address != 0) {
      return;
    }
    const Range from = window(space_of(bar, info.parent), info.parent);
    const std::uint64_t place = find_place(from, info.parent, bar.kind == BarKind::io, bar.size, bar.size);
    if (place == 0) {
      info.problem = "no address space for its BARs";
      return;
    }
    bar.address = place;
    set_bar(bus_.config(), info.address, index, bar);
    if (!holds_bar(bus_.config(), info.address, index, bar) && !hal::mutant(hal::Mutant::bars_not_read_back)) {
      info.problem = "its BARs do not keep their addresses";
      bar.address = 0;
      set_bar(bus_.config(), info.address, index, bar);
    }
  }

  void place_windows(DeviceInfo& bridge) {
    bool passes = false;
    for (unsigned i = 0; i < kSpaces; ++i) {
      const auto space = static_cast<Space>(i);
      BridgeWindow& window = bridge.windows[i];
      if (window.base == 0 && window.size != 0) {
        const Range from = this->window(space, bridge.parent);
        window.base = find_place(from, bridge.parent, space == Space::io, window.size, window.alignment);
      }
      if (window.base == 0) {
        window = BridgeWindow{};
      }
      write_window(bus_.config(), bridge, space);
      passes = passes || window.size != 0;
    }
    if (passes) {
      // MASTER: what lies behind masters the bus through it.
      enable_device(bus_.config(), bridge.address, PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    }
  }

  Bus& bus_;
  const hal::MachineInfo info_;
};

}  // namespace

void assign_resources(Bus& bus) { Assignment(bus).run(); }

}  // namespace ringside::pci
