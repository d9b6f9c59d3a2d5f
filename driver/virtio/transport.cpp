#include "driver/virtio/transport.h"

#include "driver/virtio/spec.h"

namespace ringside::virtio {

bool Transport::reset() const {
  write_status(0);
  // 4.1.4.3.2: the driver waits until it reads 0.
  return wait_until([this] { return status(); }, std::uint8_t{0}, kStatusRemoved);
}

}  // namespace ringside::virtio
