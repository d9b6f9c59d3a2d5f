// A tap that calls somebody at each access of the device to memory, and nobody else.
#pragma once

#include <cstdint>
#include <functional>

#include "model/tap.h"

namespace ringside::tests {

class DmaTap final : public model::Tap {
 public:
  std::function<void(std::uint64_t address, bool write)> on_dma = [](std::uint64_t, bool) {};

  void config_access(model::Picoseconds, std::uint16_t, const model::Access&) override {}
  void register_access(model::Picoseconds, model::Structure, const model::Access&) override {}
  void dma(model::Picoseconds, std::uint64_t address, std::uint64_t, bool write, model::DmaFailure) override {
    on_dma(address, write);
  }
  void doorbell(model::Picoseconds, std::uint16_t, std::uint32_t) override {}
  void fetch(model::Picoseconds, const model::FetchedRequest&) override {}
  void media(model::Picoseconds, std::uint64_t, std::uint64_t, bool, model::Picoseconds) override {}
  void complete(model::Picoseconds, std::uint16_t, std::uint32_t, std::uint8_t, std::uint32_t) override {}
  void used(model::Picoseconds, std::uint16_t, std::uint16_t) override {}
  void msi(model::Picoseconds, std::uint16_t) override {}
  void intx(model::Picoseconds, bool) override {}
  void status(model::Picoseconds, std::uint8_t) override {}
  void quirk(model::Picoseconds, unsigned) override {}
};

}  // namespace ringside::tests
