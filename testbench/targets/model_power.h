// A disk image between a power-on and a loss of power: what the device writes lies over the image, and the image gets
// what a disk would have kept. Only runs with a plan that cuts the power need it.
#pragma once

#include <cstdint>

#include "model/overlay_storage.h"
#include "model/power_cut.h"
#include "model/write_log.h"

namespace ringside::targets {

class CuttableDisk {
 public:
  // `image` outlives it.
  CuttableDisk(model::Storage& image, std::uint64_t seed, unsigned percent)
      : live_(image), cut_(image, seed, percent), log_(live_, cut_) {}
  CuttableDisk(const CuttableDisk&) = delete;
  CuttableDisk& operator=(const CuttableDisk&) = delete;

  [[nodiscard]] model::Storage& storage() { return log_; }

  // --- The end of it, one of the two. False on a media error.
  // The image is what a later power-on may find.
  [[nodiscard]] bool cut_power() { return cut_.cut(); }
  // Nothing was lost.
  [[nodiscard]] bool keep() { return live_.commit(); }

 private:
  model::OverlayStorage live_;
  model::PowerCut cut_;
  model::WriteLog log_;
};

}  // namespace ringside::targets
