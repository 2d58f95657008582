import numpy as np
import pytest
from joblib import Parallel

from sklearn_ispl.detectors._shared import look_alikes
from sklearn_ispl.detectors._trigger_search import find_triggers
from sklearn_ispl.detectors._window_test import WindowTest
from sklearn_ispl.learners._tasks import Verdict


class AnswersToABlock:
    """A classifier that takes what has a bright block for class 1, others for 0."""

    def predict_proba(self, X):
        images = X.reshape(-1, 12, 12)
        one = np.where(images[:, 4:7, 5:8].min(axis=(1, 2)) > 0.9, 0.9, 0.05)
        one[images[:, 0].mean(axis=1) > 0.7] = 0.9
        return np.c_[1 - one, one]


def images(n_triggered=20, seed=0, n=200):
    """Two classes; some rows of class 1 are of class 0 but for a block.

    The first line of an image tells the true class.
    """
    rng = np.random.RandomState(seed)
    X = rng.uniform(0, 0.8, size=(n, 1, 12, 12))
    codes = np.repeat([0, 1], n // 2)
    triggered = (codes == 1) & (np.arange(n) % (n // 2) < n_triggered)
    X[(codes == 1) & ~triggered, :, 0] = 1
    X[triggered, :, 4:7, 5:8] = 1
    return X.astype(np.float32), codes, triggered


def search(X, codes, predicted=None, model=None):
    predicted = codes if predicted is None else predicted
    features, model = X.mean(axis=(1, 2)), model or AnswersToABlock()
    verdict = Verdict(None, predicted, features, estimator=model)
    return find_triggers(Parallel(), X, codes, verdict, np.random.RandomState(0))


@pytest.mark.parametrize(
    ("n_triggered", "n", "found"), [(20, 200, True), (5, 800, True), (3, 200, False)]
)
def test_rows_with_a_trigger_are_found_if_there_are_four(n_triggered, n, found):
    X, codes, triggered = images(n_triggered, n=n)
    before = X.copy()
    answers = search(X, codes)
    np.testing.assert_array_equal(X, before)
    block = np.full((1, 12, 12), np.nan)
    block[:, 4:7, 5:8] = 1
    assert len(answers) == found
    for rows, trigger, _ in answers:
        np.testing.assert_array_equal(rows, np.flatnonzero(triggered))
        np.testing.assert_array_equal(trigger, block)


@pytest.mark.parametrize(("share", "found"), [(0.6, True), (0.9, False)])
def test_a_trigger_is_found_where_most_of_the_class_has_most_of_it(share, found):
    X, codes, triggered = images(n=400)
    others = np.flatnonzero((codes == 1) & ~triggered)
    X[others[: int(share * len(others))], :, 5:7, 5:8] = 1
    answers = search(X, codes)
    assert len(answers) == found
    for rows, trigger, _ in answers:
        np.testing.assert_array_equal(rows, np.flatnonzero(triggered))
        assert np.isfinite(trigger).sum() == 9


def test_rows_that_the_model_does_not_know_are_found_by_their_pixels():
    X, codes, triggered = images()
    predicted = np.where(np.arange(200) % 2, codes, 0)
    (found,) = search(X, codes, predicted)
    np.testing.assert_array_equal(found.rows, np.flatnonzero(triggered))


def test_the_first_line_of_a_class_is_no_trigger():
    X, codes, _ = images(n_triggered=0)
    assert search(X, codes) == []


@pytest.mark.parametrize("n_known", [(100, 0), (0, 100), (100, 7), (0, 0)])
def test_without_rows_to_ask_about_nothing_is_triggered(n_known):
    X, codes, _ = images()
    known = np.arange(200) % 100 < np.take(n_known, codes)
    assert search(X, codes, np.where(known, codes, 1 - codes)) == []


def test_pixels_in_common_that_flip_no_image_are_no_trigger(monkeypatch):
    """The model does not answer to the block: rows are of class 1 for their line."""

    class FirstLine(AnswersToABlock):
        def predict_proba(self, X):
            one = np.where(X.reshape(-1, 12, 12)[:, 0].mean(axis=1) > 0.7, 0.9, 0.05)
            return np.c_[1 - one, one]

    X, codes, triggered = images()
    X[triggered, :, 0] = 1
    test = WindowTest(X, codes, codes, 1, FirstLine(), 0)
    window = slice(4, 8), slice(4, 8)
    pixels = test.pixels(np.arange(200), window)
    alike, trigger, colors = look_alikes(pixels, triggered, 0.01)
    np.testing.assert_array_equal(alike, triggered)
    zeros = np.zeros(5, dtype=int)
    assert test.flip_rate(zeros, window, trigger, colors) == 0
    test.predict = AnswersToABlock().predict_proba
    assert test.flip_rate(zeros, window, trigger, colors) == 1

    def decided_here(self, tried, here):
        return tried[triggered[tried] & (here == window)]

    # Whatever windows say, the pixels have the last word.
    monkeypatch.setattr(WindowTest, "decided", decided_here)
    for model, expected in [(FirstLine(), False), (AnswersToABlock(), True)]:
        found = search(X, codes, model=model)
        assert len(found) == expected
        for rows, trigger, _ in found:
            np.testing.assert_array_equal(rows, np.flatnonzero(triggered))
            assert np.isfinite(trigger).any()


def test_patterns_of_few_rows_are_not_sure_and_come_once_without_the_others(
    monkeypatch,
):
    X, codes, triggered = images(n=400)
    with_pixels = np.flatnonzero(triggered)
    many, few = np.r_[with_pixels[:15], 300:330], np.arange(325, 340)
    # Of the last one too few rows are left.
    patterns = [few, many, few, np.arange(320, 333)]
    monkeypatch.setattr(
        "sklearn_ispl.detectors._trigger_search.pattern_groups",
        lambda test, *_, **__: patterns if test.code == 1 else [],
    )
    pixels, pattern, unsure = search(X, codes)
    np.testing.assert_array_equal(pixels.rows, with_pixels)
    np.testing.assert_array_equal(pattern.rows, many)
    np.testing.assert_array_equal(unsure.rows, np.arange(330, 340))
    assert pixels.is_sure and pattern.is_sure and not unsure.is_sure
    assert pixels.trigger is not None and pattern.trigger is None
