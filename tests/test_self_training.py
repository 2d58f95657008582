from functools import partial

import numpy as np
import pytest

from sklearn_ispl._base import _one_model
from sklearn_ispl._groups import Group
from sklearn_ispl._marks import Marked
from sklearn_ispl._self_training import (
    DOUBT,
    Verdict,
    _without_doubt,
    cross_examine,
    find_poison,
    self_train,
    self_train_repeatedly,
    whole_task,
)
from sklearn_ispl._weak_learner import make_learner


def examiner(X, codes):
    """What a fit hands to the rules: models trained here and now."""
    new_learner = partial(make_learner, None, X, codes, 10, "cpu")

    def examine(tasks):
        return [_one_model(new_learner, task) for task in tasks]

    return examine


def with_wrong_labels(codes):
    codes = codes.copy()
    wrong = np.arange(len(codes)) % 9 == 0
    codes[wrong] = (codes[wrong] + 5) % 10
    return codes, wrong


def test_self_training_adds_what_the_model_predicts(digits):
    codes, noisy = with_wrong_labels(digits[1])
    support = (np.arange(360) % 3 > 0) & ~noisy
    rng = np.random.RandomState(0)
    both = self_train(examiner(digits[0], codes), codes, support, rng, 20)
    assert both[support].all()
    assert both[~support & ~noisy].mean() > 0.7
    assert both[noisy].mean() < 0.1


@pytest.mark.parametrize("support", [np.zeros(360, bool), np.ones(360, bool)])
def test_self_training_has_nothing_to_do(digits, support):
    rng = np.random.RandomState(0)
    assert self_train(None, digits[1], support, rng, 1) is support


def test_repeated_self_training_adds_and_drops(digits):
    codes, noisy = with_wrong_labels(digits[1])
    support = np.arange(360) % 4 > 0
    rng = np.random.RandomState(0)
    kept = self_train_repeatedly(examiner(digits[0], codes), codes, support, rng, 8, 5)
    assert kept[~support & ~noisy].mean() > 0.7
    assert kept[support & noisy].mean() < 0.4


@pytest.mark.parametrize(
    "hits, kept", [("1101", True), ("0111", True), ("0110", False)]
)
def test_repeated_self_training_keeps_what_is_agreed_to_more_often(hits, kept):
    rounds = iter(hits)

    def examine(tasks):
        predicted = np.zeros(6, dtype=int)
        predicted[3] = int(next(rounds)) - 1
        return [Verdict(np.zeros(6), predicted)]

    codes, rng = np.zeros(6, dtype=int), np.random.RandomState(0)
    support = self_train_repeatedly(examine, codes, np.arange(6) < 3, rng, 1, 4)
    np.testing.assert_array_equal(support, [True] * 3 + [kept] + [True] * 2)


def test_repeated_self_training_of_nothing_keeps_nothing():
    support = self_train_repeatedly(None, np.zeros(6), np.zeros(6, bool), None, 1)
    assert not support.any()


def test_self_training_trains_for_as_long_as_printed():
    tasks = []

    def examine(given):
        tasks.extend(given)
        return [Verdict(*np.zeros((2, len(t.judged)))) for t in given]

    self_train(examine, np.zeros(6), np.arange(6) < 3, np.random.RandomState(0), 40)
    (task,) = tasks
    assert task.n_epochs == 40 and not task.enough_steps


def test_cross_examination_contradicts_wrong_labels(digits):
    codes, noisy = with_wrong_labels(digits[1])
    losses, wrong = cross_examine(
        examiner(digits[0], codes), codes, ~noisy, np.random.RandomState(0), 20
    )
    assert wrong[noisy].mean() > 0.9 and (losses[noisy] > DOUBT).mean() > 0.8
    assert wrong[~noisy].mean() < 0.3


