// INTx: from the pin of a function, through the bridges above it, to the PIRQ lines of the chipset.
#pragma once

#include <array>
#include <cstdint>

#include "model/pci_function.h"

namespace ringside::model {

// Where a function drives its INTx pin.
class IntxSink {
 public:
  virtual void set_intx(std::uint8_t pin, bool high) = 0;  // pin as PCI_INTERRUPT_PIN has it

 protected:
  ~IntxSink() = default;
};

// The chipset's end. A line is wired-OR: high while any function drives it.
class PirqRouter {
 public:
  static constexpr unsigned kPins = 4;

  // Which line the pin (0 for INTA) of a device on the root bus is wired to.
  [[nodiscard]] virtual unsigned pirq_of(unsigned device, unsigned pin) const = 0;
  // One function more that drives the line, or one less.
  void drive(unsigned pirq, bool high) {
    drivers_[pirq] += high ? 1 : -1;
    drive_lines();
  }

 protected:
  ~PirqRouter() = default;
  static constexpr unsigned kMostPirqs = 8;

  void let_go() { drivers_ = {}; }
  [[nodiscard]] bool pirq_high(unsigned pirq) const { return drivers_[pirq] != 0; }
  virtual void drive_lines() = 0;

 private:
  std::array<int, kMostPirqs> drivers_{};
};

// From one function to the chipset.
class IntxWire final : public IntxSink {
 public:
  // On the root bus, or behind a bridge that sits there in slot `bridge`.
  void power_on(PirqRouter& router, Slot function);
  void power_on_behind(PirqRouter& router, Slot function, Slot bridge);
  // Low, whatever the function thinks: it was pulled out.
  void cut();

  void set_intx(std::uint8_t pin, bool high) override;

 private:
  PirqRouter* router_ = nullptr;
  Slot function_;
  Slot bridge_;
  bool behind_bridge_ = false;
  bool high_ = false;
  unsigned pirq_ = 0;  // that it drives while high
};

}  // namespace ringside::model
