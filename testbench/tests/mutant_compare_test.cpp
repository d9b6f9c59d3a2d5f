// Deliberate mistakes in the model: `compare` must see each, exit with 1, and name the first event that differs. The
// program under test is the one over the model that can be told to make them.
#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "testbench/tests/cli_program.h"

namespace ringside::tests {
namespace {

struct Mistake {
  const char* mutant;
  const char* scenario;  // in which it shows
  const char* named;     // what the report must say of the first difference
};

std::ostream& operator<<(std::ostream& out, const Mistake& mistake) { return out << mistake.mutant; }

class MutantCompare : public ::testing::TestWithParam<Mistake> {};

TEST_P(MutantCompare, DivergesAtTheFirstEventThatDiffers) {
  const Mistake& mistake = GetParam();
  Program program({"compare", mistake.scenario, "--left", std::string("model,mutant=") + mistake.mutant}, {},
                  RINGSIDE_MUTANTS_PROGRAM);
  const ProgramResult result = program.wait();
  if (result.status == 3) {
    GTEST_SKIP() << result.err;
  }
  EXPECT_EQ(result.status, 1) << result.out << result.err;
  EXPECT_NE(result.out.find(std::string(mistake.scenario) + ": model and qemu diverge"), std::string::npos)
      << result.out;
  EXPECT_NE(result.out.find(mistake.named), std::string::npos) << result.out;
}

INSTANTIATE_TEST_SUITE_P(
    Model, MutantCompare,
    ::testing::Values(Mistake{"feature-bit-missing", "identify", "common.device_feature"},
                      Mistake{"write-mask-wrong", "write-masks", "CACHE_LINE_SIZE"},
                      Mistake{"config-read-off-by-one", "identify", "device."},
                      Mistake{"capacity-off-by-one", "boot-log", "device.capacity"},
                      Mistake{"used-length-too-long", "read-write", "used length"},
                      Mistake{"used-before-status", "read-write", "status"},
                      Mistake{"interrupt-missing", "small-ring-wrap", "timed out"},
                      Mistake{"wrong-sector", "read-write", "payload"}, Mistake{"stray-write", "read-write", "guard"},
                      Mistake{"payload-corrupted", "batch", "payload"}, Mistake{"write-lost", "read-write", "payload"},
                      Mistake{"discard-too-far", "discard", "payload"},
                      Mistake{"write-zeroes-ignored", "write-zeroes", "payload"},
                      Mistake{"id-wrong", "get-id", "payload"},
                      Mistake{"queue-reset-keeps-index", "queue-reset", "queue"},
                      Mistake{"reset-keeps-status", "boot-log", "common.device_status"},
                      Mistake{"used-id-swapped", "read-write", "completion"}, Mistake{"flush-fails", "flush", "FLUSH"},
                      Mistake{"vector-readback-wrong", "msix", "common.queue_msix_vector"},
                      Mistake{"write-cache-stuck", "write-cache", "device.writeback"},
                      Mistake{"status-byte-missing", "refused", "status"},
                      Mistake{"in-flight-kept", "get-id", "in flight of dev_queue_state differs"}),
    [](const auto& instance) {
      std::string name = instance.param.mutant;
      for (char& c : name) {
        c = c == '-' ? '_' : c;
      }
      return name;
    });

// The same program without a mistake agrees: what the tests above see is the mistake.
TEST(MutantCompareControl, AgreesWithoutAMistake) {
  Program program({"compare", "boot-log", "read-write"}, {}, RINGSIDE_MUTANTS_PROGRAM);
  const ProgramResult result = program.wait();
  if (result.status == 3) {
    GTEST_SKIP() << result.err;
  }
  EXPECT_EQ(result.status, 0) << result.out << result.err;
}

}  // namespace
}  // namespace ringside::tests
