import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, ClassifierMixin

from sklearn_ispl import InverseSelfPacedLearner
from sklearn_ispl.ispl._self_paced import beta_schedule, rank_in_class, sample, trim


class TableClassifier(ClassifierMixin, BaseEstimator):
    """Class frequencies per value of one discrete feature.

    `partial_fit` forgets what was before: the result is the minimum of the empirical
    cross-entropy over all functions of the feature.
    """

    def partial_fit(self, X, y, classes):
        self.classes_ = classes
        counts = np.zeros((100, len(classes)))
        np.add.at(counts, (X[:, 0].astype(int), y), 1)
        totals = counts.sum(axis=1, keepdims=True)
        self.table_ = np.divide(
            counts, totals, out=np.full_like(counts, 1 / len(classes)), where=totals > 0
        )
        return self

    def predict_proba(self, X):
        return self.table_[X[:, 0].astype(int)]


@pytest.mark.parametrize(
    "beta, expected",
    [
        (1 / 8, [3 / 8, 2 / 8, 1 / 8, 1 / 8, 1 / 8]),
        (1 / 2, [1, 1, 1 / 2, 1 / 2]),
        (1, [1, 1, 1]),
        (1 / 3, [1, 2 / 3, 1 / 3, 1 / 3, 1 / 3]),
    ],
)
def test_schedule_of_the_paper(beta, expected):
    np.testing.assert_allclose(beta_schedule(beta), expected)


def test_schedule_of_given_length():
    np.testing.assert_allclose(beta_schedule(0.1, 7), [0.3, 0.2] + [0.1] * 5)


@pytest.mark.parametrize("alpha, size", [(1 / 4, 25), (1, 100), (1e-9, 1)])
def test_sample_has_no_row_twice(alpha, size):
    rows = np.arange(100, 200)
    drawn = sample(rows, alpha, np.random.RandomState(0))
    assert len(np.unique(drawn)) == len(drawn) == size
    assert np.isin(drawn, rows).all()


def test_trim_without_floor_keeps_the_lowest_losses():
    rng = np.random.RandomState(0)
    losses = rng.uniform(size=1000)
    kept = trim(losses, np.zeros(1000, dtype=int), 0.3, floor=1e-3)
    assert kept.sum() == 300
    assert losses[kept].max() < losses[~kept].min()


@given(
    seed=st.integers(0, 1000),
    n_classes=st.integers(1, 6),
    share=st.floats(0.01, 1),
    floor=st.floats(0.001, 0.2),
)
@settings(deadline=None, max_examples=50)
def test_trim_keeps_the_best_of_every_class(seed, n_classes, share, floor):
    rng = np.random.RandomState(seed)
    losses, codes = rng.uniform(size=60), rng.randint(n_classes, size=60)
    kept = trim(losses, codes, share, floor)
    floors = 0
    for code in np.unique(codes):
        own = codes == code
        least = int(np.ceil(floor * own.sum()))
        floors += least
        assert kept[own].sum() >= least
        # Within a class, what is kept is what has the lowest losses.
        if kept[own].any() and not kept[own].all():
            assert losses[own & kept].max() <= losses[own & ~kept].min()
    assert kept.sum() == max(round(share * 60), floors)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("beta", [1 / 8, 1 / 3])
def test_objective_never_rises(seed, beta):
    """Proposition 5.1: alpha = 1, no momentum, a learner at the empirical minimum."""
    rng = np.random.RandomState(seed)
    X, y = rng.randint(20, size=(500, 1)), rng.randint(4, size=500)
    ispl = InverseSelfPacedLearner(
        TableClassifier(),
        alpha=1,
        momentum=0,
        beta=beta,
        n_iter=10,
        n_epochs=1,
        random_state=seed,
    ).fit(X, y)
    assert (np.diff(ispl.objective_) <= 1e-12).all()
    assert ispl.objective_[-1] < ispl.objective_[0]


def test_objective_can_rise_with_half_of_the_sample():
    """The test above can fail: with alpha = 1/2 it does."""
    rng = np.random.RandomState(0)
    X, y = rng.randint(20, size=(500, 1)), rng.randint(4, size=500)
    ispl = InverseSelfPacedLearner(
        TableClassifier(), alpha=0.5, momentum=0, n_iter=20, random_state=0
    ).fit(X, y)
    assert (np.diff(ispl.objective_) > 0).any()


def test_learner_finds_the_self_expanding_set():
    """Rows with one label per value of X among rows with any other label."""
    rng = np.random.RandomState(0)
    X = rng.randint(10, size=(600, 1))
    learnable = np.arange(600) < 300
    y = (X[:, 0] + np.where(learnable, 0, rng.randint(1, 5, size=600))) % 5
    ispl = InverseSelfPacedLearner(
        TableClassifier(), beta=1 / 4, alpha=1 / 2, n_iter=10, random_state=0
    ).fit(X, y)
    assert ispl.get_support().sum() == 150
    assert learnable[ispl.get_support(indices=True)].all()


def test_momentum_smooths_the_losses(digits):
    X, y = digits
    settings = {"n_iter": 1, "random_state": 0}
    plain = InverseSelfPacedLearner(momentum=0, **settings).fit(X, y)
    smooth = InverseSelfPacedLearner(momentum=0.9, **settings).fit(X, y)
    np.testing.assert_allclose(smooth.losses_, 0.1 * plain.losses_, rtol=1e-6)


def test_rank_in_class_by_hand():
    values = np.array([0.5, 0.1, 0.9, 0.2, 0.2])
    rank = rank_in_class(values, np.array([1, 0, 1, 1, 0]))
    np.testing.assert_array_equal(rank, [1, 0, 2, 0, 1])
