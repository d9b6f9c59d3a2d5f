#!/usr/bin/env python3
"""docs/events.md, made from testbench/trace/record.h: `event_table.py > docs/events.md`. A test compares the two."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

HEAD = """# The events of a log

Made from `testbench/trace/record.h` by `testbench/python/event_table.py`. The log's schema is version {version}; what a
version promises is said in [traces.md](traces.md#schemas).

A record has 64 bytes, little endian: `time` (8, ns since power-on), `kind` (1), `tap` (1: 0 driver, 1 device, 2 bench),
`unit` (1, which block device, in the order of discovery), `width` (1, bytes of an access), `queue` (2), `flags` (2),
`region` (4), `ordinal` (4), `offset`, `value`, `length`, `hash`, `aux` (8 each). What the table does not name is 0.
In JSON lines a record is an object with these names, fields that are 0 left out.
"""


def tidy(text):
    return re.sub(r"\s+", " ", text).strip().replace("|", "\\|")


def sections(text):
    """(title, what is said of it, [(number, name, comment)]), as they stand in the enum."""
    body = re.search(r"enum class Kind[^{]*{\n(.*?)^};", text, re.S | re.M).group(1)
    found = [("", "", [])]
    target = None
    for line in body.splitlines():
        kind = re.match(r"\s*(\w+) = (\d+),\s*(?://\s*(.*))?$", line)
        comment = re.match(r"\s*// ?(.*)$", line)
        if kind:
            found[-1][2].append([int(kind.group(2)), kind.group(1), kind.group(3) or ""])
            target = found[-1][2][-1]
        elif comment and comment.group(1).startswith("---"):
            title, _, rest = comment.group(1)[3:].strip().partition(". ")
            found.append((title, rest, []))
            target = None
        elif comment and line.startswith("   " + " ") and target is not None and not re.match(r"  //", line):
            target[2] += " " + comment.group(1)
        elif comment:
            title, said, kinds = found[-1]
            found[-1] = (title, said + " " + comment.group(1), kinds)
            target = None
    return found


def table(text):
    version = ".".join(re.search(r"kSchema%s = (\d+)" % part, text).group(1) for part in ("Major", "Minor"))
    lines = [HEAD.format(version=version)]
    for title, said, kinds in sections(text):
        if not title:
            continue
        lines.append("## %s\n" % title)
        if said.strip():
            lines.append(tidy(said) + "\n")
        lines += ["| | kind | fields |", "|---|---|---|"]
        before = ""
        for number, name, comment in kinds:
            lines.append("| %d | `%s` | %s |" % (number, name, tidy(comment) or before and "the same"))
            before = before or comment
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(table((ROOT / "testbench/trace/record.h").read_text()))
