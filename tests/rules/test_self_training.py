from functools import partial

import numpy as np
import pytest

from conftest import with_wrong_labels
from sklearn_ispl.learners._weak_learner import make_learner
from sklearn_ispl.rules._self_training import self_train, self_train_repeatedly


class Recorder:
    """A learner that notes what it is asked, and predicts what it is told to."""

    def __init__(self, answers):
        self.answers = iter(answers)
        self.asked = []

    def start(self, seed):
        self.asked.append(("start", seed))

    def train(self, rows, n_epochs):
        self.asked.append(("train", rows.tolist(), n_epochs))

    def score(self, rows):
        self.asked.append(("score", rows.tolist()))
        return None, np.asarray(next(self.answers))[rows]


def test_self_training_adds_what_the_model_predicts(digits):
    codes, noisy = with_wrong_labels(digits[1])
    support = (np.arange(360) % 3 > 0) & ~noisy
    new_learner = partial(make_learner, None, digits[0], codes, 10, "cpu")
    both = self_train(new_learner, codes, support, 0, 20)
    assert both[support].all()
    assert both[~support & ~noisy].mean() > 0.7
    assert both[noisy].mean() < 0.1


@pytest.mark.parametrize("support", [np.zeros(360, bool), np.ones(360, bool)])
def test_self_training_has_nothing_to_do(digits, support):
    assert self_train(None, digits[1], support, 0, 1) is support


def test_a_single_row_may_come_back():
    codes, support = np.array([0, 1]), np.array([True, False])
    assert self_train(lambda: Recorder([[0, 1]]), codes, support, 0, 1).all()


def test_self_training_asks_one_fresh_model_of_the_rejected_rows():
    codes, support = np.array([0, 1, 0, 1]), np.array([1, 1, 0, 0], bool)
    learner = Recorder([[9, 9, 0, 0]])
    both = self_train(lambda: learner, codes, support, 7, 40)
    assert learner.asked == [("start", 7), ("train", [0, 1], 40), ("score", [2, 3])]
    np.testing.assert_array_equal(both, [True, True, True, False])
    np.testing.assert_array_equal(support, [True, True, False, False])


def test_repeated_self_training_adds_and_drops(digits):
    codes, noisy = with_wrong_labels(digits[1])
    support = np.arange(360) % 4 > 0
    new_learner = partial(make_learner, None, digits[0], codes, 10, "cpu")
    kept = self_train_repeatedly(new_learner, codes, support, 0, 3, 5)
    assert kept[~support & ~noisy].mean() > 0.7
    assert kept[support & noisy].mean() < 0.4


def test_repeated_self_training_continues_one_model_on_what_is_kept():
    codes, support = np.zeros(3, dtype=int), np.array([1, 1, 0], bool)
    learner = Recorder([[0, 1, 0], [1, 0, 1]])
    self_train_repeatedly(lambda: learner, codes, support, 7, 5, n_rounds=2)
    score = "score", [0, 1, 2]
    first, second = ("train", [0, 1], 5), ("train", [0, 2], 5)
    assert learner.asked == [("start", 7), first, score, second, score]


@pytest.mark.parametrize(
    "hits, kept", [("1101", True), ("0111", True), ("0110", False)]
)
def test_repeated_self_training_keeps_what_is_agreed_to_more_often(hits, kept):
    learner = Recorder([[0, 0, 0, int(hit) - 1, 0, 0] for hit in hits])
    given = np.zeros(6, dtype=int), np.arange(6) < 3
    support = self_train_repeatedly(lambda: learner, *given, 0, 1, n_rounds=4)
    np.testing.assert_array_equal(support, [True] * 3 + [kept] + [True] * 2)


def test_repeated_self_training_of_nothing_keeps_nothing():
    learner = Recorder([])
    given = np.zeros(6), np.zeros(6, bool)
    assert not self_train_repeatedly(lambda: learner, *given, 0, 1).any()
    assert learner.asked == [("start", 0)]


def test_repeated_self_training_has_twenty_rounds():
    learner = Recorder([[0, 0]] * 30)
    self_train_repeatedly(lambda: learner, np.zeros(2), np.ones(2, bool), 0, 5)
    assert sum(asked[0] == "train" for asked in learner.asked) == 20
