// `ringside export --qtest FILE --to DIR`: a scenario file as reproducers for a plain QEMU.
#pragma once

#include <string>

#include "testbench/cli/exit_status.h"

namespace ringside::cli {

struct QtestExport {
  std::string file;       // a scenario file
  std::string directory;  // where NAME.sh and NAME.c go
  std::string target = "qemu";
  bool json = false;
};

// Runs it on a QEMU to see what that does. Throws as the commands do.
[[nodiscard]] ExitStatus export_qtest(const QtestExport& options);

}  // namespace ringside::cli
