import numpy as np
import pytest

from conftest import examiner, with_wrong_labels
from sklearn_ispl.learners._tasks import Verdict
from sklearn_ispl.rules._self_training import self_train, self_train_repeatedly


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

    given = np.zeros(6), np.arange(6) < 3
    self_train(examine, *given, np.random.RandomState(0), 40)
    self_train_repeatedly(examine, *given, np.random.RandomState(0), 40, 2)
    assert [task.n_epochs for task in tasks] == [40] * 3
    assert [task.enough_steps for task in tasks] == [False] * 3
    # Each has a seed of its own, drawn from what it was given.
    first, again, other = (task.seed for task in tasks)
    assert first == again != other
