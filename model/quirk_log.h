// The quirks of one run, and how often each made a difference.
#pragma once

#include "model/clock.h"
#include "model/quirks.h"
#include "model/tap.h"

namespace ringside::model {

class QuirkLog {
 public:
  void power_on(QuirkSet set, Tap* tap) {
    set_ = set;
    tap_ = tap;
    counts_ = {};
  }
  // Asked where the quirk makes a difference, and only there: true counts it.
  [[nodiscard]] bool fires(Quirk quirk, Picoseconds at) {
    if (!set_.has(quirk)) {
      return false;
    }
    ++counts_[static_cast<unsigned>(quirk)];
    if (tap_ != nullptr) {
      tap_->quirk(at, static_cast<unsigned>(quirk));
    }
    return true;
  }
  // Whether it may fire, for decisions that make no difference yet.
  [[nodiscard]] bool has(Quirk quirk) const { return set_.has(quirk); }
  [[nodiscard]] const QuirkCounts& counts() const { return counts_; }

 private:
  QuirkSet set_;
  QuirkCounts counts_{};
  Tap* tap_ = nullptr;
};

}  // namespace ringside::model
