// What a function shows in configuration space (VIRTIO 1.2, 4.1.2, 4.1.4): identity, capabilities, the structures that
// they announce, the window. Judged of what the driver has read, each requirement once per function.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <bit>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "testbench/checks/monitors.h"
#include "testbench/checks/virtio_numbers.h"
#include "testbench/trace/names.h"

namespace ringside::checks {
namespace {

using namespace trace;

constexpr Clause kFieldsNotWritten{"pcicap-drv-08", Role::driver};
constexpr Clause kLegacyOnlyWithout{"legpcilayout-drv-04", Role::driver};
constexpr Clause kWindowAligned{"pcicfgwin-drv-01", Role::driver};
constexpr Clause kWindowInside{"pcicfgwin-drv-03", Role::driver};
constexpr Clause kPci{"pci-dev-01", Role::device};
constexpr Clause kDeviceId{"pcidisc-dev-02", Role::device};
constexpr Clause kModernId{"pcidisc-dev-05", Role::device};
constexpr Clause kModernRevision{"pcidisc-dev-06", Role::device};
constexpr Clause kModernSubsystem{"pcidisc-dev-07", Role::device};
constexpr Clause kTransitionalRevision{"legpcidisc-dev-01", Role::device};
constexpr Clause kTransitionalSubsystem{"legpcidisc-dev-02", Role::device};
constexpr Clause kTransitionalBar{"legpcilayout-dev-01", Role::device};
constexpr Clause kLengthCounts{"pcicap-dev-01", Role::device};
constexpr Clause kCommonAligned{"pcicommon-dev-01", Role::device};
constexpr Clause kCommonThere{"pcicommon-dev-02", Role::device};
constexpr Clause kNotifyThere{"pcinotify-dev-01", Role::device};
constexpr Clause kNotifyAligned{"pcinotify-dev-02", Role::device};
constexpr Clause kNotifyMultiplier{"pcinotify-dev-03", Role::device};
constexpr Clause kNotifyLength{"pcinotify-dev-04", Role::device};
constexpr Clause kNotifyReaches{"pcinotify-dev-06", Role::device};
constexpr Clause kDataMultiplier{"pcinotify-dev-07", Role::device};
constexpr Clause kDataAligned{"pcinotify-dev-08", Role::device};
constexpr Clause kDataLength{"pcinotify-dev-09", Role::device};
constexpr Clause kDataReaches{"pcinotify-dev-11", Role::device};
constexpr Clause kIsrThere{"pciisr-dev-01", Role::device};
constexpr Clause kConfigAligned{"pcidevcfg-dev-01", Role::device};
constexpr Clause kConfigThere{"pcidevcfg-dev-02", Role::device};
constexpr Clause kWindowThere{"pcicfgwin-dev-01", Role::device};
constexpr Clause kSharedInside{"pcishm-dev-01", Role::device};
constexpr Clause kSharedUnique{"pcishm-dev-02", Role::device};
constexpr Clause kVendorId{"pcivendor-dev-01", Role::device};
constexpr Clause kVendorLength{"pcivendor-dev-02", Role::device};
constexpr std::array kClauses = {kFieldsNotWritten,
                                 kLegacyOnlyWithout,
                                 kWindowAligned,
                                 kWindowInside,
                                 kPci,
                                 kDeviceId,
                                 kModernId,
                                 kModernRevision,
                                 kModernSubsystem,
                                 kTransitionalRevision,
                                 kTransitionalSubsystem,
                                 kTransitionalBar,
                                 kLengthCounts,
                                 kCommonAligned,
                                 kCommonThere,
                                 kNotifyThere,
                                 kNotifyAligned,
                                 kNotifyMultiplier,
                                 kNotifyLength,
                                 kNotifyReaches,
                                 kDataMultiplier,
                                 kDataAligned,
                                 kDataLength,
                                 kDataReaches,
                                 kIsrThere,
                                 kConfigAligned,
                                 kConfigThere,
                                 kWindowThere,
                                 kSharedInside,
                                 kSharedUnique,
                                 kVendorId,
                                 kVendorLength};
constexpr std::array kKinds = {Kind::config_read, Kind::config_write, Kind::features, Kind::register_read,
                               Kind::register_write};

constexpr std::uint16_t kThroughWindow = 1;
constexpr unsigned kRevision = 0x08;
constexpr unsigned kSubsystem = 0x2e;
constexpr unsigned kFirstCapability = 0x40;
constexpr std::size_t kMaxCapabilities = 48;
constexpr std::uint32_t kFirstModern = 0x1040;
constexpr std::uint32_t kSmallestModernSubsystem = 0x40;
constexpr std::uint32_t kIoBar = 1;

// Device ids of transitional devices, and the virtio ids that go with them (4.1.2.1).
struct Transitional {
  std::uint32_t device, virtio;
};
constexpr std::array kTransitional = {Transitional{0x1000, 1}, Transitional{0x1001, 2}, Transitional{0x1002, 5},
                                      Transitional{0x1003, 3}, Transitional{0x1004, 8}, Transitional{0x1005, 4},
                                      Transitional{0x1009, 9}};

// VIRTIO_PCI_CAP_*
constexpr std::uint32_t kCommonCap = 1;
constexpr std::uint32_t kNotifyCap = 2;
constexpr std::uint32_t kIsrCap = 3;
constexpr std::uint32_t kDeviceCap = 4;
constexpr std::uint32_t kWindowCap = 5;
constexpr std::uint32_t kSharedMemoryCap = 8;
constexpr std::uint32_t kVendorCap = 9;
constexpr unsigned kCapLen = 2;
constexpr unsigned kCapId = 5;
constexpr unsigned kVendorCapVendor = 4;
constexpr unsigned kOffsetHigh = 16;
constexpr unsigned kLengthHigh = 20;

// What cap_len has to count at least; 0 for a type that is not known.
constexpr std::uint32_t least_length(std::uint32_t type) {
  switch (type) {
    case kCommonCap:
    case kIsrCap:
    case kDeviceCap:
      return 16;
    case kNotifyCap:
    case kWindowCap:
      return 20;
    case kSharedMemoryCap:
      return 24;
    default:
      return 0;
  }
}

class PciCapabilities final : public Monitor {
 public:
  using Monitor::Monitor;
  const char* name() const override { return "PCI capabilities"; }
  std::span<const Clause> clauses() const override { return kClauses; }
  std::span<const Kind> kinds() const override { return kKinds; }

