import re
import struct

import pytest
import ringside_log


def records_of(path):
    with ringside_log.open(path) as log:
        return list(log)


def test_both_formats_are_the_same_log(logs):
    with ringside_log.open(logs.rlog) as binary, ringside_log.open(logs.jsonl) as lines:
        assert binary.metadata == lines.metadata
        assert binary.schema == lines.schema
        assert binary.metadata["scenario"] == "multi-queue"
        left, right = list(binary), list(lines)
    assert len(left) > 1000
    assert left == right


def test_a_log_begins_with_power_on_and_ends_with_a_verdict(logs):
    records = records_of(logs.rlog)
    assert records[0].kind == "power_on" and records[0].time == 0
    assert [record.value for record in records if record.kind == "verdict"] == [1]


def test_texts_are_joined(logs):
    texts = list(ringside_log.joined_texts(records_of(logs.rlog)))
    assert [text for record, text in texts if record.kind == "scenario"] == ["multi-queue"]
    lines = [text for record, text in texts if record.kind == "log_line"]
    assert any(len(line) > 40 for line in lines), "one that took several records"


def test_every_request_finds_its_completion(logs):
    records = records_of(logs.rlog)
    requests = list(ringside_log.requests(records))
    assert len(requests) == sum(record.kind == "request" for record in records) > 0
    assert all(request.latency > 0 and request.status == 0 for request in requests)
    assert {request.queue for request in requests} == set(range(8))


def test_what_never_completes_is_said_when_its_queue_goes_away():
    def record(kind, **fields):
        return ringside_log.Record(fields.pop("time", 0), kind, "driver", **fields)

    records = [
        record("request", time=1, queue=1, ordinal=0),
        record("request", time=2, queue=2, ordinal=0),
        record("completion", time=3, queue=1, ordinal=7),  # of none
        record("queue_enabled", time=4, queue=1),
        record("request", time=5, queue=1, ordinal=0),
        record("completion", time=9, queue=1, ordinal=0),
        record("device_status", time=10),
    ]
    found = [(request.queue, request.published, request.latency) for request in ringside_log.requests(records)]
    assert found == [(1, 1, None), (1, 5, 4), (2, 2, None)]


def test_names_are_those_of_the_program(root):
    text = (root / "testbench/trace/record.h").read_text()
    enum = re.search(r"enum class Kind[^{]*{(.*?)^};", text, re.S | re.M).group(1)
    kinds = {int(number): name for name, number in re.findall(r"^\s*(\w+) = (\d+),", enum, re.M)}
    assert ringside_log.KINDS == kinds
    assert ringside_log.MAJOR == int(re.search(r"kSchemaMajor = (\d+)", text).group(1))


# --- Versions: a minor one only adds, another major one is not read


def with_version(logs, tmp_path, major, minor):
    data = bytearray(logs.rlog.read_bytes())
    struct.pack_into("<HH", data, 8, major, minor)
    path = tmp_path / "other.rlog"
    path.write_bytes(data)
    return path, data


def test_a_newer_minor_version_with_a_kind_that_nobody_knows_is_read(logs, tmp_path):
    path, data = with_version(logs, tmp_path, 1, 99)
    first = struct.calcsize("<8sHHIII") + struct.unpack_from("<I", data, 20)[0]
    data[first + 8] = 200
    path.write_bytes(data)
    records = records_of(path)
    assert records[0].kind == "200"
    assert records[1:] == records_of(logs.rlog)[1:]


def test_another_major_version_is_refused(logs, tmp_path):
    for major in (0, 2):
        path, _ = with_version(logs, tmp_path, major, 0)
        with pytest.raises(ringside_log.LogError, match="schema %d.0; this module reads 1.x" % major):
            ringside_log.open(path)
    lines = tmp_path / "other.jsonl"
    lines.write_text(logs.jsonl.read_text().replace("ringside.log/1.", "ringside.log/2.", 1))
    with pytest.raises(ringside_log.LogError, match="this module reads 1.x"):
        ringside_log.open(lines)


def test_a_newer_minor_version_of_lines_may_have_more_fields(logs, tmp_path):
    first, rest = logs.jsonl.read_text().split("\n", 1)
    first = re.sub(r"ringside\.log/1\.\d+", "ringside.log/1.99", first)
    path = tmp_path / "newer.jsonl"
    path.write_text(first + "\n" + rest.replace('{"n":0,', '{"n":0,"novelty":[1],', 1))
    assert records_of(path) == records_of(logs.jsonl)


# --- What is no log


def test_a_log_that_was_cut_is_refused(logs, tmp_path):
    data = logs.rlog.read_bytes()
    path = tmp_path / "cut.rlog"
    for end, text in ((-10, "cut short"), (-64, "cut short"), (10, "expected a log")):
        path.write_bytes(data[:end])
        with pytest.raises(ringside_log.LogError, match=text):
            records_of(path)
    path.write_bytes(data[: -20 * 64])
    with ringside_log.open(path, partial=True) as log:
        assert len(list(log)) == len(records_of(logs.rlog)) - 19
    path.write_bytes(data[:-128] + data[-64:])
    with pytest.raises(ringside_log.LogError, match="something is missing"):
        records_of(path)


def test_a_cut_line_is_refused(logs, tmp_path):
    path = tmp_path / "cut.jsonl"
    path.write_bytes(logs.jsonl.read_bytes()[:-5])
    with pytest.raises(ringside_log.LogError, match="cut short"):
        records_of(path)


@pytest.mark.parametrize("contents", [b"", b"{}\n", b"not a log\n", b'{"schema":"ringside.run/1"}\n', b"[1]\n",
                                      b'{"schema":"ringside.log/x"}\n', b"\xff\xfe\n"])  # fmt: skip
def test_what_is_no_log_is_refused_in_one_line(tmp_path, contents):
    path = tmp_path / "none.rlog"
    path.write_bytes(contents)
    with pytest.raises(ringside_log.LogError) as problem:
        records_of(path)
    assert str(path) in str(problem.value) and "\n" not in str(problem.value)


def test_the_page_of_events_is_up_to_date(root):
    import event_table

    assert (root / "docs/events.md").read_text() == event_table.table((root / "testbench/trace/record.h").read_text()), (
        "testbench/python/event_table.py > docs/events.md makes it anew")
