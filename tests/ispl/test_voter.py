import warnings

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from test_self_paced import TableClassifier

from sklearn_ispl import (
    BoostedHomogeneousVoter,
    FilteredClassifier,
    ISPLPartitioner,
)
from sklearn_ispl.exceptions import ClassVanishedWarning
from sklearn_ispl.ispl._voter import component_votes, count_votes


@pytest.mark.parametrize("n_classes", [2, 10, 300])
def test_count_votes(n_classes):
    rng = np.random.RandomState(0)
    predictions = rng.randint(n_classes, size=(24, 50))
    votes = count_votes(predictions, n_classes)
    assert votes.shape == (50, n_classes) and votes.dtype == np.uint8
    for row in range(50):
        expected = np.bincount(predictions[:, row], minlength=n_classes)
        np.testing.assert_array_equal(votes[row], expected)


def test_component_votes_by_hand():
    """Below one half is a vote, as in the proof of Theorem 4.1; weights are sizes."""
    losses = np.array([[0.1, 0.2, 0.9], [0.3, 0.1, 0.5], [0.8, 0.9, 0.0]])
    votes, support = component_votes(losses, np.array([40, 30, 30]))
    np.testing.assert_array_equal(votes, [70, 70, 30])
    np.testing.assert_array_equal(support, [True, True, False])
    # Just below one half is a vote; half of all rows are no majority.
    votes, support = component_votes(np.array([[0, 0.5], [0.49, 1]]), np.array([5, 5]))
    np.testing.assert_array_equal(votes, [10, 0])
    votes, support = component_votes(np.array([[0, 1], [1, 0]]), np.array([5, 5]))
    np.testing.assert_array_equal(support, [False, False])


def incompatible_components(seed, n_clean, n_poisoned):
    """Homogeneous components of two distributions that disagree everywhere."""
    rng = np.random.RandomState(seed)
    components = np.repeat(np.arange(n_clean + n_poisoned), 60)
    X = rng.randint(10, size=(len(components), 1))
    poisoned = components >= n_clean
    y = np.where(poisoned, (X[:, 0] + 1) % 5, X[:, 0] % 5)
    return X, y, components, poisoned


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("n_clean, n_poisoned", [(3, 2), (6, 1), (5, 4)])
def test_theorem_4_1(seed, n_clean, n_poisoned):
    X, y, components, poisoned = incompatible_components(seed, n_clean, n_poisoned)
    shuffled = np.random.RandomState(seed).permutation(len(y))
    voter = BoostedHomogeneousVoter(
        TableClassifier(), alpha=1, n_epochs=1, random_state=seed
    ).fit(X[shuffled], y[shuffled], components=components[shuffled])
    np.testing.assert_array_equal(
        voter.component_support_, np.arange(n_clean + n_poisoned) < n_clean
    )
    np.testing.assert_array_equal(voter.support_, ~poisoned[shuffled])
    np.testing.assert_array_equal(voter.component_votes_[:n_clean], 60 * n_clean)
    np.testing.assert_array_equal(voter.component_votes_[n_clean:], 60 * n_poisoned)


def test_classes_that_no_supported_component_has_are_named():
    X, y, components, _ = incompatible_components(0, 3, 2)
    names = np.array(list("abcdef"))[np.where(components == 4, 5, y)]
    voter = BoostedHomogeneousVoter(TableClassifier(), alpha=1, n_epochs=1)
    message = r"No row of these classes .*: \['f'\]. .*a larger alpha"
    with pytest.warns(ClassVanishedWarning, match=message) as caught:
        voter.fit(X, names, components=components)
    assert [w.filename for w in caught] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        voter.fit(X, y, components=components)