  void take(const Record& record) override {
    switch (record.kind) {
      case Kind::config_read:
        use_window(record);
        judge_function(record);
        break;
      case Kind::config_write:
        use_window(record);
        write(record);
        break;
      case Kind::features:
        if (const Function* const function = facts().function_of(record.unit);
            function != nullptr && record.flags == 0) {
          for_each_structure(*function, [&](unsigned at, std::uint32_t type) {
            if (type == kNotifyCap) {
              judge_notify(*function, at, facts().device(record.unit).offered);
            }
          });
        }
        break;
      case Kind::register_read:
        if (is_common(record, VIRTIO_PCI_COMMON_Q_NOFF)) {
          judge_reach(record);
        }
        [[fallthrough]];
      default:
        judge_legacy_use(record);
        break;
    }
  }

 private:
  struct Window {
    unsigned at = 0;  // of the capability
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
  };

  // A requirement that a function breaks shows in every later read too.
  void once(const Clause& clause, std::uint32_t function, const std::string& text) {
    if (told_.emplace(clause.id, function).second) {
      violated(clause, fmt::format("function {:#06x}: {}", function, text));
    }
  }

  // Each vendor-specific capability whose type the driver has read.
  template <class Visit>
  static void for_each_structure(const Function& function, Visit visit) {
    unsigned at = function.word(PCI_CAPABILITY_LIST, 1).value_or(0) & 0xfc;
    for (std::size_t i = 0; i < kMaxCapabilities && at >= kFirstCapability; ++i) {
      const auto type = function.word(at + kCapType, 1);
      if (function.word(at, 1) == PCI_CAP_ID_VNDR && type.has_value()) {
        visit(at, *type);
      }
      at = function.word(at + 1, 1).value_or(0) & 0xfc;
    }
  }

