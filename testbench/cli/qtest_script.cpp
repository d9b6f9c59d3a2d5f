#include "testbench/cli/qtest_script.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <span>

namespace ringside::cli {
namespace {

using targets::QtestStep;
using Kind = QtestStep::Kind;

// A line of text stays readable, and within what qtest takes.
constexpr std::size_t kMostBytes = 512;
constexpr std::size_t kUniform = 16;  // from so many equal bytes on, one command sets them all

std::string hex(std::span<const std::uint8_t> bytes) {
  std::string text = "0x";
  for (const std::uint8_t byte : bytes) {
    text += fmt::format("{:02x}", byte);
  }
  return text;
}

// What `put` prints for one piece of a step's bytes.
template <class Put>
void in_pieces(const QtestStep& step, Put put) {
  const std::span<const std::uint8_t> all(step.bytes);
  for (std::size_t done = 0; done < all.size();) {
    const auto rest = all.subspan(done);
    const auto other = std::ranges::find_if(rest, [&](std::uint8_t byte) { return byte != rest[0]; });
    const auto equal = static_cast<std::size_t>(other - rest.begin());
    const auto piece = rest.first(equal >= kUniform ? equal : std::min(rest.size(), kMostBytes));
    put(step.address + done, piece, equal == piece.size());
    done += piece.size();
  }
}

std::string drive(const Reproducer& what, std::size_t disk, const std::string& file) {
  return fmt::format("-drive file={},id=disk{},format=raw,if=none,cache=writeback,discard=unmap{}", file, disk,
                     what.disk_read_only[disk] ? ",read-only=on" : "");
}

std::string comment(const Reproducer& what, const char* lead) {
  const std::string clause = what.clause.empty() ? "" : fmt::format("\n{}VIRTIO 1.2, {}.", lead, what.clause);
  return fmt::format("{}{}: {}{}\n{}Recorded on {}.\n", lead, what.name, what.summary, clause, lead, what.recorded_on);
}

// POSIX, so that it runs wherever a QEMU does. A QEMU's answers come through a named pipe: one answer to one command.
constexpr char kPrelude[] = R"(set -u
trap '' PIPE
qemu=${QEMU:-qemu-system-x86_64}
command -v "$qemu" >/dev/null || { echo "$qemu: no such program" >&2; exit 2; }
work=$(mktemp -d) || exit 2
trap 'exec 3>&- 4<&-; kill "$pid" 2>/dev/null; rm -rf "$work"' EXIT
pid=
mkfifo "$work/to" "$work/from"

# Firmware that does nothing: cli; hlt at the reset vector.
{ head -c 65520 /dev/zero; printf '\372\364\353\375'; head -c 12 /dev/zero; } >"$work/rom"
)";

constexpr char kFunctions[] = R"(
exec 3>"$work/to" 4<"$work/from"

fail() {
  echo "$name: step $step: $*" >&2
  [ -s "$work/errors" ] && sed 's/^/  QEMU: /' "$work/errors" >&2
  exit 1
}
ask() {
  step=$((step + 1))
  echo "$*" >&3
  while read -r answer <&4; do
    case $answer in IRQ*) ;; *) return 0 ;; esac
  done
  fail "QEMU has gone after: $*"
}
# w COMMAND ADDRESS VALUE: writes a register.
w() { ask "$@"; [ "$answer" = OK ] || fail "$* was answered $answer"; }
# r COMMAND ADDRESS VALUE: the register has this value, soon.
r() {
  tries=0
  while ask "$1" "$2"; [ $((${answer#OK })) -ne $(($3)) ]; do
    tries=$((tries + 1))
    [ $tries -lt 100 ] || fail "$1 $2 is ${answer#OK }, and was $3 when this was recorded"
    sleep 0.02
  done
}
# m ADDRESS SIZE BYTES and z ADDRESS SIZE BYTE: memory, as the driver writes it.
m() { w write "$1" "$2" "$3"; }
z() { w memset "$1" "$2" "$3"; }
# e ADDRESS SIZE BYTES: memory, as the device has written it, soon.
e() {
  tries=0
  while ask read "$1" "$2"; [ "$answer" != "OK $3" ]; do
    tries=$((tries + 1))
    [ $tries -lt 100 ] || fail "memory at $1 is ${answer#OK }, and was $3 when this was recorded"
    sleep 0.02
  done
}
name=$(basename "$0")
step=0

)";

std::string shell_line(const QtestStep& step) {
  std::string text;
  switch (step.kind) {
    case Kind::write:
      return fmt::format("w {} {:#x} {:#x}\n", step.command, step.address, step.value);
    case Kind::read:
      return fmt::format("r {} {:#x} {:#x}\n", step.command, step.address, step.value);
    case Kind::memory:
      in_pieces(step, [&](std::uint64_t address, std::span<const std::uint8_t> bytes, bool uniform) {
        text += uniform ? fmt::format("z {:#x} {:#x} {:#x}\n", address, bytes.size(), bytes[0])
                        : fmt::format("m {:#x} {:#x} {}\n", address, bytes.size(), hex(bytes));
      });
      return text;
    case Kind::await:
      in_pieces(step, [&](std::uint64_t address, std::span<const std::uint8_t> bytes, bool) {
        text += fmt::format("e {:#x} {:#x} {}\n", address, bytes.size(), hex(bytes));
      });
      return text;
  }
  return text;
}

// "outl" as qtest's protocol has it is qtest_outl() in libqtest, "writel" qtest_writel().
std::string c_line(const QtestStep& step) {
  std::string text;
  const auto array = [](std::span<const std::uint8_t> bytes) { return fmt::format("{:#04x}", fmt::join(bytes, ", ")); };
  switch (step.kind) {
    case Kind::write:
      return fmt::format("    qtest_{}(s, {:#x}, {:#x});\n", step.command, step.address, step.value);
    case Kind::read:
      return fmt::format("    WAIT_FOR(qtest_{}(s, {:#x}) == {:#x});\n", step.command, step.address, step.value);
    case Kind::memory:
      in_pieces(step, [&](std::uint64_t address, std::span<const std::uint8_t> bytes, bool uniform) {
        text += uniform ? fmt::format("    qtest_memset(s, {:#x}, {:#x}, {:#x});\n", address, bytes[0], bytes.size())
                        : fmt::format("    PUT({:#x}, {});\n", address, array(bytes));
      });
      return text;
    case Kind::await:
      in_pieces(step, [&](std::uint64_t address, std::span<const std::uint8_t> bytes, bool) {
        text += fmt::format("    EXPECT({:#x}, {});\n", address, array(bytes));
      });
      return text;
  }
  return text;
}

constexpr char kCPrelude[] =
    "\n"
    "#include \"qemu/osdep.h\"\n"
    "#include \"libqtest.h\"\n"
    R"(
/* What the device does, it does soon. */
#define WAIT_FOR(condition)                                        \
    do {                                                           \
        int tries = 0;                                             \
        while (!(condition)) {                                     \
            g_assert_cmpint(++tries, <, 100);                      \
            g_usleep(20000);                                       \
        }                                                          \
    } while (0)

/* Memory, as the driver writes it. */
#define PUT(address, ...)                                          \
    do {                                                           \
        static const uint8_t bytes[] = {__VA_ARGS__};              \
        qtest_memwrite(s, address, bytes, sizeof(bytes));          \
    } while (0)

/* Memory, as the device has written it. */
#define EXPECT(address, ...)                                       \
    WAIT_FOR(holds(s, address, (const uint8_t[]) {__VA_ARGS__},    \
                   sizeof((const uint8_t[]) {__VA_ARGS__})))

static bool holds(QTestState *s, uint64_t address, const uint8_t *bytes,
                  size_t size)
{
    g_autofree uint8_t *seen = g_malloc(size);

    qtest_memread(s, address, seen, size);
    return memcmp(seen, bytes, size) == 0;
}
)";

std::string c_string(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    escaped += c == '"' || c == '\\' ? std::string{'\\', c} : std::string{c};
  }
  return escaped;
}

}  // namespace

