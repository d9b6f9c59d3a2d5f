// What gdb is told, so that somebody lands in the driver, at the stop that was asked for.
#pragma once

#include <string>
#include <vector>

namespace ringside::cli {

struct GdbSession {
  std::string where;     // the stop, for people: "doorbell 3 of unit 0, queue 1"
  std::string commands;  // a file of commands that gdb works through, without a person; empty: there is one
};

// gdb's command line, for a program that it runs itself; the program's own follows after it. It names files without a
// name that this process has open: gdb is what this process becomes, or what a child of it becomes.
[[nodiscard]] std::vector<std::string> gdb_on_program(const GdbSession& session);

// The same for a machine whose gdbstub listens at `socket`, and which will run `image`, an ELF file.
[[nodiscard]] std::vector<std::string> gdb_on_machine(const GdbSession& session, const std::string& socket,
                                                      const std::string& image);

}  // namespace ringside::cli
