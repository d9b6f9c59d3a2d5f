// A log as a waveform (VCD, IEEE 1364) for GTKWave, the same one whatever the target was. Text is in variables of
// GTKWave's type "string"; doorbells and interrupts are events.
//
//   ringside.bench    scenario, check, log
//   ringside.cpu      state (running, polling, waiting for a vector), access: the last one to ports and registers
//   ringside.irq      per vector: interrupt, count
//   ringside.diskN    device_status, features, config access, register access
//   ringside.diskN.dma      what the device did (model) or what the driver let it do (elsewhere), bytes granted to it
//   ringside.diskN.queueM   avail_idx, used_idx, doorbell, in_flight, request, sector, length, status, latency_ns, ...
#pragma once

#include <cstdint>
#include <memory>
#include <ostream>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "testbench/trace/log_file.h"
#include "testbench/trace/record.h"

namespace ringside::trace {

// What a wave has to declare before its first value: found by one pass over the log.
class VcdContents final : public Sink {
 public:
  void append(const Record& record) override;

  [[nodiscard]] const std::set<std::uint8_t>& units() const { return units_; }
  [[nodiscard]] const std::set<std::pair<std::uint8_t, std::uint16_t>>& queues() const { return queues_; }
  [[nodiscard]] const std::set<std::uint64_t>& vectors() const { return vectors_; }
  // Whether the device's own accesses to memory are in the log.
  [[nodiscard]] bool device_dma() const { return device_dma_; }

 private:
  std::set<std::uint8_t> units_;
  std::set<std::pair<std::uint8_t, std::uint16_t>> queues_;
  std::set<std::uint64_t> vectors_;
  bool device_dma_ = false;
};

// The second pass. Memory does not grow with the log.
class VcdWriter final : public Sink {
 public:
  VcdWriter(std::ostream& out, const LogMetadata& metadata, const VcdContents& contents);
  ~VcdWriter();
  VcdWriter(const VcdWriter&) = delete;
  VcdWriter& operator=(const VcdWriter&) = delete;
  void append(const Record& record) override;

 private:
  class Wave;
  std::unique_ptr<Wave> wave_;
};

// Throws FileError when the file cannot be written in full.
void write_vcd(const std::string& path, const LogMetadata& metadata, const std::vector<Record>& log);

}  // namespace ringside::trace
