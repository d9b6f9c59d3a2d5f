#!/usr/bin/env python3
"""Stock Linux on a disk with a fault plan: its kernel's log says what the plan did, and the device breaks no rule that
the plan does not break for it."""

import json
import pathlib

import debian
import findings
import run_guest
from verdicts import Verdicts, items

_HERE = pathlib.Path(__file__).parent
_DISK = 64 << 20

_START = """
. /functions.sh
echo 3 > /proc/sys/kernel/hung_task_timeout_secs
echo 1 > /proc/sys/kernel/hung_task_check_interval_secs
insmod /virtio_blk.ko
"""

# A read of a sector that no other part of the test reads, with what Linux says of it.
_MEDIA_PLAN = """
[[fault]]
on = "queue_enabled"
action = "media-error"
request = "read"
sector = 40000
times = 1000000
"""
_MEDIA = """
/usr/bin/dd if=/dev/vda of=/dev/null bs=512 skip=40000 count=1 iflag=direct
item bad_sector $?
/usr/bin/dd if=/dev/vda of=/dev/null bs=512 skip=40001 count=8 iflag=direct 2>/dev/null
item next_sectors $?
/usr/bin/dd if=/dev/zero of=/dev/vda bs=512 seek=40000 count=1 oflag=direct 2>/dev/null
item written $?
"""

# Without the event index every buffer has its interrupt, and the next one tells of the one before too.
_LOST_PLAN = """
[[fault]]
on = "avail_publish"
nth = 100
action = "lost-interrupt"
"""
_LOST = """
item_of fio fio --name=read --rw=randread --bs=4k --ioengine=libaio --iodepth=32 --direct=1 --filename=/dev/vda \
  --size=8m --offset=16m
"""

# One request at a time has no next one. VIRTIO has no time limits, and Linux's driver none of its own.
_FOR_EVER = """
(/usr/bin/dd if=/dev/vda of=/dev/null bs=4k count=400 skip=4000 iflag=direct 2>/dev/null; item reads_ended $?) &
sleep 3
item in_flight "$(echo $(cat /sys/block/vda/inflight))"
"""

_NEEDS_RESET_PLAN = """
[[fault]]
on = "avail_publish"
nth = 60
action = "needs-reset"
"""
_REMOVED_PLAN = """
[[fault]]
on = "avail_publish"
nth = 60
action = "removed"
"""
# Who takes a device away waits for its requests, too, and so would who switches the machine off.
_REMOVED = """
(/usr/bin/dd if=/dev/vda of=/dev/null bs=4k count=400 skip=4000 iflag=direct 2>/dev/null; item reads_ended $?) &
sleep 2
item first_words $(od -An -tx2 -N2 /sys/bus/pci/devices/0000:00:04.0/config)
echo 1 > /sys/bus/pci/devices/0000:00:04.0/remove &
sleep 7
echo b > /proc/sysrq-trigger
"""


class Run:
    def __init__(self, system, verdicts, name, plan, script, properties=None):
        self.name = name
        self._verdicts = verdicts
        with run_guest.Place(system) as place:
            (place.directory / "plan.toml").write_text(plan)
            options = ["--faults", "plan.toml", "--json"] + (["--device", properties] if properties else [])
            server = place.serve(place.disk(_DISK), *options)
            self.transcript = place.linux(
                {"script": _START + script, "functions.sh": (_HERE / "functions.sh").read_text()},
                "-no-reboot",
                patience=90,
            )
            server.end()
            self.found = items(self.transcript)
            client = json.loads(server.document())["clients"][0]
        self.equal("faults that fired", sum(fault["fired"] for fault in client["faults"]), 1)
        self.equal("findings against the device", [row for row in client["findings"] if row["by"] == "device"], [])
        self.equal("findings against Linux", findings.unknown(client, boots=1), [])

    def equal(self, what, found, expected):
        self._verdicts.equal(f"{self.name}: {what}", found, expected)

    def item(self, name, expected):
        self.equal(name, self.found.get(name), expected)

    def says(self, what, expected=True):
        said = what in self.transcript
        self._verdicts.hold(f'{self.name}: the kernel says {"" if expected else "not "}"{what}"', said == expected)
        if said != expected:
            print(self.transcript[-3000:])


def main():
    system = debian.find()
    verdicts = Verdicts()

    run = Run(system, verdicts, "media error", _MEDIA_PLAN, _MEDIA)
    run.says("I/O error, dev vda, sector 40000 op 0x0:(READ)")
    run.item("bad_sector", "1")
    run.item("next_sectors", "0")
    run.item("written", "0")

    run = Run(system, verdicts, "lost interrupt", _LOST_PLAN, _LOST, "event_idx=off")
    run.item("fio", "0")
    run.says("I/O error", False)
    run.says("blocked for more than", False)

    for name, plan in (("lost interrupt, one at a time", _LOST_PLAN), ("needs reset", _NEEDS_RESET_PLAN)):
        run = Run(system, verdicts, name, plan, _FOR_EVER)
        run.item("reads_ended", None)
        run.item("in_flight", "1 0")
        run.says("I/O error", False)

    run = Run(system, verdicts, "removed", _REMOVED_PLAN, _REMOVED)
    run.item("first_words", "ffff")
    run.item("reads_ended", None)
    run.says("task sh:")
    run.says("blocked for more than")
    verdicts.end()


if __name__ == "__main__":
    main()
