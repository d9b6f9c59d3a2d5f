// traces/errors: what no driver should do, on model and QEMU; and docs/qemu-differences.md, which is made of what was
// found there.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <regex>
#include <string>
#include <vector>

#include "model/quirks.h"
#include "testbench/programs/program_scenario.h"
#include "testbench/targets/machine_plan.h"
#include "testbench/targets/model_target.h"
#include "testbench/targets/qemu_target.h"
#include "testbench/tests/cli_program.h"
#include "testbench/trace/memory_log.h"

namespace ringside::tests {
namespace {

const std::string kRoot = RINGSIDE_SOURCE_DIR;
const std::string kErrors = kRoot + "/traces/errors";

std::vector<std::string> files_in(const std::string& directory) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.path().extension() == ".toml") {
      files.push_back(entry.path());
    }
  }
  std::ranges::sort(files);
  return files;
}

bool lacks_qemu() {
  try {
    (void)targets::make_qemu_target(targets::TargetSpec::parse("qemu"), {});
    return false;
  } catch (const targets::LackingError&) {
    return true;
  }
}

std::vector<targets::QuirkHit> quirks_on_model(const std::string& file, const std::string& spec) {
  const auto program = programs::load_scenario(file);
  targets::RunSettings settings;
  settings.machine = "";
  settings.tracing = targets::Tracing::off;
  settings = targets::settings_for(program->scenario(), settings);
  trace::MemoryLog log;
  const auto target = targets::make_model_target(targets::TargetSpec::parse(spec), settings);
  const targets::RunResult result = target->run(program->scenario(), settings, log);
  EXPECT_NE(result.outcome, targets::Outcome::error) << file << ": " << result.reason;
  return result.quirks;
}

// What docs/qemu-differences.md says of one quirk.
struct Difference {
  std::string quirk;
  std::string version;  // that has it
  std::string file;
};

std::vector<Difference> documented() {
  const std::string page = contents_of(kRoot + "/docs/qemu-differences.md");
  const std::regex entry(R"(### (\S+)\n\n[^\n]*QEMU (?:since|up to) (\d+\.\d+)\. \[(traces/errors/\S+\.toml)\])");
  std::vector<Difference> all;
  for (std::sregex_iterator at(page.begin(), page.end(), entry), end; at != end; ++at) {
    all.push_back({(*at)[1], (*at)[2], (*at)[3]});
  }
  return all;
}

TEST(ErrorMatrix, HasMoreThanEightyFilesThatNameTheirClause) {
  const std::vector<std::string> files = files_in(kErrors);
  EXPECT_GT(files.size(), 80u);
  for (const std::string& file : files) {
    EXPECT_FALSE(programs::load_program(file).clause.empty()) << file;
    EXPECT_EQ(contents_of(file).front(), '#') << file << ": begins with what it is about";
  }
}

// Some 200 QEMUs, one after another.
TEST(ErrorMatrix, AgreesWithQemu) {
  if (lacks_qemu()) {
    GTEST_SKIP() << "no QEMU here";
  }
  const ProgramResult result = run_program({"compare", kErrors + "/*.toml", "--json", "-j", "2"});
  const auto document = nlohmann::json::parse(result.out, nullptr, false);
  ASSERT_FALSE(document.is_discarded()) << result.err;
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(document["agree"], files_in(kErrors).size());
}

TEST(ErrorMatrix, EachQuirkShowsInItsFile) {
  const std::vector<Difference> differences = documented();
  EXPECT_GT(differences.size(), 30u);
  for (const Difference& difference : differences) {
    const auto hits = quirks_on_model(kRoot + "/" + difference.file, "model,quirks=qemu-" + difference.version);
    EXPECT_TRUE(std::ranges::any_of(hits, [&](const auto& hit) { return hit.name == difference.quirk; }))
        << difference.quirk << " in " << difference.file;
  }
}

TEST(ErrorMatrix, StrictHasNoQuirks) {
  for (const char* const name : {"indirect-after-direct", "queue-enable-zero", "get-id-20-bytes"}) {
    EXPECT_TRUE(quirks_on_model(kErrors + "/" + name + ".toml", "model,strict").empty()) << name;
  }
}

TEST(QemuDifferences, ArePrintedFromTheTableOfQuirks) {
  const ProgramResult result = run_program({"list", "--quirks"});
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.out, contents_of(kRoot + "/docs/qemu-differences.md"))
      << "write what `ringside list --quirks` prints into docs/qemu-differences.md";
}

}  // namespace
}  // namespace ringside::tests