std::string shell_script(const Reproducer& what, const std::vector<QtestStep>& steps) {
  std::string text = "#!/bin/sh\n" + comment(what, "# ");
  text +=
      "# Needs nothing but a QEMU: $QEMU, or qemu-system-x86_64. Exit status 0: it does what it did then; 1: it does\n";
  text += "# not, and where; 2: it could not be started.\n";
  text += kPrelude;
  std::string drives;
  for (std::size_t disk = 0; disk < what.disk_bytes.size(); ++disk) {
    text += fmt::format("truncate -s {} \"$work/disk{}\"\n", what.disk_bytes[disk], disk);
    drives += " \\\n  " + drive(what, disk, fmt::format("\"$work/disk{}\"", disk));
  }
  text += fmt::format(
      "\"$qemu\" -nodefaults -no-user-config -display none -accel tcg -machine {} -m {}M -bios \"$work/rom\"{} \\\n"
      "  {} \\\n  -qtest stdio -qtest-log none <\"$work/to\" >\"$work/from\" 2>\"$work/errors\" &\npid=$!\n",
      what.machine, what.ram_bytes >> 20, drives, fmt::join(what.device_arguments, " "));
  text += kFunctions;
  for (const QtestStep& step : steps) {
    text += shell_line(step);
  }
  return text + "echo \"$name: as recorded\"\n";
}

std::string libqtest_source(const Reproducer& what, const std::vector<QtestStep>& steps) {
  std::string text =
      "/*\n" + comment(what, " * ") + " * Add it to tests/qtest of a QEMU's source, beside the others.\n */\n";
  text += kCPrelude;
  text += "\nstatic void reproduce(void)\n{\n";
  std::string files;
  std::string drives;
  for (std::size_t disk = 0; disk < what.disk_bytes.size(); ++disk) {
    text += fmt::format(
        "    g_autofree char *disk{} = NULL;\n    int fd{} = g_file_open_tmp(\"disk-XXXXXX\", &disk{}, NULL);\n", disk,
        disk, disk);
    files += fmt::format(", disk{}", disk);
    drives += drive(what, disk, "%s") + " ";
  }
  text += "    QTestState *s;\n\n";
  for (std::size_t disk = 0; disk < what.disk_bytes.size(); ++disk) {
    text += fmt::format("    g_assert_cmpint(ftruncate(fd{}, {}), ==, 0);\n    close(fd{});\n", disk,
                        what.disk_bytes[disk], disk);
  }
  text += fmt::format(
      "    s = qtest_initf(\"-nodefaults -machine {} -m {}M \"\n                    \"{}\"\n                    "
      "\"{}\"{});\n\n",
      what.machine, what.ram_bytes >> 20, c_string(drives),
      c_string(fmt::format("{}", fmt::join(what.device_arguments, " "))), files);
  for (const QtestStep& step : steps) {
    text += c_line(step);
  }
  text += "\n    qtest_quit(s);\n";
  for (std::size_t disk = 0; disk < what.disk_bytes.size(); ++disk) {
    text += fmt::format("    unlink(disk{});\n", disk);
  }
  return text + fmt::format(
                    "}}\n\nint main(int argc, char **argv)\n{{\n    g_test_init(&argc, &argv, NULL);\n    "
                    "qtest_add_func(\"/virtio-blk/{}\", reproduce);\n    return g_test_run();\n}}\n",
                    what.name);
}

}  // namespace ringside::cli
