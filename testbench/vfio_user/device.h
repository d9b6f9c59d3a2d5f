// What a session serves: a PCI function, by regions, kinds of interrupt and the client's memory. Arguments are checked:
// regions and vectors exist, ranges lie inside them. Errors are errno values, 0 for none.
#pragma once

#include <cstdint>
#include <span>

#include "testbench/vfio_user/message.h"
#include "testbench/vfio_user/protocol.h"

namespace ringside::vfio_user {

class Device {
 public:
  // 0: there is none.
  [[nodiscard]] virtual std::uint64_t region_bytes(std::uint32_t region) const = 0;
  // Whether a write needs no answer from the device: memory BARs (PCI 3.0, 3.2.5). The client hears of it before the
  // device acts.
  [[nodiscard]] virtual bool posted(std::uint32_t region) const = 0;
  virtual void read(std::uint32_t region, std::uint64_t offset, std::span<std::uint8_t> data) = 0;
  virtual void write(std::uint32_t region, std::uint64_t offset, std::span<const std::uint8_t> data) = 0;
  virtual void reset() = 0;

  [[nodiscard]] virtual std::uint32_t vectors(Irq kind) const = 0;
  // What is signalled when the vector is raised; none: it is raised to nobody.
  virtual void connect(Irq kind, std::uint32_t vector, Descriptor eventfd) = 0;
  virtual void mask(Irq kind, std::uint32_t vector, bool masked) = 0;
  // What the client signals to unmask the pin, in place of a message; none: it sends messages.
  virtual void unmask_by(Descriptor eventfd) = 0;
  // As if the device had raised it.
  virtual void trigger(Irq kind, std::uint32_t vector) = 0;

  // `file` may be none: the memory exists and is out of reach. EEXIST when any of it is mapped already.
  [[nodiscard]] virtual int map(const DmaMap& map, Descriptor file) = 0;
  // ENOENT when nothing is mapped exactly so.
  [[nodiscard]] virtual int unmap(std::uint64_t address, std::uint64_t size) = 0;
  virtual void unmap_all() = 0;

 protected:
  ~Device() = default;
};

}  // namespace ringside::vfio_user
