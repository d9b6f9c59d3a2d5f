#!/usr/bin/env python3
"""Whether a timeline (FILE.json) keeps the Trace Event Format as Perfetto and Chromium read it: `check_timeline.py F`.

Every slice that begins ends, on the same track and not before it began; slices of a track nest; time does not run
backwards on a track; every process and track has a name, and only one; counters are numbers.
"""

import collections
import json
import sys

PHASES = {"B", "E", "i", "C", "M"}


class Checker:
    def __init__(self):
        self.problems = []
        self.names = {}
        self.last = {}
        self.open = collections.defaultdict(list)
        self.slices = 0

    def problem(self, number, text):
        self.problems.append("event %d: %s" % (number, text))

    def check(self, document):
        events = document.get("traceEvents")
        if not isinstance(events, list):
            self.problems.append("no list traceEvents")
            return self.problems
        if document.get("displayTimeUnit") not in ("ms", "ns"):
            self.problems.append("displayTimeUnit is neither ms nor ns")
        for number, event in enumerate(events):
            self.take(number, event)
        for (pid, tid), begun in self.open.items():
            for name in begun:
                self.problems.append("track %d/%d: %r begins and does not end" % (pid, tid, name))
        for pid, tid in self.last:
            if ("process_name", pid, 0) not in self.names:
                self.problems.append("process %d has no name" % pid)
            if tid != 0 and ("thread_name", pid, tid) not in self.names:
                self.problems.append("track %d/%d has no name" % (pid, tid))
        return self.problems

    def take(self, number, event):
        phase = event.get("ph")
        if phase not in PHASES:
            return self.problem(number, "phase %r" % phase)
        pid, tid = event.get("pid"), event.get("tid")
        if not isinstance(pid, int) or not isinstance(tid, int):
            return self.problem(number, "pid or tid is no integer")
        if phase == "M":
            return self.take_name(number, event, pid, tid)
        time = event.get("ts")
        if isinstance(time, bool) or not isinstance(time, (int, float)) or time < 0:
            return self.problem(number, "ts %r" % time)
        track = (pid, tid)
        if time < self.last.get(track, 0):
            self.problem(number, "time runs backwards: %s after %s" % (time, self.last[track]))
        self.last[track] = time
        if phase == "E":
            return self.take_end(number, track)
        if not isinstance(event.get("name"), str) or not event["name"]:
            self.problem(number, "no name")
        if phase == "B":
            self.open[track].append(event.get("name"))
        elif phase == "C":
            self.take_counter(number, event)
        elif event.get("s") not in ("t", "p", "g"):
            self.problem(number, "an instant of scope %r" % event.get("s"))

    def take_name(self, number, event, pid, tid):
        kind = event.get("name")
        value = event.get("args", {}).get("sort_index" if str(kind).endswith("_sort_index") else "name")
        if value is None:
            return self.problem(number, "%r without its value" % kind)
        if self.names.setdefault((kind, pid, tid), value) != value:
            self.problem(number, "a second %s" % kind)

    def take_end(self, number, track):
        if not self.open[track]:
            return self.problem(number, "an end without a beginning")
        self.open[track].pop()
        self.slices += 1

    def take_counter(self, number, event):
        values = event.get("args", {}).values()
        if not values or any(isinstance(value, bool) or not isinstance(value, (int, float)) for value in values):
            self.problem(number, "a counter that is no number")


def check_timeline(document):
    """What is wrong with it, a line each."""
    return Checker().check(document)


def main(path):
    checker = Checker()
    with open(path, encoding="utf-8") as file:
        problems = checker.check(json.load(file))
    for problem in problems[:20]:
        print("%s: %s" % (path, problem))
    if len(problems) > 20:
        print("%s: and %d more" % (path, len(problems) - 20))
    print("%s: %d slices on %d tracks, %d problems" % (path, checker.slices, len(checker.last), len(problems)))
    return 1 if problems else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: check_timeline.py FILE.json")
    try:
        sys.exit(main(sys.argv[1]))
    except (OSError, ValueError) as problem:
        sys.exit("%s: %s" % (sys.argv[1], problem))