@pytest.mark.parametrize("trusted", [np.ones(6, dtype=bool), np.arange(6) < 3])
def test_cross_examination_asks_the_models_that_did_not_see_a_row(trusted):
    asked = []

    def examine(tasks):
        asked.extend((set(t.trained.tolist()), set(t.judged.tolist())) for t in tasks)
        return [
            Verdict(np.full(len(t.judged), 1.0 + i), np.zeros(len(t.judged)))
            for i, t in enumerate(tasks)
        ]

    losses, wrong = cross_examine(
        examine, np.zeros(6, dtype=int), trusted, np.random.RandomState(0), 1
    )
    assert not wrong.any() and len(asked) == 2
    for trained, judged in asked:
        assert trained.isdisjoint(judged)
        assert trained | judged == set(range(6))
    both = -np.log((np.exp(-1) + np.exp(-2)) / 2)
    for row in range(6):
        judges = [i for i, (_, judged) in enumerate(asked) if row in judged]
        assert len(judges) == (1 if trusted[row] else 2)
        expected = 1.0 + judges[0] if trusted[row] else both
        assert losses[row] == pytest.approx(expected)


def test_one_dissenting_model_makes_a_row_wrong():
    def examine(tasks):
        return [
            Verdict(np.zeros(len(t.judged)), np.full(len(t.judged), i))
            for i, t in enumerate(tasks)
        ]

    trusted = np.arange(6) < 4
    _, wrong = cross_examine(
        examine, np.zeros(6, dtype=int), trusted, np.random.RandomState(0), 1
    )
    assert wrong[4:].all() and wrong[:4].sum() == 2


def two_classes_with_odd_rows():
    """Twenty rows of class 0 are alike in the features."""
    codes = np.repeat([0, 1], 100)
    odd = np.arange(200) < 20
    rng = np.random.RandomState(0)
    features = rng.normal(size=(200, 5)) + 6 * np.eye(5)[codes + 2 * odd]
    hits = rng.uniform(size=(8, 200)) < np.where(odd, 0.1, 0.8)
    predictions = np.where(hits, codes, 1 - codes)
    return codes, odd, features, predictions, np.tile(np.arange(200) % 8, (1, 1))


def trigger_examiner(codes, odd, features, loss):
    """Models that know the odd rows if they were trained on one, else are wrong."""
    n_classes = codes.max() + 1

    def examine(tasks):
        verdicts = []
        for task in tasks:
            rows = task.judged
            if task.features:
                found = np.zeros(len(rows)), codes[rows], features[rows]
                verdicts.append(Verdict(*found))
                continue
            knows = np.isin(task.trained, np.flatnonzero(odd)).any()
            wrong = odd[rows] & (not knows)
            predicted = np.where(wrong, (codes[rows] + 1) % n_classes, codes[rows])
            losses = np.broadcast_to(loss, len(codes))[rows]
            losses = np.where(wrong, losses, 0.1)
            chances = np.full((len(rows), n_classes), 1 / n_classes)
            verdicts.append(Verdict(losses, predicted, probabilities=chances))
        return verdicts

    return examine


class FixedMarks:
    """A search for marks whose finds are given; it confirms nothing but class 0."""

    of_many_images = False

    def __init__(self, codes, exact=None, *groups, of_tables=False):
        self.codes, self.of_tables = codes, of_tables
        self.exact = codes < 0 if exact is None else exact
        self.groups = [Group(*map(np.flatnonzero, group)) for group in groups]

    def search(self, verdict):
        marks = {code: "mark" for code in self.codes[self.exact]}
        return Marked(self.exact, self.groups, marks)

    def confirm(self, verdict, group):
        return group & (self.codes == 0)


def verdict(examine, predictions, components, codes, marks=None):
    rng = np.random.RandomState(0)
    marks = marks or FixedMarks(codes, of_tables=True)
    (whole,) = examine([whole_task(np.arange(len(codes)), rng, 20)])
    return find_poison(
        examine, marks, whole, predictions, components, codes, 1 / 4, rng, 20
    )


def test_only_what_the_whole_explains_and_the_rest_contradicts_is_poison():
    codes, odd, features, predictions, components = two_classes_with_odd_rows()
    examine = trigger_examiner(codes, odd, features, loss=9.0)
    support, core, poisoned, marks, unlearned, _ = verdict(
        examine, predictions, components, codes
    )
    assert marks == {}
    np.testing.assert_array_equal(support, ~odd)
    assert poisoned.tolist() == [0] and not len(unlearned)
    assert core.sum() == 50 and not core[odd].any()


