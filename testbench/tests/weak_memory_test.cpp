// What a weak memory may do and what it may not, piece by piece: on a machine that has nothing but RAM.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "testbench/targets/hidden_data.h"
#include "testbench/targets/memory_order.h"
#include "testbench/targets/past_values.h"
#include "testbench/targets/store_buffer.h"
#include "testbench/targets/weak_machine.h"
#include "testbench/tests/memory_machine.h"

namespace ringside::tests {
namespace {

using targets::HiddenData;
using targets::PastValues;
using targets::RunHooks;
using targets::StoreBuffer;
using targets::WeakMachine;

constexpr unsigned kSeeds = 200;  // enough that what may happen does, and what may not has had its chance

// --- Stores

TEST(StoreBufferTest, WhatIsBehindABarrierIsNotToChooseFrom) {
  std::array<std::uint8_t, 4> bytes{};
  StoreBuffer stores;
  stores.add({&bytes[0], 1, 1});
  stores.add({&bytes[1], 1, 2});
  stores.add(hal::Fence::avail_publish);
  stores.add({&bytes[2], 1, 3});
  EXPECT_EQ(stores.candidates(), 2u);
  EXPECT_EQ(stores.take(1).value, 2u);
  EXPECT_FALSE(stores.take_fence().has_value()) << "one store is left in front of it";
  EXPECT_EQ(stores.take(0).value, 1u);
  EXPECT_EQ(stores.candidates(), 0u);
  EXPECT_EQ(stores.take_fence(), hal::Fence::avail_publish);
  EXPECT_EQ(stores.take(0).value, 3u);
  EXPECT_TRUE(stores.empty());
}

TEST(StoreBufferTest, StoresToTheSameBytesLeaveInTheirOrder) {
  std::array<std::uint8_t, 8> bytes{};
  StoreBuffer stores;
  stores.add({&bytes[0], 2, 1});
  stores.add({&bytes[6], 1, 2});
  stores.add({&bytes[1], 4, 3});  // laps over the first
  stores.add({&bytes[4], 1, 4});  // over the third, and so behind the first too
  EXPECT_EQ(stores.take(3).value, 1u);
  EXPECT_EQ(stores.take(2).value, 3u);
  EXPECT_EQ(stores.take(1).value, 4u);
}

TEST(StoreBufferTest, TheYoungestStoreIsTheOneThatTheCpuSees) {
  std::array<std::uint8_t, 8> bytes{};
  StoreBuffer stores;
  stores.add({&bytes[0], 4, 1});
  stores.add({&bytes[0], 4, 2});
  stores.add(hal::Fence::avail_publish);
  ASSERT_NE(stores.youngest(&bytes[3], 1), nullptr);
  EXPECT_EQ(stores.youngest(&bytes[3], 1)->value, 2u);
  EXPECT_EQ(stores.youngest(&bytes[4], 4), nullptr);
}

// --- Loads

class PastValuesTest : public testing::Test {
 protected:
  PastValuesTest() { past.watch(memory.data(), memory.size()); }
  void device_writes(std::size_t offset, std::uint16_t value) {
    std::memcpy(memory.data() + offset, &value, sizeof value);
    past.note_changes();
  }
  std::uint64_t load(std::size_t offset, std::size_t nth) { return past.load(memory.data() + offset, 2, nth); }
  std::size_t older(std::size_t offset) { return past.older(memory.data() + offset, 2); }

