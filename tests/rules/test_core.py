import numpy as np
import pytest

from sklearn_ispl._compatibility import Evidence
from sklearn_ispl._groups import Group
from sklearn_ispl.detectors._marks import Marked
from sklearn_ispl.learners._tasks import Verdict
from sklearn_ispl.rules import _core
from sklearn_ispl.rules._core import find_poison, is_contradicted


def classes_with_odd_rows(n_classes=4):
    """Twenty rows of class 0 are alike, and half way through a model of class 1."""
    codes = np.repeat(np.arange(n_classes), 100)
    odd = np.arange(len(codes)) < 20
    rng, looks = np.random.RandomState(0), 6 * np.eye(n_classes + 2)
    features = looks[codes + n_classes * odd]
    features = features + rng.normal(size=features.shape)
    activations = rng.normal(size=features.shape) + looks[codes + odd]
    return codes, odd, Verdict(np.zeros(len(codes)), codes, features, activations)


def with_marks(codes, exact=(), *groups):
    """Return what a search for marks finds."""
    exact = np.isin(np.arange(len(codes)), exact)
    return Marked(exact, [*groups], {code: "mark" for code in codes[exact]})


def finding(
    codes, whole, marks=None, evidence=(), monkeypatch=None, taught=1.0, seed=0
):
    if monkeypatch is not None:
        found = list(evidence)
        monkeypatch.setattr(_core, "incompatible_groups", lambda *args: found)
    components = np.arange(len(codes))[None] % 8
    rng = np.random.RandomState(seed)
    marks = marks or with_marks(codes)
    taught = np.broadcast_to(taught, len(codes))
    return find_poison(marks, [whole], taught, components, codes, rng, 0.03)


def test_groups_are_rejected_as_the_evidence_says(monkeypatch):
    codes, odd, whole = classes_with_odd_rows()
    rows = np.flatnonzero(odd)
    poison = Evidence(0, rows, "clusters", "typical", 1.5, 0.9, 2.0, 0.01, True)
    clean = Evidence(1, np.arange(100, 110), "components", "typical", 0.1, 0.9, 0.1)
    found = finding(codes, whole, None, [poison, clean], monkeypatch)
    np.testing.assert_array_equal(found.support, ~odd)
    assert found.poisoned.tolist() == [0] and not len(found.unlearned)
    assert found.evidence == [poison, clean] and not found.marks
    assert found.suspicion[odd].min() >= 0.5 > found.suspicion[~odd].max()


def test_groups_are_sought_in_what_the_model_sees():
    codes, odd, whole = classes_with_odd_rows(n_classes=10)
    found = finding(codes, whole)
    assert found.evidence[0].label == 0
    assert found.evidence[0].level < 0.05 and found.evidence[1].level > 0.2
    np.testing.assert_array_equal(found.evidence[0].rows, np.flatnonzero(odd))


def test_rows_with_a_mark_are_rejected(monkeypatch):
    codes, odd, whole = classes_with_odd_rows()
    marked = np.flatnonzero(odd)[:10]
    found = finding(codes, whole, with_marks(codes, marked), [], monkeypatch)
    np.testing.assert_array_equal(np.flatnonzero(~found.support), marked)
    assert found.marks == {0: "mark"} and (found.suspicion[marked] == 1).all()


def test_a_mark_decides_also_where_its_group_does_not_stand_out(monkeypatch):
    codes, odd, whole = classes_with_odd_rows()
    rows = np.flatnonzero(odd)
    kept = Evidence(0, rows, "clusters", "typical", 0.2, 0.9, 1.0, 0.4)
    found = finding(codes, whole, with_marks(codes, rows[:10]), [kept], monkeypatch)
    np.testing.assert_array_equal(np.flatnonzero(~found.support), rows[:10])


@pytest.mark.parametrize("seed", [0, 1])
def test_what_is_found_hangs_on_the_random_state_alone(seed):
    codes, _, whole = classes_with_odd_rows(n_classes=10)
    once, again = (finding(codes, whole, seed=seed) for _ in range(2))
    np.testing.assert_array_equal(once.suspicion, again.suspicion)
    assert [e.score for e in once.evidence] == [e.score for e in again.evidence]


@pytest.mark.parametrize(("n_clean", "rejected"), [(5, True), (25, False)])
def test_groups_with_marks_that_vary_are_judged_by_probes(
    n_clean, rejected, monkeypatch
):
    codes, odd, whole = classes_with_odd_rows()
    group = Group(np.arange(20 + n_clean), np.arange(50, 60))
    clean = Group(np.arange(120, 140))
    # A row of the fringe has a mark of its own.
    marks = with_marks(codes, [55], group, clean)
    found = finding(codes, whole, marks, [], monkeypatch)
    gone = np.flatnonzero(~found.support)
    np.testing.assert_array_equal(gone, [*(group.rows if rejected else []), 55])


def test_classes_that_models_of_other_rows_do_not_know_are_named(monkeypatch):
    codes, odd, whole = classes_with_odd_rows()
    taught = np.where(codes == 2, np.arange(400) % 5 / 10, 0.16)
    found = finding(codes, whole, None, [], monkeypatch, taught)
    assert not len(found.unlearned)
    taught[codes == 2] *= 0.7
    found = finding(codes, whole, None, [], monkeypatch, taught)
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