def test_a_vote_that_supports_nothing_names_every_class():
    X, y, _, _ = incompatible_components(0, 2, 2)
    voter = BoostedHomogeneousVoter(TableClassifier(), alpha=1, n_epochs=1)
    with pytest.warns(ClassVanishedWarning, match=r"\[0, 1, 2, 3, 4\]"):
        voter.fit(X, y, components=np.arange(240) // 120)
    assert not voter.support_.any()


def test_a_voter_is_a_filter_of_rows(digits):
    X, y = digits[0].reshape(360, -1), digits[1]
    voter = BoostedHomogeneousVoter(
        partitioner=ISPLPartitioner(beta=1 / 3), alpha=1, random_state=0
    )
    model = FilteredClassifier(voter, GaussianNB()).fit(X, y)
    voter = model.filter_
    np.testing.assert_array_equal(voter.get_support(), voter.support_)
    np.testing.assert_array_equal(
        voter.get_support(indices=True), np.flatnonzero(voter.support_)
    )
    assert model.classifier_.class_count_.sum() == voter.support_.sum() > 0


def test_agreement_is_the_share_of_learners_that_are_right(digits):
    X, y = digits
    voter = BoostedHomogeneousVoter(n_estimates=2, n_epochs=2, random_state=0)
    voter.fit(X, y, components=np.arange(360) % 2)
    right = [e.predict(X) == y for e in voter.estimators_]
    np.testing.assert_allclose(voter.agreement_, np.mean(right, axis=0))


def test_more_estimates_average_the_losses(digits):
    X, y = digits
    components = np.arange(len(y)) % 3
    voter = BoostedHomogeneousVoter(n_estimates=4, n_epochs=2, random_state=0)
    voter.fit(X, y, components=components)
    assert len(voter.estimators_) == 12
    wrong = [
        np.mean(e.predict(X)[components == 1] != y[components == 1])
        for e in voter.estimators_[:4]
    ]
    np.testing.assert_allclose(voter.loss_matrix_[0, 1], np.mean(wrong))


def test_predictions_are_vote_shares(digits):
    X, y = digits
    y = np.array(list("abcdefghij"))[y]
    voter = BoostedHomogeneousVoter(alpha=1, random_state=0).fit(X, y)
    proba = voter.predict_proba(X[:50])
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    np.testing.assert_allclose(proba * 8, np.round(proba * 8))
    np.testing.assert_array_equal(
        voter.predict(X[:50]), voter.classes_[proba.argmax(axis=1)]
    )
    assert voter.score(X, y) > 0.7


@pytest.mark.parametrize("partitioner", [ISPLPartitioner(beta=1 / 4), KMeans(4)])
def test_any_partitioner_is_cloned_and_seeded(digits, partitioner):
    X, y = digits[0].reshape(360, -1), digits[1]
    voters = [
        BoostedHomogeneousVoter(
            partitioner=partitioner, n_epochs=2, random_state=0
        ).fit(X, y)
        for _ in range(2)
    ]
    np.testing.assert_array_equal(voters[0].components_, voters[1].components_)
    assert voters[0].loss_matrix_.shape == (4, 4)
    assert partitioner.random_state is None
    assert not hasattr(partitioner, "labels_")


def test_without_a_partitioner_there_is_one_of_the_same_learner(digits):
    X, y = digits[0].reshape(360, -1), digits[1]
    voter = BoostedHomogeneousVoter(MLPClassifier(), alpha=1 / 2, device="cpu")
    voter.set_params(random_state=0).fit(X, y)
    partitioner = voter.partitioner_
    assert isinstance(partitioner.estimator, MLPClassifier)
    assert (partitioner.alpha, partitioner.device) == (1 / 2, "cpu")


def test_grid_search_over_alpha_and_beta(digits):
    X, y = digits
    search = GridSearchCV(
        BoostedHomogeneousVoter(
            partitioner=ISPLPartitioner(), n_epochs=5, random_state=0
        ),
        {"alpha": [1 / 4, 1], "partitioner__beta": [1 / 4, 1 / 2]},
        cv=2,
        error_score="raise",
    ).fit(X, y)
    assert len(set(search.cv_results_["mean_test_score"])) > 1
    assert search.best_estimator_.components_.max() + 1 in (2, 4)


def test_components_of_another_length_are_an_error(digits):
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        BoostedHomogeneousVoter().fit(*digits, components=[0, 1])


@pytest.mark.parametrize(
    "components, message",
    [
        (np.zeros((360, 2)), "components must have one dimension"),
        (np.linspace(0, 1, 360), "components: Unknown label type: continuous"),
        (np.array([None, 1] * 180), "components has missing labels"),
    ],
)
def test_components_that_are_no_labels_are_errors(digits, components, message):
    with pytest.raises(ValueError, match=message):
        BoostedHomogeneousVoter().fit(*digits, components=components)


def test_components_of_mixed_types_are_an_error(digits):
    components = np.array([1, "a"] * 180, dtype=object)
    with pytest.raises(TypeError, match="components mixes labels of the types int, st"):
        BoostedHomogeneousVoter().fit(*digits, components=components)


def test_components_may_be_a_column(digits):
    components = np.arange(360)[:, None] % 2
    voter = BoostedHomogeneousVoter(n_epochs=1).fit(*digits, components=components)
    np.testing.assert_array_equal(voter.components_, components.ravel())


@pytest.mark.parametrize("method", ["predict", "predict_proba"])
@pytest.mark.parametrize(
    "shape, message",
    [
        ((3, 1, 5, 5), r"rows of X have shape \(1, 5, 5\).*rows of shape \(1, 8, 8\)"),
        ((3, 1), r"rows of X have shape \(1,\)"),
        ((3, 2, 8, 8), "X has 2 features, but"),
    ],
)
def test_rows_of_another_shape_are_an_error(digits, method, shape, message):
    voter = BoostedHomogeneousVoter(n_epochs=1, random_state=0)
    voter.fit(*digits, components=np.arange(360) % 2)
    with pytest.raises(ValueError, match=message):
        getattr(voter, method)(np.zeros(shape))
