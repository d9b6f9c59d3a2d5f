// Logs written by hand, for tests of the monitors: a driver and a device that do everything right, as far as a test
// lets them.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "testbench/checks/monitors.h"
#include "testbench/trace/defect.h"
#include "testbench/trace/record.h"
#include "testbench/trace/recorder.h"
#include "testbench/trace/virtio_layout.h"

namespace ringside::checks {

class HandLog {
 public:
  static constexpr std::uint64_t kFeatures =
      std::uint64_t{1} << 32 | std::uint64_t{1} << 29 | std::uint64_t{1} << 28 | 1u << 11 | 1u << 9;
  static constexpr std::uint64_t kCapacity = 1000;
  static constexpr std::uint16_t kSize = 16;

  std::vector<trace::Record> records;

  trace::Record& add(trace::Kind kind, std::uint64_t value = 0, std::uint16_t flags = 0) {
    trace::Record record = trace::driver_record(kind);
    record.time = records.size();
    record.value = value;
    record.flags = flags;
    records.push_back(record);
    return records.back();
  }

  // --- Registers
  void status(std::uint64_t value) { add(trace::Kind::device_status, value, 0); }
  void status_reads(std::uint64_t value) { add(trace::Kind::device_status, value, 1); }
  trace::Record& access(trace::Kind kind, trace::Structure structure, std::uint64_t offset, std::uint8_t width,
                        std::uint64_t value) {
    trace::Record& record = add(kind, value);
    record.region = static_cast<std::uint32_t>(structure);
    record.offset = offset;
    record.width = width;
    return record;
  }
  void write_common(std::uint64_t offset, std::uint8_t width, std::uint64_t value) {
    access(trace::Kind::register_write, trace::Structure::common, offset, width, value);
  }
  void read_common(std::uint64_t offset, std::uint8_t width, std::uint64_t value) {
    access(trace::Kind::register_read, trace::Structure::common, offset, width, value);
  }
  void read_config(std::uint64_t offset, std::uint8_t width, std::uint64_t value) {
    access(trace::Kind::register_read, trace::Structure::device, offset, width, value);
  }

  // --- Bring-up, in its steps
  void reset() {
    status(0);
    status_reads(0);
  }
  void negotiate(std::uint64_t offered = kFeatures, std::uint64_t accepted = kFeatures) {
    status(1);
    status(3);
    add(trace::Kind::features, offered, 0);
    add(trace::Kind::features, accepted, 1);
    status(0xb);
    status_reads(0xb);
    read_common(0x15, 1, 0);
    read_config(0, 4, kCapacity);
    read_config(4, 4, 0);
    read_common(0x15, 1, 0);
  }
  static constexpr std::uint64_t kDescriptors = trace::packed_address(trace::kRegionDma + 1, 0);
  static constexpr std::uint64_t kAvail = trace::packed_address(trace::kRegionDma + 1, 0x400);
  static constexpr std::uint64_t kUsed = trace::packed_address(trace::kRegionDma + 1, 0x800);
  void addresses() {
    write_common(0x20, 8, kDescriptors);
    write_common(0x28, 8, kAvail);
    write_common(0x30, 8, kUsed);
  }
  void allocate_rings(std::uint64_t alignment = 16) {
    trace::Record& record = add(trace::Kind::dma_alloc);
    record.region = trace::kRegionDma + 1;
    record.length = 4096;
    record.aux = alignment;
  }
  trace::Record& enable(std::uint64_t size = kSize) {
    trace::Record& record = add(trace::Kind::queue_enabled, size);
    record.offset = kDescriptors;
    record.length = kAvail;
    record.aux = kUsed;
    return record;
  }
  void set_up_queue() {
    allocate_rings();
    read_common(0x18, 2, 256);
    write_common(0x18, 2, kSize);
    addresses();
    enable();
  }
  void go() { status(0xf); }
  void bring_up(std::uint64_t accepted = kFeatures) {
    reset();
    negotiate(kFeatures, accepted);
    set_up_queue();
    go();
  }

