// The log of one run, on its way to all who want it: the files that were asked for, the monitors, and the words that go
// into the run's row. They work in another thread, so that the run itself is hardly slower. Nothing is kept of the log,
// so a run of a hundred million events needs no more memory than a short one.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "testbench/checks/monitors.h"
#include "testbench/cli/log_text.h"
#include "testbench/cli/projection.h"
#include "testbench/trace/background_sink.h"

namespace ringside::cli {

struct LogOutput {
  std::string path;
  Format format;
};

class RunLog final : public trace::Sink {
 public:
  // Files are opened at the first record: a run that cannot begin leaves none, and an older one as it was.
  RunLog(std::vector<LogOutput> outputs, trace::LogMetadata metadata, checks::View view = checks::View::beside);

  // The first time, throws trace::FileError when a file cannot be opened.
  void append(const trace::Record& record) override {
    if (records_++ == 0) {
      open();
    }
    background_.append(record);
  }
  void append_all(std::span<const trace::Record> records) override {
    if (records_ == 0) {
      open();
    }
    records_ += records.size();
    background_.append_all(records);
  }
  // After the last record, once. Throws trace::FileError when a file could not be written in full.
  void close();

  [[nodiscard]] std::uint64_t records() const { return records_; }
  // After close().
  [[nodiscard]] const LogText& text() const { return all_.text; }
  // After close(). None where there was no log.
  [[nodiscard]] const std::vector<checks::Violation>& violations() const { return violations_; }

 private:
  struct All final : trace::Sink {
    explicit All(checks::View view) : monitors(view) {}
    void append(const trace::Record& record) override { append_all({&record, 1}); }
    void append_all(std::span<const trace::Record> records) override;
    std::vector<std::unique_ptr<Projection>> projections;
    checks::MonitorRun monitors;
    LogText text;
  };

  void open();

  std::vector<LogOutput> outputs_;
  trace::LogMetadata metadata_;
  All all_;
  trace::BackgroundSink background_;  // its thread waits until there is a record
  std::vector<checks::Violation> violations_;
  std::uint64_t records_ = 0;
};

}  // namespace ringside::cli
