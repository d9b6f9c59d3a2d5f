#!/usr/bin/env python3
"""The first file system of a Linux guest: busybox, the tools that the tests use, the driver's module, and what it runs.

initramfs.py SCRIPT FILE writes one, for a guest that runs SCRIPT and then switches its power off.
"""

import hashlib
import lzma
import os
import pathlib
import re
import stat
import subprocess
import sys

import debian

_INIT = pathlib.Path(__file__).parent / "init"
_BUSYBOX = "usr/bin/busybox"
_LOADER = "usr/lib64/ld-linux-x86-64.so.2"
_TOOLS = (
    "usr/bin/dd",
    "usr/bin/fio",
    "usr/sbin/mke2fs",
    "usr/sbin/e2fsck",
    "usr/sbin/dumpe2fs",
    "usr/sbin/blkdiscard",
    "usr/sbin/blockdev",
)
_MODULES = ("virtio_blk",)


class Archive:
    """Files as Linux takes them from a boot loader (cpio, "newc")."""

    def __init__(self):
        self._parts = []
        self._inode = 0
        self._directories = {"."}

    def _entry(self, name, mode, data=b"", device=(0, 0)):
        self.directory(os.path.dirname(name) or ".")
        self._inode += 1
        path = name.encode() + b"\0"
        fields = (self._inode, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(path), 0)
        header = b"070701" + b"".join(b"%08X" % field for field in fields)
        self._parts.append(_padded(header + path) + _padded(data))

    def directory(self, name):
        """With those above it, once."""
        if name not in self._directories:
            self._directories.add(name)
            self._entry(name, stat.S_IFDIR | 0o755)

    def file(self, name, data, mode=0o644):
        self._entry(name, stat.S_IFREG | mode, data)

    def program(self, name, data):
        self.file(name, data, 0o755)

    def link(self, name, to):
        self._entry(name, stat.S_IFLNK | 0o777, to.encode())

    def console(self):
        self._entry("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))

    def finished(self):
        end = Archive()
        end._entry("TRAILER!!!", 0)
        return b"".join(self._parts + end._parts)


def _padded(data):
    return data + b"\0" * (-len(data) % 4)


def _libraries(system, program):
    """What the loader of that system would load, as paths inside of it."""
    listing = subprocess.run(
        system.loader + ["--list", str(program)], capture_output=True, text=True, check=True
    ).stdout
    return [os.path.relpath(path, system.root) for path in re.findall(r"=> (/\S+)", listing)]


def _module(system, name):
    found = list(system.modules.rglob(name + ".ko*"))
    data = found[0].read_bytes()
    return lzma.decompress(data) if found[0].suffix == ".xz" else data


def _base(system):
    archive = Archive()
    for name in ("proc", "sys", "tmp", "mnt", "usr/bin", "usr/sbin", "usr/lib", "usr/lib64"):
        archive.directory(name)
    archive.console()
    for name in ("bin", "sbin", "lib", "lib64"):
        archive.link(name, "usr/" + name)
    wanted = [_BUSYBOX, _LOADER, *_TOOLS]
    for tool in _TOOLS:
        wanted += [path for path in _libraries(system, system.root / tool) if path not in wanted]
    for path in wanted:
        archive.program(path, (system.root / path).read_bytes())
    for name in _MODULES:
        archive.file(name + ".ko", _module(system, name))
    return archive.finished()


def build(system, files):
    """The archive with these texts as files at the top; /init runs /script, a program of the guest's shell."""
    what = hashlib.sha256(pathlib.Path(__file__).read_bytes()).hexdigest()[:16]
    kept = system.root / f"initramfs-{what}.cpio"
    if not kept.exists():
        half = kept.with_suffix(f".{os.getpid()}")
        half.write_bytes(_base(system))
        half.rename(kept)
    own = Archive()
    own.program("init", _INIT.read_bytes())
    for name, text in files.items():
        own.file(name, text.encode())
    return kept.read_bytes() + own.finished()


def main():
    if len(sys.argv) != 3:
        sys.exit("initramfs.py: expected SCRIPT FILE")
    script = pathlib.Path(sys.argv[1]).read_text()
    pathlib.Path(sys.argv[2]).write_bytes(build(debian.find(), {"script": script}))


if __name__ == "__main__":
    main()
