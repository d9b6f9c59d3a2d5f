// The driver of docs/porting.md on both targets, as its reader would run it.
#include <gtest/gtest.h>

#include <string>

#include "testbench/tests/cli_program.h"

namespace ringside::tests {
namespace {

ProgramResult run_example(const std::string& target, const std::string& log) {
  return Program({target, log}, {}, RINGSIDE_EXAMPLE_DRIVER).wait();
}

TEST(ExampleDriverOnModelAndQemu, AgreesAndBreaksNoRequirement) {
  const TemporaryDirectory directory;
  const std::string model_log = directory.file("model.rlog");
  const std::string qemu_log = directory.file("qemu.rlog");
  const ProgramResult model = run_example("model", model_log);
  EXPECT_EQ(model.status, 0) << model.out << model.err;
  const ProgramResult qemu = run_example("qemu", qemu_log);
  if (qemu.status == 3) {
    GTEST_SKIP() << qemu.err;
  }
  EXPECT_EQ(qemu.status, 0) << qemu.out << qemu.err;
  const ProgramResult diff = run_program({"diff", model_log, qemu_log});
  EXPECT_EQ(diff.status, 0) << diff.out << diff.err;
}

TEST(ExampleDriverOnModelAndQemu, SaysWhatIsWrongWithTheTarget) {
  const ProgramResult result = run_example("modle", "/dev/null");
  EXPECT_EQ(result.status, 2);
  EXPECT_NE(result.err.find("unknown target"), std::string::npos) << result.err;
}

}  // namespace
}  // namespace ringside::tests
