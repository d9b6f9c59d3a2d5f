#include "model/requests_in_flight.h"

#include <algorithm>
#include <bit>

namespace ringside::model {
namespace {

// Arrays lie apart by an odd number of cache lines: a power of two would put all of them into one cache set.
constexpr std::size_t kStride = kMaxChain + 4;

}  // namespace

void RequestsInFlight::strap(std::size_t requests) {
  slots_ = std::min(requests, kMostRequests);
  if (requests_.size() < slots_) {
    requests_.resize(slots_);
    free_.reserve(slots_);
    order_.resize(std::bit_ceil(slots_));
    order_mask_ = static_cast<unsigned>(order_.size()) - 1;
  }
  // One more: the scratch array.
  const std::size_t arrays = std::min(slots_, kMostLargeChains) + 1;
  if (arrays_ < arrays) {
    arrays_ = arrays;
    segments_.reset(new Segment[arrays * kStride]);  // not touched before it is used
    free_arrays_.reserve(arrays);
  }
  clear();
}

void RequestsInFlight::clear() {
  first_ = 0;
  count_ = 0;
  fresh_ = 0;
  free_.clear();
  free_arrays_.clear();
  fresh_array_ = 0;
  scratch_ = free_array();
}

void RequestsInFlight::keep_segments(Request& request) {
  if (request.data_count <= Request::kFewSegments) {
    std::copy_n(request.data, request.data_count, request.few.begin());
    request.data = request.few.data();
    request.many = nullptr;
    return;
  }
  request.many = scratch_;
  scratch_ = free_array();
}

// Null when all are in use.
Segment* RequestsInFlight::free_array() {
  if (!free_arrays_.empty()) {
    Segment* const array = free_arrays_.back();
    free_arrays_.pop_back();
    return array;
  }
  return fresh_array_ < arrays_ ? &segments_[fresh_array_++ * kStride] : nullptr;
}

void RequestsInFlight::add(Request& request) {
  if (free_.empty()) {
    ++fresh_;
  } else {
    free_.pop_back();
  }
  keep_segments(request);
  insert(request);
}

void RequestsInFlight::insert(Request& request) {
  unsigned place = first_ + count_++;
  for (; place != first_ && order_[(place - 1) & order_mask_]->due > request.due; --place) {
    order_[place & order_mask_] = order_[(place - 1) & order_mask_];
  }
  order_[place & order_mask_] = &request;
}

Request& RequestsInFlight::take(unsigned place) {
  Request& request = at(place);
  // Nearly always the first.
  for (unsigned i = place; i != 0; --i) {
    order_[(first_ + i) & order_mask_] = order_[(first_ + i - 1) & order_mask_];
  }
  first_ = (first_ + 1) & order_mask_;
  --count_;
  return request;
}

void RequestsInFlight::give_back(Request& request) {
  if (request.many != nullptr) {
    if (scratch_ == nullptr) {
      scratch_ = request.many;
    } else {
      free_arrays_.push_back(request.many);
    }
    request.many = nullptr;
  }
  free_.push_back(&request);
}

}  // namespace ringside::model
