// A log as a waveform, the same one whatever the target and the file's format (.vcd or .fst) were. Text is in variables
// of GTKWave's type "string"; doorbells and interrupts are events.
//
//   ringside.bench    scenario, check, log
//   ringside.cpu      state (running, polling, waiting for a vector), access: the last one to ports and registers
//   ringside.msi_V, ringside.irq_V   per vector: interrupt, count
//   ringside.diskN    device_status, features, config_access, register_access, media, interrupt_raised, ...
//   ringside.diskN.dma      activity: what the device did (model) or what the driver let it do (elsewhere); transfer,
//                           granted_bytes
//   ringside.diskN.queueM   avail_idx, used_idx, doorbell, in_flight, request: the last one published, completion: the
//                           last one seen, status, latency_ns, ...
//   ringside.diskN.queueM.in_flight_requests.laneL   one request from its publication to its completion: type, sector,
//                           length, ordinal; a status that is not OK stays until the lane's next request
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "testbench/trace/log_file.h"
#include "testbench/trace/record.h"
#include "testbench/trace/wave_format.h"

namespace ringside::trace {

// One pass; memory does not grow with the log.
class WaveWriter final : public Sink {
 public:
  explicit WaveWriter(std::unique_ptr<WaveFormat> format);
  ~WaveWriter();
  WaveWriter(const WaveWriter&) = delete;
  WaveWriter& operator=(const WaveWriter&) = delete;

  void append(const Record& record) override;
  // The file is complete then. Throws FileError when any of it could not be written.
  void close();

 private:
  class Wave;
  std::unique_ptr<WaveFormat> format_;
  std::unique_ptr<Wave> wave_;
};

// What a wave's file says that it is of.
[[nodiscard]] std::string wave_comment(const LogMetadata& metadata);

// Whole logs. Throw FileError when the file cannot be written in full.
void write_vcd(const std::string& path, const LogMetadata& metadata, const std::vector<Record>& log);

}  // namespace ringside::trace
