import numpy as np
import pytest

from sklearn_ispl.learners._tasks import (
    Verdict,
    carry_out,
    taught_chances,
    whole_and_halves,
)


def test_the_model_of_all_rows_is_looked_into_once_it_is_trained():
    class Counting:
        trained = 0
        estimator_ = "the model"

        def start(self, seed):
            pass

        def epochs_for(self, n_rows, n_epochs):
            return n_epochs + n_rows

        def train(self, rows, n_epochs):
            self.trained += n_epochs

        def score(self, rows):
            return (np.full(len(rows), self.trained),) * 2

        def look_inside(self, rows):
            return (np.full((len(rows), 1), self.trained),) * 2

    task, *_ = whole_and_halves(np.zeros(4, dtype=int), np.random.RandomState(0), 7)
    found = carry_out(Counting, task)
    assert found.losses.tolist() == [11] * 4 and (found.features == 11).all()
    assert (found.activations == 11).all()
    assert found.predicted.tolist() == [11] * 4
    assert found.estimator.learner == "the model"


@pytest.mark.parametrize("n_rows", [1, 8, 31])
def test_models_of_all_rows_and_of_either_half_judge_all_rows(n_rows):
    codes = np.random.RandomState(0).permutation(np.arange(n_rows) % 3)
    tasks = whole, one, other = whole_and_halves(codes, np.random.RandomState(1), 7)
    every = np.sort(np.concatenate([one.trained, other.trained]))
    for rows in (every, whole.trained, *(task.judged for task in tasks)):
        np.testing.assert_array_equal(rows, np.arange(n_rows))
    assert all(task.n_epochs == 7 for task in tasks)
    sizes = [np.bincount(codes[task.trained], minlength=3) for task in (one, other)]
    assert np.abs(np.subtract(*sizes)).max() <= 1
    assert len({task.seed for task in tasks}) == 3
    _, again, _ = whole_and_halves(codes, np.random.RandomState(2), 7)
    assert n_rows < 8 or (again.trained != one.trained).any()


def test_what_a_row_is_taught_comes_from_the_model_that_did_not_see_it():
    tasks = whole_and_halves(np.arange(10) % 2, np.random.RandomState(0), 1)
    losses = [np.where(np.isin(np.arange(10), one.trained), 99, 1) for one in tasks]
    verdicts = [Verdict(one * np.arange(10.0), None) for one in losses]
    np.testing.assert_allclose(taught_chances(tasks, verdicts), np.exp(-np.arange(10)))
