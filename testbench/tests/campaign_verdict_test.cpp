// What a run's evidence comes to: which outcomes a fault explains, and no others.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "driver/block/block_device.h"
#include "driver/hal/machine.h"
#include "testbench/campaign/case_file.h"
#include "testbench/campaign/observations.h"
#include "testbench/campaign/run_case.h"
#include "testbench/campaign/verdict.h"
#include "testbench/scenarios/campaign_workload.h"
#include "testbench/targets/memory_order.h"
#include "testbench/trace/text.h"
#include "testbench/trace/virtio_layout.h"

namespace ringside::campaign {
namespace {

using faults::Action;

// A run with these faults, of which each has fired.
class Told {
 public:
  explicit Told(std::vector<faults::Fault> faults) { plan_.faults = std::move(faults); }

  Told& record(const trace::Record& record) {
    evidence_.states.see(record, index_);
    evidence_.leaks.see(record);
    evidence_.observations.see(record, index_++);
    return *this;
  }
  Told& of_kind(trace::Kind kind, std::uint16_t flags, std::uint64_t value) {
    trace::Record one;
    one.kind = kind;
    one.flags = flags;
    one.value = value;
    return record(one);
  }
  Told& named(trace::Kind kind, std::string_view name, std::uint64_t value) {
    (void)of_kind(kind, 0, value);
    trace::split_text(name, [this](const trace::Record& piece) { (void)record(piece); });
    return *this;
  }
  Told& fails(std::string_view check) { return named(trace::Kind::check, check, 0); }
  Told& observes(std::string_view name, std::uint64_t value) { return named(trace::Kind::observe, name, value); }
  Told& fires() {
    for (std::size_t i = 0; i < plan_.faults.size(); ++i) {
      (void)of_kind(trace::Kind::dev_fault, 0, i + 1);
    }
    return *this;
  }
  Told& breaks(const checks::Violation& violation) {
    evidence_.violations.push_back(violation);
    return *this;
  }
  Told& on_weak_memory() {
    evidence_.weak = true;
    return *this;
  }
  [[nodiscard]] Ending end() const {
    targets::RunResult result;
    result.outcome = targets::Outcome::held;
    return judge(plan_, result, evidence_);
  }
  [[nodiscard]] Outcome outcome() const { return end().outcome; }

