#!/usr/bin/env python3
"""SeaBIOS starts what is in the first sector of the served disk, through its own virtio driver: by the modern interface,
by the legacy one, and where it has the choice. The sector asks for more sectors, and says on the debug console what is
in them."""

import json
import struct

import debian
import run_guest
from verdicts import Verdicts

_DISK = 4 << 20
_SECTORS = 9  # that the first one asks for, of text
_LOAD = 0x7C00
_TEXT = 0x8000


def boot_sector():
    """16-bit code for 0000:7c00. The BIOS leaves the drive's number in DL."""
    code = bytes.fromhex("31c0 8ed8 8ec0 8ed0")  # ax, ds, es, ss = 0
    code += b"\xbc" + struct.pack("<H", _LOAD)  # mov sp, 7c00
    packet_at = len(code) + 1
    code += b"\xbe\0\0"  # mov si, packet
    code += bytes.fromhex("b442 cd13")  # int 13h, extended read
    code += bytes.fromhex("720c")  # jc end
    code += b"\xbe" + struct.pack("<H", _TEXT)  # mov si, text
    code += bytes.fromhex("ac 84c0 7404 e6e9 ebf7")  # print: lodsb; test al, al; jz end; out 0xe9, al; jmp print
    code += bytes.fromhex("b0fe e664 f4 ebfd")  # end: a reset by the keyboard controller; hlt
    packet = struct.pack("<BBHHHQ", 16, 0, _SECTORS, 0, _TEXT >> 4, 1)
    code = code[:packet_at] + struct.pack("<H", _LOAD + len(code)) + code[packet_at + 2 :] + packet
    return code.ljust(510, b"\0") + b"\x55\xaa"


def text():
    line = "a line of text that lies on the served disk, number %d\n"
    lines = "".join(line % number for number in range(70))
    return lines[: _SECTORS * 512 - 1]


def look(verdicts, system, properties, machine, expected):
    what = f"{properties or 'as it is'}, {machine}"
    with run_guest.Place(system) as place:
        disk = place.disk(_DISK)
        with open(disk, "r+b") as file:
            file.write(boot_sector() + text().encode() + b"\0")
        server = place.serve(disk, "--monitors", "--json", *(["--device", properties] if properties else []))
        place.qemu("-debugcon", "file:debug.txt", "-no-reboot", patience=60, machine=machine)
        said = (place.directory / "debug.txt").read_text(errors="replace")
        server.end()
        found = json.loads(server.document())["clients"][0]["findings"]
    verdicts.hold(f"{what}: booted, and read {_SECTORS} sectors", said == text(), "" if said == text() else said[-1500:])
    verdicts.equal(f"{what}: findings", sorted(f"{row['by']} {row['clause']}" for row in found), expected)


def main():
    system = debian.find()
    verdicts = Verdicts()
    modern = ["driver devcfg-drv-02", "driver pcicommon-drv-05", "driver status-drv-01"]
    look(verdicts, system, "", "q35", modern)
    look(verdicts, system, "disable-legacy=on", "q35", modern)
    look(verdicts, system, "disable-modern=on,disable-legacy=off", "pc", modern[1:])
    look(verdicts, system, "disable-legacy=off", "pc", modern)
    verdicts.end()


if __name__ == "__main__":
    main()
