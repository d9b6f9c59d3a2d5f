#include "testbench/cli/gdb_script.h"

#include <fmt/core.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <system_error>

namespace ringside::cli {
namespace {

constexpr char kQuietly[] = R"(
set pagination off
set confirm off
set print thread-events off
)";

// A person may run the program again and stops at the same event: the breakpoint stays.
constexpr char kStartProgram[] = R"(
set startup-with-shell off
set disable-randomization off
break ringside_debug_stop
run
)";

// By hardware: what runs first may not have its memory yet. For one stop, as there is only one: QEMU's stub now and
// then reports a breakpoint again when gdb steps over it.
constexpr char kStartMachine[] = R"(
target remote {}
thbreak ringside_debug_stop
continue
)";

// Stopped before a scenario: goes on to its first instruction.
constexpr char kEnterScenario[] = R"(
if $_isvoid($_exitcode) && $_isvoid($_exitsignal) && *(long *)&ringside_debug_next != 0
  {} **(long *)&ringside_debug_next
  continue
end
)";

// From the stop up to the code that somebody wants to look at. In Python, because gdb's own language cannot look at a
// function's name; a gdb without Python stays in the innermost frame.
constexpr char kSelectDriver[] = R"(
python
def ringside_select_driver():
    rooms = ("ringside::block::", "ringside::pci::", "ringside::virtio::", "ringside::scenarios::")
    frame = gdb.newest_frame()
    while frame is not None:
        if (frame.name() or "").startswith(rooms):
            frame.select()
            gdb.execute("frame")
            return
        frame = frame.older()
if gdb.selected_thread() is not None and gdb.newest_frame().name() == "ringside_debug_stop":
    ringside_select_driver()
end
)";

constexpr char kTell[] = R"(
if ! $_isvoid($_exitcode) || ! $_isvoid($_exitsignal)
  echo ringside: the run ended before {0}.\n
else
  if *(int *)&ringside_debug_stops > 0
    echo ringside: stopped at {0}; deadlines stand still\n
  else
    echo ringside: stopped, but not at {0}\n
  end
  echo ringside: `bt` shows how the driver came here, `continue` goes on to the verdict, `quit` ends all of it.\n
end
)";

// With the status of the run, when that has come to its end.
constexpr char kLeave[] = R"(
if ! $_isvoid($_exitcode)
  quit $_exitcode
end
if ! $_isvoid($_exitsignal)
  quit 128 + $_exitsignal
end
)";

// A file without a name, open for what this process becomes.
std::string script_file(std::string_view text) {
  const int fd = ::memfd_create("ringside-gdb", 0);
  if (fd < 0 || ::write(fd, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    throw std::system_error(errno, std::generic_category(), "a memory file for gdb's commands");
  }
  return fmt::format("/proc/self/fd/{}", fd);
}

// One script for each step: an error ends a script, and the next one is read nevertheless.
std::vector<std::string> gdb_words(const GdbSession& session, const std::string& start) {
  std::vector<std::string> words{"gdb", "-q"};
  std::string rest = fmt::format(kTell, session.where);
  if (session.commands.empty()) {
    rest += "set pagination on\n";
  } else {
    words.emplace_back("-batch");
    rest += "source " + session.commands + "\n" + kLeave;
  }
  for (const std::string& script : {kQuietly + start, std::string(kSelectDriver), rest}) {
    words.insert(words.end(), {"-x", script_file(script)});
  }
  return words;
}

}  // namespace

std::vector<std::string> gdb_on_program(const GdbSession& session) {
  std::vector<std::string> words = gdb_words(session, kStartProgram + fmt::format(kEnterScenario, "tbreak"));
  words.emplace_back("--args");
  return words;
}

std::vector<std::string> gdb_on_machine(const GdbSession& session, const std::string& socket,
                                        const std::string& image) {
  std::vector<std::string> words =
      gdb_words(session, fmt::format(kStartMachine, socket) + fmt::format(kEnterScenario, "thbreak"));
  words.push_back(image);
  return words;
}

}  // namespace ringside::cli
