"""The Debian that get_qemu.sh puts beside the build: its QEMU, its kernel, its tools. They run by its own loader with its
own libraries, on this machine's files and without root."""

import os
import pathlib
import sys

_PROJECT = pathlib.Path(__file__).parents[2]
_SKIPPED = 77  # as CTest is told


class Debian:
    def __init__(self, root):
        self.root = root
        libraries = root / "usr/lib/x86_64-linux-gnu"
        # fio's libraries look for ceph's where they are installed, which is not here.
        self.loader = [
            str(root / "usr/lib64/ld-linux-x86-64.so.2"),
            "--library-path",
            f"{libraries}:{libraries}/ceph",
        ]
        self.modules = root / "linux/usr/lib/modules"
        self.kernel = next((root / "linux/boot").glob("vmlinuz-*"))

    def command(self, program, *arguments):
        return self.loader + [str(self.root / program), *map(str, arguments)]

    def qemu(self, *arguments):
        return [str(self.root / "qemu-system-x86_64"), *map(str, arguments)]


def find():
    """Ends the program, as one that was skipped, when there is none."""
    root = pathlib.Path(os.environ.get("RINGSIDE_QEMU_VFIO_USER", _PROJECT / "build/qemu-vfio-user"))
    if not (root / "ringside-stamp").exists():
        print(f"skipped: no QEMU that is a vfio-user client in {root}; `./ringside get-qemu` gets one")
        sys.exit(_SKIPPED)
    return Debian(root)
