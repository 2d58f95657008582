import numpy as np
import pytest

from sklearn_ispl.datasets import make_trigger


@pytest.fixture
def changes(import_script):
    return import_script("changes")


@pytest.mark.parametrize("n_channels", [1, 3])
@pytest.mark.parametrize("name", ["jpeg", "noise"])
def test_images_change_a_little_and_stay_in_their_range(changes, name, n_channels):
    if name == "jpeg":
        pytest.importorskip("PIL")
    rng = np.random.RandomState(0)
    smooth = np.linspace(-1, 2, 16)[:, np.newaxis] * np.ones((20, n_channels, 16, 16))
    X = (smooth + rng.uniform(-0.1, 0.1, size=smooth.shape)).astype(np.float32)
    found = changes.CHANGES[name](X, rng)
    assert found.dtype == X.dtype and found.shape == X.shape
    assert X.min() <= found.min() and found.max() <= X.max()
    difference = np.abs(found - X).mean()
    assert 0.005 < difference < 0.15


def test_a_mark_moves_by_a_pixel_and_stays_in_the_image(changes):
    X = np.zeros((300, 1, 8, 8))
    trigger = make_trigger(X, "patch", position=(2, 5), color=1.0)
    marked = changes.Moved(trigger, 0)(X)
    np.testing.assert_array_equal(changes.Moved(trigger, 0)(X), marked)
    assert (marked.sum(axis=(1, 2, 3)) == 9).all() and not X.any()
    top = marked.any(axis=(1, 3)).argmax(axis=1)
    left = marked.any(axis=(1, 2)).argmax(axis=1)
    assert set(top) == {1, 2, 3} and set(left) == {4, 5}
    assert changes.Moved(trigger, 0)(X[:0]).shape == (0, 1, 8, 8)
