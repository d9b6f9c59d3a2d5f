// A device's way to memory. Every access is a TLM transaction, or goes through a pointer that was obtained by TLM;
// either way it is gated by bus mastering, translated where there is an IOMMU, bounds-checked, shown to the tap and
// costs the same time. The request path runs through here, so the common case is inline.
#pragma once

#include <tlm_utils/simple_initiator_socket.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <systemc>
#include <tlm>
#include <utility>

#include "model/clock.h"
#include "model/device_faults.h"
#include "model/iommu.h"
#include "model/latencies.h"
#include "model/quirk_log.h"
#include "model/storage.h"
#include "model/tap.h"

namespace ringside::model {

// The bridges above, asked when one of them is closed to bus masters.
class UpstreamGate {
 public:
  [[nodiscard]] virtual bool passes_anyway(Picoseconds at) = 0;

 protected:
  ~UpstreamGate() = default;
};

class DmaPort final : public sc_core::sc_module {
 public:
  tlm_utils::simple_initiator_socket<DmaPort> socket;

  DmaPort(const sc_core::sc_module_name& name, std::uint64_t ram_bytes);

  void power_on(const Latencies& latencies, Tap* tap);
  void set_bus_master(bool enabled) {
    bus_master_ = enabled;
    open_ = bus_master_ && upstream_;
  }
  [[nodiscard]] bool bus_master() const { return bus_master_; }
  // Whether the bridges between here and memory let it through; false for a function that is unplugged.
  // `gate` may be null.
  void set_upstream(bool open, UpstreamGate* gate) {
    upstream_ = open;
    gate_ = gate;
    open_ = bus_master_ && upstream_;
  }

  // From now until power-on, memory changes while the device looks at it: the driver runs at the same time, on a CPU of
  // its own. On the board it stands still meanwhile.
  void beside_driver() { beside_driver_ = true; }
  [[nodiscard]] bool is_beside_driver() const { return beside_driver_; }
  // What was stored before is visible before what is loaded behind it is read (2.7.7.1, 2.7.10.1: each side writes its
  // wish or its index, and then looks at the other's). Pairs with the driver's barrier between the same two.
  void order_store_before_load() const {
    if (beside_driver_) {
      std::atomic_thread_fence(std::memory_order_seq_cst);
    }
  }
  // An index, or a flag, is read before what it vouches for, and written behind it. Nothing but the compiler could turn
  // that round on a host whose own memory is ordered so.
  static void order_loads() { std::atomic_thread_fence(std::memory_order_acquire); }
  static void order_stores() { std::atomic_thread_fence(std::memory_order_release); }

  // Until power-on; null when all is well.
  void inject(DeviceFaults* faults) { faults_ = faults; }

  // The time at which the next access happens; each access moves it on.
  void seek(Picoseconds at) { at_ = at; }
  [[nodiscard]] Picoseconds at() const { return at_; }

  // For this run: null where bus addresses are physical ones.
  void use_iommu(Iommu* iommu);

  // Whether [address, address + size) leads to RAM. Where the IOMMU says that it does not, that is a fault.
  [[nodiscard]] bool in_ram(std::uint64_t address, std::uint64_t size) {
    return lies_below(reach_, address, size) || (iommu_ != nullptr && translates(address, size));
  }

  // What a QEMU does where there is no memory: see Quirk::absent_memory_bounces. `quirks` may be null.
  void bounce_by(QuirkLog* quirks) { quirks_ = quirks; }
  // Whether a range that is not in RAM can be transferred all the same, beside `bounced` bytes of the same chain.
  [[nodiscard]] bool bounces(std::uint64_t address, std::uint64_t size, std::uint64_t bounced);
  // How much of a range that is not in RAM lies beyond it.
  [[nodiscard]] std::uint64_t absent(std::uint64_t address, std::uint64_t size) const {
    return size - (present(address) < size ? present(address) : size);
  }
  // Whether a range begins in RAM and ends beyond it.
  [[nodiscard]] bool leaves_ram(std::uint64_t address, std::uint64_t size) const {
    return iommu_ == nullptr && address < ram_bytes_ && !lies_below(ram_bytes_, address, size);
  }