def test_marked_rows_are_poison_and_then_nothing_else_is():
    codes, odd, features, predictions, components = two_classes_with_odd_rows()
    marked = np.arange(200) > 190
    examine = trigger_examiner(codes, odd, features, loss=9.0)
    support, core, poisoned, marks, unlearned, _ = verdict(
        examine, predictions, components, codes, FixedMarks(codes, marked)
    )
    assert marks == {1: "mark"}
    np.testing.assert_array_equal(support, ~marked)
    assert poisoned.tolist() == [1] and not len(unlearned) and core.sum() == 50


def test_of_rows_like_those_with_a_varying_mark_models_of_the_others_decide():
    codes, odd, features, predictions, components = two_classes_with_odd_rows()
    exact, nth = np.arange(200) > 190, np.cumsum(odd)
    varying, nearest = odd & (nth <= 5), odd & (nth > 5) & (nth <= 9)
    nearest |= np.arange(200) == 99
    beside = (codes == 0) & ~varying & ~nearest & (odd | (np.arange(200) % 2 == 0))
    marks = FixedMarks(codes, exact, (varying, nearest, beside))
    examine = trigger_examiner(codes, odd, features, loss=9.0)
    finding = verdict(examine, predictions, components, codes, marks)
    np.testing.assert_array_equal(finding.support, ~odd & ~exact)
    assert finding.poisoned.tolist() == [0, 1] and finding.marks == {1: "mark"}


def test_beside_a_varying_mark_what_models_are_not_sure_of_stays():
    codes, odd, features, predictions, components = two_classes_with_odd_rows()
    nth = np.cumsum(odd)
    varying, nearest = odd & (nth <= 5), odd & (nth > 5) & (nth <= 9)
    marks = FixedMarks(codes, None, (varying, nearest, odd & (nth > 9)))
    examine = trigger_examiner(codes, odd, features, np.where(nth <= 5, 9.0, 1.0))
    finding = verdict(examine, predictions, components, codes, marks)
    np.testing.assert_array_equal(finding.support, ~varying & ~nearest)
    assert finding.poisoned.tolist() == [0]


@pytest.mark.parametrize(("n_honest", "expected"), [(11, True), (10, False)])
@pytest.mark.parametrize("n_others", [0, 10])
def test_what_models_of_the_others_expect_has_no_mark(n_honest, expected, n_others):
    codes, odd, features, predictions, components = two_classes_with_odd_rows()
    nth = np.cumsum(odd)
    odd &= nth <= 10 + n_others
    varying = odd & (nth <= 10) | (np.arange(200) >= 100 - n_honest) & (codes == 0)
    exact, rest = np.arange(200) == 50, odd & ~varying
    nearest = rest & (nth <= 15)
    marks = FixedMarks(codes, exact, (varying, nearest, rest & ~nearest))
    examine = trigger_examiner(codes, odd, features, loss=9.0)
    finding = verdict(examine, predictions, components, codes, marks)
    # Rows that have all of a mark stay poison.
    rejected = exact if expected else exact | varying | rest
    np.testing.assert_array_equal(finding.support, ~rejected)
    assert finding.poisoned.tolist() == [0]


def test_groups_with_a_varying_mark_are_judged_one_by_one():
    codes, odd, features, predictions, components = two_classes_with_odd_rows()
    none, honest = codes < 0, (np.arange(200) >= 60) & (codes == 0)
    marks = FixedMarks(codes, None, (honest, none, none), (odd, none, none))
    examine = trigger_examiner(codes, odd, features, loss=9.0)
    finding = verdict(examine, predictions, components, codes, marks)
    np.testing.assert_array_equal(finding.support, ~odd)