  void judge_function(const Record& record) {
    const Function* const function = facts().accessed();
    if (function == nullptr || !function->is_virtio()) {
      return;
    }
    unsigned& judged = judged_[record.region];
    if (judged == function->news) {
      return;
    }
    judged = function->news;
    if (record.offset < kFirstCapability) {  // capabilities are most of what is read, and say nothing of these
      judge_identity(*function, record.region);
      judge_bars(*function, record.region);
    }
    judge_list(*function, record.region);
    std::uint32_t types = 0;
    std::set<std::uint32_t> shared;
    for_each_structure(*function, [&](unsigned at, std::uint32_t type) {
      types |= type < 32 ? 1u << type : 0;
      judge_structure(*function, record.region, at, type);
      if (const auto id = function->word(at + kCapId, 1);
          type == kSharedMemoryCap && id && !shared.insert(*id).second) {
        once(kSharedUnique, record.region, fmt::format("two shared memory regions with id {}", *id));
      }
    });
    if (types != 0 && all_types_known(*function)) {
      judge_missing(record.region, types);
    }
  }

  void judge_identity(const Function& function, std::uint32_t region) {
    const std::uint32_t device = *function.word(PCI_DEVICE_ID, 2);
    const auto revision = function.word(kRevision, 1);
    const auto subsystem = function.word(kSubsystem, 2);
    if (device >= kFirstModern) {
      if (revision == 0u) {
        once(kModernRevision, region, fmt::format("device {:#06x} of revision 0", device));
      }
      if (subsystem && *subsystem < kSmallestModernSubsystem) {
        once(kModernSubsystem, region, fmt::format("device {:#06x} of subsystem {:#06x}", device, *subsystem));
      }
      return;
    }
    const auto known = std::ranges::find(kTransitional, device, &Transitional::device);
    if (known == kTransitional.end()) {
      once(kDeviceId, region, fmt::format("no device has the id {:#06x}", device));
      return;
    }
    if (subsystem && *subsystem != known->virtio) {
      once(kTransitionalSubsystem, region, fmt::format("device {:#06x} of subsystem {:#06x}", device, *subsystem));
    }
    judge_transitional_bar(function, region, revision.value_or(0));
  }

  // The legacy registers are in I/O space; a device without them is none that is transitional.
  void judge_transitional_bar(const Function& function, std::uint32_t region, std::uint32_t revision) {
    const auto bar = function.word(PCI_BASE_ADDRESS_0, 4);
    if (!bar) {
      return;
    }
    const bool legacy = *bar == 0 || (*bar & kIoBar) != 0;
    if (!legacy) {
      once(revision == 0 ? kTransitionalBar : kModernId, region, "BAR 0 of a transitional device is memory");
    } else if (revision != 0) {
      once(kTransitionalRevision, region, fmt::format("a transitional device of revision {}", revision));
    }
  }

  // A size is a power of two: below its lowest bit nothing can be set, above it everything.
  void judge_bars(const Function& function, std::uint32_t region) {
    for (unsigned bar = 0; bar < kPciBars; ++bar) {
      const std::uint32_t mask = function.bars[bar].mask;
      const bool io = (mask & kIoBar) != 0;
      const std::uint32_t settable = io ? 0xfffc : 0xffff'fff0;
      const std::uint32_t bits = mask & settable;
      const bool upper_half = bar != 0 && (function.word(PCI_BASE_ADDRESS_0 + 4 * (bar - 1), 1).value_or(0) & 7) == 4;
      if (bits != 0 && !upper_half && bits != (settable & ~((bits & (~bits + 1)) - 1))) {
        once(kPci, region, fmt::format("BAR {} reads {:#x} when it is sized", bar, mask));
      }
    }
  }

  void judge_list(const Function& function, std::uint32_t region) {
    auto next = function.word(PCI_CAPABILITY_LIST, 1);
    std::size_t steps = 0;
    while (next && *next != 0 && steps <= kMaxCapabilities) {
      if (*next < kFirstCapability) {
        once(kPci, region, fmt::format("a capability at {:#x}, which is in the header", *next));
        return;
      }
      const unsigned at = *next & 0xfc;
      next = function.knows(at, 1) ? function.word(at + 1, 1) : std::nullopt;
      ++steps;
    }
    if (steps > kMaxCapabilities) {
      once(kPci, region, "the list of capabilities has no end");
    }
  }

  static bool all_types_known(const Function& function) {
    if (!function.all_capabilities_known()) {
      return false;
    }
    unsigned at = *function.word(PCI_CAPABILITY_LIST, 1) & 0xfc;
    for (std::size_t i = 0; i < kMaxCapabilities && at >= kFirstCapability; ++i) {
      if (function.word(at, 1) == PCI_CAP_ID_VNDR && !function.knows(at + kCapType, 1)) {
        return false;
      }
      at = *function.word(at + 1, 1) & 0xfc;
    }
    return true;
  }

