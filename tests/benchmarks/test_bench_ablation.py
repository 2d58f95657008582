"""The ablation: what is taken out is out, and all else is as it was."""

from functools import partial
from types import SimpleNamespace

import pytest


@pytest.fixture
def script(import_script):
    return import_script("bench_ablation")


def test_without_a_part_nothing_of_it_is_left(script, backdoored_digits, monkeypatch):
    X, y, poisoned, _ = backdoored_digits(2)
    searches = {}

    def searched(*args, original=script.searched):
        searches.update(original(*args))
        return searches

    monkeypatch.setattr(script, "searched", searched)
    found = script.findings(X, y, 0)
    assert list(found) == script.PARTS
    for part in ("clusters", "components"):
        proposers = {one.proposer for one in found[part].evidence}
        assert proposers and part not in proposers
    assert not found[script.WHOLE].support[poisoned].any()
    assert found["clusters"].triggers
    assert not found["triggers"].triggers and found["triggers"].support[poisoned].any()
    for search in script.SEARCHES:
        assert found[search].evidence and len(found[search].support) == len(y)
    # In this draw windows show the trigger, and what a cluster shares does not.
    rows = {part: [one.rows.tolist() for one in searches[part]] for part in searches}
    assert rows[script.WHOLE] and not rows["windows"]
    for search in {*script.SEARCHES} - {"windows"}:
        assert rows[search] == rows[script.WHOLE]


def test_what_does_not_change_is_searched_once(script, monkeypatch):
    asked = []

    def find_triggers(test):
        searches = script._trigger_search
        found = [*searches.candidates(test), *searches.shared_values(test, [])]
        return [*found, *searches.pattern_groups(test, [])]

    def searching(name, test, *_):
        asked.append(name)
        return [name]

    search = script._trigger_search
    monkeypatch.setattr(search, "find_triggers", find_triggers)
    monkeypatch.setattr(search, "candidates", partial(searching, "a window"))
    monkeypatch.setattr(search, "shared_values", partial(searching, "a value"))
    monkeypatch.setattr(search, "pattern_groups", partial(searching, "a pattern"))
    found = script.searched(SimpleNamespace(code=0))
    assert found[script.WHOLE] == ["a window", "a value", "a pattern"]
    assert found["patterns"] == ["a window", "a value"]
    assert found["windows"] == ["a value", "a pattern"]
    assert found["shared values"] == ["a window", "a pattern"]
    assert asked == ["a window", "a value", "a pattern"]


def test_the_summary_counts_what_is_left_without_a_part(script):
    what = {"A": 0.9, "n_poisoned": 10, "fpr": 0.02, "named": [3], "unlearned": []}
    what["weak"] = []
    lines = [{**what, "without": script.WHOLE, "left": left} for left in (0, 6)]
    lines += [{**what, "without": "triggers", "left": 9, "named": []}]
    lines += [{**what, "without": "triggers", "left": 0, "A": None, "fpr": 0.0}]
    whole, *_, triggers = script.summary(lines)
    assert whole == (
        "all of it: 99 % found in 1 of 2, more than half left in 1, some left and "
        "nothing said in 0, 2.00 % of the clean rows lost, 0 of 0 clean sets lose "
        "nothing"
    )
    assert "99 % found in 0 of 1, more than half left in 1, some left" in triggers
    assert "nothing said in 1" in triggers
    assert "1 of 1 clean sets lose nothing" in triggers


def test_what_is_said_is_counted_by_outcome(script):
    silent = {"named": [], "weak": [], "unlearned": []}
    line = {"without": script.WHOLE, "A": 0.9, "n_poisoned": 10, "left": 0, **silent}
    lines = [{**line, "left": 4, "named": [3]}, {**line, "left": 6}, line]
    lines += [{**line, "left": 9, "A": 0.4}, {**line, "left": 9, "without": "triggers"}]
    lines += [{**line, "A": None, "unlearned": [1]}, {**line, "A": None}]
    assert [*script.sayings(lines)] == [
        "some poison left: something said in 1 of 2",
        "more than half left: something said in 0 of 1",
        "clean: something said in 1 of 2",
    ]
