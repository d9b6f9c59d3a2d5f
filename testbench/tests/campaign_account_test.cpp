// What the judge of a campaign makes of a run whose requests all ended: whether what the driver did and counted goes
// together with what was done to it.
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "driver/hal/machine.h"
#include "testbench/campaign/verdict.h"
#include "testbench/scenarios/campaign_workload.h"
#include "testbench/trace/text.h"

namespace ringside::campaign {
namespace {

using trace::Kind;
using trace::Record;

// A run as its log tells it.
class Account {
 public:
  static constexpr std::uint64_t kDriverOk = 15;

  explicit Account(const std::string& faults) : plan_(faults::parse_plan(faults, "plan.toml")) {
    observe(scenarios::kRequests, 40);
    status(0);
    status(kDriverOk);
  }
  Account& at(std::uint64_t time) {
    time_ = time;
    return *this;
  }
  Account& observe(std::string_view name, std::uint64_t value) {
    see(record_of(Kind::observe, value));
    trace::split_text(name, [this](const Record& text) { see(text); });
    return *this;
  }
  Account& status(std::uint64_t value) { return see(record_of(Kind::device_status, value)); }
  Account& fired(std::uint64_t fault = 1) { return see(record_of(Kind::dev_fault, fault)); }
  Account& flush() {
    constexpr std::uint16_t kFlush = 4;
    Record record = record_of(Kind::request, 0);
    record.flags = kFlush;
    return see(record);
  }

  [[nodiscard]] std::string end() const {
    targets::RunResult result;
    result.outcome = targets::Outcome::held;
    const Ending ending = judge(plan_, result, evidence_);
    return is_failure(ending.outcome) ? failure_of(ending) : std::string(to_string(ending.outcome));
  }

 private:
  static std::string failure_of(const Ending& ending) {
    return std::string(to_string(ending.outcome)) + ": " + ending.where;
  }
  [[nodiscard]] Record record_of(Kind kind, std::uint64_t value) const {
    Record record;
    record.kind = kind;
    record.time = time_;
    record.value = value;
    return record;
  }
  Account& see(const Record& record) {
    evidence_.states.see(record, index_);
    evidence_.observations.see(record, index_);
    ++index_;
    return *this;
  }

  faults::Plan plan_;
  Evidence evidence_;
  std::size_t index_ = 0;
  std::uint64_t time_ = 0;
};

Account under(const std::string& action, const std::string& more = "") {
  return Account("[[fault]]\non = \"doorbell\"\naction = \"" + action + "\"\n" + more);
}

TEST(CampaignAccount, WithoutAFaultNothingIsCounted) {
  EXPECT_EQ(under("lost-doorbell").end(), "not-fired");
  EXPECT_EQ(under("lost-doorbell").observe("config_changes", 1).end(), "not-fired");
  EXPECT_EQ(under("lost-doorbell").observe("lost_interrupts", 1).end(),
            "unaccounted: the driver found something wrong, and nothing was");
  EXPECT_EQ(under("lost-doorbell").observe("I/O error", 1).end(),
            "unaccounted: the driver found something wrong, and nothing was");
}

TEST(CampaignAccount, AnErrorIsToldByItsStatus) {
  for (const char* const status : {"I/O error", "unsupported", "refused", "timed out", "device lost"}) {
    EXPECT_EQ(under("lost-doorbell").fired().observe(status, 1).end(), "error") << status;
  }
}

TEST(CampaignAccount, ADeadlineIsMissedOnlyWhereSomethingDelays) {
  EXPECT_EQ(under("completion-never").fired().observe("timed out", 1).observe("timeouts", 1).end(), "error");
  EXPECT_EQ(under("media-error").fired().observe("timed out", 1).observe("timeouts", 1).end(),
            "unaccounted: a request missed its deadline, and nothing delays it");
}

TEST(CampaignAccount, AFaultAloneLeadsWhereItMay) {
  EXPECT_EQ(under("used-twice").fired().observe("resets", 1).observe("replays", 3).end(), "replayed");
  EXPECT_EQ(under("lost-interrupt").fired().observe("lost_interrupts", 1).end(), "counted");
  EXPECT_EQ(under("lost-interrupt").fired().observe("resets", 1).observe("replays", 3).end(),
            "unaccounted: replayed, to which the fault does not lead");
  Account both(
      "[[fault]]\non = \"doorbell\"\naction = \"lost-interrupt\"\n[[fault]]\non = \"doorbell\"\naction = "
      "\"used-twice\"\n");
  EXPECT_EQ(both.fired(1).fired(2).observe("resets", 1).observe("replays", 3).end(), "replayed");
}

TEST(CampaignAccount, RequestsAreSentAgainNoMoreOftenThanTheyMay) {
  const auto run = [](std::uint64_t replays) {
    return under("completion-never").fired().observe("resets", 50).observe("replays", replays).end();
  };
  EXPECT_EQ(run(3 * 40), "replayed");
  EXPECT_EQ(run(3 * 40 + 1), "unaccounted: requests are sent again more often than they may");
}

TEST(CampaignAccount, AFlushThatSucceededWasSent) {
  EXPECT_EQ(under("media-slow", "value = 1").fired().flush().observe(scenarios::kFlushes, 1).end(), "unnoticed");
  EXPECT_EQ(under("media-slow", "value = 1").fired().observe(scenarios::kFlushes, 1).end(),
            "unaccounted: a flush succeeded that no device was sent");
}

// Late by what a reset took is in time.
TEST(CampaignAccount, ARequestIsLateByNoMoreThanResetsTake) {
  const auto run = [](std::uint64_t down) {
    Account account = under("completion-never");
    account.fired().observe("timed out", 1).observe("resets", 1);
    account.at(hal::kSecond).status(0).at(hal::kSecond + down).status(Account::kDriverOk);
    return account.observe(scenarios::kLateness, 500 * hal::kMillisecond).end();
  };
  EXPECT_EQ(run(500 * hal::kMillisecond), "reset");
  EXPECT_EQ(run(400 * hal::kMillisecond), "late: a request ended by its deadline and what resets took");
}

}  // namespace
}  // namespace ringside::campaign
