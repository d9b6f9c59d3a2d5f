// A save file for GTKWave (.gtkw): which signals of a wave to show, and where the marker stands.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace ringside::report {

// A variable as the head of a VCD file declares it.
struct WaveVariable {
  std::string path;  // "ringside.disk0.queue0.request"
  std::string type;  // "wire", "integer", "event", "string"
  unsigned bits = 1;
};

// Reads no further than the declarations. Throws trace::FileError.
[[nodiscard]] std::vector<WaveVariable> variables_of_vcd(const std::string& path);

struct SaveFile {
  std::string wave;          // name of the wave, beside the save file
  std::string title;         // one line
  std::uint64_t marker = 0;  // ns
  std::uint64_t from = 0;    // how much the window shows
  std::uint64_t to = 0;
  std::uint64_t end = 0;  // of the wave
  std::uint8_t unit = 0;  // the disk and the queue that come first
  std::uint16_t queue = 0;
};

// Names no signal that `variables` has not got.
[[nodiscard]] std::string save_file_text(const SaveFile& save, const std::vector<WaveVariable>& variables);

}  // namespace ringside::report
