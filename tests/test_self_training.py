from functools import partial

import numpy as np
import pytest

from sklearn_ispl._base import _one_model
from sklearn_ispl._self_training import (
    Verdict,
    cross_examine,
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
    assert wrong[noisy].mean() > 0.9 and (losses[noisy] > 2).mean() > 0.8
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
