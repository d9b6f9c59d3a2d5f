#!/usr/bin/env python3
"""Stock Linux on a packed ring and on several queues, with two processors that use them at once."""

import json
import pathlib

import debian
import findings
import run_guest
from verdicts import Verdicts, items, seconds

_HERE = pathlib.Path(__file__).parent
_DISK = 64 << 20
_PACKED = 34  # VIRTIO_F_RING_PACKED

_SCRIPT = f"""
. /functions.sh
insmod /virtio_blk.ko
item features $(cat /sys/bus/virtio/devices/virtio0/features)
item queues $(ls /sys/block/vda/mq | wc -l)
fio_verify fio {seconds("RINGSIDE_FIO_SECONDS", 4)} --filename=/dev/vda --numjobs=2 --size={_DISK // 2} --offset_increment={_DISK // 2}
for vector in $(ls /sys/bus/pci/devices/0000:00:04.0/msi_irqs); do
  grep "^ *$vector:" /proc/interrupts
done
item_of mkfs /usr/sbin/mke2fs -q -t ext4 -F /dev/vda
item_of fsck e2fsck -fn /dev/vda
"""


def look(verdicts, system, properties, packed, queues):
    with run_guest.Place(system) as place:
        server = place.serve(place.disk(_DISK), "--monitors", "--json", "--device", properties)
        transcript = place.linux(
            {"script": _SCRIPT, "functions.sh": (_HERE / "functions.sh").read_text()}, "-smp", "2", patience=120
        )
        server.end()
        client = json.loads(server.document())["clients"][0]
    found = items(transcript)
    failed = verdicts.failed
    verdicts.equal(f"{properties}: findings but for SeaBIOS's", findings.unknown(client, boots=1), [])
    verdicts.equal(f"{properties}: packed", found.get("features", "").ljust(64, "0")[_PACKED], packed)
    verdicts.equal(f"{properties}: queues", found.get("queues"), queues)
    for name in ("fio", "mkfs", "fsck"):
        verdicts.equal(f"{properties}: {name}", found.get(name), "0")
    if verdicts.failed != failed:
        print(transcript)


def main():
    system = debian.find()
    verdicts = Verdicts()
    look(verdicts, system, "packed=on,num-queues=2", packed="1", queues="2")
    look(verdicts, system, "packed=on,num-queues=1,vectors=0", packed="1", queues="1")
    look(verdicts, system, "num-queues=2,event_idx=off,indirect_desc=off", packed="0", queues="2")
    verdicts.end()


if __name__ == "__main__":
    main()
