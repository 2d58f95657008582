import numpy as np
import pytest
from sklearn.linear_model import SGDClassifier

from conftest import make_net
from sklearn_ispl import InverseSelfPacedLearner, ISPLPartitioner
from sklearn_ispl.ispl._partitioner import n_components_for, partition


@pytest.mark.parametrize(
    "estimator", [None, make_net(), SGDClassifier(loss="log_loss")], ids=str
)
def test_partition_covers_all_rows_with_equal_components(digits, estimator):
    X, y = digits
    if isinstance(estimator, SGDClassifier):
        X = X.reshape(len(X), -1)
    partitioner = ISPLPartitioner(estimator, beta=1 / 6, random_state=0)
    labels = partitioner.fit_predict(X, y)
    assert partitioner.n_components_ == len(partitioner.estimators_) == 6
    assert np.abs(np.bincount(labels) - 60).max() <= 10
    assert partitioner.predictions_.shape == (6, 360)
    assert partitioner.predictions_.dtype == np.uint8


def test_partition_is_peeling(digits):
    """Component i is what Algorithm 2 finds on the rows left by those before."""
    X, y = digits
    settings = {"beta": 1 / 4, "random_state": 3}
    labels = ISPLPartitioner(**settings).fit_predict(X, y)
    first = InverseSelfPacedLearner(**settings).fit(X, y)
    np.testing.assert_array_equal(labels == 0, first.support_)


def test_kept_learners_predict_the_predictions(digits):
    X, y = digits
    partitioner = ISPLPartitioner(beta=1 / 3, random_state=0).fit(X, y)
    for estimator, predictions in zip(
        partitioner.estimators_, partitioner.predictions_
    ):
        np.testing.assert_array_equal(estimator.predict(X), predictions)


def test_first_iteration_and_refit_of_the_later_version(digits):
    """The set's learner is a fresh one, trained on the set alone."""
    X, codes = digits
    trained = []

    class Recorder:
        n_classes = 10

        def start(self, seed):
            trained.append("start")

        def train(self, rows, n_epochs):
            trained.append((len(rows), n_epochs))

        def score(self, rows):
            return np.arange(len(rows), dtype=float), np.full(len(rows), len(trained))

        def finish(self):
            return len(trained)

    labels, predictions, estimators = partition(
        Recorder(), codes, beta=1 / 2, rng=np.random.RandomState(0), alpha=1 / 4,
        momentum=0.9, n_iter=4, n_epochs=4, first_epochs=8, refit_epochs=40,
    )  # fmt: skip
    sizes = np.bincount(labels)
    first, second = ((round(size / 4), 4) for size in sizes)
    expected = ["start", (180, 8), (90, 4), (90, 4), first, "start", (sizes[0], 40)]
    expected += ["start", (sizes[1], 8), second, second, second]
    assert trained == [*expected, "start", (sizes[1], 40)]
    np.testing.assert_array_equal(predictions, np.repeat([estimators], 360, axis=0).T)


class ByNumber:
    """A learner to which later rows are harder."""

    n_classes = 1

    def start(self, seed):
        pass

    def train(self, rows, n_epochs):
        pass

    def score(self, rows):
        return rows.astype(float), np.zeros(len(rows))

    def finish(self):
        return self


@pytest.mark.parametrize(
    "n_components, n_rows, sizes", [(8, 1000, [120] * 8 + [40]), (1, 50, [48, 2])]
)
def test_components_of_the_later_version_have_equal_sizes_and_leave_rows_over(
    n_components, n_rows, sizes
):
    labels, predictions, estimators = partition(
        ByNumber(), np.zeros(n_rows, dtype=int), beta=1 / n_components,
        rng=np.random.RandomState(0), alpha=1 / 4, momentum=0.9, n_iter=3, n_epochs=1,
        share_taken=0.96,
    )  # fmt: skip
    number = np.append(np.arange(n_components), -1)
    np.testing.assert_array_equal(labels, np.repeat(number, sizes))
    assert predictions.shape == (n_components, n_rows)
    assert len(estimators) == n_components


def test_the_later_version_stops_where_few_rows_are_left():
    """Floors of small classes make components larger than they shall be."""
    codes = np.repeat(np.arange(30), 4)
    labels, *_ = partition(
        ByNumber(), codes, beta=1 / 30, rng=np.random.RandomState(0), alpha=1 / 4,
        momentum=0.9, n_iter=3, n_epochs=1, share_taken=0.75,
    )  # fmt: skip
    assert labels.max() < 29
    assert 0 < np.mean(labels < 0) <= 0.25


def test_partition_stops_when_floors_took_every_row():
    X = np.random.RandomState(0).normal(size=(40, 4))
    y = np.arange(40) % 20
    labels = ISPLPartitioner(beta=1 / 20, random_state=0).fit_predict(X, y)
    assert labels.min() == 0 and labels.max() < 19


def test_fewer_rows_than_components_is_an_error():
    X, y = np.eye(5, 2), [0, 1, 0, 1, 0]
    with pytest.raises(ValueError, match="X has 5 rows, fewer than the 8 components"):
        ISPLPartitioner().fit(X, y)
    assert n_components_for(0.3, 100) == 3


@pytest.mark.parametrize("name", ["alpha", "beta"])
@pytest.mark.parametrize("value", [0, 1.5, -1, "half"])
@pytest.mark.parametrize("cls", [InverseSelfPacedLearner, ISPLPartitioner])
def test_shares_outside_their_range_are_errors(cls, name, value, digits):
    message = rf"The '{name}' parameter of {cls.__name__} must be a float in the range"
    with pytest.raises(ValueError, match=message):
        cls(**{name: value}).fit(*digits)


def test_estimator_of_a_wrong_type_is_an_error(digits):
    with pytest.raises(ValueError, match="'estimator' parameter .* 'partial_fit'"):
        ISPLPartitioner(estimator="net").fit(*digits)
