#include "model/intx.h"

namespace ringside::model {

void IntxWire::power_on(PirqRouter& router, Slot function) {
  router_ = &router;
  function_ = function;
  behind_bridge_ = false;
  high_ = false;
}

void IntxWire::power_on_behind(PirqRouter& router, Slot function, Slot bridge) {
  power_on(router, function);
  bridge_ = bridge;
  behind_bridge_ = true;
}

void IntxWire::cut() {
  if (high_) {
    high_ = false;
    router_->drive(pirq_, false);
  }
}

void IntxWire::set_intx(std::uint8_t pin, bool high) {
  if (high == high_ || pin == 0) {
    return;
  }
  high_ = high;
  if (high) {
    // A bridge passes pin p of device d on as pin (p + d) mod 4 of its own (PCI-to-PCI Bridge Architecture 1.2, 9.1).
    const unsigned passed = behind_bridge_ ? (pin - 1u + function_.device) % PirqRouter::kPins : pin - 1u;
    pirq_ = router_->pirq_of(behind_bridge_ ? bridge_.device : function_.device, passed);
  }
  router_->drive(pirq_, high);
}

}  // namespace ringside::model
