#!/usr/bin/env python3
"""Two machines want one served disk, and one of them is killed: the second is refused and says why, the first goes on, and
the server notices its end and leaves nothing behind."""

import json
import time

import debian
import run_guest
from verdicts import Verdicts

_DISK = 1 << 20
_PATIENCE = 60

# A boot sector, 16-bit code: "up" on the debug console, then it halts with interrupts off.
_SECTOR = bytes.fromhex("fa b075 e6e9 b070 e6e9 f4 ebfd").ljust(510, b"\0") + b"\x55\xaa"


def wait_for(path, text):
    end = time.monotonic() + _PATIENCE
    while not (path.exists() and path.read_text(errors="replace").endswith(text)):
        if time.monotonic() > end:
            raise run_guest.Failed(f"{path.name} does not come to {text!r}")
        time.sleep(0.05)


def main():
    verdicts = Verdicts()
    with run_guest.Place(debian.find()) as place:
        disk = place.disk(_DISK)
        with open(disk, "r+b") as file:
            file.write(_SECTOR)
        server = place.serve(disk, "--monitors", "--json")
        first = place.start("-debugcon", "file:debug.txt")
        wait_for(place.directory / "debug.txt", "up")

        second = place.start(log="second.txt")
        verdicts.equal("exit status of the second QEMU", second.wait(_PATIENCE), 1)
        why = (place.directory / "second.txt").read_text()
        verdicts.hold("it says that the disk is taken", "Device or resource busy" in why, why if "busy" not in why else "")
        verdicts.hold("the server says so, too", any("another client came, and was refused" in line for line in server.said))
        verdicts.equal("the first machine", first.poll(), None)

        first.kill()
        server.end()
        said = "the client has left: the other side has closed the connection"
        verdicts.hold(f'the server says "{said}"', said in server.said)
        verdicts.equal("clients that were served", len(json.loads(server.document())["clients"]), 1)
        verdicts.hold("the socket has gone", not (place.directory / server.socket).exists())
    verdicts.end()


if __name__ == "__main__":
    main()
