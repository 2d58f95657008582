import numpy as np
import pytest
from joblib import Parallel

from sklearn_ispl._marks import MarkSearch
from sklearn_ispl._self_training import Verdict
from sklearn_ispl._spread import class_means, spread_rows
from sklearn_ispl._window_test import WindowTest

PATTERN = np.sign(np.random.RandomState(5).normal(size=(1, 10, 10)))


class AnswersToAPattern:
    """Knows classes by their brightness, and takes what has the pattern for class 2."""

    strength = 0.08

    def predict_proba(self, X):
        images = X.reshape(-1, 1, 10, 10)
        found = (images * PATTERN).mean(axis=(1, 2, 3)) > self.strength
        codes = np.clip(images.mean(axis=(1, 2, 3)).round(), 0, 2).astype(int)
        codes[found] = 2
        return np.eye(3)[codes] * 0.9 + 0.1 / 3


def images(n_poisoned=20, seed=0):
    """Three classes of a brightness each; some rows of class 2 are of class 0 but for
    a pattern that is blended in. The features are the true class and the pattern.
    """
    rng = np.random.RandomState(seed)
    codes = np.repeat([0, 1, 2], 100)
    poisoned = np.arange(300) >= 300 - n_poisoned
    level = np.where(poisoned, 0, codes)
    X = level[:, None, None, None] + rng.normal(scale=0.1, size=(300, 1, 10, 10))
    X[poisoned] += 0.15 * PATTERN
    features = np.column_stack([level, 3 * poisoned])
    features = features + rng.normal(scale=0.2, size=(300, 2))
    return X.astype(np.float32), codes, poisoned, features


@pytest.mark.parametrize("seed", range(3))
def test_rows_with_a_pattern_blended_in_are_found(seed):
    X, codes, poisoned, features = images(seed=seed)
    verdict = Verdict(None, codes, features, AnswersToAPattern())
    with Parallel() as parallel:
        marks = MarkSearch(parallel, X, codes, np.random.RandomState(seed))
        found = marks.search(verdict)
    assert not found.exact.any() and not found.marks
    # With the tenth of the class that is most like them.
    assert found.varying[poisoned].all() and found.varying.sum() == 30
    assert (codes[found.varying | found.beside] == 2).all()
    assert found.beside.sum() == 30


def test_patterns_are_not_sought_in_tables():
    X, codes, poisoned, features = images()
    verdict = Verdict(None, codes, features, AnswersToAPattern())
    with Parallel() as parallel:
        rows = X.reshape(len(X), -1)
        marks = MarkSearch(parallel, rows, codes, np.random.RandomState(0))
        found = marks.search(verdict)
    assert not found.exact.any() and not found.varying.any()


@pytest.mark.parametrize("why", ["no cluster", "no pattern", "small class", "alone"])
def test_clusters_that_no_small_step_makes_are_not_found(why):
    X, codes, poisoned, features = images(0 if why == "no cluster" else 20)
    model, known = AnswersToAPattern(), codes
    if why == "no pattern":
        model.strength = np.inf
    if why == "small class":
        few = np.r_[:200, 290:300]
        X, codes, features = X[few], codes[few], features[few]
        known = codes
    if why == "alone":
        known = np.full_like(codes, 2)
    test = WindowTest(X, codes, known, 2, model, 0)
    rows, beside = spread_rows(test, features, class_means(X, codes, known == codes))
    assert not len(rows) and not len(beside)


@pytest.mark.parametrize("contrast", ["before", "after"])
def test_the_step_must_work_for_the_cluster_and_for_what_it_becomes(
    monkeypatch, contrast
):
    X, codes, poisoned, features = images()
    test = WindowTest(X, codes, codes, 2, AnswersToAPattern(), 0)
    settled = []

    def settle(seen, group, rng):
        settled.append(group)
        return group, group.astype(float)

    def weak_once(*args):
        return 0.9 if bool(settled) == (contrast == "after") else 1.5

    monkeypatch.setattr("sklearn_ispl._spread.settle", settle)
    monkeypatch.setattr("sklearn_ispl._spread._score", weak_once)
    rows, beside = spread_rows(test, features, class_means(X, codes, codes >= 0))
    assert not len(rows) and not len(beside)
    assert len(settled) == (contrast == "after")


@pytest.mark.parametrize("back", ["cluster", "class", "nothing"])
def test_a_step_that_turns_the_rest_as_well_must_lead_back(back):
    """Anything brighter than class 0 is of class 2, poisoned or not."""

    class AnswersToMore(AnswersToAPattern):
        def predict_proba(self, X):
            images = X.reshape(-1, 1, 10, 10)
            codes = np.where(images.mean(axis=(1, 2, 3)) > 0.04, 2, 0)
            codes[(images * PATTERN).mean(axis=(1, 2, 3)) > self.strength] = 2
            if back == "class":
                codes[(images * PATTERN).mean(axis=(1, 2, 3)) < -0.1] = 0
            if back == "nothing":
                codes[:] = 2
            return np.eye(3)[codes] * 0.9 + 0.1 / 3

    X, codes, poisoned, features = images()
    test = WindowTest(X, codes, codes, 2, AnswersToMore(), 0)
    rows, _ = spread_rows(test, features, class_means(X, codes, codes >= 0))
    assert len(rows) == (30 if back == "cluster" else 0)
    assert poisoned[rows].sum() == (20 if back == "cluster" else 0)


def test_long_steps_are_not_tried():
    X, codes, poisoned, features = images()
    X[poisoned] += np.float32(0.6) * PATTERN.astype(np.float32)
    model = AnswersToAPattern()
    for model.strength, n_found in [(0.2, 30), (0.6, 0)]:
        assert (model.predict_proba(X[poisoned]).argmax(axis=1) == 2).all()
        test = WindowTest(X, codes, codes, 2, model, 0)
        rows, _ = spread_rows(test, features, class_means(X, codes, codes >= 0))
        assert len(rows) == n_found


def test_what_many_classes_have_is_no_attack(monkeypatch):
    X, codes, poisoned, features = images()
    verdict = Verdict(None, codes, features, AnswersToAPattern())

    def in_two_classes(test, *args):
        rows = np.flatnonzero(test.codes == test.code)
        return rows[: 5 * (test.code < 2)], rows[:0]

    monkeypatch.setattr("sklearn_ispl._marks.spread_rows", in_two_classes)
    with Parallel() as parallel:
        for n_classes in (2, 3):
            few = codes < n_classes
            marks = MarkSearch(parallel, X[few], codes[few], np.random.RandomState(0))
            known = {"predicted": codes[few], "features": features[few]}
            found = marks.search(verdict._replace(**known))
            assert found.varying.sum() == (10 if n_classes == 3 else 0)


def test_means_are_of_known_rows():
    X = np.arange(8, dtype=np.float32).reshape(4, 1, 1, 2)
    codes, known = np.array([0, 0, 1, 2]), np.array([True, True, True, False])
    means = class_means(X, codes, known)
    np.testing.assert_array_equal(means[:2, 0, 0], [[1, 2], [4, 5]])
    assert np.isnan(means[2]).all()
