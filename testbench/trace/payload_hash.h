// The hash of a request's payload, which lies in pieces. Most have one, which needs no stream: beginning and ending one
// costs as much as a third of hashing 4 KiB.
#pragma once

#include <cstddef>
#include <cstdint>

#include "testbench/trace/hash.h"

namespace ringside::trace {

class PayloadHash {
 public:
  // Off: every hash is 0.
  explicit PayloadHash(bool on = true) : on_(on) {}
  [[nodiscard]] bool on() const { return on_; }

  void begin() {
    only_ = nullptr;
    only_bytes_ = 0;
    streaming_ = false;
  }

  // `data` stays as it is until end().
  void add(const void* data, std::size_t size) {
    if (size == 0 || !on_) {
      return;
    }
    if (only_ == nullptr) {
      only_ = data;
      only_bytes_ = size;
      return;
    }
    if (!streaming_) {
      streaming_ = true;
      stream_.begin();
      stream_.add(only_, only_bytes_);
    }
    stream_.add(data, size);
  }

  [[nodiscard]] std::uint64_t end() const {
    if (!on_) {
      return 0;
    }
    return streaming_ ? stream_.end() : hash_bytes(only_, only_bytes_);
  }

 private:
  bool on_;
  HashStream stream_;
  const void* only_ = nullptr;  // as long as there is no second one
  std::size_t only_bytes_ = 0;
  bool streaming_ = false;
};

}  // namespace ringside::trace
