import numpy as np
import pytest
from test_trigger_search import AnswersToABlock, images

from sklearn_ispl.detectors._window_test import WindowTest, windows


@pytest.mark.parametrize(
    "height, width", [(8, 8), (28, 28), (32, 32), (20, 45), (3, 9)]
)
def test_windows_hold_any_small_trigger(height, width):
    # Of small images, one of two pixels a side.
    trigger = max(2, round(0.1 * min(height, width)))
    found = windows(height, width)
    for rows, columns in found:
        assert 0 <= rows.start < rows.stop <= height
        assert 0 <= columns.start < columns.stop <= width
    for top in range(height - trigger + 1):
        for left in range(width - trigger + 1):
            assert any(
                rows.start <= top
                and top + trigger <= rows.stop
                and columns.start <= left
                and left + trigger <= columns.stop
                for rows, columns in found
            )
    assert len(set(map(str, found))) == len(found)


def test_effects_of_a_window():
    X, codes, triggered = images()
    test = WindowTest(X, codes, codes, 1, AnswersToABlock(), 0)
    window = slice(4, 8), slice(4, 8)
    others = np.flatnonzero((codes == 1) & ~triggered)
    rows = np.flatnonzero(triggered)
    chances = test.without(rows, window, others)
    np.testing.assert_allclose(chances, [[0.95, 0.05]] * len(rows))
    assert test.runner_up(chances).tolist() == [0] * len(rows)
    zeros = np.zeros(len(rows), dtype=int)
    np.testing.assert_allclose(test.given(rows, window, zeros), 0.9)
    zeros = np.zeros(len(others), dtype=int)
    np.testing.assert_allclose(test.given(others, window, zeros), 0.05)
    found = test.decided(np.flatnonzero(codes == 1), window)
    assert set(found) <= set(rows) and len(found) > 10
    assert not len(test.decided(found[:0], window))


@pytest.mark.parametrize(("without", "n_decided"), [(0.45, 12), (0.65, 12), (0.75, 0)])
def test_a_window_decides_for_rows_of_another_class_without_it(without, n_decided):
    rng = np.random.RandomState(0)
    X = rng.uniform(0, 0.5, size=(100, 1, 12, 12)).astype(np.float32)
    codes = np.repeat([0, 1], 50)
    X[codes == 1, :, 0, 0] = 1
    X[50:62, :, 5, 5] = 1

    class Model:
        def predict_proba(self, X):
            images = X.reshape(-1, 12, 12)
            one = np.where(images[:, 0, 0] > 0.9, without, 0.1)
            one[images[:, 5, 5] > 0.9] = 0.9
            return np.c_[1 - one, one]

    test = WindowTest(X, codes, codes, 1, Model(), 0)
    test.own = np.setdiff1d(test.own, np.arange(50, 62))
    assert len(test.decided(np.arange(50, 62), (slice(4, 8), slice(4, 8)))) == n_decided


def test_spans_are_of_an_image_or_of_each_feature():
    X, codes, _ = images()
    test = WindowTest(X, codes, codes, 1, AnswersToABlock(), 0)
    assert test.spans() == np.ptp(X)
    rows = np.zeros((201, 4), dtype=np.float32)
    rows[:, 0] = np.linspace(0, 100, 201)
    rows[:, 1] = np.linspace(0, 1, 201)
    rows[0, 1], rows[7, 2] = -1000, 5
    codes = np.arange(201) % 2
    test = WindowTest(rows, codes, codes, 1, AnswersToABlock(), 0)
    # Without the ends; but for what is the same in most rows, and in all.
    np.testing.assert_allclose(test.spans(), [90, 0.9, 5, 0], rtol=1e-6)


@pytest.mark.parametrize("side", [8, 16, 64, 224, 1024])
def test_large_images_have_no_more_windows_than_small_ones(side):
    assert len(windows(side, side)) <= 49
