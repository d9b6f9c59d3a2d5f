#!/usr/bin/env python3
"""Stock Linux on the served disk: what it makes of it, a file system across a reboot, the image afterwards.

RINGSIDE_FIO_SECONDS=60 makes the part that fio does as long as one may wish.
"""

import json
import pathlib
import subprocess

import debian
import findings
import run_guest
from verdicts import Verdicts, items, seconds

_HERE = pathlib.Path(__file__).parent
_DISK = 192 << 20
_FILE_SYSTEM = 96 << 20  # at the start; the rest is fio's
_SERIAL = "Ringside-0815"
_FILES = 3000

_COMMON = (_HERE / "functions.sh").read_text()

# Before and after the reboot it is the same script: the file system tells which.
_SCRIPT = """
insmod /virtio_blk.ko
item size $(cat /sys/block/vda/size)
if ! dumpe2fs -h /dev/vda >/dev/null 2>&1; then
  sh /first
  dumpe2fs -h /dev/vda >/dev/null 2>&1 || poweroff -f
  echo "guest: reboots"
  reboot -f
else
  sh /second
fi
"""


def limits(disk):
    return f"""
for file in /sys/block/{disk}/queue/* /sys/block/{disk}/serial /sys/block/{disk}/cache_type \
  /sys/block/{disk}/alignment_offset /sys/block/{disk}/discard_alignment /sys/block/{disk}/ro; do
  [ -f $file ] && item {disk}:${{file##*/}} "$(cat $file 2>&1)"
done
"""


_FIRST = f"""
. /functions.sh
{limits("vda")}
{limits("vdb")}
item_of mkfs /usr/sbin/mke2fs -q -t ext4 -F /dev/vda {_FILE_SYSTEM >> 10}
item_of mount mount -t ext4 -o discard /dev/vda /mnt
mkdir /mnt/files
i=0
while [ $i -lt {_FILES} ]; do
  echo "file $i $(($i * 7919 % 65521))" > /mnt/files/$i
  i=$(($i + 1))
done
dd if=/dev/urandom of=/mnt/large bs=1M count=24 2>/dev/null
dd if=/dev/urandom of=/mnt/gone bs=1M count=24 2>/dev/null
sync
rm /mnt/gone
(cd /mnt && find . -type f | xargs md5sum) > /tmp/sums
cp /tmp/sums /mnt/sums
item_of umount umount /mnt
item_of fsck e2fsck -fn /dev/vda
fio_verify fio {seconds("RINGSIDE_FIO_SECONDS", 5)} --filename=/dev/vda --offset={_FILE_SYSTEM} --size={_DISK - _FILE_SYSTEM}
echo virtio0 > /sys/bus/virtio/drivers/virtio_blk/unbind
item unbound $(ls /sys/block | grep -c vda)
echo virtio0 > /sys/bus/virtio/drivers/virtio_blk/bind
item bound $(ls /sys/block | grep -c vda)
item_of fsck_bound e2fsck -fn /dev/vda
"""

_SECOND = """
. /functions.sh
item_of mount_again mount -t ext4 -o discard /dev/vda /mnt
item files $(ls /mnt/files | wc -l)
cd /mnt
item_of contents md5sum -c sums
cd /
item_of umount_again umount /mnt
item_of fsck_again e2fsck -fn /dev/vda
"""


def main():
    system = debian.find()
    verdicts = Verdicts()
    with run_guest.Place(system) as place:
        disk = place.disk(_DISK)
        place.disk(_DISK, "own.img")
        server = place.serve(disk, "--write-through", "--monitors", "--json", "--device", f"serial={_SERIAL}")
        transcript = place.linux(
            {"script": _COMMON + _SCRIPT, "first": _FIRST, "second": _SECOND, "functions.sh": _COMMON},
            *("-drive", "if=none,id=own,file=own.img,format=raw"),
            *("-device", f"virtio-blk-pci,drive=own,serial={_SERIAL},addr=5"),
            patience=300 + seconds("RINGSIDE_FIO_SECONDS", 5),
        )
        server.end()
        judge(verdicts, items(transcript), transcript)
        judge_log(verdicts, json.loads(server.document())["clients"])
        judge_image(verdicts, system, disk)
        print("\n".join(server.said))
    if verdicts.failed:
        print(transcript)
    verdicts.end()


def judge(verdicts, found, transcript):
    verdicts.equal("sectors", found.get("size"), str(_DISK // 512))
    verdicts.equal("serial", found.get("vda:serial"), _SERIAL)
    served = {name[4:]: value for name, value in found.items() if name.startswith("vda:")}
    own = {name[4:]: value for name, value in found.items() if name.startswith("vdb:")}
    for name in sorted(served | own):
        verdicts.equal(f"{name}, as of QEMU's own disk", served.get(name), own.get(name))
    for name in ("mkfs", "mount", "umount", "fsck", "fio", "fsck_bound", "mount_again", "contents", "umount_again", "fsck_again"):
        verdicts.equal(name, found.get(name), "0")
    verdicts.equal("disks while unbound", found.get("unbound"), "0")
    verdicts.equal("disks when bound again", found.get("bound"), "1")
    verdicts.equal("files after the reboot", found.get("files"), str(_FILES))
    complaints = [line for line in transcript.splitlines() if "I/O error" in line or "EXT4-fs error" in line]
    verdicts.equal("complaints of the kernel", complaints, [])


def judge_log(verdicts, clients):
    verdicts.equal("clients", len(clients), 1)
    requests = clients[0]["requests"]
    for kind in ("IN", "OUT", "FLUSH", "DISCARD", "GET_ID"):
        verdicts.hold(f"requests that reached the model, {kind}", requests.get(kind, 0) > 0, requests.get(kind, 0))
    verdicts.equal("findings but for SeaBIOS's", findings.unknown(clients[0], boots=2), [])


def judge_image(verdicts, system, disk):
    image = f"{disk}"
    fsck = subprocess.run(system.command("usr/sbin/e2fsck", "-fn", image), capture_output=True, text=True)
    verdicts.equal("e2fsck of the image on the host", fsck.returncode, 0)
    for number in (0, _FILES - 1):
        text = subprocess.run(
            system.command("usr/sbin/debugfs", "-R", f"cat files/{number}", image), capture_output=True, text=True
        ).stdout
        verdicts.equal(f"file {number} in the image", text, f"file {number} {number * 7919 % 65521}\n")


if __name__ == "__main__":
    main()