  // With features that not every device offers.
  void bring_up_with(std::uint64_t features) {
    reset();
    negotiate(features, features);
    set_up_queue();
    go();
  }
  static constexpr std::uint64_t kLegacyFeatures = (kFeatures | 1u << 27) & 0xffff'ffff;
  void negotiate_legacy(std::uint64_t offered = kLegacyFeatures, std::uint64_t accepted = kLegacyFeatures) {
    access(trace::Kind::register_read, trace::Structure::legacy, 0, 4, offered);
    add(trace::Kind::features, offered, 0);
    access(trace::Kind::register_write, trace::Structure::legacy, 4, 4, accepted);
    add(trace::Kind::features, accepted, 1);
  }
  // By the legacy interface: no FEATURES_OK, and one page number for all of the queue.
  trace::Record& bring_up_legacy() {
    using trace::Kind;
    using trace::Structure;
    reset();
    status(1);
    status(3);
    negotiate_legacy();
    access(Kind::register_read, Structure::legacy, 0x0c, 2, kSize);
    allocate_rings(4096);
    records.back().length = 8192;
    trace::Record& record = add(Kind::queue_enabled, kSize, 1);
    record.offset = kDescriptors;
    record.length = kDescriptors + 16 * kSize;
    record.aux = kDescriptors + 4096;
    return record;
  }

  // --- Configuration space: a modern block device with a table of four vectors
  static constexpr std::uint32_t kFunction = 0x20;
  static constexpr unsigned kCommonCap = 0x40;
  static constexpr unsigned kNotifyCap = 0x50;
  static constexpr unsigned kIsrCap = 0x64;
  static constexpr unsigned kDeviceCap = 0x74;
  static constexpr unsigned kWindowCap = 0x84;
  static constexpr unsigned kMsixCap = 0x98;
  static constexpr unsigned kFreeCap = 0xb0;  // for a test to add one
  static constexpr unsigned kVectors = 4;

  std::array<std::uint8_t, trace::kPciConfigBytes> config = config_space();
  void set(unsigned offset, std::uint8_t byte) { config[offset] = byte; }
  // One more vendor-specific capability, in front of the list.
  void add_structure(unsigned at, std::uint8_t type, std::uint8_t length = 16) {
    put_structure(config, at, config[0x34], type, length);
    config[0x34] = static_cast<std::uint8_t>(at);
  }
  trace::Record& config_access(trace::Kind kind, unsigned offset, std::uint8_t width, std::uint64_t value) {
    trace::Record& record = add(kind, value);
    record.region = kFunction;
    record.offset = offset;
    record.width = width;
    return record;
  }
  void make_transitional() {
    set(2, 0x01);
    set(8, 0);
    set(0x10, 1);  // BAR 0 is I/O
    set(0x2e, 2);
    set(0x2f, 0);
  }
  // The driver reads all of it.
  void discover() {
    for (unsigned offset = 0; offset < config.size(); offset += 4) {
      std::uint64_t value = 0;
      for (unsigned i = 0; i < 4; ++i) {
        value |= std::uint64_t{config[offset + i]} << (8 * i);
      }
      if (offset != kWindowCap + 16) {  // pci_cfg_data is no place to look at
        config_access(trace::Kind::config_read, offset, 4, value);
      }
    }
  }
  void enable_msix() { config_access(trace::Kind::config_write, kMsixCap + 2, 2, 0x8000 | (kVectors - 1)); }

  // --- The device's side
  trace::Record& device(trace::Kind kind, std::uint64_t value = 0) {
    trace::Record& record = add(kind, value);
    record.tap = trace::Tap::device;
    return record;
  }
  void device_written(std::uint64_t offset, std::uint64_t value) {
    trace::Record& record = device(trace::Kind::dev_register, value);
    record.region = static_cast<std::uint32_t>(trace::Structure::common);
    record.offset = offset;
    record.flags = 1;
  }
  void device_interrupts(std::uint64_t entry) { device(trace::Kind::dev_interrupt, 1).offset = entry; }