  alignas(8) std::array<std::uint8_t, 200> memory{};
  PastValues past;
};

TEST_F(PastValuesTest, EveryValueSinceTheAcquireMayBeLoaded) {
  device_writes(8, 0x1111);
  device_writes(8, 0x2222);
  EXPECT_EQ(older(8), 2u);
  EXPECT_EQ(load(8, 0), 0u);
  EXPECT_EQ(load(8, 1), 0x1111u);
  EXPECT_EQ(older(0), 0u) << "nothing happened there";
  past.acquire();
  EXPECT_EQ(older(8), 0u);
  EXPECT_EQ(load(8, 0), 0x2222u);
}

TEST_F(PastValuesTest, NoLoadGivesAnOlderValueThanTheOneBeforeIt) {
  device_writes(8, 0x1111);
  device_writes(8, 0x2222);
  EXPECT_EQ(load(8, 1), 0x1111u);
  EXPECT_EQ(older(8), 1u);
  EXPECT_EQ(load(8, 0), 0x1111u);
  EXPECT_EQ(load(8, 1), 0x2222u);
  EXPECT_EQ(older(8), 0u);
}

TEST_F(PastValuesTest, TwoPlacesHaveTheirAgesApart) {
  device_writes(8, 0x1111);
  device_writes(100, 0x2222);
  EXPECT_EQ(load(8, 1), 0x1111u);
  EXPECT_EQ(load(100, 0), 0u) << "though it changed later";
}

TEST_F(PastValuesTest, AWordThatChangedAtOnceIsNeverTorn) {
  const std::uint32_t word = 0x1234'5678;
  std::memcpy(memory.data() + 8, &word, sizeof word);
  past.note_changes();
  EXPECT_EQ(past.older(memory.data() + 8, 4), 1u);
  EXPECT_EQ(past.load(memory.data() + 8, 4, 0), 0u);
}

TEST_F(PastValuesTest, BehindTheOwnStoreLiesNothing) {
  device_writes(8, 0x1111);
  memory[8] = 7;
  past.wrote(&memory[8], 1);
  past.note_changes();
  EXPECT_EQ(past.older(&memory[8], 1), 0u);
  EXPECT_EQ(past.older(&memory[9], 1), 1u);
}

TEST_F(PastValuesTest, FreedMemoryIsNotLookedAtAgain) {
  auto gone = std::vector<std::uint8_t>(64);
  past.watch(gone.data(), gone.size());
  gone[3] = 1;
  past.note_changes();
  past.forget(gone.data(), gone.size());
  EXPECT_EQ(past.older(&gone[3], 1), 0u);
  gone = {};
  past.note_changes();
}

TEST_F(PastValuesTest, RestoresWhatWasThereAtTheAcquire) {
  device_writes(8, 0x1111);
  past.acquire();
  device_writes(8, 0x2222);
  device_writes(8, 0x3333);
  past.restore(memory.data(), memory.size());
  EXPECT_EQ(memory[8], 0x11);
}

// --- Data

TEST(HiddenDataTest, BothEndsAreGoneUntilTheyAreShown) {
  std::vector<std::uint8_t> data(1000, 0x5a);
  HiddenData hidden;
  hidden.hide(data.data(), data.size());
  EXPECT_EQ(hidden.count(), 2u);
  EXPECT_NE(data.front(), 0x5a);
  EXPECT_EQ(data[500], 0x5a);
  EXPECT_NE(data.back(), 0x5a);
  hidden.show(0);
  hidden.show(0);
  EXPECT_EQ(data, std::vector<std::uint8_t>(1000, 0x5a));
}

TEST(HiddenDataTest, DataThatTwoRequestsShareIsHiddenOnce) {
  std::vector<std::uint8_t> data(100, 0x5a);
  HiddenData hidden;
  hidden.hide(data.data(), data.size());
  hidden.hide(data.data() + 40, 30);
  hidden.show_all();
  EXPECT_EQ(data, std::vector<std::uint8_t>(100, 0x5a));
}

TEST(HiddenDataTest, WhatWasWrittenMeanwhileStays) {
  std::vector<std::uint8_t> data(16, 0x5a);
  HiddenData hidden;
  hidden.hide(data.data(), data.size());
  data[3] = 9;
  hidden.show_all();
  EXPECT_EQ(data[3], 9);
  EXPECT_EQ(data[4], 0x5a);
}

// --- Litmus tests: two accesses of the CPU against two of a device, over many seeds. What a device sees is what the
// inner machine and memory are told, in that order.

class Litmus final : public RunHooks, public hal::Observer, public MemoryMachine {
 public:
  explicit Litmus(std::uint64_t seed)
      : weak(*this, *this, *this, seed),
        buffer_(weak.alloc_dma_buffer(64, 64)),
        x(static_cast<std::uint32_t*>(buffer_.cpu)),
        y(x + 8) {
    static_cast<void>(weak.load(x, 4));  // only known memory has a past
  }

