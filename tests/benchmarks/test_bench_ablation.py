"""The ablation: what is taken out is out, and all else is as it was."""

from types import SimpleNamespace

import numpy as np
import pytest


@pytest.fixture
def script(import_script):
    return import_script("bench_ablation")


def test_without_a_part_nothing_of_it_is_left(script, backdoored_digits):
    X, y, poisoned, _ = backdoored_digits(0)
    found = script.findings(X, y, 0)
    assert list(found) == script.PARTS
    for part in ("clusters", "components"):
        proposers = {one.proposer for one in found[part].evidence}
        assert proposers and part not in proposers
    assert not found[script.WHOLE].support[poisoned].any() and found["clusters"].marks
    assert not found["marks"].marks and found["marks"].support[poisoned].any()
    for search in script.SEARCHES:
        assert found[search].evidence and len(found[search].support) == len(y)


def test_a_search_that_is_taken_out_finds_nothing(
    script, backdoored_digits, monkeypatch
):
    X, y, _, _ = backdoored_digits(0)
    found = {}

    def searched(*args, original=script.searched):
        found.update(original(*args))
        return found

    monkeypatch.setattr(script, "searched", searched)
    script.findings(X, y, 0)
    # Of few images, what a cluster shares shows the mark, and windows do not.
    exact = {search: one.exact for search, one in found.items()}
    assert exact[script.WHOLE].any() and not exact["shared values"].any()
    for search in {*script.SEARCHES} - {"shared values"}:
        np.testing.assert_array_equal(exact[search], exact[script.WHOLE])


def test_without_windows_nothing_is_known_of_marks_that_vary(script, monkeypatch):
    """The rows with exact marks are the same with windows and without."""
    asked = []

    def find_marks(test):
        tried = [*script._marks.candidates(test)]
        return [*script._marks._varying_groups(test, tried, np.arange(3))]

    def varying(test, tried, exact):
        asked.append(tried)
        return tried

    monkeypatch.setattr(script._marks, "find_marks", find_marks)
    monkeypatch.setattr(script._marks, "candidates", lambda test: ["a window"])
    monkeypatch.setattr(script._marks, "_varying_groups", varying)
    found = script.searched(SimpleNamespace(code=0))
    assert found[script.WHOLE] == found["patterns"] == ["a window"]
    assert found["windows"] == found["marks that vary"] == []
    # What does not change is asked once.
    assert asked == [["a window"], []]


def test_the_summary_counts_what_is_left_without_a_part(script):
    what = {"A": 0.9, "n_poisoned": 10, "fpr": 0.02, "named": [3], "unlearned": []}
    what["weak"] = []
    lines = [{**what, "without": script.WHOLE, "left": left} for left in (0, 6)]
    lines += [{**what, "without": "marks", "left": 9, "named": []}]
    lines += [{**what, "without": "marks", "left": 0, "A": None, "fpr": 0.0}]
    whole, *_, marks = script.summary(lines)
    assert whole == (
        "all of it: 99 % found in 1 of 2, more than half left in 1, some left and "
        "nothing said in 0, 2.00 % of the clean rows lost, 0 of 0 clean sets lose "
        "nothing"
    )
    assert "99 % found in 0 of 1, more than half left in 1, some left" in marks
    assert "nothing said in 1" in marks and "1 of 1 clean sets lose nothing" in marks


def test_what_is_said_is_counted_by_outcome(script):
    silent = {"named": [], "weak": [], "unlearned": []}
    line = {"without": script.WHOLE, "A": 0.9, "n_poisoned": 10, "left": 0, **silent}
    lines = [{**line, "left": 4, "named": [3]}, {**line, "left": 6}, line]
    lines += [{**line, "left": 9, "A": 0.4}, {**line, "left": 9, "without": "marks"}]
    lines += [{**line, "A": None, "unlearned": [1]}, {**line, "A": None}]
    assert [*script.sayings(lines)] == [
        "some poison left: something said in 1 of 2",
        "more than half left: something said in 0 of 1",
        "clean: something said in 1 of 2",
    ]