@pytest.mark.parametrize("many", [True, False])
def test_where_models_expect_all_groups_contradiction_is_asked_of_few(many):
    codes, odd, features, predictions, components = two_classes_with_odd_rows()
    none, honest = codes < 0, np.arange(200) > 180
    marks = FixedMarks(codes, None, (honest, none, none))
    marks.of_many_images = many
    examine = trigger_examiner(codes, odd, features, loss=9.0)
    finding = verdict(examine, predictions, components, codes, marks)
    np.testing.assert_array_equal(finding.support, ~odd | many)
    assert finding.poisoned.tolist() == [0] * (not many)


@pytest.mark.parametrize(
    ("n_found", "of_tables", "confirmed"),
    [(2, False, [0, 1]), (3, False, [0]), (3, True, [0, 1, 2])],
)
def test_where_many_classes_of_images_have_groups_only_marked_ones_count(
    n_found, of_tables, confirmed
):
    codes = np.repeat(np.arange(4), 100)
    odd = (np.arange(400) % 100 < 15) & (codes < n_found)
    rng = np.random.RandomState(0)
    features = rng.normal(size=(400, 8)) + 6 * np.eye(8)[codes + 4 * odd]
    hits = rng.uniform(size=(8, 400)) < np.where(odd, 0.1, 0.8)
    predictions = np.where(hits, codes, (codes + 1) % 4)
    components = np.arange(400)[None] % 8
    examine = trigger_examiner(codes, odd, features, loss=9.0)
    marks = FixedMarks(codes, of_tables=of_tables)
    finding = verdict(examine, predictions, components, codes, marks)
    assert finding.poisoned.tolist() == confirmed


@pytest.mark.parametrize("of_many_images", [False, True])
def test_contradiction_is_asked_unless_images_are_many(of_many_images):
    codes, odd, features, predictions, components = two_classes_with_odd_rows()
    examine = trigger_examiner(codes, odd, features, loss=9.0)
    marks = FixedMarks(codes)
    marks.of_many_images = of_many_images
    finding = verdict(examine, predictions, components, codes, marks)
    np.testing.assert_array_equal(finding.support, ~odd | of_many_images)


@pytest.mark.parametrize("place", [1.0, 0.5, -0.5])
def test_with_a_group_goes_what_is_doubted_and_near_it(place):
    """Two rows before or behind the class are doubted, but start no group."""
    codes, odd, features, predictions, components = two_classes_with_odd_rows()
    between = np.isin(np.arange(200), [50, 60])
    features[between] = 6 * (place * np.eye(5)[2] + (1 - place) * np.eye(5)[0])
    examine = trigger_examiner(codes, odd, features, loss=9.0)

    def doubting(tasks):
        answers = examine(tasks)
        for task, answer in zip(tasks, answers):
            if not task.features:
                answer.losses[between[task.judged]] = 3.0
                answer.predicted[between[task.judged]] = 1
        return answers

    support, *_ = verdict(doubting, predictions, components, codes)
    assert not support[odd].any() and support[~odd & ~between].all()
    assert support[between].all() == (place < 0) == support[between].any()


def test_the_model_of_all_rows_is_asked_at_half_time_and_in_the_end():
    class Counting:
        trained = 0
        estimator_ = "the model"

        def start(self, seed):
            pass

        def epochs_for(self, n_rows, n_epochs):
            return n_epochs

        def train(self, rows, n_epochs):
            self.trained += n_epochs

        def score(self, rows):
            return (np.full(len(rows), self.trained),) * 2

        def features(self, rows):
            return np.full((len(rows), 1), self.trained)

    task = whole_task(np.arange(4), np.random.RandomState(0), 7)
    found = _one_model(Counting, task)
    assert found.losses.tolist() == [7] * 4 and (found.features == 7).all()
    assert found.predicted.tolist() == [14] * 4
    assert found.estimator.learner == "the model"


def test_a_class_in_doubt_keeps_its_core():
    codes = np.repeat([0, 1], 4)
    core = np.arange(8) % 2 == 0
    doubted = np.array([1, 1, 0, 0, 1, 1, 1, 0], dtype=bool)
    trusted = _without_doubt(doubted, codes, core)
    # Class 0 has as many rows left as its core; class 1 has fewer.
    np.testing.assert_array_equal(trusted, [0, 0, 1, 1, 1, 0, 1, 1])
