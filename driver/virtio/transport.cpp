#include "driver/virtio/transport.h"

#include "driver/hal/mutant.h"
#include "driver/virtio/spec.h"

namespace ringside::virtio {

bool Transport::add_status(std::uint8_t bits) const {
  const std::uint8_t before = status();
  if (before == kStatusRemoved && !hal::mutant(hal::Mutant::status_all_ones_written_back)) {
    return false;
  }
  // Who is no longer told that there is a driver has reset itself since, and has lost all that was set up.
  if (bits == VIRTIO_CONFIG_S_DRIVER_OK && (before & VIRTIO_CONFIG_S_DRIVER) == 0) {
    return false;
  }
  write_status(before | bits);
  return true;
}

bool Transport::reset() const {
  write_status(0);
  if (hal::mutant(hal::Mutant::reset_not_awaited)) {
    return true;
  }
  // 4.1.4.3.2: the driver waits until it reads 0.
  return wait_until([this] { return status(); }, std::uint8_t{0}, kStatusRemoved);
}

}  // namespace ringside::virtio
