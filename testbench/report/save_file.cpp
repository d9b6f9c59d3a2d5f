#include "testbench/report/save_file.h"

#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <fstream>
#include <string_view>

#include "testbench/trace/file_error.h"

namespace ringside::report {
namespace {

constexpr std::size_t kMostVariables = 100'000;
constexpr std::size_t kMostShown = 60;  // more than that nobody reads
constexpr std::size_t kMostLanes = 8;   // of requests in flight

// GTKWave's flags of a trace: how its value is written, at the right of its cell.
constexpr unsigned kBinary = 0x28;
constexpr unsigned kDecimal = 0x24;
constexpr unsigned kHexadecimal = 0x22;
constexpr unsigned kText = 0x820;
constexpr unsigned kHeading = 0x200;

std::string joined(const std::vector<std::string>& scopes, const std::string& name) {
  std::string path;
  for (const std::string& scope : scopes) {
    path += scope + ".";
  }
  return path + name;
}

unsigned flags_of(const WaveVariable& variable) {
  if (variable.type == "string") {
    return kText;
  }
  if (variable.type == "integer") {
    return kDecimal;
  }
  return variable.bits == 1 ? kBinary : kHexadecimal;
}

// GTKWave gives a vector its range, and a number of type integer none.
std::string name_in_viewer(const WaveVariable& variable) {
  const bool vector = variable.bits > 1 && variable.type == "wire";
  return vector ? fmt::format("{}[{}:0]", variable.path, variable.bits - 1) : variable.path;
}

class Text {
 public:
  Text(const SaveFile& save, const std::vector<WaveVariable>& variables) : save_(save), variables_(variables) {
    text_ = fmt::format("[*]\n[*] {}\n[*]\n[dumpfile] \"{}\"\n[timestart] {}\n[size] 1600 900\n[pos] -1 -1\n",
                        save.title, save.wave, begin());
    text_ += fmt::format("*-{}.000000 {}", zoom(), save.marker);
    for (int named = 0; named < 26; ++named) {
      text_ += " -1";
    }
    text_ +=
        "\n[treeopen] ringside.\n[sst_width] 200\n[signals_width] 300\n[sst_expanded] 1\n[sst_vpaned_height] 300\n";
  }

  std::string compose() {
    const std::string disk = fmt::format("ringside.disk{}.", save_.unit);
    const std::string queue = fmt::format("{}queue{}.", disk, save_.queue);
    heading("driver");
    show("ringside.cpu.");
    heading(fmt::format("disk {}, queue {}", save_.unit, save_.queue));
    show(queue);
    heading("interrupts");
    show("ringside.msi_");
    show("ringside.irq_");
    heading(fmt::format("disk {}", save_.unit));
    show(disk, "queue");
    heading("bench");
    show("ringside.bench.");
    heading("other queues");
    show("ringside.disk");
    return text_ + "[pattern_trace] 1\n[pattern_trace] 0\n";
  }

 private:
  // The power of two of ns in 200 pixels, of which the window shows about five.
  [[nodiscard]] int zoom() const {
    const std::uint64_t shown = std::max<std::uint64_t>(save_.to - std::min(save_.from, save_.to), 60);
    return std::min(static_cast<int>(std::bit_width(shown / 5)), 60);
  }

  // So that the marker is in the middle. GTKWave shows the beginning of the wave instead when less than a window is
  // left behind this place; a window is five times 200 pixels wide, give or take what a theme's borders need.
  [[nodiscard]] std::uint64_t begin() const {
    const std::uint64_t step = std::uint64_t{1} << zoom();
    const std::uint64_t middle = save_.marker - std::min(save_.marker, step * 5 / 2);
    return std::min(middle, save_.end - std::min(save_.end, step * 21 / 4));
  }

  void heading(const std::string& words) { heading_ = words; }

  // Those whose path begins so, each once; without those in a scope below whose name begins with `except`.
  void show(const std::string& prefix, std::string_view except = {}) {
    for (const WaveVariable& variable : variables_) {
      const bool meant = variable.path.starts_with(prefix) &&
                         (except.empty() || !std::string_view(variable.path).substr(prefix.size()).starts_with(except));
      const bool lane = variable.path.find(".in_flight_requests.") != std::string::npos;
      if (meant && !(lane && lanes_ == kMostLanes) && shown_.size() < kMostShown &&
          std::ranges::find(shown_, variable.path) == shown_.end()) {
        lanes_ += lane ? 1 : 0;
        add(variable);
      }
    }
  }

  void add(const WaveVariable& variable) {
    if (!heading_.empty()) {
      text_ += fmt::format("@{:x}\n-{}\n", kHeading, heading_);
      heading_.clear();
    }
    text_ += fmt::format("@{:x}\n{}\n", flags_of(variable), name_in_viewer(variable));
    shown_.push_back(variable.path);
  }

  const SaveFile& save_;
  const std::vector<WaveVariable>& variables_;
  std::string text_;
  std::string heading_;
  std::vector<std::string> shown_;
  std::size_t lanes_ = 0;
};

}  // namespace

std::vector<WaveVariable> variables_of_vcd(const std::string& path) {
  std::ifstream file(path);
  std::vector<WaveVariable> variables;
  std::vector<std::string> scopes;
  for (std::string word; file >> word && word != "$enddefinitions";) {
    if (word == "$scope") {
      std::string kind, name;
      file >> kind >> name;
      scopes.push_back(name);
    } else if (word == "$upscope" && !scopes.empty()) {
      scopes.pop_back();
    } else if (word == "$var" && variables.size() < kMostVariables) {
      WaveVariable variable;
      std::string code, name;
      file >> variable.type >> variable.bits >> code >> name;
      variable.path = joined(scopes, name);
      variables.push_back(variable);
    }
  }
  if (!file) {
    throw trace::FileError(path + ": expected a VCD file with declarations");
  }
  return variables;
}

std::string save_file_text(const SaveFile& save, const std::vector<WaveVariable>& variables) {
  return Text(save, variables).compose();
}

}  // namespace ringside::report
