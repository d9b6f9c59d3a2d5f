#include "testbench/cli/bench/tracing_bench.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iterator>
#include <memory>
#include <span>
#include <stdexcept>

#include "testbench/checks/monitors.h"
#include "testbench/cli/bench/load.h"
#include "testbench/cli/projection.h"
#include "testbench/targets/target.h"
#include "testbench/trace/background_sink.h"
#include "testbench/trace/fst_format.h"

namespace ringside::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kDepth = 32;
constexpr std::chrono::seconds kWatchdog{600};

// Who takes the records of a run.
class Taker : public trace::Sink {
 public:
  Taker() = default;
  Taker(const Taker&) = delete;
  Taker& operator=(const Taker&) = delete;
  virtual ~Taker() = default;
  // All work is done then.
  virtual void close() = 0;
};

class Nobody final : public Taker {
 public:
  void append(const trace::Record&) override {}
  void append_all(std::span<const trace::Record>) override {}
  void close() override {}
};

// As `ringside run` does it.
class FileTaker final : public Taker {
 public:
  FileTaker(const std::string& path, Format format)
      : projection_(open_projection(path, format, {})), background_(*projection_) {}
  void append(const trace::Record& record) override { background_.append(record); }
  void append_all(std::span<const trace::Record> records) override { background_.append_all(records); }
  void close() override {
    background_.finish();
    projection_->close();
  }

 private:
  std::unique_ptr<Projection> projection_;
  trace::BackgroundSink background_;
};

class MonitorTaker final : public Taker {
 public:
  explicit MonitorTaker(checks::View view) : monitors_(view), background_(monitors_) {}
  void append(const trace::Record& record) override { background_.append(record); }
  void append_all(std::span<const trace::Record> records) override { background_.append_all(records); }
  void close() override {
    background_.finish();
    if (!monitors_.finish().empty()) {
      throw std::runtime_error("the benchmark's own run breaks the protocol");
    }
  }

 private:
  checks::MonitorRun monitors_;
  trace::BackgroundSink background_;
};

