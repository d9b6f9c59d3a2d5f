import copy
import json

import pytest
from check_timeline import check_timeline


@pytest.fixture(scope="module")
def timeline(logs):
    return json.loads(logs.timeline.read_text())


def test_a_timeline_keeps_the_format(timeline):
    assert check_timeline(timeline) == []
    assert sum(event["ph"] == "B" for event in timeline["traceEvents"]) > 100


def first(events, phase):
    return next(number for number, event in enumerate(events) if event["ph"] == phase)


def break_it(timeline, change):
    broken = copy.deepcopy(timeline)
    change(broken["traceEvents"])
    return check_timeline(broken)


def test_the_check_sees_what_is_wrong(timeline):
    def last_without_end(events):
        del events[max(number for number, event in enumerate(events) if event["ph"] == "E")]

    def backwards(events):
        events[first(events, "E")]["ts"] = 0

    def nameless(events):
        events[:] = [event for event in events if event["name" if "name" in event else "ph"] != "thread_name"]

    def no_counter(events):
        events[first(events, "C")]["args"] = {"in flight": "many"}

    assert "begins and does not end" in break_it(timeline, last_without_end)[-1]
    assert "time runs backwards" in break_it(timeline, backwards)[0]
    assert "has no name" in break_it(timeline, nameless)[0]
    assert "a counter that is no number" in break_it(timeline, no_counter)[0]
    assert "without a beginning" in break_it(timeline, lambda events: events.pop(first(events, "B")))[0]
    assert "phase" in break_it(timeline, lambda events: events[-1].update(ph="Z"))[0]
    assert check_timeline({}) == ["no list traceEvents"]
