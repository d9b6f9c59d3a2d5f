"""One `ringside serve`, and machines that have its disk in them."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import threading
import time

import initramfs

_MEMORY = "512M"


class Failed(Exception):
    """What was to be judged did not come about."""


class Server:
    """For one client. `said` is what it has printed."""

    def __init__(self, directory, disk, *options):
        self.socket = "s"  # in the directory: paths of sockets are short
        self.said = []
        program = os.environ.get("RINGSIDE_PROGRAM", str(pathlib.Path(__file__).parents[2] / "build/ringside"))
        self._process = subprocess.Popen(
            [program, "serve", "--socket", self.socket, "--disk", str(disk), "--once", *map(str, options)],
            cwd=directory,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if "--json" not in options else subprocess.PIPE,
            text=True,
        )
        self._lines = self._process.stderr or self._process.stdout
        self._ready = threading.Event()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        if not self._ready.wait(20) or self._process.poll() is not None:
            self.close()
            raise Failed("the server did not start: " + " / ".join(self.said))

    def _read(self):
        for line in self._lines:
            self.said.append(line.rstrip())
            self._ready.set()
        self._ready.set()

    def end(self):
        """It ends when its client has left: the exit status."""
        try:
            status = self._process.wait(60)
        except subprocess.TimeoutExpired:
            raise Failed("the server stays though its client has left") from None
        self._reader.join()
        return status

    def document(self):
        """What --json printed, after end()."""
        return self._process.stdout.read()

    def close(self):
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
        self._reader.join()


def _end(process):
    if process.poll() is None:
        process.kill()
        process.wait()


class Place:
    """A directory with what one test needs, gone when it is over."""

    def __init__(self, debian):
        self.debian = debian
        self._stack = contextlib.ExitStack()

    def __enter__(self):
        self.directory = pathlib.Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="ringside-")))
        return self

    def __exit__(self, *what):
        self._stack.close()

    def disk(self, size, name="disk.img"):
        path = self.directory / name
        with open(path, "wb") as file:
            file.truncate(size)
        return path

    def serve(self, disk, *options):
        server = Server(self.directory, disk, *options)
        self._stack.callback(server.close)
        return server

    def start(self, *arguments, machine="q35", log="qemu.txt"):
        """A machine with the served disk in it, as a process. What QEMU itself says goes into `log`."""
        client = json.dumps({"driver": "vfio-user-pci", "socket": {"path": "s", "type": "unix"}, "addr": "4", "bootindex": 1})
        command = self.debian.qemu(
            *("-nodefaults", "-no-user-config", "-display", "none", "-accel", "tcg"),
            *("-object", f"memory-backend-memfd,id=ram,size={_MEMORY},share=on", "-m", _MEMORY),
            *("-machine", f"{machine},memory-backend=ram", "-serial", "file:serial.txt"),
            *("-device", client),
            *arguments,
        )
        with open(self.directory / log, "wb") as file:
            process = subprocess.Popen(command, cwd=self.directory, stdout=file, stderr=file)
        self._stack.callback(_end, process)
        return process

    def qemu(self, *arguments, patience, machine="q35"):
        """What came out of the serial port of such a machine, until its power was off."""
        process = self.start(*arguments, machine=machine)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            _end(process)
            raise Failed(f"the guest did not end in {patience} s:\n{self._serial()[-4000:]}") from None
        if process.returncode != 0:
            raise Failed("QEMU ended with " + str(process.returncode) + ": " + (self.directory / "qemu.txt").read_text())
        return self._serial()

    def _serial(self):
        path = self.directory / "serial.txt"
        return path.read_text(errors="replace").replace("\r", "") if path.exists() else ""

    def linux(self, files, *arguments, patience=120):
        (self.directory / "initramfs").write_bytes(initramfs.build(self.debian, files))
        return self.qemu(
            *("-kernel", self.debian.kernel, "-initrd", "initramfs"),
            *("-append", "console=ttyS0 panic=-1 quiet loglevel=6"),
            *arguments,
            patience=patience,
        )