class Directory {
 public:
  Directory() : path_((std::filesystem::temp_directory_path() / "ringside-bench-XXXXXX").string()) {
    if (::mkdtemp(path_.data()) == nullptr) {
      throw std::runtime_error(path_ + ": no directory for a benchmark's files");
    }
  }
  ~Directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  [[nodiscard]] std::string file(const char* name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

struct Mode {
  std::string name;
  targets::Tracing tracing;
  std::function<std::unique_ptr<Taker>(const Directory&)> make;
};

// A run as it is traced, and each of those who may take its records.
void add_modes(std::vector<Mode>& all, const std::string& prefix, targets::Tracing tracing, checks::View view) {
  const auto file = [](const char* name, Format format) {
    return [name, format](const Directory& directory) {
      return std::make_unique<FileTaker>(directory.file(name), format);
    };
  };
  all.push_back({prefix + "tap", tracing, [](const Directory&) { return std::make_unique<Nobody>(); }});
  all.push_back({prefix + "log", tracing, file("x.rlog", Format::rlog)});
  all.push_back(
      {prefix + "monitors", tracing, [view](const Directory&) { return std::make_unique<MonitorTaker>(view); }});
  if (trace::fst_missing().empty()) {
    all.push_back({prefix + "fst", tracing, file("x.fst", Format::fst)});
  }
}

std::vector<Mode> modes() {
  std::vector<Mode> all{{"off", targets::Tracing::off, [](const Directory&) { return std::make_unique<Nobody>(); }}};
  add_modes(all, "", targets::Tracing::events, checks::View::beside);
  add_modes(all, "requests_", targets::Tracing::requests, checks::View::outside);
  return all;
}

// What all others are compared with: those at the front.
constexpr std::size_t kBases = 2;

// A scenario is a plain function and finds here what it is to do.
struct Turn {
  std::size_t batches = 0;
  double seconds = 0;
};
Turn* turn = nullptr;

void read_in_scenario(scenarios::Context& context) {
  block::BlockDevice* const disk = context.open();
  if (disk == nullptr) {
    return;
  }
  {
    const LoadShape shape{"tracing", block::Operation::read, 4096, kDepth, false};
    Load load(context.machine(), *disk, shape);
    static_cast<void>(load.run_batches(kDepth));  // warm
    turn->seconds = load.run_batches(turn->batches);
  }
  disk->shutdown();
}

// Seconds: the reads, and what was still to be done with their records.
double run_once(const Mode& mode, std::size_t batches) {
  const Directory directory;
  const std::unique_ptr<Taker> taker = mode.make(directory);
  targets::RunSettings settings;
  settings.tracing = mode.tracing;
  settings.timeout = kWatchdog;
  Turn here{batches, 0};
  turn = &here;
  const scenarios::Scenario scenario{"tracing", "what tracing costs", read_in_scenario};
  const auto target = targets::make_target(targets::TargetSpec::parse("model"), settings);
  const targets::RunResult result = target->run(scenario, settings, *taker);
  if (result.outcome != targets::Outcome::held) {
    throw std::runtime_error(result.reason);
  }
  const auto end = Clock::now();
  taker->close();
  return here.seconds + std::chrono::duration<double>(Clock::now() - end).count();
}

std::string row_name(const Mode& mode) { return "tracing_" + mode.name; }
std::string ratio_name(const Mode& mode, const Mode& base) { return "tracing_" + mode.name + "_to_" + base.name; }

// The rows of a mode: its time, and that to each of the bases before it.
std::vector<std::string> rows_of(const std::vector<Mode>& all, std::size_t mode) {
  std::vector<std::string> names{row_name(all[mode])};
  for (std::size_t base = 0; base < std::min(kBases, mode); ++base) {
    names.push_back(ratio_name(all[mode], all[base]));
  }
  return names;
}

// The bases, and whatever has a row that is wanted.
std::vector<Mode> wanted_modes(const RowChoice& wanted) {
  const std::vector<Mode> all = modes();
  std::vector<Mode> chosen;
  for (std::size_t mode = 0; mode < all.size(); ++mode) {
    if (mode < kBases || std::ranges::any_of(rows_of(all, mode), wanted)) {
      chosen.push_back(all[mode]);
    }
  }
  return chosen;
}

}  // namespace

std::vector<std::string> tracing_rows() {
  std::vector<std::string> names;
  const std::vector<Mode> all = modes();
  for (std::size_t mode = 0; mode < all.size(); ++mode) {
    std::ranges::copy(rows_of(all, mode), std::back_inserter(names));
  }
  return names;
}

std::vector<Measured> measure_tracing(unsigned repetitions, double seconds, const RowChoice& wanted) {
  const std::vector<Mode> all = wanted_modes(wanted);
  constexpr std::size_t kProbe = 256;
  const double probe = run_once(all.front(), kProbe);
  const auto batches = std::max<std::size_t>(kProbe, static_cast<std::size_t>(seconds / probe * kProbe));

  std::vector<std::vector<double>> took(all.size());
  for (unsigned i = 0; i < repetitions; ++i) {
    for (std::size_t mode = 0; mode < all.size(); ++mode) {
      took[mode].push_back(run_once(all[mode], batches));
    }
  }

  std::vector<Measured> rows;
  for (std::size_t mode = 0; mode < all.size(); ++mode) {
    Measured& time = rows.emplace_back(Measured{row_name(all[mode]), "ns/request", {}});
    for (const double turn_seconds : took[mode]) {
      time.values.push_back(turn_seconds * 1e9 / static_cast<double>(batches * kDepth));
    }
    for (std::size_t base = 0; base < std::min(kBases, mode); ++base) {
      Measured& ratio =
          rows.emplace_back(Measured{ratio_name(all[mode], all[base]), all[mode].name + "/" + all[base].name, {}});
      for (unsigned i = 0; i < repetitions; ++i) {
        ratio.values.push_back(took[mode][i] / took[base][i]);
      }
    }
  }
  return rows;
}

}  // namespace ringside::cli
