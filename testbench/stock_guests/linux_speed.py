#!/usr/bin/env python3
"""How fast stock Linux reads from the served disk, beside QEMU's own virtio-blk-pci on a raw file in the same machine:
4 KiB at random, 32 at a time (fio), in turns. RINGSIDE_FIO_SECONDS is how long a turn is."""

import pathlib
import statistics

import debian
import run_guest
from verdicts import Verdicts, items, seconds

_HERE = pathlib.Path(__file__).parent
_DISK = 256 << 20
_TURNS = 3
_ENOUGH = 0.8  # of what QEMU's own reaches

_SCRIPT = f"""
. /functions.sh
insmod /virtio_blk.ko
turn=0
while [ $turn -lt {_TURNS} ]; do
  for disk in vda vdb; do
    fio --name=read --filename=/dev/$disk --rw=randread --bs=4k --ioengine=libaio --iodepth=32 --direct=1 \
      --time_based --runtime={seconds("RINGSIDE_FIO_SECONDS", 5)} --ramp_time=1 --minimal >/tmp/out
    item $disk:$turn $(cut -d ';' -f 8 /tmp/out)
  done
  turn=$(($turn + 1))
done
"""


def main():
    system = debian.find()
    verdicts = Verdicts()
    with run_guest.Place(system) as place:
        disk = place.disk(_DISK)
        disk.write_bytes(bytes(range(256)) * (_DISK // 256))
        (place.directory / "own.img").write_bytes(disk.read_bytes())
        server = place.serve(disk)
        found = items(
            place.linux(
                {"script": _SCRIPT, "functions.sh": (_HERE / "functions.sh").read_text()},
                *("-drive", "if=none,id=own,file=own.img,format=raw", "-device", "virtio-blk-pci,drive=own,addr=5"),
                patience=120 + 2 * _TURNS * seconds("RINGSIDE_FIO_SECONDS", 5),
            )
        )
        verdicts.equal("exit status of the server", server.end(), 0)
    served, own = ([int(found.get(f"{disk}:{turn}", 0)) for turn in range(_TURNS)] for disk in ("vda", "vdb"))
    print(f"served: {served} reads/s, QEMU's own: {own}")
    ratio = statistics.median(served) / max(1, statistics.median(own))
    verdicts.hold(f"at least {_ENOUGH} of QEMU's own", ratio >= _ENOUGH, f"{ratio:.2f}")
    verdicts.end()


if __name__ == "__main__":
    main()
