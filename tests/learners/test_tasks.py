import numpy as np
import pytest

from conftest import examiner, with_wrong_labels
from sklearn_ispl.learners._tasks import Verdict, carry_out, cross_examine, whole_task


def test_cross_examination_contradicts_wrong_labels(digits):
    codes, noisy = with_wrong_labels(digits[1])
    chances = cross_examine(
        examiner(digits[0], codes), codes, ~noisy, np.random.RandomState(0), 20
    )
    assert (chances[noisy] < 0.14).mean() > 0.8
    assert (chances[~noisy] > 0.5).mean() > 0.7


@pytest.mark.parametrize("trusted", [np.ones(6, dtype=bool), np.arange(6) < 3])
def test_cross_examination_asks_the_models_that_did_not_see_a_row(trusted):
    asked = []

    def examine(tasks):
        asked.extend((set(t.trained.tolist()), set(t.judged.tolist())) for t in tasks)
        return [
            Verdict(np.full(len(t.judged), 1.0 + i), np.zeros(len(t.judged)))
            for i, t in enumerate(tasks)
        ]

    chances = cross_examine(
        examine, np.zeros(6, dtype=int), trusted, np.random.RandomState(0), 1
    )
    assert len(asked) == 2
    for trained, judged in asked:
        assert trained.isdisjoint(judged)
        assert trained | judged == set(range(6))
    both = (np.exp(-1) + np.exp(-2)) / 2
    for row in range(6):
        judges = [i for i, (_, judged) in enumerate(asked) if row in judged]
        assert len(judges) == (1 if trusted[row] else 2)
        expected = np.exp(-1.0 - judges[0]) if trusted[row] else both
        assert chances[row] == pytest.approx(expected)


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

        def look_inside(self, rows):
            return (np.full((len(rows), 1), self.trained),) * 2

    task = whole_task(np.arange(4), np.random.RandomState(0), 7)
    found = carry_out(Counting, task)
    assert found.losses.tolist() == [7] * 4 and (found.features == 7).all()
    assert (found.activations == 7).all()
    assert found.predicted.tolist() == [14] * 4
    assert found.estimator.learner == "the model"
