"""Reads Ringside's logs: FILE.rlog (binary) and FILE.jsonl (JSON lines). Needs nothing but Python 3.9.

    with ringside_log.open("run.rlog") as log:
        print(log.metadata["scenario"], log.schema)
        for record in log:
            print(record.time, record.kind, record.queue, record.value)

`requests(log)` pairs each request with its completion. What the fields of each kind mean is said in docs/traces.md.

Of the schema this reads major version 1, whatever its minor version: those only add kinds and use fields that were
zero. A kind that this module does not know yet is passed on with its number for a name. Another major version, a file
that was cut short, and one that is no log raise LogError with one line that says so; open(path, partial=True) reads the
log of a run that was killed as far as it goes.
"""

import builtins
import json
import struct
from typing import Dict, Iterator, NamedTuple, Optional, Tuple

MAJOR = 1
TAPS = ("driver", "device", "bench")

# As in testbench/trace/record.h; a test compares the two.
KINDS = {
    0: "none", 1: "power_on", 2: "scenario", 3: "text", 4: "check", 5: "observe", 6: "ask", 7: "guard",
    8: "disk_hash", 9: "verdict", 10: "log_line", 11: "log_end",
    16: "config_read", 17: "config_write", 18: "port_read", 19: "port_write", 20: "mmio_read", 21: "mmio_write",
    22: "register_read", 23: "register_write", 24: "doorbell", 25: "queue_enabled", 26: "queue_disabled",
    27: "device_status", 28: "features", 29: "msix_vector", 30: "dma_alloc", 31: "dma_free", 32: "dma_map",
    33: "dma_unmap", 34: "interrupt", 35: "wait", 36: "wait_timeout", 37: "relax", 38: "acknowledge",
    48: "avail_publish", 49: "request", 50: "used_seen", 51: "completion", 52: "used_event", 53: "avail_flags",
    54: "fence", 55: "access", 56: "defect",
    80: "dev_config", 81: "dev_register", 82: "dev_doorbell", 83: "dev_dma_read", 84: "dev_dma_write",
    85: "dev_fetch", 86: "dev_complete", 87: "dev_used", 88: "dev_interrupt", 89: "dev_status", 90: "dev_quirk",
    91: "dev_fault", 92: "dev_media", 93: "dev_state", 94: "dev_queue_state",
}  # fmt: skip

REQUEST_TYPES = {
    0: "IN", 1: "OUT", 4: "FLUSH", 8: "GET_ID", 10: "GET_LIFETIME", 11: "DISCARD", 13: "WRITE_ZEROES",
    14: "SECURE_ERASE",
}  # fmt: skip

_MAGIC = b"RINGSLOG"
_HEADER = struct.Struct("<8sHHIII")
_RECORD = struct.Struct("<QBBBBHHIIQQQQQ")
_BYTE_ORDER = 0x01020304
_MOST_METADATA = 1 << 20
_RECORDS_AT_ONCE = 4096
_TEXT_AT = 24  # where the bytes of a text record begin
_MOST_TEXT = 40
_MORE_TEXT = 1
_FIRST_MINOR_WITH_END = 2  # from there on the last record of a binary log is a log_end


class LogError(Exception):
    """The file is no log that this module can read. One line."""


class Record(NamedTuple):
    time: int  # ns since power-on
    kind: str
    tap: str
    unit: int = 0
    width: int = 0
    queue: int = 0
    flags: int = 0
    region: int = 0
    ordinal: int = 0
    offset: int = 0
    value: int = 0
    length: int = 0
    hash: int = 0
    aux: int = 0
    text: Optional[str] = None  # of a text record; the fields that hold its bytes are 0 then


class Request(NamedTuple):
    unit: int
    queue: int
    ordinal: int
    type: str
    sector: int
    length: int
    published: int  # ns since power-on
    completed: Optional[int]  # None: not before the queue or the log ended
    status: Optional[int]

    @property
    def latency(self) -> Optional[int]:
        return None if self.completed is None else self.completed - self.published


class Log:
    """A log that is being read, once, from its beginning. A context manager."""

    def __init__(self, path: str, file, metadata: dict, schema: Tuple[int, int], records: Iterator[Record]):
        self.path = path
        self.metadata = metadata  # scenario, target, identity, machine, seed, settings, ringside
        self.schema = schema  # major, minor
        self._file = file
        self._records = records

    def __iter__(self) -> Iterator[Record]:
        return self._records

    def __enter__(self) -> "Log":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()


def open(path: str, partial: bool = False) -> Log:  # noqa: A001 (as gzip.open is named)
    """Raises LogError, and OSError when the file cannot be opened."""
    path = str(path)
    file = builtins.open(path, "rb")
    try:
        start = file.read(len(_MAGIC))
        file.seek(0)
        return _open_binary(path, file, partial) if start == _MAGIC else _open_lines(path, file)
    except BaseException:
        file.close()
        raise


def requests(records) -> Iterator[Request]:
    """Each request of the driver, when it has completed; those that never do, when their queue or the log ends."""
    flying: Dict[Tuple[int, int], Dict[int, Record]] = {}

    def lost(queues):
        for queue in queues:
            for begin in flying.pop(queue, {}).values():
                yield _request(begin, None)

    for record in records:
        queue = (record.unit, record.queue)
        if record.kind == "request":
            flying.setdefault(queue, {})[record.ordinal] = record
        elif record.kind == "completion":
            begin = flying.get(queue, {}).pop(record.ordinal, None)
            if begin is not None:
                yield _request(begin, record)
        elif record.kind in ("queue_enabled", "queue_disabled"):
            yield from lost([queue])
        elif record.kind == "device_status" and record.flags == 0 and record.value == 0:
            yield from lost([other for other in flying if other[0] == record.unit])
    yield from lost(list(flying))


