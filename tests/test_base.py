from functools import partial

import numpy as np
import pytest

from sklearn_ispl import ISPLFilter
from sklearn_ispl._base import _one_model, cross_examine, self_train
from sklearn_ispl._weak_learner import make_learner
from sklearn_ispl.exceptions import ClassVanishedWarning


def examiner(X, codes, n_epochs):
    """What a fit hands to the rules: models trained here and now."""
    new_learner = partial(make_learner, None, X, codes, 10, "cpu")

    def examine(tasks):
        return [_one_model(new_learner, *task, n_epochs) for task in tasks]

    return examine


def test_self_training_adds_what_the_model_predicts(digits):
    codes = digits[1].copy()
    wrong = np.arange(0, 360, 9)
    codes[wrong] = (codes[wrong] + 5) % 10
    support = np.arange(360) % 3 > 0
    support[wrong] = False
    examine = examiner(digits[0], codes, 20)
    both = self_train(examine, codes, support, np.random.RandomState(0))
    assert both[support].all()
    noisy = np.isin(np.arange(360), wrong)
    assert both[~support & ~noisy].mean() > 0.7
    assert both[noisy].mean() < 0.1


@pytest.mark.parametrize("support", [np.zeros(360, bool), np.ones(360, bool)])
def test_self_training_has_nothing_to_do(digits, support):
    rng = np.random.RandomState(0)
    assert self_train(None, digits[1], support, rng) is support


@pytest.mark.parametrize("share", [1 / 4, 1 / 2])
def test_core_without_self_training_is_the_share_of_every_class(digits, share):
    X, y = digits
    ispl = ISPLFilter(
        core_share=share, self_training=False, n_repeats=1, random_state=0
    ).fit(X, y)
    expected = np.ceil(share * np.bincount(y))
    np.testing.assert_array_equal(np.bincount(y[ispl.support_]), expected)


def test_methods_share_votes(digits):
    core, paper = (
        ISPLFilter(
            method=method,
            n_repeats=1,
            n_epochs=2,
            self_training_epochs=3,
            random_state=0,
        ).fit(*digits)
        for method in ("core", "paper")
    )
    np.testing.assert_array_equal(core.predictions_, paper.predictions_)
    assert not np.array_equal(core.support_, paper.support_)


def test_cross_examination_drops_what_only_its_own_fold_vouches_for(digits):
    """Wrong labels are dropped, in the core and outside of it."""
    codes = digits[1].copy()
    wrong = np.arange(0, 360, 9)
    codes[wrong] = (codes[wrong] + 5) % 10
    core = np.arange(360) % 2 == 0
    noisy = np.isin(np.arange(360), wrong)
    examine = examiner(digits[0], codes, 30)
    support = cross_examine(examine, codes, core, np.random.RandomState(0))
    assert support[~noisy & core].mean() > 0.7
    assert support[~noisy & ~core].mean() > 0.35
    assert support[noisy].mean() < 0.1


@pytest.mark.parametrize("core", [np.ones(6, dtype=bool), np.arange(6) < 3])
def test_cross_examination_asks_the_models_that_did_not_see_a_row(core):
    asked = []

    def examine(tasks):
        for _, trained, judged in tasks:
            asked.append((set(trained.tolist()), set(judged.tolist())))
        return [np.zeros(len(judged), dtype=int) for _, _, judged in tasks]

    codes = np.zeros(6, dtype=int)
    support = cross_examine(examine, codes, core, np.random.RandomState(0))
    assert support.all() and len(asked) == 2
    for trained, judged in asked:
        assert trained.isdisjoint(judged)
        assert trained | judged == set(range(6))
    for row in range(6):
        assert sum(row in judged for _, judged in asked) == (1 if core[row] else 2)


def test_classes_that_self_training_does_not_know_keep_their_core():
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(60, 3)), np.arange(60) % 3
    y[np.arange(60) % 20 == 19] = 7
    ispl = ISPLFilter(n_repeats=1, self_training_epochs=1, random_state=0)
    with pytest.warns(ClassVanishedWarning, match=r"no row of these classes: \[.*7"):
        ispl.fit(X, y)
    assert set(y[ispl.support_]) == {0, 1, 2, 7}