  std::uint64_t ask(scenarios::Ask, std::uint64_t) override { return 0; }
  void before_look(std::uint8_t, std::uint16_t) override {}
  bool hold_up() override {
    if (device != nullptr) {
      device(*this);
    }
    return device != nullptr;
  }
  std::uint64_t load(const void* address, unsigned size) override {
    if (at_a_load) {
      at_a_load();
    }
    return hal::load_shared(address, size);
  }
  void store(void* address, unsigned size, std::uint64_t value) override {
    hal::store_shared(address, size, value);
    told.push_back(address == x ? "x" : "y");
  }
  void fence(hal::Fence) override { told.push_back("fence"); }
  void mmio_write16(std::uint64_t address, std::uint16_t) override {
    told.push_back(address == 0 ? "bell" : "other");
    bell_x = *x;
  }
  void out8(std::uint16_t, std::uint8_t) override { told.push_back("port"); }
  std::uint32_t mmio_read32(std::uint64_t) override {
    told.push_back("read");
    return 0;
  }

  bool wait(unsigned, std::uint64_t, std::uint64_t) override {
    when_waiting(*this);
    return true;
  }
  void relax(std::uint64_t deadline) override {
    relaxed_until = deadline;
    when_waiting(*this);
  }

  WeakMachine weak;

 private:
  hal::DmaBuffer buffer_;

 public:
  std::uint32_t* x;
  std::function<void()> at_a_load;  // what devices do when one is seen
  std::uint32_t* y;
  std::vector<std::string> told;
  std::uint32_t bell_x = 0;                  // what the doorbell's device saw
  void (*device)(Litmus& litmus) = nullptr;  // what it does when it is given time
  void (*when_waiting)(Litmus& litmus) = [](Litmus&) {};
  std::uint64_t relaxed_until = 0;
};

// What the runs end in.
template <class Run>
std::set<std::string> outcomes(Run run) {
  std::set<std::string> all;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    Litmus litmus(seed);
    all.insert(run(litmus));
  }
  return all;
}

using Outcomes = std::set<std::string>;

TEST(LitmusTest, StoresPassEachOtherButNotARelease) {
  const auto run = [](std::optional<hal::Fence> fence) {
    return outcomes([fence](Litmus& litmus) {
      litmus.weak.store(litmus.x, 4, 1);
      if (fence) {
        litmus.weak.fence(*fence);
      }
      litmus.weak.store(litmus.y, 4, 1);
      litmus.weak.settle();
      std::string order;
      for (const std::string& what : litmus.told) {
        order += what == "fence" ? "" : what;
      }
      return order;
    });
  };
  EXPECT_EQ(run(std::nullopt), (Outcomes{"xy", "yx"}));
  EXPECT_EQ(run(hal::Fence::avail_publish), (Outcomes{"xy"}));
  EXPECT_EQ(run(hal::Fence::avail_notify), (Outcomes{"xy"}));
  EXPECT_EQ(run(hal::Fence::used_consume), (Outcomes{"xy", "yx"})) << "an acquire is for loads";
}

TEST(LitmusTest, ABarrierIsToldBetweenTheStoresThatItOrders) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    Litmus litmus(seed);
    litmus.weak.store(litmus.x, 4, 1);
    litmus.weak.fence(hal::Fence::avail_publish);
    litmus.weak.store(litmus.y, 4, 1);
    litmus.weak.settle();
    EXPECT_EQ(litmus.told, (std::vector<std::string>{"x", "fence", "y"}));
  }
}

// The device stores x, then y, whenever it is given time; the driver loads y, then x.
TEST(LitmusTest, LoadsPassEachOtherButNotAnAcquire) {
  const auto run = [](std::optional<hal::Fence> fence) {
    return outcomes([fence](Litmus& litmus) {
      litmus.device = [](Litmus& it) { *it.x = *it.y = 1; };
      const std::uint64_t y = litmus.weak.load(litmus.y, 4);
      if (fence) {
        litmus.weak.fence(*fence);
      }
      const std::uint64_t x = litmus.weak.load(litmus.x, 4);
      return std::to_string(y) + std::to_string(x);
    });
  };
  EXPECT_EQ(run(std::nullopt), (Outcomes{"00", "01", "10", "11"}));
  EXPECT_EQ(run(hal::Fence::used_consume), (Outcomes{"00", "01", "11"}));
  EXPECT_EQ(run(hal::Fence::used_rearm), (Outcomes{"00", "01", "11"}));
}

