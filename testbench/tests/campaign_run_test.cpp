// What judges a run of a campaign: the watches over its log, and that nothing is judged otherwise when no log is kept.
#include <gtest/gtest.h>

#include <cstddef>
#include <vector>

#include "testbench/campaign/draw_case.h"
#include "testbench/campaign/leak_watch.h"
#include "testbench/campaign/parameters.h"
#include "testbench/campaign/run_case.h"
#include "testbench/trace/record.h"
#include "testbench/trace/virtio_layout.h"

namespace ringside::campaign {
namespace {

trace::Record vector_write(std::uint32_t offset, std::uint64_t vector) {
  trace::Record record;
  record.kind = trace::Kind::register_write;
  record.region = static_cast<std::uint32_t>(trace::Structure::common);
  record.offset = offset;
  record.value = vector;
  return record;
}

trace::Record status_write(std::uint64_t value) {
  trace::Record record;
  record.kind = trace::Kind::device_status;
  record.value = value;
  return record;
}

TEST(CampaignLeakWatch, AVectorIsTakenUntilTheReset) {
  LeakWatch watch;
  watch.see(vector_write(trace::VIRTIO_PCI_COMMON_Q_MSIX, 0xffff));
  EXPECT_EQ(watch.vectors(), 0u) << "no vector was mapped";
  watch.see(vector_write(trace::VIRTIO_PCI_COMMON_MSIX, 0));
  watch.see(vector_write(trace::VIRTIO_PCI_COMMON_Q_MSIX, 1));
  watch.see(status_write(4));
  EXPECT_EQ(watch.vectors(), 1u);
  watch.see(status_write(0));
  EXPECT_EQ(watch.vectors(), 0u);
}

class KindCounter final : public trace::Sink {
 public:
  void append(const trace::Record& record) override { config_ += record.kind == trace::Kind::dev_config ? 1 : 0; }
  [[nodiscard]] std::size_t config() const { return config_; }

 private:
  std::size_t config_ = 0;
};

TEST(CampaignRun, IsJudgedAlikeWhetherItsLogIsKeptOrNot) {
  Parameters parameters;
  parameters.seeds = {0, 40};
  parameters.systematic_until = 10;
  parameters.random_until = 20;
  const CaseMaker maker(parameters);
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    const Case subject = maker.make(seed);
    KindCounter kept;
    const Ending alone = run_case(subject, {});
    const Ending watched = run_case(subject, {}, &kept);
    EXPECT_EQ(alone.outcome, watched.outcome) << "seed " << seed;
    EXPECT_EQ(alone.signature(), watched.signature()) << "seed " << seed;
    ASSERT_EQ(alone.firings.size(), watched.firings.size()) << "seed " << seed;
    for (std::size_t i = 0; i < alone.firings.size(); ++i) {
      EXPECT_EQ(alone.firings[i].fault, watched.firings[i].fault);
      EXPECT_EQ(alone.firings[i].state, watched.firings[i].state);
      EXPECT_EQ(alone.firings[i].time, watched.firings[i].time);
    }
    EXPECT_NE(kept.config(), 0u) << "a log that is kept has all there is";
  }
}

// Combinations of faults, on memory that does whatever the four barriers leave open. Ten thousand seeds of it, and the
// barriers taken away: docs/memory-order.md.
TEST(CampaignRun, NoSeedFailsOnWeakMemory) {
  Parameters parameters;
  parameters.seeds = {0, 250};
  parameters.target = "model,memory=weak";
  parameters.systematic_until = 0;
  parameters.random_until = 200;
  const CaseMaker maker(parameters);
  for (std::uint64_t seed = 0; seed < 250; ++seed) {
    const Ending ending = run_case(maker.make(seed), {});
    EXPECT_FALSE(is_failure(ending.outcome)) << "seed " << seed << ": " << ending.signature();
  }
}

}  // namespace
}  // namespace ringside::campaign
