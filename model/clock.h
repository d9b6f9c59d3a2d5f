// Time since power-on, in picoseconds. The kernel's time goes on across power cycles; what a module computes with, and
// what a log shows, starts at zero each time.
#pragma once

#include <systemc>

#include "model/picoseconds.h"

namespace ringside::model {

class Clock {
 public:
  void power_on() { base_ = sc_core::sc_time_stamp().value(); }
  [[nodiscard]] Picoseconds now() const { return sc_core::sc_time_stamp().value() - base_; }

 private:
  Picoseconds base_ = 0;
};

// The default time resolution of SystemC is one picosecond, and nothing here changes it.
[[nodiscard]] inline sc_core::sc_time to_sc_time(Picoseconds time) { return sc_core::sc_time::from_value(time); }

}  // namespace ringside::model