// The driver stores x and loads y; the device stores y and loads x. That neither sees the other's takes a full barrier
// to prevent: a release and an acquire do not.
TEST(LitmusTest, AStoreIsPassedByALaterLoadUnlessABarrierIsFull) {
  const auto run = [](std::vector<hal::Fence> fences) {
    return outcomes([&fences](Litmus& litmus) {
      litmus.device = [](Litmus& it) {
        if (*it.y == 0) {
          *it.y = 1;
          it.bell_x = *it.x;
        }
      };
      litmus.weak.store(litmus.x, 4, 1);
      for (const hal::Fence fence : fences) {
        litmus.weak.fence(fence);
      }
      const std::uint64_t y = litmus.weak.load(litmus.y, 4);
      litmus.weak.settle();
      if (*litmus.y == 0) {
        litmus.bell_x = *litmus.x;
      }
      return std::to_string(y) + std::to_string(litmus.bell_x);
    });
  };
  const Outcomes all{"00", "01", "10", "11"};
  EXPECT_EQ(run({}), all);
  EXPECT_EQ(run({hal::Fence::avail_publish, hal::Fence::used_consume}), all);
  EXPECT_EQ(run({hal::Fence::avail_notify}), (Outcomes{"01", "10", "11"}));
  EXPECT_EQ(run({hal::Fence::used_rearm}), (Outcomes{"01", "10", "11"}));
}

TEST(LitmusTest, ADoorbellOvertakesStoresUnlessABarrierIsFull) {
  const auto run = [](std::optional<hal::Fence> fence) {
    return outcomes([fence](Litmus& litmus) {
      litmus.weak.store(litmus.x, 4, 1);
      if (fence) {
        litmus.weak.fence(*fence);
      }
      litmus.weak.mmio_write16(0, 0);
      litmus.weak.settle();
      return std::to_string(litmus.bell_x);
    });
  };
  EXPECT_EQ(run(std::nullopt), (Outcomes{"0", "1"}));
  EXPECT_EQ(run(hal::Fence::avail_publish), (Outcomes{"0", "1"}));
  EXPECT_EQ(run(hal::Fence::avail_notify), (Outcomes{"1"}));
}

TEST(LitmusTest, RegisterWritesKeepTheirOrderAndAReadComesAfterThem) {
  bool late = false;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    Litmus litmus(seed);
    litmus.weak.mmio_write16(0, 0);
    litmus.weak.mmio_write16(4, 0);
    litmus.weak.out8(1, 0);
    late = late || litmus.told.empty();
    static_cast<void>(litmus.weak.mmio_read32(0));
    EXPECT_EQ(litmus.told, (std::vector<std::string>{"bell", "other", "port", "read"}));
  }
  EXPECT_TRUE(late) << "they are posted";
}

TEST(LitmusTest, TheCpuSeesItsOwnStoresAtOnce) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    Litmus litmus(seed);
    litmus.weak.store(litmus.x, 4, 0x0102'0304);
    EXPECT_EQ(litmus.weak.load(litmus.x, 4), 0x0102'0304u);
    EXPECT_EQ(litmus.weak.load(reinterpret_cast<std::uint8_t*>(litmus.x) + 2, 1), 2u);
    EXPECT_EQ(litmus.weak.load(litmus.x, 8), 0x0102'0304u) << "more than the store wrote";
  }
}

// Whoever sleeps or lets time pass has told all before, and sees all behind.
TEST(LitmusTest, SleepingIsAFullBarrierAndSoIsTime) {
  for (const bool sleep : {true, false}) {
    const Outcomes seen = outcomes([sleep](Litmus& litmus) {
      litmus.weak.store(litmus.x, 4, 1);
      litmus.weak.mmio_write16(0, 0);
      litmus.when_waiting = [](Litmus& it) { *it.y = *it.x + 1; };
      sleep ? static_cast<void>(litmus.weak.wait(0, 0, 1000)) : litmus.weak.relax(1000);
      return std::to_string(litmus.weak.load(litmus.y, 4)) + std::to_string(litmus.told.size());
    });
    EXPECT_EQ(seen, (Outcomes{"22"}));
  }
}

// A driver looks, is held up while the device finishes, and relaxes: a machine that let it wait for the next thing to
// happen would let it wait for ever.
TEST(LitmusTest, HavingBeenHeldUpCountsAsHavingWaited) {
  std::set<std::uint64_t> first;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    Litmus litmus(seed);
    litmus.device = [](Litmus&) {};
    static_cast<void>(litmus.weak.load(litmus.y, 4));
    litmus.device = nullptr;
    litmus.weak.relax(1000);
    first.insert(litmus.relaxed_until);
    litmus.weak.relax(1000);
    EXPECT_EQ(litmus.relaxed_until, 1000u);
  }
  EXPECT_EQ(first, (std::set<std::uint64_t>{0, 1000}));
}