  // False, and nothing is transferred, when bus mastering is off or the range is not memory.
  bool read(std::uint64_t address, void* data, std::uint64_t size) {
    return faults_ == nullptr ? sound_read(address, data, size) : faulty_read(address, data, size);
  }
  bool write(std::uint64_t address, const void* data, std::uint64_t size) {
    return faults_ == nullptr ? sound_write(address, data, size) : faulty_write(address, data, size);
  }
  template <class T>
  bool load(std::uint64_t address, T& value) {
    return read(address, &value, sizeof value);
  }
  template <class T>
  bool store(std::uint64_t address, const T& value) {
    return write(address, &value, sizeof value);
  }

  // A look that is not an access of the device: takes no time and is not shown to the tap.
  template <class T>
  bool peek(std::uint64_t address, T& value) {
    if (open_) {
      if (const std::uint8_t* const memory = direct(address, sizeof value)) {
        std::memcpy(&value, memory, sizeof value);
        return true;
      }
    }
    return debug_read(address, &value, sizeof value);
  }

  enum class Result : std::uint8_t { ok, dma_failed, media_failed };
  // Between memory and the disk, without a copy where there is a pointer.
  Result disk_to_memory(Storage& disk, std::uint64_t offset, std::uint64_t address, std::uint64_t size);
  Result memory_to_disk(Storage& disk, std::uint64_t offset, std::uint64_t address, std::uint64_t size);

  // Where in RAM the last byte ended that was written through here since the last take.
  [[nodiscard]] std::uint64_t written_end() const { return written_end_; }
  [[nodiscard]] std::uint64_t take_written_end() { return std::exchange(written_end_, 0); }

  // A message-signalled interrupt is a write of four bytes outside RAM.
  bool send_message(std::uint64_t address, std::uint32_t data);

 private:
  // What lies in one piece behind a range of bus addresses.
  struct Piece {
    std::uint64_t physical;
    std::uint64_t bytes;
  };

  [[nodiscard]] static bool lies_below(std::uint64_t end, std::uint64_t address, std::uint64_t size) {
    return size <= end && address <= end - size;
  }
  bool sound_read(std::uint64_t address, void* data, std::uint64_t size) {
    if (!admit(address, size, false)) {
      return read_absent(address, static_cast<std::uint8_t*>(data), size);
    }
    if (const std::uint8_t* const memory = direct(address, size)) {
      std::memcpy(data, memory, size);
      return true;
    }
    return slow_read(address, static_cast<std::uint8_t*>(data), size);
  }
  bool sound_write(std::uint64_t address, const void* data, std::uint64_t size) {
    if (!admit(address, size, true)) {
      return write_absent(address, static_cast<const std::uint8_t*>(data), size);
    }
    if (std::uint8_t* const memory = direct(address, size)) {
      note_write(address + size);
      std::memcpy(memory, data, size);
      return true;
    }
    return slow_write(address, static_cast<const std::uint8_t*>(data), size);
  }
  bool admit(std::uint64_t address, std::uint64_t size, bool is_write) {
    at_ += latencies_.dma(size);
    const DmaFailure failure =
        open_ && lies_below(reach_, address, size) ? DmaFailure::none : look_closer(address, size, is_write);
    if (tap_ != nullptr) {
      tap_->dma(at_, address, size, is_write, failure);
    }
    return failure == DmaFailure::none;
  }
  // Null when there is no pointer to all of it by its bus address.
  [[nodiscard]] std::uint8_t* direct(std::uint64_t address, std::uint64_t size) const {
    return size <= direct_bytes_ && address - direct_start_ <= direct_bytes_ - size
               ? direct_ + (address - direct_start_)
               : nullptr;
  }