  void judge_missing(std::uint32_t region, std::uint32_t types) {
    struct Needed {
      std::uint32_t type;
      const Clause& clause;
      const char* name;
    };
    const std::array needed = {Needed{kCommonCap, kCommonThere, "common configuration"},
                               Needed{kNotifyCap, kNotifyThere, "notification"}, Needed{kIsrCap, kIsrThere, "ISR"},
                               Needed{kDeviceCap, kConfigThere, "device configuration"},
                               Needed{kWindowCap, kWindowThere, "PCI configuration access"}};
    for (const Needed& each : needed) {
      if ((types >> each.type & 1) == 0) {
        once(each.clause, region, fmt::format("no capability for {}", each.name));
      }
    }
  }

  void judge_structure(const Function& function, std::uint32_t region, unsigned at, std::uint32_t type) {
    const auto length = function.word(at + kCapLen, 1);
    if (length && *length < least_length(type)) {
      once(kLengthCounts, region, fmt::format("the capability at {:#x} counts {} bytes", at, *length));
    }
    const auto offset = function.word(at + kCapOffset, 4);
    if (type == kCommonCap && offset && *offset % 4 != 0) {
      once(kCommonAligned, region, fmt::format("the common configuration lies at {:#x}", *offset));
    } else if (type == kDeviceCap && offset && *offset % 4 != 0) {
      once(kConfigAligned, region, fmt::format("the device configuration lies at {:#x}", *offset));
    } else if (type == kSharedMemoryCap) {
      judge_shared(function, region, at);
    } else if (type == kVendorCap) {
      if (function.word(at + kVendorCapVendor, 2) == kVirtioVendor) {
        once(kVendorId, region, "vendor data of the vendor 0x1af4");
      }
      if (length && *length % 4 != 0) {
        once(kVendorLength, region, fmt::format("vendor data of {} bytes", *length));
      }
    }
  }

  void judge_shared(const Function& function, std::uint32_t region, unsigned at) {
    const auto bar = function.word(at + kCapBar, 1);
    const std::array words = {function.word(at + kCapOffset, 4), function.word(at + kCapLength, 4),
                              function.word(at + kOffsetHigh, 4), function.word(at + kLengthHigh, 4)};
    const bool known = std::ranges::all_of(words, [](const auto& word) { return word.has_value(); });
    const std::uint32_t mask = bar && *bar < kPciBars ? function.bars[*bar].mask & 0xffff'fff0 : 0;
    if (!known || mask == 0) {
      return;
    }
    const std::uint64_t size = std::uint64_t{~mask} + 1;  // of BARs below 4 GiB
    const std::uint64_t offset = *words[0] | std::uint64_t{*words[2]} << 32;
    const std::uint64_t length = *words[1] | std::uint64_t{*words[3]} << 32;
    if (offset > size || length > size - offset) {
      once(kSharedInside, region, fmt::format("shared memory of {:#x} bytes at {:#x} of BAR {}", length, offset, *bar));
    }
  }

  // 4.1.4.4.1: what holds depends on whether a doorbell carries data.
  void judge_notify(const Function& function, unsigned at, std::uint64_t offered) {
    const bool data = has(offered, VIRTIO_F_NOTIFICATION_DATA);
    const std::uint32_t unit = data ? 4 : 2;
    const std::uint32_t region = region_of(function);
    const auto offset = function.word(at + kCapOffset, 4);
    const auto length = function.word(at + kCapLength, 4);
    const auto multiplier = function.word(at + kCapNotifyMultiplier, 4);
    if (offset && *offset % unit != 0) {
      once(data ? kDataAligned : kNotifyAligned, region, fmt::format("doorbells lie at {:#x}", *offset));
    }
    if (length && *length < unit) {
      once(data ? kDataLength : kNotifyLength, region, fmt::format("doorbells have {} bytes", *length));
    }
    if (multiplier && *multiplier != 0 && (*multiplier % unit != 0 || !std::has_single_bit(*multiplier))) {
      once(data ? kDataMultiplier : kNotifyMultiplier, region, fmt::format("a multiplier of {}", *multiplier));
    }
  }