 private:
  faults::Plan plan_;
  Evidence evidence_;
  std::size_t index_ = 0;
};

faults::Fault fault(Action action, std::uint32_t times = 1) {
  faults::Fault one;
  one.action = action;
  one.times = times;
  return one;
}

faults::Fault short_read() {
  faults::Fault one = fault(Action::media_short);
  one.request = faults::RequestKind::read;
  return one;
}

TEST(CampaignVerdict, OfAReadCutShortTheUsedLengthTells) {
  EXPECT_EQ(Told({short_read()}).fires().fails(scenarios::kContentsCheck).outcome(), Outcome::corrupted);
  EXPECT_EQ(Told({short_read(), fault(Action::used_length)}).fires().fails(scenarios::kContentsCheck).outcome(),
            Outcome::misled)
      << "it was changed, too";
  EXPECT_EQ(Told({short_read()})
                .of_kind(trace::Kind::queue_enabled, 1, 256)
                .fires()
                .fails(scenarios::kContentsCheck)
                .outcome(),
            Outcome::misled)
      << "of a legacy device it is not believed";
  EXPECT_EQ(Told({short_read()})
                .of_kind(trace::Kind::features, 1, std::uint64_t{1} << trace::VIRTIO_F_IN_ORDER)
                .fires()
                .fails(scenarios::kContentsCheck)
                .outcome(),
            Outcome::misled)
      << "one used element may stand for several buffers";
}

TEST(CampaignVerdict, WhatIsMetAgainAndAgainMayBeGivenUp) {
  const auto given_up = [](std::uint32_t times) {
    return Told({fault(Action::completion_twice, times)})
        .fires()
        .observes(scenarios::kRequests, 30)
        .observes(block::to_string(block::Status::device_lost), 3)
        .observes(scenarios::kReopened, 1)
        .outcome();
  };
  EXPECT_EQ(given_up(1000), Outcome::given_up);
  EXPECT_EQ(given_up(1), Outcome::unaccounted);
}

TEST(CampaignVerdict, ALateCompletionMayReachTheCalmPhase) {
  const auto calm_fails = [](Action action) {
    return Told({fault(action)}).fires().fails(scenarios::kCalmWorksCheck).outcome();
  };
  EXPECT_EQ(calm_fails(Action::completion_late), Outcome::misled);
  EXPECT_EQ(calm_fails(Action::completion_delayed), Outcome::calm_failed);
}

TEST(CampaignVerdict, VectorsAreGivenBackUnlessNothingIsLeftToGiveThemTo) {
  trace::Record vector;
  vector.kind = trace::Kind::register_write;
  vector.region = static_cast<std::uint32_t>(trace::Structure::common);
  vector.offset = trace::VIRTIO_PCI_COMMON_MSIX;
  const Ending ending = Told({fault(Action::lost_doorbell)}).fires().record(vector).end();
  EXPECT_EQ(ending.outcome, Outcome::leak);
  EXPECT_EQ(ending.where, "vectors");
  EXPECT_EQ(Told({fault(Action::removed)}).fires().record(vector).outcome(), Outcome::removed);
}

TEST(CampaignVerdict, FeaturesThatAreRefusedAreNoticedByWhoNegotiates) {
  constexpr std::uint64_t kDriverOk = 4;
  EXPECT_EQ(Told({fault(Action::features_refused)}).fires().outcome(), Outcome::unaccounted);
  EXPECT_EQ(Told({fault(Action::features_refused)}).of_kind(trace::Kind::device_status, 0, kDriverOk).fires().outcome(),
            Outcome::unnoticed)
      << "nobody asks afterwards";
}

// --- Weak memory

Told breaking(std::vector<faults::Fault> faults, const char* clause) {
  checks::Violation violation;
  violation.clause = clause;
  violation.role = checks::Role::driver;
  Told told(std::move(faults));
  told.breaks(violation);
  return told;
}

// A doorbell that was overtaken by the next request tells where the ring stood before.
TEST(CampaignVerdict, WhatADoorbellSaysIsOldWhereItArrivesLate) {
  for (const char* const clause : {"2.9", "packeddesc-drv-03"}) {
    EXPECT_EQ(breaking({}, clause).outcome(), Outcome::monitor) << clause;
    EXPECT_EQ(breaking({}, clause).on_weak_memory().outcome(), Outcome::not_fired) << clause;
  }
  EXPECT_EQ(breaking({}, "desc-drv-01").on_weak_memory().outcome(), Outcome::monitor) << "that one is no doorbell's";
}

// What a device wrote too far, or a second time, may lie over it by then.
TEST(CampaignVerdict, WhatIsMadeAvailableIsSeenLate) {
  for (const Action action : {Action::completion_twice, Action::dma_write_beyond, Action::dma_wrong_address}) {
    EXPECT_EQ(breaking({fault(action)}, "resfeat-drv-05").fires().outcome(), Outcome::monitor);
    EXPECT_EQ(breaking({fault(action)}, "resfeat-drv-05").fires().on_weak_memory().outcome(), Outcome::unnoticed);
    EXPECT_EQ(breaking({fault(action)}, "cleanup-drv-02").fires().on_weak_memory().outcome(), Outcome::monitor);
  }
  EXPECT_EQ(breaking({fault(Action::completion_delayed)}, "resfeat-drv-05").fires().on_weak_memory().outcome(),
            Outcome::monitor);
}

TEST(CampaignVerdict, ASecondUsedElementMayBeSeenWhenItsIdIsAnothers) {
  Told told({fault(Action::used_twice)});
  told.fires().fails(scenarios::kContentsCheck);
  EXPECT_EQ(told.outcome(), Outcome::corrupted);
  EXPECT_EQ(told.on_weak_memory().outcome(), Outcome::misled);
}

// What holds the processor up makes the driver late, and is not its doing.
TEST(CampaignVerdict, ADriverThatWasHeldUpIsNotLate) {
  const auto run = [](std::uint64_t held_up) {
    return Told({fault(Action::media_slow)})
        .fires()
        .observes(scenarios::kLateness, 50 * hal::kMillisecond)
        .observes(targets::kTimeHeldUp, held_up)
        .outcome();
  };
  EXPECT_EQ(run(50 * hal::kMillisecond), Outcome::unnoticed);
  EXPECT_EQ(run(40 * hal::kMillisecond), Outcome::late);
  EXPECT_EQ(Told({}).fails(scenarios::kInTimeCheck).outcome(), Outcome::late);
  EXPECT_EQ(Told({}).fails(scenarios::kInTimeCheck).observes(targets::kTimeHeldUp, 1).outcome(), Outcome::not_fired)
      << "by how much is judged above";
}

// A fault may be why an interrupt did not come; else the driver has overlooked what it should have waited for.
TEST(CampaignVerdict, WhoOversleptWithoutAFaultIsLate) {
  EXPECT_EQ(Told({}).fails(targets::kNotOverslept).outcome(), Outcome::late);
  EXPECT_EQ(Told({fault(Action::lost_interrupt)}).fires().fails(targets::kNotOverslept).outcome(), Outcome::unnoticed);
}

// --- Cases that once failed

constexpr char kHead[] =
    "case = 1\nversion = \"0.1.0\"\nseed = 7\ntarget = \"model\"\nsignature = \"\"\nimage_hash = \"0x0\"\n"
    "settings = {}\nprogram = '''\nprogram = 1\nsummary = \"once failed\"\nmachine = \"pc\"\ndisk_sectors = 256\n";

Case case_of(const std::string& program, const std::string& plan) {
  return parse_case(kHead + program + "'''\nplan = '''\n" + plan + "'''\n", "case.toml").subject;
}

class ObservationSink final : public trace::Sink {
 public:
  void append(const trace::Record& record) override { observations.see(record, index_++); }
  Observations observations;

