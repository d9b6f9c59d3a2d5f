#!/usr/bin/env python3
"""How long requests took, by queue and type, out of a log: `latency.py run.rlog`.

An example of what ringside_log is for; tests/test_latency.py makes a test of it.
"""

import collections
import sys

import ringside_log

PERCENTILES = (50, 90, 99, 100)


def percentile(ordered, percent):
    """The smallest value that so many percent of all are not above. `ordered` is not empty."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def latencies(log):
    """(unit, queue, type) -> latencies in ns, ascending; and how many requests never completed."""
    found = collections.defaultdict(list)
    lost = 0
    for request in ringside_log.requests(log):
        if request.latency is None:
            lost += 1
        else:
            found[request.unit, request.queue, request.type].append(request.latency)
    return {key: sorted(values) for key, values in found.items()}, lost


def main(path):
    with ringside_log.open(path) as log:
        found, lost = latencies(log)
        print("%s on %s" % (log.metadata["scenario"], log.metadata["identity"]))
    print("%-28s %10s" % ("", "requests") + "".join("%11d%%" % percent for percent in PERCENTILES))
    for (unit, queue, kind), values in sorted(found.items()):
        row = "%-28s %10d" % ("disk %d queue %d %s" % (unit, queue, kind), len(values))
        print(row + "".join("%9d ns" % percentile(values, percent) for percent in PERCENTILES))
    if lost:
        print("%d requests never completed" % lost)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: latency.py LOG")
    try:
        main(sys.argv[1])
    except (ringside_log.LogError, OSError) as problem:
        sys.exit(str(problem))
