// The hot half of the hardware interface: loads, stores and fences on memory that a device shares (rings,
// indirect tables, headers, status bytes). A compile-time policy, so that on a bare CPU nothing stands between
// the driver and the access:
//
//   Plain     one instruction per access, volatile: a compiler that re-reads makes a double fetch
//   Observed  tells an Observer before and after each access; the observer may count, record, change memory
//             between two reads, or preempt
//
// A third policy, with a weak memory model, plugs in at the same hooks: every access and every named fence is
// a possible preemption point.
#pragma once

#include <concepts>
#include <cstdint>

namespace ringside::hal {

// Barriers are named for what they order, so that a test can remove one at run time and a trace can say which
// one was executed. Where each is used, a comment says what it pairs with.
enum class Fence : std::uint8_t {
  avail_publish,  // descriptors and ring entry before avail.idx              (release)
  avail_notify,   // avail.idx before reading the device's kick suppression   (full)
  used_consume,   // used.idx before the used element, status and data        (acquire)
  used_rearm,     // interrupt suppression off before re-reading used.idx     (full)
};
inline constexpr unsigned kFenceCount = 4;

// Watches a driver's accesses to shared memory. All pointers are the CPU's.
class Observer {
 public:
  // Before a load. Memory may be changed here: the driver sees the new value.
  virtual void before_load(const void* address, unsigned size) = 0;
  virtual void loaded(const void* address, unsigned size, std::uint64_t value) = 0;
  virtual void before_store(void* address, unsigned size, std::uint64_t value) = 0;
  virtual void stored(void* address, unsigned size, std::uint64_t value) = 0;
  // Returns false to skip the fence: only a test of barriers does that.
  [[nodiscard]] virtual bool fence(Fence fence) = 0;

 protected:
  ~Observer() = default;
};

template <class T>
concept SharedWord = std::unsigned_integral<T> && sizeof(T) <= 8;

namespace detail {

template <Fence kFence>
inline void hardware_fence() {
  if constexpr (kFence == Fence::avail_publish) {
    __atomic_thread_fence(__ATOMIC_RELEASE);
  } else if constexpr (kFence == Fence::used_consume) {
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
  } else {
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
  }
}

template <SharedWord T>
[[nodiscard]] inline T read_once(const T* address) {
  return *static_cast<const volatile T*>(address);
}

template <SharedWord T>
inline void write_once(T* address, T value) {
  *static_cast<volatile T*>(address) = value;
}

}  // namespace detail

class Plain {
 public:
  template <SharedWord T>
  [[nodiscard]] T load(const T* address) const {
    return detail::read_once(address);
  }
  template <SharedWord T>
  void store(T* address, T value) const {
    detail::write_once(address, value);
  }
  template <Fence kFence>
  void fence() const {
    detail::hardware_fence<kFence>();
  }
};

class Observed {
 public:
  // The observer outlives the driver that carries this policy.
  explicit Observed(Observer& observer) : observer_(&observer) {}

  template <SharedWord T>
  [[nodiscard]] T load(const T* address) const {
    observer_->before_load(address, sizeof(T));
    const T value = detail::read_once(address);
    observer_->loaded(address, sizeof(T), value);
    return value;
  }
  template <SharedWord T>
  void store(T* address, T value) const {
    observer_->before_store(address, sizeof(T), value);
    detail::write_once(address, value);
    observer_->stored(address, sizeof(T), value);
  }
  template <Fence kFence>
  void fence() const {
    if (observer_->fence(kFence)) {
      detail::hardware_fence<kFence>();
    }
  }

 private:
  Observer* observer_;
};

}  // namespace ringside::hal