 private:
  std::size_t index_ = 0;
};

// A BAR, or the upper half of one, was being sized when the function went away for a while: at each write to
// configuration space in turn, the one between all-ones and the restored address among them.
TEST(CampaignRegression, ABarThatWasLeftHalfSizedComesUpAgain) {
  constexpr unsigned kMoreWritesThanThereAre = 60;
  unsigned refused = 0;
  unsigned not_fired = 0;
  for (unsigned nth = 1; nth <= kMoreWritesThanThereAre; ++nth) {
    const Case subject = case_of(
        "devices = [\"num-queues=1,queue-size=16,vectors=2\"]\n"
        "steps = [{do = \"open\", completion = \"msix\", queues = 1, timeout_ms = 74}]\n",
        "[[fault]]\naction = \"function-absent\"\nnth = " + std::to_string(nth) + "\non = \"config_write\"\n");
    const Ending ending = run_case(subject, {});
    EXPECT_FALSE(is_failure(ending.outcome)) << nth << ": " << ending.signature();
    refused += ending.outcome == Outcome::refused ? 1 : 0;
    not_fired += ending.outcome == Outcome::not_fired ? 1 : 0;
  }
  EXPECT_GE(refused, 10u);
  EXPECT_GE(not_fired, 1u) << "all writes were tried";
}

// A device that has reset itself knows of no queue: to reset one of them brings nothing back.
TEST(CampaignRegression, ADeviceThatResetItselfIsResetAsAWhole) {
  std::string steps = "steps = [{do = \"open\", completion = \"msix\", queues = 1, timeout_ms = 83},\n";
  for (unsigned i = 0; i < 9; ++i) {  // one more than the ring holds
    steps += "{do = \"read\", sector = 62, sectors = 1, batch = true},\n";
  }
  const Case subject = case_of("devices = [\"queue_reset=on,num-queues=1,queue-size=8,vectors=2\"]\n" + steps + "]\n",
                               "[[fault]]\naction = \"self-reset\"\non = \"used_seen\"\n");
  ObservationSink sink;
  const Ending ending = run_case(subject, {}, &sink);
  EXPECT_FALSE(is_failure(ending.outcome)) << ending.signature();
  EXPECT_EQ(sink.observations["queue_resets"], 0u);
  EXPECT_EQ(sink.observations["resets"], 1u);
}

// It has lost its queues, and says so when it is asked for its status before DRIVER_OK.
TEST(CampaignRegression, ADeviceThatResetItselfInTheMiddleOfItsBringUpIsNotUsed) {
  const Case subject = case_of(
      "devices = [\"num-queues=1,queue-size=64,vectors=2\"]\n"
      "steps = [{do = \"open\", completion = \"msix\", queues = 1, queue_size = 16, timeout_ms = 42}]\n",
      "[[fault]]\naction = \"self-reset\"\non = \"queue_enabled\"\n");
  const Ending ending = run_case(subject, {});
  EXPECT_EQ(ending.outcome, Outcome::refused) << ending.signature();
}

TEST(CampaignVerdict, ADeviceIsHeldToItsSideWhereNothingWasDoneToIt) {
  checks::Violation violation;
  violation.clause = "features-dev-03";
  violation.role = checks::Role::device;
  EXPECT_EQ(Told({fault(Action::lost_doorbell)}).breaks(violation).outcome(), Outcome::monitor);
  EXPECT_EQ(Told({fault(Action::lost_doorbell)}).breaks(violation).fires().outcome(), Outcome::unnoticed);
}

}  // namespace
}  // namespace ringside::campaign
