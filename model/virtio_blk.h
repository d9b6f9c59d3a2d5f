// The block device behind the virtio transport (VIRTIO 1.2, 5.2): its configuration, and what each request does to the
// disk and to memory.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "model/device_faults.h"
#include "model/dma_port.h"
#include "model/media.h"
#include "model/properties.h"
#include "model/quirk_log.h"
#include "model/request.h"
#include "model/storage.h"
#include "model/virtio.h"
#include "model/virtio_blk_config.h"

namespace ringside::model {

struct Disk {
  Storage* storage = nullptr;
  std::uint64_t sectors = 0;
  std::string serial = "ringside-0";
};

class VirtioBlk {
 public:
  VirtioBlk(DmaPort& dma, QuirkLog& quirks) : dma_(dma), quirks_(quirks) {}

  void power_on(const Disk& disk, const BlkProperties& properties, const Latencies& latencies);
  void reset();
  // Until power-on; null when all is well.
  void inject(DeviceFaults* faults) { faults_ = faults; }
  [[nodiscard]] std::uint64_t features() const { return features_; }
  void resize(std::uint64_t sectors);

  // All-ones beyond the end.
  [[nodiscard]] std::uint32_t config_read(std::uint32_t offset, std::uint32_t size) {
    shown_cache_ = config_.contains(offset, size) ? write_back_ : shown_cache_;
    return config_.read(offset, size);
  }
  void config_write(std::uint32_t offset, std::uint32_t size, std::uint64_t value, std::uint64_t driver_features,
                    Picoseconds at);

  // Features are settled: without CONFIG_WCE, the cache is what FLUSH says (5.2.6.2).
  void driver_ready(std::uint64_t driver_features, Picoseconds at);

  // Understands the chain and does what it asks of the disk. False when the chain is no request at all (5.2.6): header
  // or status byte missing. The segments of `chain` are changed and stay in use until complete().
  [[nodiscard]] bool start(Chain& chain, Request& request);
  // When the media, to which it comes at `start`, are done with it.
  [[nodiscard]] Picoseconds media_done(const Request& request, Picoseconds start);
  // How long the link is busy with it.
  [[nodiscard]] Picoseconds link_time(const Request& request) const;
  // Writes data and status to memory.
  void write_data(Request& request);
  void write_status(const Request& request);

 private:
  [[nodiscard]] bool read_header(Chain& chain, VirtioBlkReqHeader& header);
  [[nodiscard]] std::uint32_t known_type(std::uint32_t type, Picoseconds at);
  [[nodiscard]] std::uint8_t refuse(std::uint32_t type, const Chain& chain);
  [[nodiscard]] bool in_range(std::uint64_t sector, std::uint64_t sectors) const {
    return sector <= sectors_ && sectors <= sectors_ - sector;
  }
  [[nodiscard]] bool execute(Chain& chain, Request& request);
  [[nodiscard]] bool media_refuse(const Chain& chain, Request& request);
  [[nodiscard]] std::uint64_t first_byte(const Request& request) const;
  void corrupt_disk(const Request& request);
  void corrupt_memory(const Request& request);
  [[nodiscard]] bool blocks_aligned(std::uint64_t sector, std::uint64_t sectors);
  [[nodiscard]] bool segments_fit(const Request& request) const;
  [[nodiscard]] std::uint8_t check_transfer(const Request& request);
  [[nodiscard]] std::uint8_t store(const Request& request);
  [[nodiscard]] bool erase_range(Request& request);
  [[nodiscard]] bool erase(std::uint32_t type, std::uint64_t sector, std::uint64_t sectors);
  [[nodiscard]] std::uint32_t most_sectors(std::uint32_t type) const;
  [[nodiscard]] Picoseconds write_done(const Request& request, Picoseconds start, std::uint64_t bytes);
  [[nodiscard]] std::uint8_t check_range(const VirtioBlkDiscardWriteZeroes& range, std::uint32_t type);
  void set_write_back(bool write_back);
  [[nodiscard]] bool gather(const Chain& chain, void* data, std::uint32_t size);
  void read_disk(Request& request);
  void write_id(const Request& request);
  void write_lifetime(const Request& request);
  void scatter(const Request& request, const void* data, std::uint64_t size);
  void set_used_length(Request& request);

  DmaPort& dma_;
  QuirkLog& quirks_;
  Latencies latencies_;
  Media media_;
  DeviceFaults* faults_ = nullptr;
  Storage* storage_ = nullptr;
  std::uint64_t sectors_ = 0;
  std::uint64_t features_ = 0;
  BlkProperties properties_;
  VirtioBlkConfig config_;
  std::array<char, VIRTIO_BLK_ID_BYTES> serial_{};
  bool write_back_ = true;
  bool shown_cache_ = false;  // what the driver saw of it last, or wrote
  std::uint32_t reads_ = 0;   // mutants make their mistakes every n-th time
  std::uint32_t writes_ = 0;
  struct LateStatus {
    std::uint64_t address = 0;
    std::uint8_t status = 0;
  };
  LateStatus late_status_;  // of the request before, in the mutant that writes it after the used index
};

}  // namespace ringside::model
