// The function's interrupts, as the client hears of them: an eventfd for the pin and one for each vector. This side
// plays the interrupt controller's part, so masks are kept here.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "model/intx.h"
#include "model/msix_table.h"
#include "testbench/targets/descriptor.h"

namespace ringside::serve {

class InterruptLines final : public model::IntxSink, public model::MessageRoute {
 public:
  // Nobody listens, and nothing is masked.
  void power_on(unsigned vectors);

  // --- The pin. A level: an event masks it until the client says that it has dealt with it, and tells the client again
  // when it is still high then (VFIO calls that automasked).
  void connect_pin(targets::Descriptor eventfd);
  void mask_pin(bool masked);
  void trigger_pin() const;
  // Signalled by the client to unmask the pin. It goes with the pin's own.
  void unmask_pin_by(targets::Descriptor eventfd);
  // -1: there is none.
  [[nodiscard]] int unmask_event() const { return unmask_event_.get(); }
  // How often there has been another.
  [[nodiscard]] unsigned unmask_events() const { return unmask_events_; }
  // Something has come there.
  void take_unmask_event();

  // --- Messages. A vector that nobody listens to is masked: it stays pending in the function.
  void connect_vector(unsigned vector, targets::Descriptor eventfd);
  void mask_vector(unsigned vector, bool masked);
  void trigger_vector(unsigned vector) const;

  // --- The next one that would reach the client does not; several add up.
  void lose_next() { ++to_lose_; }
  // So many have been lost since the last call.
  [[nodiscard]] unsigned take_lost() { return std::exchange(lost_, 0); }

  // --- The function's side.
  void set_intx(std::uint8_t pin, bool high) override;
  [[nodiscard]] bool vector_masked(unsigned vector) const override;
  void message(unsigned vector) override;

 private:
  struct Line {
    targets::Descriptor eventfd;
    bool masked = false;
  };
  void deliver_pin();
  static void signal(const Line& line);
  [[nodiscard]] bool is_lost();

  Line pin_;
  bool pin_high_ = false;
  targets::Descriptor unmask_event_;
  unsigned unmask_events_ = 0;
  std::vector<Line> vectors_;
  unsigned to_lose_ = 0;
  unsigned lost_ = 0;
};

}  // namespace ringside::serve
