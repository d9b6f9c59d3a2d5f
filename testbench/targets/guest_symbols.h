// Where in the source an address of the guest's code is, by the image's debug information.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "testbench/targets/guest_image.h"

namespace ringside::targets {

struct SourcePlace {
  std::string function;  // "ringside::guest::make_mistake(ringside::guest::Mistake)"
  std::string file;      // from the source's root where it lies there; empty when unknown
  int line = 0;
};

class GuestSymbols {
 public:
  // Without debug information (an empty image) nothing is known of any address.
  explicit GuestSymbols(ImageBytes elf);
  ~GuestSymbols();
  GuestSymbols(const GuestSymbols&) = delete;
  GuestSymbols& operator=(const GuestSymbols&) = delete;

  // The innermost function first, then those that it was inlined into. Empty when the address is in no function.
  [[nodiscard]] std::vector<SourcePlace> places_of(std::uint64_t address) const;

 private:
  struct Session;
  std::unique_ptr<Session> session_;
};

}  // namespace ringside::targets
