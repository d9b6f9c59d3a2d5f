// `ringside export --qtest`: what it writes runs without the bench, on a plain QEMU, and tells when that does something
// else.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <string>

#include "testbench/targets/qemu_target.h"
#include "testbench/tests/cli_program.h"

namespace ringside::tests {
namespace {

const std::string kErrors = std::string(RINGSIDE_SOURCE_DIR) + "/traces/errors/";

class ReproducerOnQemu : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    try {
      (void)targets::make_qemu_target(targets::TargetSpec::parse("qemu"), {});
    } catch (const targets::LackingError& lacking) {
      GTEST_SKIP() << lacking.what();
    }
    const ProgramResult result =
        run_program({"export", "--qtest", kErrors + GetParam() + ".toml", "--to", directory_.file("")});
    ASSERT_EQ(result.status, 0) << result.err;
  }

  [[nodiscard]] std::string file(const char* extension) const {
    return directory_.file(std::string(GetParam()) + extension);
  }
  static int shell(const std::string& command) {
    const int status = std::system(command.c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  TemporaryDirectory directory_;
};

TEST_P(ReproducerOnQemu, RunsWithoutTheBench) { EXPECT_EQ(shell("sh " + file(".sh")), 0); }

// What is read has another value than was recorded.
TEST_P(ReproducerOnQemu, NoticesADifference) {
  const std::string changed = directory_.file("changed.sh");
  ASSERT_EQ(shell("sed 's/^\\(r [a-z]* 0x[0-9a-f]* 0x\\)[0-9a-f]*$/\\177/' " + file(".sh") + " >" + changed), 0);
  EXPECT_EQ(shell("sh " + changed + " 2>" + directory_.file("said")), 1);
  EXPECT_NE(contents_of(directory_.file("said")).find("when this was recorded"), std::string::npos);
}

// QEMU's own headers, and glib's, are where QEMU is built; what a test uses of them is small.
TEST_P(ReproducerOnQemu, IsATestForLibqtest) {
  directory_.make("osdep.h", R"(
#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#define g_autofree
#define g_malloc malloc
#define g_usleep usleep
#define g_assert_cmpint(left, is, right) assert((left) is (right))
int g_file_open_tmp(const char *pattern, char **name, void **error);
void g_test_init(int *argc, char ***argv, void *end);
int g_test_run(void);
)");
  directory_.make("libqtest.h",
                  "#include \"osdep.h\"\n"
                  R"(
typedef struct QTestState QTestState;
QTestState *qtest_initf(const char *format, ...) __attribute__((format(printf, 1, 2)));
void qtest_quit(QTestState *s);
uint8_t qtest_inb(QTestState *s, uint16_t a), qtest_readb(QTestState *s, uint64_t a);
uint16_t qtest_inw(QTestState *s, uint16_t a), qtest_readw(QTestState *s, uint64_t a);
uint32_t qtest_inl(QTestState *s, uint16_t a), qtest_readl(QTestState *s, uint64_t a);
void qtest_outb(QTestState *s, uint16_t a, uint8_t v), qtest_writeb(QTestState *s, uint64_t a, uint8_t v);
void qtest_outw(QTestState *s, uint16_t a, uint16_t v), qtest_writew(QTestState *s, uint64_t a, uint16_t v);
void qtest_outl(QTestState *s, uint16_t a, uint32_t v), qtest_writel(QTestState *s, uint64_t a, uint32_t v);
void qtest_memread(QTestState *s, uint64_t a, void *data, size_t size);
void qtest_memwrite(QTestState *s, uint64_t a, const void *data, size_t size);
void qtest_memset(QTestState *s, uint64_t a, uint8_t byte, size_t size);
void qtest_add_func(const char *path, void (*function)(void));
)");
  ASSERT_EQ(shell("mkdir " + directory_.file("qemu") + " && cp " + directory_.file("osdep.h") + " " +
                  directory_.file("qemu/")),
            0);
  EXPECT_EQ(shell("cc -std=gnu11 -Wall -Werror -fsyntax-only -I" + directory_.file("") + " " + file(".c")), 0);
}

INSTANTIATE_TEST_SUITE_P(Errors, ReproducerOnQemu,
                         ::testing::Values("chain-next-is-itself", "chain-head-out-of-range", "get-id-19-bytes",
                                           "indirect-with-next", "packed-indirect", "queue-enable-zero",
                                           "discard-unmap", "request-type-12", "status-driver-ok-alone",
                                           "registers-narrow", "legacy-queue-page-zero"),
                         [](const auto& instance) {
                           std::string name = instance.param;
                           for (char& c : name) {
                             c = c == '-' ? '_' : c;
                           }
                           return name;
                         });

}  // namespace
}  // namespace ringside::tests
