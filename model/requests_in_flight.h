// The requests that a device works on, in order of completion, and the memory they take: allocated when the device is
// strapped, none of it per request. A device that has no room for another request leaves it in its queue.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "model/request.h"

namespace ringside::model {

class RequestsInFlight {
 public:
  // Room for that many requests, within what the device has at most. Forgets all there are.
  void strap(std::size_t requests);
  // Forgets all, or those that `which` says.
  void clear();
  template <class Which>
  void drop_if(Which which) {
    unsigned kept = 0;
    for (unsigned i = 0; i < count_; ++i) {
      Request& request = at(i);
      if (which(request)) {
        give_back(request);
      } else {
        order_[(first_ + kept++) & order_mask_] = &request;
      }
    }
    count_ = kept;
  }

  [[nodiscard]] bool empty() const { return count_ == 0; }
  [[nodiscard]] unsigned count() const { return count_; }
  // In order of completion, 0 the first.
  [[nodiscard]] Request& at(unsigned place) const { return *order_[(first_ + place) & order_mask_]; }

  // --- Fetching: while there is room, fill next() from a chain in scratch(), then add it.
  [[nodiscard]] bool room() const { return scratch_ != nullptr && (!free_.empty() || fresh_ < slots_); }
  [[nodiscard]] Request& next() { return free_.empty() ? requests_[fresh_] : *free_.back(); }
  [[nodiscard]] Segment* scratch() { return scratch_; }
  void add(Request& request);

  // Back among them, at a new time, after take().
  void put_back(Request& request) { insert(request); }

  // --- Completing: take it out of the order, and give it back when done.
  Request& take(unsigned place);
  void give_back(Request& request);

 private:
  // A large chain is one of more than Request::kFewSegments. 16 KiB for each, touched when needed.
  static constexpr std::size_t kMostRequests = 65536;
  static constexpr std::size_t kMostLargeChains = 1024;

  void keep_segments(Request& request);
  [[nodiscard]] Segment* free_array();
  void insert(Request& request);

  std::vector<Request> requests_;
  std::size_t slots_ = 0;       // of them in use in this strapping
  std::size_t fresh_ = 0;       // from here on never used since clear()
  std::vector<Request*> free_;  // used before, and free again
  std::unique_ptr<Segment[]> segments_;
  std::size_t arrays_ = 0;       // of kMaxChain segments each
  std::size_t fresh_array_ = 0;  // from here on never used since clear()
  std::vector<Segment*> free_arrays_;
  Segment* scratch_ = nullptr;
  std::vector<Request*> order_;  // a ring
  unsigned order_mask_ = 0;
  unsigned first_ = 0;
  unsigned count_ = 0;
};

}  // namespace ringside::model
