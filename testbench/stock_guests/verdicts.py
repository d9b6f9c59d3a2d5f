"""What a test says: a line for each thing that it looked at."""

import os
import sys


class Verdicts:
    def __init__(self):
        self.failed = 0

    def hold(self, what, held, found=""):
        print(f"{'ok  ' if held else 'FAIL'} {what}" + (f": {found}" if found != "" else ""), flush=True)
        self.failed += not held

    def equal(self, what, found, expected):
        self.hold(what, found == expected, found if found == expected else f"{found!r}, expected {expected!r}")

    def end(self):
        sys.exit(1 if self.failed else 0)


def items(transcript):
    """The lines "item NAME: VALUE" of a guest; the last of a name counts."""
    found = {}
    for line in transcript.splitlines():
        name, colon, value = line.removeprefix("item ").partition(": ")
        if line.startswith("item ") and colon:
            found[name] = value.strip()
    return found


def seconds(name, otherwise):
    """How long a part of a test runs, as the environment says."""
    return int(os.environ.get(name, otherwise))
