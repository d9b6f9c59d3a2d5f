// What an observer of the devices sees. A module holds a pointer to it, null when nobody looks: that costs a branch.
// Times are those at which the device acts; an access by the CPU and what it sets off may be told before later times
// of other events, so that an observer that wants order sorts by time.
#pragma once

#include <cstdint>

#include "model/picoseconds.h"

namespace ringside::model {

// Numbered as VIRTIO_PCI_CAP_*, MSI-X after them.
enum class Structure : std::uint32_t {
  common = 1,
  notify = 2,
  isr = 3,
  device = 4,
  msix_table = 16,
  msix_pba = 17,
  legacy = 18,
};

// The last two are faults of the IOMMU.
enum class DmaFailure : std::uint16_t {
  none = 0,
  bus_master_off = 1,
  outside_memory = 2,
  not_mapped = 3,
  not_permitted = 4,
};

struct Access {
  std::uint32_t offset;
  std::uint32_t size;
  std::uint64_t value;
  bool write;
};

struct FetchedRequest {
  std::uint16_t queue;
  std::uint32_t ordinal;  // n-th chain since the queue was enabled
  std::uint32_t type;
  std::uint64_t sector;
  std::uint64_t bytes;  // of data
};

class Tap {
 public:
  // `function` as bus << 8 | device << 3 | function.
  virtual void config_access(Picoseconds at, std::uint16_t function, const Access& access) = 0;
  virtual void register_access(Picoseconds at, Structure structure, const Access& access) = 0;
  virtual void dma(Picoseconds at, std::uint64_t address, std::uint64_t bytes, bool write, DmaFailure failure) = 0;
  virtual void doorbell(Picoseconds at, std::uint16_t queue, std::uint32_t value) = 0;
  virtual void fetch(Picoseconds at, const FetchedRequest& request) = 0;
  virtual void media(Picoseconds at, std::uint64_t sector, std::uint64_t bytes, bool write, Picoseconds duration) = 0;
  virtual void complete(Picoseconds at, std::uint16_t queue, std::uint32_t ordinal, std::uint8_t status,
                        std::uint32_t used_length) = 0;
  virtual void used(Picoseconds at, std::uint16_t queue, std::uint16_t index) = 0;
  virtual void msi(Picoseconds at, std::uint16_t vector) = 0;
  virtual void intx(Picoseconds at, bool level) = 0;
  virtual void status(Picoseconds at, std::uint8_t status) = 0;
  virtual void quirk(Picoseconds at, unsigned quirk) = 0;

 protected:
  ~Tap() = default;
};

}  // namespace ringside::model
