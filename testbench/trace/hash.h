// The one hash of payloads, disks and names in the log: XXH3-64. Fast enough to hash every payload of a run.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ringside::trace {

// Of no bytes at all it is 0, so that "no payload" reads as such in a record.
[[nodiscard]] std::uint64_t hash_bytes(const void* data, std::size_t size);

// The same hash of bytes that come in pieces.
class HashStream {
 public:
  HashStream();
  ~HashStream();
  HashStream(const HashStream&) = delete;
  HashStream& operator=(const HashStream&) = delete;

  void begin();
  void add(const void* data, std::size_t size);
  [[nodiscard]] std::uint64_t end() const;

 private:
  void* state_;
  bool empty_ = true;
};

}  // namespace ringside::trace
