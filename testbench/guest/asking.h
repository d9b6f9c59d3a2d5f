// What only the bench can do is asked of it through the mailbox.
#pragma once

#include "testbench/guest/mailbox.h"
#include "testbench/targets/run_hooks.h"

namespace ringside::guest {

class Asking final : public targets::RunHooks {
 public:
  explicit Asking(Mailbox& box) : box_(box) {}

  [[nodiscard]] std::uint64_t ask(scenarios::Ask what, std::uint64_t argument) override;
  // The device shows what it shows, when it does.
  void before_look(std::uint8_t, std::uint16_t) override {}

 private:
  Mailbox& box_;
};

}  // namespace ringside::guest
