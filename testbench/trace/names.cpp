#include "testbench/trace/names.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "driver/hal/machine.h"
#include "testbench/trace/virtio_layout.h"

namespace ringside::trace {
namespace {

struct Named {
  std::uint64_t number;
  const char* name;
};

template <std::size_t kCount>
const char* find_name(const Named (&table)[kCount], std::uint64_t number) {
  for (const Named& entry : table) {
    if (entry.number == number) {
      return entry.name;
    }
  }
  return nullptr;
}

template <std::size_t kCount>
std::string name_or(const Named (&table)[kCount], std::uint64_t number, const char* otherwise) {
  const char* const name = find_name(table, number);
  return name != nullptr ? std::string(name) : fmt::format("{} {}", otherwise, number);
}

constexpr Named kKinds[] = {{0, "none"},
                            {1, "power_on"},
                            {2, "scenario"},
                            {3, "text"},
                            {4, "check"},
                            {5, "observe"},
                            {6, "ask"},
                            {7, "guard"},
                            {8, "disk_hash"},
                            {9, "verdict"},
                            {10, "log_line"},
                            {11, "log_end"},
                            {16, "config_read"},
                            {17, "config_write"},
                            {18, "port_read"},
                            {19, "port_write"},
                            {20, "mmio_read"},
                            {21, "mmio_write"},
                            {22, "register_read"},
                            {23, "register_write"},
                            {24, "doorbell"},
                            {25, "queue_enabled"},
                            {26, "queue_disabled"},
                            {27, "device_status"},
                            {28, "features"},
                            {29, "msix_vector"},
                            {30, "dma_alloc"},
                            {31, "dma_free"},
                            {32, "dma_map"},
                            {33, "dma_unmap"},
                            {34, "interrupt"},
                            {35, "wait"},
                            {36, "wait_timeout"},
                            {37, "relax"},
                            {38, "acknowledge"},
                            {48, "avail_publish"},
                            {49, "request"},
                            {50, "used_seen"},
                            {51, "completion"},
                            {52, "used_event"},
                            {53, "avail_flags"},
                            {54, "fence"},
                            {55, "access"},
                            {56, "defect"},
                            {80, "dev_config"},
                            {81, "dev_register"},
                            {82, "dev_doorbell"},
                            {83, "dev_dma_read"},
                            {84, "dev_dma_write"},
                            {85, "dev_fetch"},
                            {86, "dev_complete"},
                            {87, "dev_used"},
                            {88, "dev_interrupt"},
                            {89, "dev_status"},
                            {90, "dev_quirk"},
                            {91, "dev_fault"},
                            {92, "dev_media"},
                            {93, "dev_state"},
                            {94, "dev_queue_state"}};

constexpr Named kStructures[] = {{1, "common"},  {2, "notify"},      {3, "isr"},       {4, "device"},
                                 {5, "pci_cfg"}, {16, "msix_table"}, {17, "msix_pba"}, {18, "legacy"}};

constexpr Named kCommon[] = {{0x00, "device_feature_select"},
                             {0x04, "device_feature"},
                             {0x08, "driver_feature_select"},
                             {0x0c, "driver_feature"},
                             {0x10, "config_msix_vector"},
                             {0x12, "num_queues"},
                             {0x14, "device_status"},
                             {0x15, "config_generation"},
                             {0x16, "queue_select"},
                             {0x18, "queue_size"},
                             {0x1a, "queue_msix_vector"},
                             {0x1c, "queue_enable"},
                             {0x1e, "queue_notify_off"},
                             {0x20, "queue_desc"},
                             {0x24, "queue_desc.high"},
                             {0x28, "queue_driver"},
                             {0x2c, "queue_driver.high"},
                             {0x30, "queue_device"},
                             {0x34, "queue_device.high"},
                             {0x38, "queue_notif_config_data"},
                             {0x3a, "queue_reset"}};

// 4.1.4.8
constexpr Named kLegacy[] = {{0x00, "device_features"},  {0x04, "driver_features"}, {0x08, "queue_address"},
                             {0x0c, "queue_size"},       {0x0e, "queue_select"},    {0x10, "queue_notify"},
                             {0x12, "device_status"},    {0x13, "isr_status"},      {0x14, "config_msix_vector"},
                             {0x16, "queue_msix_vector"}};

// struct virtio_blk_config (5.2.4)
constexpr Named kDevice[] = {{0x00, "capacity"},
                             {0x04, "capacity.high"},
                             {0x08, "size_max"},
                             {0x0c, "seg_max"},
                             {0x10, "cylinders"},
                             {0x12, "heads"},
                             {0x13, "sectors"},
                             {0x14, "blk_size"},
                             {0x18, "physical_block_exp"},
                             {0x19, "alignment_offset"},
                             {0x1a, "min_io_size"},
                             {0x1c, "opt_io_size"},
                             {0x20, "writeback"},
                             {0x22, "num_queues"},
                             {0x24, "max_discard_sectors"},
                             {0x28, "max_discard_seg"},
                             {0x2c, "discard_sector_alignment"},
                             {0x30, "max_write_zeroes_sectors"},
                             {0x34, "max_write_zeroes_seg"},
                             {0x38, "write_zeroes_may_unmap"},
                             {0x3c, "max_secure_erase_sectors"},
                             {0x40, "max_secure_erase_seg"},
                             {0x44, "secure_erase_sector_alignment"}};

constexpr Named kConfig[] = {{0x00, "VENDOR_ID"},      {0x02, "DEVICE_ID"},    {0x04, "COMMAND"},
                             {0x06, "STATUS"},         {0x08, "REVISION_ID"},  {0x09, "PROG_IF"},
                             {0x0a, "SUBCLASS"},       {0x0b, "CLASS"},        {0x0c, "CACHE_LINE_SIZE"},
                             {0x0d, "LATENCY_TIMER"},  {0x0e, "HEADER_TYPE"},  {0x10, "BAR0"},
                             {0x14, "BAR1"},           {0x18, "BAR2"},         {0x1c, "BAR3"},
                             {0x20, "BAR4"},           {0x24, "BAR5"},         {0x2c, "SUBSYSTEM_VENDOR_ID"},
                             {0x2e, "SUBSYSTEM_ID"},   {0x30, "ROM_ADDRESS"},  {0x34, "CAPABILITY_LIST"},
                             {0x3c, "INTERRUPT_LINE"}, {0x3d, "INTERRUPT_PIN"}};

constexpr Named kStatusBits[] = {{1, "ACKNOWLEDGE"}, {2, "DRIVER"},         {4, "DRIVER_OK"},
                                 {8, "FEATURES_OK"}, {0x40, "NEEDS_RESET"}, {0x80, "FAILED"}};

constexpr Named kTypes[] = {
    {0, "IN"},       {1, "OUT"},           {4, "FLUSH"},        {8, "GET_ID"}, {10, "GET_LIFETIME"},
    {11, "DISCARD"}, {13, "WRITE_ZEROES"}, {14, "SECURE_ERASE"}};

constexpr Named kResults[] = {{0, "OK"}, {1, "IOERR"}, {2, "UNSUPP"}};

constexpr Named kAsks[] = {{1, "disk_sectors"}, {2, "resize"}, {3, "hold"}, {4, "release"},
                           {5, "media_error"},  {6, "unplug"}, {7, "plug"}};

constexpr Named kFences[] = {{0, "avail_publish"}, {1, "avail_notify"}, {2, "used_consume"}, {3, "used_rearm"}};

constexpr Named kDefects[] = {{1, "what the device reads comes after what it writes"},
                              {2, "next is not in sequence"},
                              {3, "next is not in sequence in the indirect table"},
                              {4, "an indirect table in an indirect table"},
                              {5, "INDIRECT and NEXT together"},
                              {6, "the chain does not end"},
                              {7, "more than 4 GiB"},
                              {8, "the head was made available before the rest"},
                              {9, "flags besides WRITE in the indirect table"},
                              {10, "an indirect descriptor in a list"},
                              {11, "an address that is no memory of the driver's"},
                              {12, "unmap in a discard"},
                              {13, "reserved flags in a range"},
                              {14, "a legacy layout is asked for, and this is none"},
                              {15, "a descriptor rewritten that the device has"},
                              {16, "the used ring's flags are not 0 at the start"},
                              {17, "the used ring's flags are none"}};

constexpr Named kDirections[] = {{0, "to device"}, {1, "from device"}, {2, "both ways"}};

std::string msix_register_name(std::uint64_t offset) {
  constexpr std::array<const char*, 4> kFields = {"address", "address.high", "data", "control"};
  return fmt::format("msix_table[{}].{}", offset / kMsixEntryBytes, kFields[offset % kMsixEntryBytes / 4]);
}

std::string width_suffix(const Record& record) { return fmt::format(" ({} bit)", record.width * 8); }

std::string queue_name(const Record& record) { return fmt::format("queue {}.{}", record.unit, record.queue); }

// Of which disk, where it is not the first.
std::string of_disk(const Record& record) {
  return record.unit == 0 ? std::string() : fmt::format(" of disk {}", record.unit);
}

std::string config_line(const Record& record, bool write) {
  const char* const window = record.tap == Tap::driver && record.flags == 1 ? " (pci_cfg window)" : "";
  return fmt::format("config {} {} {} {} {:#x}{}{}", write ? "write" : "read", function_name(record.region),
                     config_register_name(record.offset), write ? "<-" : "->", record.value, width_suffix(record),
                     window);
}

std::string register_line(const Record& record, bool write) {
  std::string which = register_name(record.region, record.offset);
  const bool modern = record.region == static_cast<std::uint32_t>(Structure::common);
  const bool legacy = record.region == static_cast<std::uint32_t>(Structure::legacy);
  const bool of_queue = (modern && record.offset >= VIRTIO_PCI_COMMON_Q_SIZE) ||
                        (legacy && (record.offset == VIRTIO_PCI_QUEUE_PFN || record.offset == VIRTIO_PCI_QUEUE_NUM ||
                                    record.offset == VIRTIO_MSI_QUEUE_VECTOR));
  const bool address =
      (modern && record.offset >= VIRTIO_PCI_COMMON_Q_DESCLO && record.offset < VIRTIO_PCI_COMMON_Q_NDATA) ||
      (legacy && record.offset == VIRTIO_PCI_QUEUE_PFN);
  return fmt::format("register {} {}{}{} {} {}{}", write ? "write" : "read", which,
                     of_queue ? fmt::format(" of queue {}", record.queue) : "", of_disk(record), write ? "<-" : "->",
                     address ? packed_address_name(record.value) : fmt::format("{:#x}", record.value),
                     width_suffix(record));
}

std::string access_line(const char* what, const std::string& where, const Record& record, bool write) {
  return fmt::format("{} {} {} {} {:#x}{}", what, write ? "write" : "read", where, write ? "<-" : "->", record.value,
                     width_suffix(record));
}

std::string port_name(const Record& record) {
  return record.region == kRegionUnknown ? fmt::format("{:#x}", record.offset)
                                         : region_name(record.region, record.offset);
}

std::string request_line(const Record& record) {
  if (record.flags == kSenseless) {
    return fmt::format("{} request {}: a chain that cannot be followed, head {}", queue_name(record), record.ordinal,
                       record.value);
  }
  return fmt::format("{} request {}: {} sector {} length {} payload {:016x} ({} descriptors{}, {} writable bytes)",
                     queue_name(record), record.ordinal, request_type_name(record.flags), record.offset, record.length,
                     record.hash, record.aux & 0xffff, (record.aux >> 16 & 1) != 0 ? ", indirect" : "",
                     record.aux >> 17);
}

std::string completion_line(const Record& record) {
  if (record.ordinal == kNoOrdinal) {
    return fmt::format("{} completion of id {}, which is not in flight; used length {}", queue_name(record),
                       record.offset, record.length);
  }
  return fmt::format("{} completion of request {}: {} sector {} status {} used length {} of {} payload {:016x}",
                     queue_name(record), record.ordinal, request_type_name(record.flags), record.offset,
                     request_status_name(record.value), record.length, record.aux, record.hash);
}

std::string used_line(const Record& record) {
  return record.length == 0 ? fmt::format("{} used.idx is {}: nothing new", queue_name(record), record.value)
                            : fmt::format("{} used.idx is {}: {} new, {} in all", queue_name(record), record.value,
                                          record.length, record.aux);
}

std::string queue_enabled_line(const Record& record) {
  return fmt::format("{} enabled: size {} descriptors {} avail {} used {}", queue_name(record), record.value,
                     packed_address_name(record.offset), packed_address_name(record.length),
                     packed_address_name(record.aux));
}

std::string bench_line(const Record& record) {
  switch (record.kind) {
    case Kind::power_on:
      return "power on";
    case Kind::scenario:
      return "scenario";
    case Kind::text: {
      const auto* const bytes = reinterpret_cast<const char*>(&record.offset);
      return fmt::format("\"{}\"", std::string(bytes, std::min<std::size_t>(record.width, 40)));
    }
    case Kind::check:
      return record.value == 1 ? "check held" : "check did not hold";
    case Kind::observe:
      return fmt::format("observed {} ({:#x})", record.value, record.value);
    case Kind::ask:
      return fmt::format("ask {} {} -> {}", ask_name(record.offset), record.length, record.value);
    case Kind::guard:
      return fmt::format("guard bytes overwritten: {} at {:+} of {}, the first with {:#04x}", record.length,
                         static_cast<std::int64_t>(record.offset), region_name(record.region, 0), record.value);
    case Kind::disk_hash:
      return fmt::format("disk {} has hash {:016x} over {} bytes", record.ordinal, record.hash, record.length);
    case Kind::verdict:
      return record.value == 1 ? "verdict: held" : "verdict: did not hold";
    case Kind::log_line:
      return "log";
    default:
      return {};
  }
}

std::string cold_line(const Record& record) {
  switch (record.kind) {
    case Kind::config_read:
    case Kind::config_write:
      return config_line(record, record.kind == Kind::config_write);
    case Kind::port_read:
    case Kind::port_write:
      return access_line("port", port_name(record), record, record.kind == Kind::port_write);
    case Kind::mmio_read:
    case Kind::mmio_write:
      return access_line("mmio", region_name(record.region, record.offset), record, record.kind == Kind::mmio_write);
    case Kind::register_read:
    case Kind::register_write:
      return register_line(record, record.kind == Kind::register_write);
    case Kind::doorbell:
      return fmt::format("doorbell of {} <- {:#x}{}", queue_name(record), record.value, width_suffix(record));
    case Kind::queue_enabled:
      return queue_enabled_line(record);
    case Kind::queue_disabled:
      return fmt::format("{} {}", queue_name(record), record.flags == 0 ? "reset" : "given up");
    case Kind::device_status:
      return fmt::format("device_status{} {} {}", of_disk(record), record.flags == 0 ? "<-" : "->",
                         status_name(record.value));
    case Kind::features:
      return fmt::format("features {}{}: {:#x}", record.flags == 0 ? "offered" : "accepted", of_disk(record),
                         record.value);
    case Kind::msix_vector:
      return fmt::format("msix_table[{}]{} <- {}{}", record.offset, of_disk(record), vector_name(record.value),
                         (record.aux & 1) != 0 ? ", masked" : "");
    case Kind::interrupt:
      return fmt::format("interrupt {}: count {}", vector_name(record.offset), record.value);
    case Kind::wait:
      return fmt::format("wait for {}, count {} seen", vector_name(record.offset), record.value);
    case Kind::wait_timeout:
      return fmt::format("wait for {} timed out", vector_name(record.offset));
    case Kind::relax:
      return "relax";
    case Kind::acknowledge:
      return fmt::format("acknowledge {}", vector_name(record.offset));
    default:
      return {};
  }
}

std::string memory_line(const Record& record) {
  const std::string where = region_name(record.region, record.offset);
  switch (record.kind) {
    case Kind::dma_alloc:
      return fmt::format("dma allocate {}: {} bytes aligned {}", region_name(record.region, 0), record.length,
                         record.aux);
    case Kind::dma_free:
      return fmt::format("dma free {}", region_name(record.region, 0));
    case Kind::dma_map:
    case Kind::dma_unmap:
      return fmt::format("dma {} {}: {} bytes {}", record.kind == Kind::dma_map ? "map" : "unmap", where, record.length,
                         name_or(kDirections, record.flags, "direction"));
    case Kind::access:
      return access_line(record.flags == 1 ? "memory store:" : "memory load:", where, record, record.flags == 1);
    default:
      return {};
  }
}

std::string hot_line(const Record& record) {
  switch (record.kind) {
    case Kind::avail_publish:
      return fmt::format("{} avail.idx <- {}: {} new", queue_name(record), record.value, record.length);
    case Kind::request:
      return request_line(record);
    case Kind::used_seen:
      return used_line(record);
    case Kind::completion:
      return completion_line(record);
    case Kind::used_event:
      return fmt::format("{} used_event <- {}", queue_name(record), record.value);
    case Kind::avail_flags:
      return fmt::format("{} avail.flags <- {}", queue_name(record), record.value);
    case Kind::fence:
      return fmt::format("fence {}", name_or(kFences, record.value, "number"));
    case Kind::defect:
      return record.ordinal == kNoOrdinal
                 ? fmt::format("{}: {}", queue_name(record), name_or(kDefects, record.value, "defect"))
                 : fmt::format("{} request {}: {}", queue_name(record), record.ordinal,
                               name_or(kDefects, record.value, "defect"));
    default:
      return {};
  }
}

std::string device_line(const Record& record) {
  switch (record.kind) {
    case Kind::dev_config:
      return "device: " + config_line(record, record.flags == 1);
    case Kind::dev_register:
      return "device: " + register_line(record, record.flags == 1);
    case Kind::dev_doorbell:
      return fmt::format("device: doorbell of {}, {:#x}", queue_name(record), record.value);
    case Kind::dev_dma_read:
    case Kind::dev_dma_write:
      return fmt::format("device: dma {} {:#x}, {} bytes{}", record.kind == Kind::dev_dma_read ? "read" : "write",
                         record.offset, record.length, record.flags == 0 ? "" : ", failed");
    case Kind::dev_fetch:
      return fmt::format("device: fetched request {} of {}: {} sector {} length {}", record.ordinal, queue_name(record),
                         request_type_name(record.flags), record.offset, record.length);
    case Kind::dev_complete:
      return fmt::format("device: completed request {} of {}: status {} used length {}", record.ordinal,
                         queue_name(record), request_status_name(record.value), record.length);
    case Kind::dev_used:
      return fmt::format("device: {} used.idx <- {}", queue_name(record), record.value);
    case Kind::dev_interrupt:
      return record.offset == kIntxEntry ? fmt::format("device: INTx level {}", record.value)
                                         : fmt::format("device: MSI-X entry {} raised", record.offset);
    case Kind::dev_status:
      return fmt::format("device: device_status {}", status_name(record.value));
    case Kind::dev_quirk:
      return fmt::format("device: quirk {}", record.value);
    case Kind::dev_fault:
      return fmt::format("device: fault {}", record.value);
    case Kind::dev_media:
      return fmt::format("device: media {} sector {} length {} takes {} ns", record.flags == 1 ? "write" : "read",
                         record.offset, record.length, record.value);
    case Kind::dev_state:
      return fmt::format("device {}: keeps device_status {}, features {:#x}", record.unit, status_name(record.value),
                         record.aux);
    case Kind::dev_queue_state:
      return fmt::format("device: keeps {} of size {}: fetches next at {}, uses next at {}, {} in flight",
                         queue_name(record), record.value, record.offset, record.length, record.ordinal);
    default:
      return {};
  }
}

}  // namespace

const char* name_of(Kind kind) { return find_name(kKinds, static_cast<std::uint64_t>(kind)); }

const char* name_of(Tap tap) {
  constexpr std::array<const char*, 3> kTaps = {"driver", "device", "bench"};
  const auto index = static_cast<std::size_t>(tap);
  return index < kTaps.size() ? kTaps[index] : "unknown";
}

std::string structure_name(std::uint32_t structure) { return name_or(kStructures, structure, "structure"); }

std::string register_name(std::uint32_t structure, std::uint64_t offset) {
  const char* field = nullptr;
  switch (static_cast<Structure>(structure)) {
    case Structure::common:
      field = find_name(kCommon, offset);
      break;
    case Structure::device:
      field = find_name(kDevice, offset);
      break;
    case Structure::legacy:
      field = find_name(kLegacy, offset);
      break;
    case Structure::isr:
      field = offset == 0 ? "status" : nullptr;
      break;
    case Structure::msix_table:
      return msix_register_name(offset);
    default:
      break;
  }
  const std::string name = structure_name(structure);
  return field != nullptr ? fmt::format("{}.{}", name, field) : fmt::format("{}+{:#x}", name, offset);
}

std::string config_register_name(std::uint64_t offset) {
  const char* const name = find_name(kConfig, offset);
  return name != nullptr ? std::string(name) : fmt::format("{:#04x}", offset);
}

std::string function_name(std::uint32_t bdf) {
  return fmt::format("{:02x}:{:02x}.{}", bdf >> 8 & 0xff, bdf >> 3 & 0x1f, bdf & 7);
}

std::string status_name(std::uint64_t status) {
  if (status == 0) {
    return "0";
  }
  std::string text;
  std::uint64_t rest = status;
  for (const Named& bit : kStatusBits) {
    if ((status & bit.number) != 0) {
      text += (text.empty() ? "" : "|") + std::string(bit.name);
      rest &= ~bit.number;
    }
  }
  return rest == 0 ? text : fmt::format("{}{}{:#x}", text, text.empty() ? "" : "|", rest);
}

std::string request_type_name(std::uint16_t type) {
  return type == kSenseless ? "senseless" : name_or(kTypes, type, "type");
}

std::string request_status_name(std::uint64_t status) { return name_or(kResults, status, "status"); }

std::string ask_name(std::uint64_t ask) { return name_or(kAsks, ask, "ask"); }

std::string region_name(std::uint32_t region, std::uint64_t offset) {
  if (region >= kRegionBar && region < 2 * kRegionBar) {
    return fmt::format("bar {} + {:#x}", region & 0xf, offset);
  }
  if (region >= kRegionDma && region < kRegionBar) {
    return offset == 0 ? fmt::format("dma {}", region - kRegionDma)
                       : fmt::format("dma {} + {:#x}", region - kRegionDma, offset);
  }
  return fmt::format("{:#x}", offset);
}

std::string packed_address_name(std::uint64_t address) {
  const auto number = static_cast<std::uint32_t>(address >> 40);
  return region_name(number == 0 ? kRegionUnknown : kRegionDma + number, address & 0xff'ffff'ffff);
}

std::string vector_name(std::uint64_t vector) {
  if (vector == ~std::uint64_t{0}) {
    return "an unknown vector";
  }
  return vector >= hal::kFirstLineVector ? fmt::format("irq {}", vector - hal::kFirstLineVector)
                                         : fmt::format("msi {}", vector);
}

std::string describe(const Record& record) {
  for (const auto line : {bench_line, cold_line, memory_line, hot_line, device_line}) {
    if (std::string text = line(record); !text.empty()) {
      return text;
    }
  }
  return fmt::format("kind {}", static_cast<unsigned>(record.kind));
}

}  // namespace ringside::trace
