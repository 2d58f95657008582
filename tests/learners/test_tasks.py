import numpy as np

from sklearn_ispl.learners._tasks import carry_out, whole_task


def test_the_model_of_all_rows_is_looked_into_once_it_is_trained():
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
    assert found.predicted.tolist() == [7] * 4
    assert found.estimator.learner == "the model"
