// What `--report` leaves behind: a page that a browser draws, and a directory whose waves open where the runs diverge.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "testbench/report/save_file.h"
#include "testbench/tests/cli_program.h"
#include "testbench/trace/log_file.h"

namespace ringside::tests {
namespace {

using nlohmann::json;

ProgramResult run_mutants(const std::vector<std::string>& arguments, const Environment& environment = {}) {
  return Program(arguments, environment, RINGSIDE_MUTANTS_PROGRAM).wait();
}

// One divergence, one agreement.
class ReportCompare : public ::testing::Test {
 protected:
  static ProgramResult compare(const std::string& directory, const std::vector<std::string>& more = {},
                               const Environment& environment = {}) {
    std::vector<std::string> words{"compare", "flush", "enumerate", "--left",   "model,mutant=wrong-sector",
                                   "--right", "model", "--json",    "--report", directory};
    words.insert(words.end(), more.begin(), more.end());
    return run_mutants(words, environment);
  }

  TemporaryDirectory directory_;
};

TEST_F(ReportCompare, AFailureIsADirectoryWithLogsAndWavesWhoseMarkerStandsOnTheDivergence) {
  const std::string out = directory_.file("report");
  const ProgramResult result = compare(out);
  ASSERT_EQ(result.status, 1) << result.err;
  const json document = json::parse(result.out);
  const json& scenarios = document["scenarios"];
  const auto flush = std::ranges::find_if(scenarios, [](const json& row) { return row["name"] == "flush"; });
  ASSERT_EQ((*flush)["verdict"], "diverge") << result.out;
  const json divergence = (*flush)["first_divergence"];
  for (const char* const side : {"left", "right"}) {
    const std::string stem = out + "/flush/" + side;
    EXPECT_FALSE(trace::read_log_file(stem + ".rlog").records.empty());
    std::set<std::string> declared;
    for (const report::WaveVariable& variable : report::variables_of_vcd(stem + ".vcd")) {
      declared.insert(variable.path);
    }
    std::size_t named = 0;
    std::uint64_t marker = 0;
    std::istringstream save(contents_of(stem + ".gtkw"));
    for (std::string line; std::getline(save, line);) {
      if (line.starts_with("ringside.")) {
        ++named;
        EXPECT_TRUE(declared.contains(line.substr(0, line.find('[')))) << line;
      } else if (line.starts_with("*-")) {
        std::istringstream numbers(line.substr(2));
        double zoom = 0;
        numbers >> zoom >> marker;
      }
    }
    EXPECT_GT(named, 10u);
    ASSERT_FALSE(divergence[side].is_null());
    EXPECT_EQ(marker, divergence[side]["time_ns"]) << side;
  }
  const std::string readme = contents_of(out + "/flush/README.txt");
  EXPECT_NE(readme.find("./ringside compare flush --seed 1 --left model,mutant=wrong-sector"), std::string::npos)
      << readme;
  EXPECT_NE(readme.find("./ringside diff " + out + "/flush/left.rlog " + out + "/flush/right.rlog\n"),
            std::string::npos)
      << readme;
  EXPECT_FALSE(std::filesystem::exists(out + "/enumerate"));  // it agreed
}

TEST_F(ReportCompare, JunitHasTheWholeStoryOfAFailure) {
  const std::string junit = directory_.file("compare.xml");
  ASSERT_EQ(compare(directory_.file("report"), {"--junit", junit}).status, 1);
  const std::string text = contents_of(junit);
  const std::size_t failure = text.find("<failure message=");
  ASSERT_NE(failure, std::string::npos) << text;
  EXPECT_LT(text.find("agreed", failure), text.find("</failure>", failure)) << text;
  EXPECT_EQ(text.find("<failure", failure + 1), std::string::npos) << text;  // the other scenario agreed
}

TEST_F(ReportCompare, GitHubIsToldOnlyWhereItAsks) {
  const ProgramResult quiet = compare(directory_.file("a"), {}, {{"GITHUB_ACTIONS", ""}});
  EXPECT_EQ(quiet.err.find("::error"), std::string::npos);
  const ProgramResult told =
      compare(directory_.file("b"), {}, {{"GITHUB_ACTIONS", "true"}, {"RINGSIDE_ROOT", RINGSIDE_SOURCE_DIR}});
  EXPECT_NE(told.err.find("::error file=testbench/scenarios/flush.cpp,title=compare flush%3A diverge::flush"),
            std::string::npos)
      << told.err;
}

TEST_F(ReportCompare, ShardsTogetherRunEverythingOnce) {
  std::multiset<std::string> names;
  for (const char* const shard : {"1/2", "2/2"}) {
    const ProgramResult part =
        run_program({"run", "queue-reset", "flush", "polled", "read-*", "--json", "--shard", shard});
    ASSERT_EQ(part.status, 0) << part.err;
    const json document = json::parse(part.out);
    for (const json& row : document["scenarios"]) {
      names.insert(row["name"]);
    }
  }
  EXPECT_EQ(names, (std::multiset<std::string>{"flush", "polled", "queue-reset", "read-only", "read-write"}));
  EXPECT_EQ(run_program({"run", "flush", "--shard", "2/2"}).status, 2);
  EXPECT_EQ(run_program({"run", "flush", "--shard", "3/2"}).status, 2);
}

// What nothing hit here, another shard may have hit.
TEST_F(ReportCompare, AShardDoesNotComplainOfWaiversThatNothingHit) {
  const std::string waivers = directory_.make("unused.toml",
                                              "[[waiver]]\nclause = \"status-dev-01\"\nreason = \"none\"\n"
                                              "scenario = \"no-such-scenario\"\ndecided_by = \"test\"\n"
                                              "expires = 2999-01-01\n");
  const ProgramResult result = run_program({"compare", "--shard", "1/1000", "--waivers", waivers});
  if (result.status == 3) {
    GTEST_SKIP() << result.err;
  }
  EXPECT_EQ(result.status, 0) << result.out << result.err;
  EXPECT_EQ(result.err.find("unused.toml"), std::string::npos) << result.err;
}

TEST_F(ReportCompare, ARunHasAPageToo) {
  const std::string out = directory_.file("run");
  const ProgramResult result =
      run_mutants({"run", "flush", "--on", "model,driver-mutant=flush-not-sent", "--report", out});
  ASSERT_EQ(result.status, 1) << result.err;
  EXPECT_TRUE(std::filesystem::exists(out + "/index.html"));
  for (const char* const file : {"run.rlog", "run.vcd", "run.gtkw", "README.txt"}) {
    EXPECT_TRUE(std::filesystem::exists(out + "/flush/" + file)) << file;
  }
}

// --- In a browser

std::string browser() {
  for (const char* const path : {"/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"}) {
    if (::access(path, X_OK) == 0) {
      return path;
    }
  }
  return {};
}

// The page as the browser has it after a script worked on it; what the script returns is in `pre` "found".
std::string drawn(const std::string& page_path, const std::string& script, const TemporaryDirectory& directory) {
  std::string page = contents_of(page_path);
  const std::string begin =
      "<script>window.problems = []; window.onerror = (what) => window.problems.push(String(what));"
      "console.error = (what) => window.problems.push(String(what));</script>";
  const std::string end =
      "<pre id=found></pre><script>setTimeout(() => { let found = {}; try { found = (() => {" + script +
      "})(); } catch (problem) { window.problems.push(String(problem)); } found.problems = window.problems;"
      "document.getElementById('found').textContent = JSON.stringify(found); }, 300);</script></body>";
  page.insert(page.find("<head>") + 6, begin);
  page.replace(page.rfind("</body>"), 7, end);
  const std::string path = directory.make("tested.html", page);
  const std::string dom = directory.file("dom.html");
  const std::string command =
      "HOME='" + directory.file("home") + "' timeout 60 " + browser() +
      " --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --virtual-time-budget=3000"
      " --dump-dom 'file://" +
      path + "' > '" + dom + "' 2> /dev/null";
  EXPECT_EQ(std::system(command.c_str()), 0) << command;
  return contents_of(dom);
}

json found_in(const std::string& dom) {
  std::smatch match;
  const std::regex pattern("<pre id=\"found\">([^<]*)</pre>");
  if (!std::regex_search(dom, match, pattern)) {
    return json::object();
  }
  return json::parse(
      std::regex_replace(std::regex_replace(match[1].str(), std::regex("&gt;"), ">"), std::regex("&amp;"), "&"),
      nullptr, false);
}

TEST_F(ReportCompare, ABrowserDrawsThePageAndItsControlsWork) {
  if (browser().empty()) {
    GTEST_SKIP() << "no Chromium here";
  }
  const std::string out = directory_.file("report");
  ASSERT_EQ(compare(out).status, 1);
  json found = found_in(drawn(out + "/index.html", R"js(
    const all = (what) => [...document.querySelectorAll(what)];
    const result = {};
    result.rows = all("#verdicts tbody tr").map((row) => row.dataset.name + " " + row.cells[1].textContent).sort();
    result.fields = all("mark").length;
    result.figures = all("svg.figure").length;
    result.events = all("#events .row:not(.head)").length;
    result.at = all("#events .row.at").length;
    const before = document.documentElement.dataset.theme;
    document.getElementById("theme").click();
    result.toggled = document.documentElement.dataset.theme !== before;
    all("th button")[0].click();
    all("th button")[0].click();
    result.sorted = all("#verdicts tbody tr").map((row) => row.dataset.name);
    result.aria = all("th")[0].getAttribute("aria-sort");
    const only = document.getElementById("only-different");
    const shown = () => document.getElementById("events-shown").textContent;
    result.whole = shown();
    only.click();
    result.part = shown();
    all("#chips button").find((one) => one.textContent.includes("agree")).click();
    result.filtered = all("#verdicts tbody tr").map((row) => row.dataset.name);
    all("#verdicts tbody a")[0].click();
    return result;
  )js",
                              directory_));
  EXPECT_EQ(found.value("problems", json{"nothing was drawn"}), json::array()) << found.dump(2);
  EXPECT_EQ(found["rows"], (json{"enumerate ✓ agree", "flush ✗ diverge"}));
  EXPECT_GE(found["fields"], 2);
  EXPECT_EQ(found["figures"], 2);
  EXPECT_GT(found["events"], 10);
  EXPECT_EQ(found["at"], 1);
  EXPECT_EQ(found["toggled"], true);
  EXPECT_EQ(found["sorted"], (json{"flush", "enumerate"}));
  EXPECT_EQ(found["aria"], "descending");
  EXPECT_NE(found["whole"], found["part"]);
  EXPECT_EQ(found["filtered"], json{"enumerate"});
}

}  // namespace
}  // namespace ringside::tests
