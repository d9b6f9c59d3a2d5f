// The hot half of the hardware interface: loads, stores and fences on memory that a device shares (rings,
// indirect tables, headers, status bytes). A compile-time policy, so that on a bare CPU nothing stands between
// the driver and the access:
//
//   Plain     one instruction per access, volatile: a compiler that re-reads makes a double fetch
//   Observed  leaves each access to an Observer, who may count, record, change memory between two reads, delay stores
//             as a weak memory model allows, or preempt
#pragma once

#include <concepts>
#include <cstdint>

namespace ringside::hal {

// Barriers are named for what they order, so that a test can remove one at run time and a trace can say which
// one was executed. Where each is used, a comment says what it pairs with.
//
// They are barriers of the CPU and not of a policy's accesses, and so cover what nobody hands to a policy: the data of
// requests, which callers copy with stores and loads of their own. What a caller wrote before submit() is before
// avail_publish; what it reads after its request has completed is after the used_consume of the look that found it. On
// a packed ring the flags of the first descriptor stand for avail.idx, and those of the used one for used.idx.
enum class Fence : std::uint8_t {
  avail_publish,  // data, descriptors and ring entry before avail.idx        (release)
  avail_notify,   // avail.idx before reading the device's kick suppression   (full)
  used_consume,   // used.idx before the used element, status and data        (acquire)
  used_rearm,     // interrupt suppression off before re-reading used.idx     (full)
};
inline constexpr unsigned kFenceCount = 4;

// Carries out a driver's accesses to shared memory. All pointers are the CPU's, aligned to `size`, which is 1, 2, 4 or
// 8 bytes; whoever sits at the end of a chain of observers calls load_shared, store_shared and hardware_fence.
class Observer {
 public:
  [[nodiscard]] virtual std::uint64_t load(const void* address, unsigned size) = 0;
  virtual void store(void* address, unsigned size, std::uint64_t value) = 0;
  virtual void fence(Fence fence) = 0;

 protected:
  ~Observer() = default;
};

template <class T>
concept SharedWord = std::unsigned_integral<T> && sizeof(T) <= 8;

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

inline void hardware_fence(Fence fence) {
  switch (fence) {
    case Fence::avail_publish:
      return hardware_fence<Fence::avail_publish>();
    case Fence::avail_notify:
      return hardware_fence<Fence::avail_notify>();
    case Fence::used_consume:
      return hardware_fence<Fence::used_consume>();
    case Fence::used_rearm:
      return hardware_fence<Fence::used_rearm>();
  }
}

namespace detail {

template <SharedWord T>
[[nodiscard]] inline T read_once(const T* address) {
  return *static_cast<const volatile T*>(address);
}

template <SharedWord T>
inline void write_once(T* address, T value) {
  *static_cast<volatile T*>(address) = value;
}

}  // namespace detail

[[nodiscard]] inline std::uint64_t load_shared(const void* address, unsigned size) {
  switch (size) {
    case 1:
      return detail::read_once(static_cast<const std::uint8_t*>(address));
    case 2:
      return detail::read_once(static_cast<const std::uint16_t*>(address));
    case 4:
      return detail::read_once(static_cast<const std::uint32_t*>(address));
    default:
      return detail::read_once(static_cast<const std::uint64_t*>(address));
  }
}

inline void store_shared(void* address, unsigned size, std::uint64_t value) {
  switch (size) {
    case 1:
      return detail::write_once(static_cast<std::uint8_t*>(address), static_cast<std::uint8_t>(value));
    case 2:
      return detail::write_once(static_cast<std::uint16_t*>(address), static_cast<std::uint16_t>(value));
    case 4:
      return detail::write_once(static_cast<std::uint32_t*>(address), static_cast<std::uint32_t>(value));
    default:
      return detail::write_once(static_cast<std::uint64_t*>(address), value);
  }
}

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
    hardware_fence<kFence>();
  }
};

class Observed {
 public:
  // The observer outlives the driver that carries this policy.
  explicit Observed(Observer& observer) : observer_(&observer) {}

  template <SharedWord T>
  [[nodiscard]] T load(const T* address) const {
    return static_cast<T>(observer_->load(address, sizeof(T)));
  }
  template <SharedWord T>
  void store(T* address, T value) const {
    observer_->store(address, sizeof(T), value);
  }
  template <Fence kFence>
  void fence() const {
    observer_->fence(kFence);
  }

 private:
  Observer* observer_;
};

}  // namespace ringside::hal
