import numpy as np
import pytest
from sklearn.datasets import load_wine

from sklearn_ispl.datasets import (
    FeatureTrigger,
    make_adaptive_backdoor,
    make_all_to_all_backdoor,
    make_clean_label_backdoor,
    make_dirty_label_backdoor,
    make_feature_trigger,
)


@pytest.fixture(scope="module")
def wine():
    return load_wine(return_X_y=True)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("n_triggered", [1, 3, 13])
def test_features_get_an_end_of_their_range(wine, n_triggered, seed):
    X = wine[0]
    trigger = make_feature_trigger(X, n_triggered, random_state=seed)
    assert len(np.unique(trigger.features)) == n_triggered
    for feature, value in zip(trigger.features, trigger.values):
        assert value in (X[:, feature].min(), X[:, feature].max())
    changed = trigger(X)
    others = np.setdiff1d(np.arange(13), trigger.features)
    np.testing.assert_array_equal(changed[:, others], X[:, others])
    assert (changed[:, trigger.features] == trigger.values).all()


def test_both_ends_are_drawn(wine):
    X = wine[0]
    triggers = [make_feature_trigger(X, 1, random_state=seed) for seed in range(20)]
    high = [t.values[0] == X[:, t.features[0]].max() for t in triggers]
    assert 0 < sum(high) < 20
    assert len({int(t.features[0]) for t in triggers}) > 5


def test_seeds_reproduce_and_rows_are_not_modified(wine):
    X = wine[0].copy()
    first, second = (make_feature_trigger(X, random_state=3) for _ in range(2))
    np.testing.assert_array_equal(first(X), second(X))
    np.testing.assert_array_equal(X, wine[0])


@pytest.mark.parametrize("dtype", [np.int64, np.float32])
def test_rows_keep_their_dtype(dtype):
    X = np.arange(12).reshape(4, 3).astype(dtype)
    changed = make_feature_trigger(X, 2, random_state=0)(X)
    assert changed.dtype == dtype and np.isin(changed, X).all()


def test_features_that_do_not_vary_are_no_trigger():
    X = np.c_[np.zeros(5), np.arange(5.0), np.ones(5)]
    assert make_feature_trigger(X, 1, random_state=0).features.tolist() == [1]
    message = "n_triggered=3 is not an integer from 1 to 1, the number of features of X"
    with pytest.raises(ValueError, match=message):
        make_feature_trigger(X)


@pytest.mark.parametrize("shape", [(4, 2), (4, 1, 3, 3), (3,)])
def test_other_rows_are_an_error(shape):
    message = r"this trigger needs rows of a table, of at least 3 features"
    with pytest.raises(ValueError, match=message):
        FeatureTrigger(np.array([0, 2]), np.array([5.0, 7.0]))(np.zeros(shape))


def test_attacks_take_tables(wine):
    X, y = wine
    trigger = make_feature_trigger(X, random_state=0)
    given = {"trigger": trigger, "random_state": 0}
    made = [
        make_dirty_label_backdoor(X, y, target=1, poison_rate=0.1, **given),
        make_all_to_all_backdoor(X, y, **given),
        make_clean_label_backdoor(X, y, target=1, perturbation=None, **given),
    ]
    for X_poisoned, _, poisoned, _ in made:
        assert 0 < poisoned.sum() < 40
        assert (X_poisoned[poisoned][:, trigger.features] == trigger.values).all()
        np.testing.assert_array_equal(X_poisoned[~poisoned], X[~poisoned])
    *_, covers = make_dirty_label_backdoor(
        X, y, target=1, cover_rate=0.2, return_covers=True, **given
    )
    assert covers.sum() == round(0.2 * np.sum(y == 1))


def test_triggers_for_images_are_not_for_tables(wine):
    X, y = wine
    message = "X has 2 dimensions; .* for tables see make_feature_trigger"
    with pytest.raises(ValueError, match=message):
        make_dirty_label_backdoor(X, y, target=1)
    trigger = make_feature_trigger(X, random_state=0)
    with pytest.raises(ValueError, match=message):
        make_clean_label_backdoor(X, y, target=1, trigger=trigger)
    with pytest.raises(ValueError, match=message):
        make_adaptive_backdoor(X, y, source=0, target=1, trigger=trigger)
