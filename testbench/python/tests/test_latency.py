"""An example: a property of a run, out of its log. Copy it and ask your own question."""

import latency
import ringside_log


def test_no_queue_of_the_model_is_slower_than_the_others(logs):
    with ringside_log.open(logs.rlog) as log:
        found, lost = latency.latencies(log)
    assert lost == 0
    reads = {queue: values for (_, queue, kind), values in found.items() if kind == "IN"}
    assert len(reads) == 8
    slowest = [latency.percentile(values, 99) for values in reads.values()]
    assert max(slowest) < 10 * min(slowest)


def test_percentiles():
    values = list(range(1, 101))
    assert [latency.percentile(values, percent) for percent in (1, 50, 99, 100)] == [1, 50, 99, 100]
    assert latency.percentile([7], 50) == 7


def test_the_table_names_every_queue(logs, capsys):
    latency.main(logs.rlog)
    printed = capsys.readouterr().out
    assert all("disk 0 queue %d IN" % queue in printed for queue in range(8))