  // --- Requests
  trace::Record& defect(trace::Defect what, std::uint32_t ordinal = trace::kNoOrdinal) {
    trace::Record& record = add(trace::Kind::defect, static_cast<std::uint64_t>(what));
    record.ordinal = ordinal;
    return record;
  }
  void publish(std::uint16_t count = 1) {
    available = static_cast<std::uint16_t>(available + count);
    add(trace::Kind::avail_publish, available).length = count;
  }
  trace::Record& request(std::uint16_t type, std::uint64_t sector, std::uint64_t length, std::uint64_t hash = 0) {
    trace::Record& record = add(trace::Kind::request);
    record.flags = type;
    record.offset = sector;
    record.length = length;
    record.hash = hash;
    record.ordinal = next_request++;
    record.aux = 3 | 1u << 16 | std::uint64_t{513} << 17;
    return record;
  }
  // Of a range, as DISCARD and WRITE_ZEROES have one.
  trace::Record& range(std::uint16_t type, std::uint64_t sector, std::uint32_t sectors) {
    trace::Record& record = request(type, 0, 16);
    record.value = sector;
    record.region = sectors;
    return record;
  }
  void ring() { add(trace::Kind::doorbell, 0).width = 2; }
  // With NOTIFICATION_DATA.
  void ring_with(std::uint16_t name, std::uint16_t position) {
    add(trace::Kind::doorbell, name | std::uint64_t{position} << 16).width = 4;
  }
  void look(std::uint16_t count = 1) {
    used = static_cast<std::uint16_t>(used + count);
    add(trace::Kind::used_seen, used).length = count;
  }
  trace::Record& completion(std::uint32_t ordinal, std::uint16_t type, std::uint64_t hash = 0,
                            std::uint64_t status_byte = 0) {
    trace::Record& record = add(trace::Kind::completion, status_byte, type);
    record.ordinal = ordinal;
    record.hash = hash;
    record.length = 1;
    record.aux = 513;
    return record;
  }
  // One whole request. Returns its ordinal.
  std::uint32_t perform(std::uint16_t type, std::uint64_t sector, std::uint64_t length, std::uint64_t hash) {
    const bool reads = type == trace::VIRTIO_BLK_T_IN;
    publish();
    const std::uint32_t ordinal = request(type, sector, length, reads ? 0 : hash).ordinal;
    ring();
    look();
    completion(ordinal, type, reads ? hash : 0);
    return ordinal;
  }
  void perform_range(std::uint16_t type, std::uint64_t sector, std::uint32_t sectors) {
    publish();
    const std::uint32_t ordinal = range(type, sector, sectors).ordinal;
    ring();
    look();
    completion(ordinal, type);
  }

  // Each broken requirement with who broke it: "driver init-drv-01".
  [[nodiscard]] std::vector<std::string> broken() const {
    std::vector<std::string> clauses;
    for (const Violation& violation : run_monitors(records)) {
      clauses.push_back(std::string(to_string(violation.role)) + " " + violation.clause);
    }
    return clauses;
  }

  static void put_structure(std::array<std::uint8_t, trace::kPciConfigBytes>& space, unsigned at, std::uint8_t next,
                            std::uint8_t type, std::uint8_t length) {
    const std::array<std::uint8_t, 16> bytes = {0x09, next, length, type, 4, 0, 0, 0, 0, 0x10, 0, 0, 0, 0x10, 0, 0};
    std::copy(bytes.begin(), bytes.end(), space.begin() + at);
  }
  static std::array<std::uint8_t, trace::kPciConfigBytes> config_space() {
    std::array<std::uint8_t, trace::kPciConfigBytes> space{};
    const std::array<std::uint8_t, 9> identity = {0xf4, 0x1a, 0x42, 0x10, 0, 0, 0x10, 0, 1};
    std::copy(identity.begin(), identity.end(), space.begin());
    space[0x2e] = 0x00;
    space[0x2f] = 0x11;
    space[0x34] = kCommonCap;
    put_structure(space, kCommonCap, kNotifyCap, 1, 16);
    put_structure(space, kNotifyCap, kIsrCap, 2, 20);
    space[kNotifyCap + 16] = 4;  // the multiplier
    put_structure(space, kIsrCap, kDeviceCap, 3, 16);
    put_structure(space, kDeviceCap, kWindowCap, 4, 16);
    put_structure(space, kWindowCap, kMsixCap, 5, 20);
    space[kMsixCap] = 0x11;
    space[kMsixCap + 2] = kVectors - 1;
    return space;
  }

  std::uint16_t available = 0;
  std::uint16_t used = 0;
  std::uint32_t next_request = 0;
};

}  // namespace ringside::checks
