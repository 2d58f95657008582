import numpy as np
import pytest

from sklearn_ispl._compatibility import Evidence
from sklearn_ispl._groups import Group
from sklearn_ispl.detectors._marks import Marked
from sklearn_ispl.learners._tasks import Verdict, whole_task
from sklearn_ispl.rules import _core
from sklearn_ispl.rules._core import contradicted_rows, find_poison, is_contradicted


def four_classes_with_odd_rows():
    """Twenty rows of class 0 are alike in the features."""
    codes = np.repeat(np.arange(4), 100)
    odd = np.arange(400) < 20
    rng = np.random.RandomState(0)
    features = rng.normal(size=(400, 6)) + 6 * np.eye(6)[codes + 4 * odd]
    return codes, odd, features


# Activations that say nothing of a row.
NOTHING = np.random.RandomState(1).normal(size=(400, 6))


def examiner(codes, odd, features, asked=None):
    """Models that know the odd rows if they were trained on one, else are wrong."""

    def examine(tasks):
        for task in tasks:
            rows = task.judged
            if asked is not None:
                asked.append(task)
            if task.look_inside:
                yield Verdict(
                    np.zeros(len(rows)), codes[rows], features[rows], NOTHING[rows]
                )
                continue
            knows = np.isin(task.trained, np.flatnonzero(odd)).any()
            wrong = odd[rows] & (not knows)
            predicted = np.where(wrong, (codes[rows] + 1) % 4, codes[rows])
            rng = np.random.RandomState(task.seed)
            losses = np.where(wrong, 9.0, rng.uniform(0, 1, len(rows)))
            yield Verdict(losses, predicted)

    return examine


class FixedMarks:
    """A search for marks whose finds are given."""

    def __init__(self, codes, exact=(), *groups):
        self.codes, self.groups = codes, list(groups)
        self.exact = np.isin(np.arange(len(codes)), exact)

    def search(self, verdict):
        marks = {code: "mark" for code in self.codes[self.exact]}
        return Marked(self.exact, self.groups, marks)


def finding(codes, odd, features, marks, evidence=(), monkeypatch=None, asked=None):
    rng = np.random.RandomState(0)
    examine = examiner(codes, odd, features, asked)
    (whole,) = examine([whole_task(np.arange(len(codes)), rng, 20)])
    if monkeypatch is not None:
        found = list(evidence)
        monkeypatch.setattr(_core, "incompatible_groups", lambda *args: found)
    components = np.arange(len(codes))[None] % 8
    return find_poison(examine, marks, whole, components, codes, rng, 20, 0.03)


def test_a_group_goes_with_what_is_contradicted_in_its_fringe(monkeypatch):
    codes, odd, features = four_classes_with_odd_rows()
    rows = np.flatnonzero(odd)
    suspect = Evidence(0, rows[:8], 1.5, 2.0, suspect=True)
    clean = Evidence(1, np.arange(100, 110), 0.1, 0.1)
    found = finding(
        codes, odd, features, FixedMarks(codes), [suspect, clean], monkeypatch
    )
    np.testing.assert_array_equal(found.support, ~odd)
    assert found.poisoned.tolist() == [0] and not len(found.unlearned)
    first, second = found.evidence
    assert first.rejected and first.contradicted == 1
    assert not second.rejected and np.isnan(second.contradicted)


def test_a_suspect_group_that_models_expect_is_kept(monkeypatch):
    codes, odd, features = four_classes_with_odd_rows()
    suspect = Evidence(1, np.arange(100, 120), 1.5, 2.0, suspect=True)
    found = finding(codes, odd, features, FixedMarks(codes), [suspect], monkeypatch)
    assert found.support.all() and not len(found.poisoned)
    assert not found.evidence[0].rejected and found.evidence[0].contradicted < 0.2


def test_rows_with_a_mark_are_rejected_and_no_model_is_asked(monkeypatch):
    codes, odd, features = four_classes_with_odd_rows()
    marked, asked = np.flatnonzero(odd)[:10], []
    marks = FixedMarks(codes, marked)
    found = finding(codes, odd, features, marks, [], monkeypatch, asked)
    np.testing.assert_array_equal(np.flatnonzero(~found.support), marked)
    assert found.marks == {0: "mark"} and len(asked) == 1


@pytest.mark.parametrize(("n_clean", "rejected"), [(5, True), (25, False)])
def test_groups_with_marks_that_vary_are_judged_one_by_one(n_clean, rejected):
    codes, odd, features = four_classes_with_odd_rows()
    group = Group(np.arange(20 + n_clean), np.arange(50, 60))
    clean = Group(np.arange(120, 140))
    marks = FixedMarks(codes, [], group, clean)
    found = finding(codes, odd, features, marks)
    gone = np.flatnonzero(~found.support)
    np.testing.assert_array_equal(gone, np.arange(20 + n_clean) if rejected else [])


def test_classes_of_which_the_model_gets_most_wrong_are_named():
    codes, odd, features = four_classes_with_odd_rows()
    rng = np.random.RandomState(0)
    predicted = np.where((codes == 2) & (np.arange(400) < 275), 1, codes)
    whole = Verdict(np.zeros(400), predicted, features, NOTHING)
    found = find_poison(
        examiner(codes, odd & False, features), FixedMarks(codes), whole,
        np.arange(400)[None] % 8, codes, rng, 20, 0.03,
    )  # fmt: skip
    assert found.unlearned.tolist() == [2] and found.support.all()


def test_models_are_trained_on_neither_groups_nor_fringes_nor_marked_rows():
    codes, odd, features = four_classes_with_odd_rows()
    asked, exact = [], np.isin(np.arange(400), [399])
    group = Group(np.arange(10), np.arange(10, 30))
    rng = np.random.RandomState(0)
    contradicted = contradicted_rows(
        examiner(codes, odd, features, asked), codes, exact, [group], rng, 5
    )
    trained = np.unique(np.concatenate([task.trained for task in asked]))
    np.testing.assert_array_equal(trained, np.arange(30, 399))
    assert {task.n_epochs for task in asked} == {5}
    assert contradicted[odd].all() and contradicted[~odd].mean() < 0.06


def test_without_a_group_no_model_is_asked():
    nothing = np.zeros(6, dtype=bool)
    found = contradicted_rows(None, np.zeros(6, int), nothing, [], None, 5)
    assert not found.any()


def test_where_all_classes_have_groups_the_rows_left_are_the_measure():
    codes, odd, features = four_classes_with_odd_rows()
    groups = [Group(np.arange(start, start + 20)) for start in range(0, 400, 100)]
    contradicted = contradicted_rows(
        examiner(codes, odd, features), codes, odd & False, groups,
        np.random.RandomState(0), 5,
    )  # fmt: skip
    assert contradicted[odd].all() and contradicted[~odd].mean() < 0.06


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


def test_where_nothing_is_trusted_nothing_is_contradicted():
    codes, odd, features = four_classes_with_odd_rows()
    groups, rng = [Group(np.arange(9))], np.random.RandomState(0)
    every = np.ones(400, dtype=bool)
    examine = examiner(codes, odd, features)
    assert not contradicted_rows(examine, codes, every, groups, rng, 5).any()
