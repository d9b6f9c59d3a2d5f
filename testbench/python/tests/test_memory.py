"""Memory does not grow with the log: 1.7 million events take as much as a few thousand, whoever takes them.

It needs a long run, so it is the slowest test here.
"""

import os
import subprocess

MEGABYTES = 1024  # of what getrusage counts in


def peak(program, *arguments):
    """Of the command and all its workers, in MiB."""
    # AddressSanitizer keeps what was freed, up to 256 MiB of it.
    environment = {**os.environ, "ASAN_OPTIONS": "quarantine_size_mb=1"}
    child = subprocess.Popen([program.path, *map(str, arguments)], env=environment, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)  # fmt: skip
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0
    return usage.ru_maxrss / MEGABYTES


def test_a_long_run_takes_no_more_memory_than_a_short_one(program, tmp_path):
    def outputs(name):
        return "--trace", tmp_path / (name + ".rlog"), "--wave", tmp_path / (name + ".vcd")

    short = peak(program, "run", "batch", *outputs("short"))
    long = peak(program, "run", "small-ring-wrap", *outputs("long"))
    exported = peak(program, "export", tmp_path / "long.rlog", "--to", tmp_path / "long.json")
    assert os.path.getsize(tmp_path / "long.rlog") > 100e6
    assert long < short + 24
    assert exported < short + 24
