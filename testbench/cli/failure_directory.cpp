#include "testbench/cli/failure_directory.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>

#include "testbench/cli/output_path.h"
#include "testbench/cli/projection.h"
#include "testbench/cli/run_options.h"
#include "testbench/report/figure.h"
#include "testbench/report/save_file.h"
#include "testbench/trace/fst_format.h"

namespace ringside::cli {
namespace {

// A title is one line of the save file, and scenario files choose their names.
std::string one_line(std::string text) {
  std::ranges::replace_if(
      text, [](unsigned char byte) { return byte < 0x20 || byte == 0x7f; }, '?');
  return text;
}

void write_save_file(const std::string& stem, const FailureStory& story, const RecordedSide& side) {
  const std::vector<trace::Record>& log = side.log->records;
  const report::Figure window = report::figure_of(log, side.index);
  report::SaveFile save;
  save.wave = side.stem + ".vcd";
  save.title = one_line(fmt::format("{}, {}: {}", story.scenario, side.stem, side.log->metadata.identity));
  save.marker = window.at;
  save.from = window.from;
  save.to = window.to;
  save.end = log.empty() ? 0 : log.back().time;
  if (side.index < log.size()) {
    save.unit = log[side.index].unit;
    save.queue = log[side.index].queue;
  }
  write_file(stem + ".gtkw", report::save_file_text(save, report::variables_of_vcd(stem + ".vcd")));
}

std::string readme(const std::string& directory, const FailureStory& story) {
  std::string text = fmt::format("{}: {}\n\n", one_line(story.scenario), story.verdict);
  text += story.text.empty() ? "" : story.text + "\n";
  for (const std::string& command : story.reproduce) {
    if (story.text.find(command) == std::string::npos) {
      text += "again: " + command + "\n";
    }
  }
  for (const RecordedSide& side : story.sides) {
    text += fmt::format(
        "\n{0}.rlog  the log of {1}\n{0}.vcd   the same as a wave; the marker stands where to look:\n"
        "    gtkwave {0}.vcd {0}.gtkw\n",
        side.stem, one_line(side.log->metadata.identity));
  }
  if (story.sides.size() == 2) {
    const auto log = [&](const RecordedSide& side) {
      return shell_quoted((std::filesystem::path(directory) / (side.stem + ".rlog")).string());
    };
    text += fmt::format("\nthe logs again, without running anything:\n    ./ringside diff {} {}\n", log(story.sides[0]),
                        log(story.sides[1]));
  }
  return text;
}

}  // namespace

void write_failure_directory(const std::string& directory, const FailureStory& story) {
  require_directory(directory);
  for (const RecordedSide& side : story.sides) {
    const std::string stem = (std::filesystem::path(directory) / side.stem).string();
    write_projection(stem + ".rlog", Format::rlog, *side.log);
    write_projection(stem + ".vcd", Format::vcd, *side.log);
    if (trace::fst_missing().empty()) {
      write_projection(stem + ".fst", Format::fst, *side.log);
    }
    write_save_file(stem, story, side);
  }
  write_file((std::filesystem::path(directory) / "README.txt").string(), readme(directory, story));
}

}  // namespace ringside::cli