def _request(begin: Record, end: Optional[Record]) -> Request:
    return Request(begin.unit, begin.queue, begin.ordinal,
                   REQUEST_TYPES.get(begin.flags, "type %d" % begin.flags), begin.offset, begin.length, begin.time,
                   None if end is None else end.time, None if end is None else end.value)  # fmt: skip


# --- Binary


def _open_binary(path: str, file, partial: bool) -> Log:
    header = file.read(_HEADER.size)
    if len(header) < _HEADER.size:
        raise LogError("%s: %d bytes long; expected a log, which has a header of %d"
                       % (path, len(header), _HEADER.size))  # fmt: skip
    _, major, minor, byte_order, record_size, metadata_length = _HEADER.unpack(header)
    if byte_order != _BYTE_ORDER:
        raise LogError("%s: byte 12: written in another byte order" % path)
    _require_major(path, major, minor)
    if record_size != _RECORD.size:
        raise LogError("%s: byte 16: records of %d bytes; expected %d" % (path, record_size, _RECORD.size))
    if metadata_length > _MOST_METADATA:
        raise LogError("%s: byte 20: metadata of %d bytes; at most %d" % (path, metadata_length, _MOST_METADATA))
    try:
        metadata = json.loads(file.read(metadata_length).decode("utf-8"))
    except ValueError as problem:
        raise LogError("%s: byte 24: bad metadata: %s" % (path, problem)) from None
    needs_end = minor >= _FIRST_MINOR_WITH_END and not partial
    return Log(path, file, metadata, (major, minor), _binary_records(path, file, needs_end))


def _binary_records(path: str, file, needs_end: bool) -> Iterator[Record]:
    number = 0
    end = None
    while True:
        block = file.read(_RECORD.size * _RECORDS_AT_ONCE)
        if len(block) % _RECORD.size != 0:
            raise LogError("%s: ends inside record %d: cut short" % (path, number + len(block) // _RECORD.size))
        if not block:
            break
        for at, fields in enumerate(_RECORD.iter_unpack(block)):
            if end is not None:
                raise LogError("%s: record %d: the end of a log, and more behind it" % (path, number - 1))
            record = _from_fields(path, number, fields, block[at * _RECORD.size : (at + 1) * _RECORD.size])
            if record.kind == "log_end":
                end = record
            else:
                yield record
                number += 1
    if end is None and needs_end:
        raise LogError("%s: ends with record %d without saying so: cut short, or its writer was killed" % (path, number))
    if end is not None and end.value != number:
        raise LogError("%s: has %d records and says %d: something is missing" % (path, number, end.value))


def _from_fields(path: str, number: int, fields, raw: bytes) -> Record:
    time, kind, tap, unit, width, queue, flags, region, ordinal, offset, value, length, digest, aux = fields
    if tap >= len(TAPS):
        raise LogError("%s: record %d: tap %d; expected 0 to %d" % (path, number, tap, len(TAPS) - 1))
    name = KINDS.get(kind, str(kind))
    if name == "text":
        text = raw[_TEXT_AT : _TEXT_AT + min(width, _MOST_TEXT)].decode("utf-8", "replace")
        return Record(time, name, TAPS[tap], unit, flags=flags, text=text)
    return Record(time, name, TAPS[tap], unit, width, queue, flags, region, ordinal, offset, value, length, digest, aux)


# --- JSON lines


def _open_lines(path: str, file) -> Log:
    try:
        metadata = json.loads(file.readline(_MOST_METADATA).decode("utf-8"))
        family, _, version = metadata.pop("schema").partition("/")
        major, minor = (int(number) for number in version.split("."))
    except (ValueError, KeyError, AttributeError, TypeError):
        raise LogError("%s: line 1: not a log; expected \"RINGSLOG\", or JSON with a schema" % path) from None
    if family != "ringside.log":
        raise LogError("%s: line 1: schema %s; expected ringside.log" % (path, family))
    _require_major(path, major, minor)
    return Log(path, file, metadata, (major, minor), _line_records(path, file))


def _line_records(path: str, file) -> Iterator[Record]:
    for number, line in enumerate(file, 2):
        if not line.endswith(b"\n"):
            raise LogError("%s: line %d: cut short" % (path, number))
        try:
            fields = json.loads(line.decode("utf-8"))
            del fields["n"]
            fields["kind"] = str(fields["kind"])
            known = {name: fields[name] for name in Record._fields if name in fields}
            yield Record(**known)
        except (ValueError, KeyError, TypeError) as problem:
            raise LogError("%s: line %d: no record: %s" % (path, number, problem)) from None


def _require_major(path: str, major: int, minor: int) -> None:
    if major != MAJOR:
        raise LogError("%s: schema %d.%d; this module reads %d.x" % (path, major, minor, MAJOR))


def joined_texts(records) -> Iterator[Tuple[Record, str]]:
    """Each record that a text belongs to (log_line, check, observe, scenario), with the whole of that text."""
    of = None
    text = ""
    for record in records:
        if record.kind != "text":
            of, text = record, ""
            continue
        text += record.text or ""
        if not record.flags & _MORE_TEXT and of is not None:
            yield of, text
            of, text = None, ""
