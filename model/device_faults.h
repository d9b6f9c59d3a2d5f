// What is wrong with a virtio disk. The device asks at each place where something can be: before an access to memory,
// before the media work, when a request completes, when an interrupt goes out. It holds a pointer that is null as long
// as all is well, which costs a branch; what goes wrong when is for others to know.
//
// Whatever is answered changes one step of the device and not its state: when nothing is answered any more, the device
// is what it was.
#pragma once

#include <cstdint>

#include "model/picoseconds.h"
#include "model/tap.h"

namespace ringside::model {

// An access of the device to memory, about to happen. What is changed here happens instead.
struct DmaAccess {
  std::uint64_t address = 0;
  std::uint64_t size = 0;  // never made larger
  bool write = false;
  DmaFailure failure = DmaFailure::none;
  std::uint64_t beyond = 0;  // of a write: so many bytes more, behind its end
};

enum class MediaFault : std::uint8_t {
  none,
  error,        // VIRTIO_BLK_S_IOERR, and nothing is done
  unsupported,  // VIRTIO_BLK_S_UNSUPP, and nothing is done
  corrupted,    // another bit somewhere in the data
  misdirected,  // other sectors
  cut_short,    // the first half of the data, and VIRTIO_BLK_S_OK
  lost,         // of a write or a flush: nothing, and VIRTIO_BLK_S_OK
};

// How much later than it should a request completes. Those behind it may overtake.
struct Delay {
  Picoseconds by = 0;
  bool outlives_reset = false;  // it writes data and status as if there had been none
};

// What becomes of a request that is due.
enum class Finish : std::uint8_t { once, twice, never };

// A message-signalled interrupt, about to go out.
struct Message {
  std::uint16_t vector = 0;
  unsigned count = 1;
  bool stays_pending = false;  // as if the vector were masked; whatever is written to the table next lets it go
};

class DeviceFaults {
 public:
  // Whether it may ever have anything to say of an access to memory; else it is not asked about any.
  [[nodiscard]] virtual bool concerns_memory() const = 0;
  virtual void before_dma(DmaAccess& access) = 0;
  // What an access brought, on its way into the device.
  virtual void after_read(std::uint64_t address, std::uint8_t* data, std::uint64_t size) = 0;

  // `type` is VIRTIO_BLK_T_*; sectors that a range names are not known yet.
  [[nodiscard]] virtual MediaFault media(std::uint32_t type, std::uint64_t sector, std::uint64_t bytes) = 0;

  [[nodiscard]] virtual Delay delay(std::uint16_t queue) = 0;
  [[nodiscard]] virtual Finish finish(std::uint16_t queue) = 0;
  // How long before the used index its interrupt comes; 0 when it comes behind it, as it should.
  [[nodiscard]] virtual Picoseconds interrupt_ahead(std::uint16_t queue) = 0;

  virtual void message(Message& message) = 0;
  // Asked while INTx is asserted: whether it stays so.
  [[nodiscard]] virtual bool line_stuck() = 0;

  virtual void was_reset() = 0;

 protected:
  ~DeviceFaults() = default;
};

}  // namespace ringside::model