  void note_write(std::uint64_t physical_end) { written_end_ = std::max(written_end_, physical_end); }

  // What the common case leaves open: closed bridges and the IOMMU.
  [[nodiscard]] bool may_act() { return open_ || (bus_master_ && gate_ != nullptr && gate_->passes_anyway(at_)); }
  [[nodiscard]] DmaFailure look_closer(std::uint64_t address, std::uint64_t size, bool is_write);
  [[nodiscard]] const Iommu::Mapping& mapping_of(std::uint64_t address);
  [[nodiscard]] Piece translate(std::uint64_t address, std::uint64_t size);
  [[nodiscard]] DmaFailure failure_of(std::uint64_t address, std::uint64_t size, bool is_write);
  [[nodiscard]] bool translates(std::uint64_t address, std::uint64_t size);
  [[nodiscard]] std::uint8_t* pointer_to(const Piece& piece) const;

  // With faults: every access goes through memory of its own, so that what comes can be changed.
  [[nodiscard]] bool allowed(const DmaAccess& access);
  bool faulty_read(std::uint64_t address, void* data, std::uint64_t size);
  bool faulty_write(std::uint64_t address, const void* data, std::uint64_t size);
  Result faulty_disk_to_memory(Storage& disk, std::uint64_t offset, std::uint64_t address, std::uint64_t size);
  Result faulty_memory_to_disk(Storage& disk, std::uint64_t offset, std::uint64_t address, std::uint64_t size);

  // Of a range that is not in RAM, as far as it is.
  [[nodiscard]] std::uint64_t present(std::uint64_t address) const {
    return address < ram_bytes_ ? ram_bytes_ - address : 0;
  }
  [[nodiscard]] bool tolerates_absence();
  bool read_absent(std::uint64_t address, std::uint8_t* data, std::uint64_t size);
  bool write_absent(std::uint64_t address, const std::uint8_t* data, std::uint64_t size);
  Result absent_to_disk(Storage& disk, std::uint64_t offset, std::uint64_t address, std::uint64_t size);
  bool slow_read(std::uint64_t address, std::uint8_t* data, std::uint64_t size);
  bool slow_write(std::uint64_t address, const std::uint8_t* data, std::uint64_t size);
  bool transport(tlm::tlm_command command, std::uint64_t physical, std::uint8_t* data, std::uint64_t size);
  bool debug_read(std::uint64_t address, void* data, std::uint64_t size);
  Result read_disk(Storage& disk, std::uint64_t offset, const Piece& piece);
  Result write_disk(Storage& disk, std::uint64_t offset, const Piece& piece);
  void ask_for_pointer(std::uint64_t physical);
  void invalidate(sc_dt::uint64 first, sc_dt::uint64 last);

  std::uint64_t ram_bytes_;
  std::uint64_t written_end_ = 0;  // see take_written_end()
  Latencies latencies_;
  Tap* tap_ = nullptr;
  DeviceFaults* faults_ = nullptr;
  bool bus_master_ = false;
  bool upstream_ = false;
  bool open_ = false;  // both
  bool beside_driver_ = false;
  UpstreamGate* gate_ = nullptr;
  Picoseconds at_ = 0;

  QuirkLog* quirks_ = nullptr;
  Iommu* iommu_ = nullptr;
  Iommu::Mapping cached_;  // the last one used, as of version_
  std::uint64_t version_ = 0;

  // What TLM gave as a pointer to memory.
  std::uint8_t* memory_ = nullptr;
  std::uint64_t memory_start_ = 0;
  std::uint64_t memory_bytes_ = 0;
  tlm::tlm_generic_payload transaction_;  // to make one costs as much as what it is used for
  // The same by bus address, and where RAM ends by bus address: nothing and nowhere while an IOMMU translates.
  std::uint8_t* direct_ = nullptr;
  std::uint64_t direct_start_ = 0;
  std::uint64_t direct_bytes_ = 0;
  std::uint64_t reach_ = 0;
};

}  // namespace ringside::model
