// gdb on a run: what it is told, and how it is started. The run calls ringside_debug_stop(), where gdb has a
// breakpoint.
#pragma once

#include <string>
#include <vector>

namespace ringside::cli {

struct GdbSession {
  std::string where;     // the stop, for people: "doorbell 3 of unit 0, queue 1"
  std::string commands;  // a file of commands that gdb works through, without a person; empty: there is one
};

// Becomes gdb, and `program` with its arguments, the words, runs under it: it dies with gdb. Throws
// targets::LackingError when there is no gdb.
[[noreturn]] void become_gdb(const GdbSession& session, const std::vector<std::string>& words);

}  // namespace ringside::cli
