// The block device behind the virtio transport (VIRTIO 1.2, 5.2): its configuration, and what each request does to the
// disk and to memory.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "model/dma_port.h"
#include "model/media.h"
#include "model/quirk_log.h"
#include "model/split_queue.h"
#include "model/storage.h"
#include "model/virtio.h"

namespace ringside::model {

struct Disk {
  Storage* storage = nullptr;
  std::uint64_t sectors = 0;
  std::string serial = "ringside-0";
};

// One request in flight. What it does to the disk has happened when it is fetched; what it does to memory happens when
// it completes. Requests in flight together are not ordered (5.2.6), so that both are the device's choice.
struct Request {
  Picoseconds due = 0;
  std::uint64_t sector = 0;
  std::uint64_t status_address = 0;
  std::uint64_t bytes = 0;  // of data
  std::uint32_t type = 0;
  std::uint32_t ordinal = 0;
  std::uint32_t used_length = 0;
  std::uint32_t capacity = 0;  // all that the device may write, the status byte included
  std::uint16_t head = 0;
  std::uint16_t queue = 0;
  const Segment* data = nullptr;
  std::uint16_t data_count = 0;
  std::uint8_t status = VIRTIO_BLK_S_OK;
};

class VirtioBlk {
 public:
  static constexpr std::uint64_t kFeatures = VIRTIO_BLK_F_SEG_MAX | VIRTIO_BLK_F_GEOMETRY | VIRTIO_BLK_F_BLK_SIZE |
                                             VIRTIO_BLK_F_FLUSH | VIRTIO_BLK_F_TOPOLOGY | VIRTIO_BLK_F_CONFIG_WCE |
                                             VIRTIO_BLK_F_DISCARD | VIRTIO_BLK_F_WRITE_ZEROES;

  VirtioBlk(DmaPort& dma, QuirkLog& quirks) : dma_(dma), quirks_(quirks) {}

  void power_on(const Disk& disk, const Latencies& latencies);
  void reset();
  [[nodiscard]] static std::uint64_t features();

  // All-ones beyond the end.
  [[nodiscard]] std::uint32_t config_read(std::uint32_t offset, std::uint32_t size) const;
  void config_write(std::uint32_t offset, std::uint32_t size, std::uint64_t value, std::uint64_t driver_features,
                    Picoseconds at);

  // Features are settled: without CONFIG_WCE, the cache is what FLUSH says (5.2.6.2).
  void driver_ready(std::uint64_t driver_features);

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
  static constexpr std::uint32_t kConfigLength = 57;  // up to write_zeroes_may_unmap

  [[nodiscard]] bool read_header(Chain& chain, VirtioBlkReqHeader& header);
  [[nodiscard]] std::uint32_t known_type(std::uint32_t type, Picoseconds at);
  [[nodiscard]] std::uint8_t refuse(std::uint32_t type, const Chain& chain);
  [[nodiscard]] bool in_range(std::uint64_t sector, std::uint64_t sectors) const {
    return sector <= sectors_ && sectors <= sectors_ - sector;
  }
  [[nodiscard]] bool execute(Chain& chain, Request& request);
  [[nodiscard]] std::uint8_t check_transfer(const Request& request) const;
  [[nodiscard]] std::uint8_t store(const Request& request);
  [[nodiscard]] bool zero_range(Request& request, bool discard);
  [[nodiscard]] Picoseconds write_done(const Request& request, Picoseconds start, std::uint64_t bytes);
  [[nodiscard]] std::uint8_t check_range(const VirtioBlkDiscardWriteZeroes& range, bool discard);
  void set_write_back(bool write_back);
  [[nodiscard]] bool gather(const Chain& chain, void* data, std::uint32_t size);
  void read_disk(Request& request);
  void write_id(const Request& request);
  void set_used_length(Request& request);
  void build_config();

  DmaPort& dma_;
  QuirkLog& quirks_;
  Latencies latencies_;
  Media media_;
  Storage* storage_ = nullptr;
  std::uint64_t sectors_ = 0;
  std::array<char, VIRTIO_BLK_ID_BYTES> serial_{};
  bool write_back_ = true;
  std::array<std::uint8_t, kConfigLength> config_{};
  std::uint32_t reads_ = 0;  // mutants make their mistakes every n-th time
  std::uint32_t writes_ = 0;
  struct LateStatus {
    std::uint64_t address = 0;
    std::uint8_t status = 0;
  };
  LateStatus late_status_;  // of the request before, in the mutant that writes it after the used index
};

}  // namespace ringside::model
