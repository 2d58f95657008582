import numpy as np
import pytest

from sklearn_ispl._compatibility import Evidence
from sklearn_ispl._groups import Group
from sklearn_ispl.detectors._marks import Marked
from sklearn_ispl.learners._tasks import Verdict
from sklearn_ispl.rules import _core
from sklearn_ispl.rules._core import find_poison, is_contradicted


def four_classes_with_odd_rows():
    """Twenty rows of class 0 are alike, and half way through a model of class 1."""
    codes = np.repeat(np.arange(4), 100)
    odd = np.arange(400) < 20
    rng = np.random.RandomState(0)
    features = rng.normal(size=(400, 6)) + 6 * np.eye(6)[codes + 4 * odd]
    activations = rng.normal(size=(400, 6)) + 6 * np.eye(6)[codes + odd]
    return codes, odd, Verdict(np.zeros(400), codes, features, activations)


class FixedMarks:
    """A search for marks whose finds are given."""

    def __init__(self, codes, exact=(), *groups):
        self.codes, self.groups = codes, list(groups)
        self.exact = np.isin(np.arange(len(codes)), exact)

    def search(self, verdict):
        marks = {code: "mark" for code in self.codes[self.exact]}
        return Marked(self.exact, self.groups, marks)


def finding(codes, whole, marks, evidence=(), monkeypatch=None):
    if monkeypatch is not None:
        found = list(evidence)
        monkeypatch.setattr(_core, "incompatible_groups", lambda *args: found)
    components = np.arange(len(codes))[None] % 8
    rng = np.random.RandomState(0)
    return find_poison(marks, whole, components, codes, rng, 0.03)


def test_a_group_goes_with_what_is_contradicted_in_its_fringe(monkeypatch):
    codes, odd, whole = four_classes_with_odd_rows()
    rows = np.flatnonzero(odd)
    suspect = Evidence(0, rows[:8], "clusters", 1.5, 2.0, suspect=True)
    clean = Evidence(1, np.arange(100, 110), "components", 0.1, 0.1)
    found = finding(codes, whole, FixedMarks(codes), [suspect, clean], monkeypatch)
    np.testing.assert_array_equal(found.support, ~odd)
    assert found.poisoned.tolist() == [0] and not len(found.unlearned)
    first, second = found.evidence
    assert first.rejected and first.contradicted == 1
    assert not second.rejected and np.isnan(second.contradicted)
    assert found.suspicion[odd].min() >= 0.5 > found.suspicion[~odd].max()


def test_a_suspect_group_that_probes_expect_is_kept(monkeypatch):
    codes, odd, whole = four_classes_with_odd_rows()
    suspect = Evidence(1, np.arange(100, 120), "clusters", 1.5, 2.0, suspect=True)
    found = finding(codes, whole, FixedMarks(codes), [suspect], monkeypatch)
    assert found.support.all() and not len(found.poisoned)
    assert not found.evidence[0].rejected and found.evidence[0].contradicted < 0.2


def test_rows_with_a_mark_are_rejected(monkeypatch):
    codes, odd, whole = four_classes_with_odd_rows()
    marked = np.flatnonzero(odd)[:10]
    marks = FixedMarks(codes, marked)
    found = finding(codes, whole, marks, [], monkeypatch)
    np.testing.assert_array_equal(np.flatnonzero(~found.support), marked)
    assert found.marks == {0: "mark"}


@pytest.mark.parametrize(("n_clean", "rejected"), [(5, True), (25, False)])
def test_groups_with_marks_that_vary_are_judged_one_by_one(n_clean, rejected):
    codes, odd, whole = four_classes_with_odd_rows()
    group = Group(np.arange(20 + n_clean), np.arange(50, 60))
    clean = Group(np.arange(120, 140))
    marks = FixedMarks(codes, [], group, clean)
    found = finding(codes, whole, marks)
    gone = np.flatnonzero(~found.support)
    np.testing.assert_array_equal(gone, np.arange(20 + n_clean) if rejected else [])


def test_classes_of_which_the_model_gets_most_wrong_are_named(monkeypatch):
    codes, odd, whole = four_classes_with_odd_rows()
    predicted = np.where((codes == 2) & (np.arange(400) < 275), 1, codes)
    whole = whole._replace(predicted=predicted)
    found = finding(codes, whole, FixedMarks(codes), [], monkeypatch)
    assert found.unlearned.tolist() == [2] and found.support.all()


@pytest.mark.parametrize(
    ("n_in_group", "n_in_rest", "expected"),
    [(10, 0, True), (5, 0, True), (4, 0, False), (10, 10, True), (10, 11, False)],
)
def test_a_group_is_contradicted_by_half_more_than_the_rest(
    n_in_group, n_in_rest, expected
):
    codes = np.repeat([0, 1], [40, 10])
    group = Group(np.arange(10), np.arange(10, 20))
    order = np.arange(50)
    contradicted = (order < n_in_group) | (order >= 20) & (order < 20 + n_in_rest)
    assert is_contradicted(group, codes, contradicted) == expected


@pytest.mark.parametrize(("n_rest", "expected"), [(3, False), (4, True)])
def test_a_class_with_next_to_no_other_rows_tells_nothing(n_rest, expected):
    codes = np.zeros(10 + n_rest, dtype=int)
    contradicted = np.arange(len(codes)) < 10
    assert is_contradicted(Group(np.arange(10)), codes, contradicted) == expected
