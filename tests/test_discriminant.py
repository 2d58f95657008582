import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from sklearn_ispl._discriminant import Discriminant, _class_means, whitened


def some_rows(n_classes, dtype=float, n=300):
    rng = np.random.RandomState(n_classes)
    labels = np.r_[np.arange(n_classes), rng.randint(n_classes, size=n - n_classes)]
    means = rng.normal(size=(n_classes, 6))
    return (means[labels] + rng.normal(size=(n, 6))).astype(dtype), labels


@pytest.mark.parametrize("shrinkage", [0.0, 0.05, 1.0])
@pytest.mark.parametrize("n_classes", [2, 3, 40])
def test_it_is_that_of_scikit_learn(n_classes, shrinkage):
    X, labels = some_rows(n_classes)
    theirs = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=shrinkage)
    expected = theirs.fit(X, labels).predict_log_proba(X)
    found = Discriminant(X, labels, shrinkage).log_chances(X)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_classes_may_be_more_likely_than_their_sizes_say():
    X, labels = some_rows(3)
    priors = np.bincount(labels) * [1.0, 5.0, 5.0]
    theirs = LinearDiscriminantAnalysis(
        solver="lsqr", shrinkage=0.1, priors=priors / priors.sum()
    )
    expected = theirs.fit(X, labels).predict_log_proba(X)
    probe = Discriminant(X, labels, 0.1, lambda found: np.where(found < 1, 1.0, 5.0))
    np.testing.assert_allclose(probe.log_chances(X), expected, atol=1e-6)


def test_classes_keep_their_numbers():
    X, labels = some_rows(3)
    probe = Discriminant(X, 2 * labels + 1, 0.1)
    np.testing.assert_array_equal(probe.classes, [1, 3, 5])
    expected = Discriminant(X, labels, 0.1).log_chances(X)
    np.testing.assert_array_equal(probe.log_chances(X), expected)


def test_single_precision_is_enough():
    X, labels = some_rows(3, np.float32)
    found = Discriminant(X, labels, 0.05).log_chances(X)
    expected = Discriminant(X.astype(float), labels, 0.05).log_chances(X)
    np.testing.assert_allclose(found, expected, atol=1e-3)


@pytest.mark.filterwarnings("error")
def test_rows_that_are_all_equal_are_of_the_largest_class():
    X, labels = np.full((9, 2), 0.1), np.repeat([0, 1], [3, 6])
    chances = np.exp(Discriminant(X, labels, 0.1).log_chances(X))
    np.testing.assert_allclose(chances, np.tile([1 / 3, 2 / 3], (9, 1)))


def test_white_rows_are_spread_alike_within_their_classes():
    X, labels = some_rows(3)
    X[:, 0] *= 30
    white = whitened(X, labels, 0.0)
    means = np.array([white[labels == code].mean(axis=0) for code in range(3)])
    within = white - means[labels]
    np.testing.assert_allclose(within.T @ within / len(X), np.eye(6), atol=1e-9)


def test_distances_between_white_rows_are_those_of_a_discriminant():
    X, labels = some_rows(2)
    white = whitened(X, labels, 0.1)
    one, other = (white[labels == code].mean(axis=0) for code in (0, 1))
    scores = (white - (one + other) / 2) @ (other - one)
    chances = Discriminant(X, labels, 0.1).log_chances(X)
    prior = np.log(np.mean(labels == 1) / np.mean(labels == 0))
    np.testing.assert_allclose(scores + prior, chances[:, 1] - chances[:, 0], atol=1e-6)


@pytest.mark.filterwarnings("error")
def test_rows_that_are_all_equal_stay_so_where_they_are_made_white():
    assert not whitened(np.full((9, 2), 0.1), np.repeat([0, 2], [3, 6]), 0.1).any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_means_of_classes_keep_the_precision_of_the_rows(dtype):
    X = np.array([[1, 5], [3, 9], [7, 2]], dtype)
    means = _class_means(X, np.array([2, 2, 0]))
    assert means.dtype == dtype and means.tolist() == [[7, 2], [0, 0], [2, 7]]
