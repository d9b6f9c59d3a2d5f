// One line on a terminal, rewritten, for work that takes longer than a second. Nothing anywhere else.
#pragma once

#include <chrono>
#include <string>

namespace ringside::cli {

class Progress {
 public:
  Progress();
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void show(const std::string& text);
  // Before other text goes to the terminal.
  void clear();

 private:
  bool terminal_;
  bool shown_ = false;
  std::chrono::steady_clock::time_point start_;
};

}  // namespace ringside::cli