  [[nodiscard]] std::uint32_t region_of(const Function& function) const {
    const auto found =
        std::ranges::find_if(facts().functions(), [&](const auto& each) { return &each.second == &function; });
    return found->first;
  }

  // The doorbell of a queue lies within the structure.
  void judge_reach(const Record& record) {
    const Function* const function = facts().function_of(record.unit);
    const DeviceFacts& known = facts().device(record.unit);
    if (function == nullptr || !known.offer_known || record.value == 0xffff) {
      return;
    }
    const bool data = has(known.offered, VIRTIO_F_NOTIFICATION_DATA);
    for_each_structure(*function, [&](unsigned at, std::uint32_t type) {
      const auto length = function->word(at + kCapLength, 4);
      const auto multiplier = function->word(at + kCapNotifyMultiplier, 4);
      if (type == kNotifyCap && length && multiplier && record.value * *multiplier + (data ? 4 : 2) > *length) {
        once(data ? kDataReaches : kNotifyReaches, region_of(*function),
             fmt::format("the doorbell of queue {} lies outside of its structure", record.queue));
      }
    });
  }

  // --- The driver

  void write(const Record& record) {
    if (record.offset + record.width <= kFirstCapability) {
      return;
    }
    const Function* const function = facts().accessed();
    if (function == nullptr || !function->is_virtio()) {
      return;
    }
    for_each_structure(*function, [&](unsigned at, std::uint32_t type) {
      const auto length = function->word(at + kCapLen, 1);
      const std::uint64_t end = at + length.value_or(0);
      const bool hits = record.offset + record.width > at && record.offset < end;
      const bool of_window = type == kWindowCap && record.offset >= at + kCapBar;
      if (hits && !of_window) {
        violated(kFieldsNotWritten, fmt::format("{}: a capability", describe(record)));
      } else if (hits) {
        aim(record, windows_[record.region], at);
      }
    });
  }

  static void aim(const Record& record, Window& window, unsigned at) {
    window.at = at;
    // The record of an aiming write has its value; one of a data access has none.
    if (record.offset == at + kCapOffset) {
      window.offset = record.value;
    } else if (record.offset == at + kCapLength) {
      window.length = record.value;
    }
  }

  // 4.1.4.9: an access to pci_cfg_data. The tap marks those that reach a structure.
  void use_window(const Record& record) {
    if (record.offset < kFirstCapability + kCapConfigData) {
      return;
    }
    const Function* const function = facts().accessed();
    const unsigned place =
        static_cast<unsigned>(record.offset & ~std::uint64_t{3}) - kCapConfigData;  // of the window, if one is there
    if (function == nullptr || !function->is_virtio() || function->word(place + kCapType, 1) != kWindowCap) {
      return;
    }
    for_each_structure(*function, [&](unsigned at, std::uint32_t type) {
      if (type != kWindowCap || record.offset < at + kCapConfigData || record.offset >= at + kCapConfigData + 4) {
        return;
      }
      const Window& window = windows_[record.region];
      if ((record.flags & kThroughWindow) == 0) {
        violated(kWindowInside, fmt::format("{}: the window lies in no structure", describe(record)));
      } else if (window.length != 0 && window.offset % window.length != 0) {
        violated(kWindowAligned, fmt::format("{}: the window of {} bytes lies at {:#x}", describe(record),
                                             window.length, window.offset));
      }
    });
  }

  // A driver that does not search for capabilities cannot know that there are none. From outside that is not seen: a
  // client answers such reads itself.
  void judge_legacy_use(const Record& record) {
    if (record.region != static_cast<std::uint32_t>(Structure::legacy) || view() == View::outside) {
      return;
    }
    const Function* const function = facts().function_of(record.unit);
    if (function != nullptr && !function->knows(PCI_CAPABILITY_LIST, 1)) {
      once(kLegacyOnlyWithout, region_of(*function),
           "the legacy interface is used, and nobody has looked for capabilities");
    }
  }

  std::set<std::pair<std::string, std::uint32_t>> told_;  // clause, function
  std::map<std::uint32_t, Window> windows_;
  std::map<std::uint32_t, unsigned> judged_;  // what was known of each function then
};

}  // namespace

std::unique_ptr<Monitor> make_pci_capabilities(const Tools& tools) { return std::make_unique<PciCapabilities>(tools); }

}  // namespace ringside::checks