// 8 KiB that the device reads: what the caller had written is there when a barrier has released it, and late without.
TEST(LitmusTest, DataIsThereBehindARelease) {
  bool late = false;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    Litmus litmus(seed);
    const hal::DmaBuffer data = litmus.weak.alloc_dma_buffer(8192, 512);
    std::memset(data.cpu, 0x5a, data.size);
    const std::vector<std::uint8_t> written(8192, 0x5a);
    static_cast<void>(litmus.weak.map(data.cpu, data.size, hal::DmaDirection::to_device));
    late = late || std::memcmp(data.cpu, written.data(), data.size) != 0;
    litmus.weak.fence(hal::Fence::avail_publish);
    EXPECT_EQ(std::memcmp(data.cpu, written.data(), data.size), 0);
  }
  EXPECT_TRUE(late);
}

TEST(LitmusTest, DataThatTheDeviceWroteIsThereBehindAnAcquire) {
  bool late = false;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    for (const bool acquire : {false, true}) {
      Litmus litmus(seed);
      const hal::DmaBuffer data = litmus.weak.alloc_dma_buffer(4096, 512);
      const hal::BusAddress bus = litmus.weak.map(data.cpu, data.size, hal::DmaDirection::from_device);
      static_cast<std::uint8_t*>(data.cpu)[4095] = 1;
      static_cast<void>(litmus.weak.now());  // devices had time
      if (acquire) {
        litmus.weak.fence(hal::Fence::used_consume);
      }
      litmus.weak.unmap(bus, data.size, hal::DmaDirection::from_device);
      const bool there = static_cast<std::uint8_t*>(data.cpu)[4095] == 1;
      EXPECT_TRUE(there || !acquire);
      late = late || !there;
    }
  }
  EXPECT_TRUE(late);
}

// A fault, or a schedule that is followed, has devices act at the sight of an access, before anybody can have noted it.
TEST(LitmusTest, WhatADeviceWroteAtTheSightOfALoadIsThereBehindAnAcquire) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    Litmus litmus(seed);
    const hal::DmaBuffer data = litmus.weak.alloc_dma_buffer(64, 64);
    const hal::BusAddress bus = litmus.weak.map(data.cpu, data.size, hal::DmaDirection::from_device);
    litmus.at_a_load = [&] { *static_cast<std::uint8_t*>(data.cpu) = 1; };
    static_cast<void>(litmus.weak.load(litmus.x, 4));
    litmus.weak.fence(hal::Fence::used_consume);
    static_cast<void>(litmus.weak.now());
    litmus.weak.unmap(bus, data.size, hal::DmaDirection::from_device);
    EXPECT_EQ(*static_cast<std::uint8_t*>(data.cpu), 1) << "seed " << seed;
  }
}

// --- What the command line says

targets::MemoryOrder order_of(const char* text) { return targets::memory_order(targets::TargetSpec::parse(text)); }

TEST(MemoryOrderTest, OptionsSayWhatIsLeftOut) {
  EXPECT_TRUE(order_of("model").as_written());
  EXPECT_TRUE(order_of("model,memory=plain").as_written());
  const targets::MemoryOrder order = order_of("model,memory=weak,without=avail_notify+used_rearm");
  EXPECT_TRUE(order.weak);
  EXPECT_EQ(order.without.to_ulong(), 0b1010u);
  EXPECT_EQ(order.text(), "memory order: weak, without avail_notify, used_rearm");
  EXPECT_EQ(order_of("model,without=avail_publish").text(),
            "memory order: as the driver writes, without avail_publish");
}

TEST(MemoryOrderTest, WhatIsNoOrderIsRefused) {
  EXPECT_THROW((void)order_of("model,memory=strong"), targets::InputError);
  EXPECT_THROW((void)order_of("model,memory=weak,without="), targets::InputError);
  EXPECT_THROW((void)order_of("model,without=avail_publish+"), targets::InputError);
  try {
    (void)order_of("model,without=avail_pubish");
    FAIL();
  } catch (const targets::InputError& error) {
    EXPECT_NE(std::string(error.what()).find("did you mean \"avail_publish\"?"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace ringside::tests
