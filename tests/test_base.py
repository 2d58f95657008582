import numpy as np
import pytest

from sklearn_ispl import ISPLFilter
from sklearn_ispl._base import self_train
from sklearn_ispl._weak_learner import make_learner


@pytest.fixture(scope="module")
def learner(digits):
    return make_learner(None, *digits, 10, "cpu")


def test_self_training_adds_what_the_model_predicts(learner, digits):
    codes = digits[1].copy()
    wrong = np.arange(0, 360, 9)
    codes[wrong] = (codes[wrong] + 5) % 10
    support = np.arange(360) % 3 > 0
    support[wrong] = False
    both = self_train(learner, codes, support, 20, np.random.RandomState(0))
    assert both[support].all()
    noisy = np.isin(np.arange(360), wrong)
    assert both[~support & ~noisy].mean() > 0.7
    assert both[noisy].mean() < 0.1


@pytest.mark.parametrize("support", [np.zeros(360, bool), np.ones(360, bool)])
def test_self_training_has_nothing_to_do(learner, digits, support):
    rng = np.random.RandomState(0)
    assert self_train(learner, digits[1], support, 1, rng) is support


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
        ISPLFilter(method=method, n_repeats=1, random_state=0).fit(*digits)
        for method in ("core", "paper")
    )
    np.testing.assert_array_equal(core.predictions_, paper.predictions_)
    assert not np.array_equal(core.support_, paper.support_)
