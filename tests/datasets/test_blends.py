import sys

import numpy as np
import pytest

from sklearn_ispl.datasets import make_blended_trigger, make_picture_trigger


def images(n_channels=1, height=8, width=8, dtype=np.float32):
    X = np.random.RandomState(0).uniform(0, 255, size=(6, n_channels, height, width))
    return X.astype(dtype)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_blended_trigger_is_seen_everywhere(dtype):
    X = images(3, dtype=dtype)
    trigger, again = (
        make_blended_trigger(X, opacity=0.5, random_state=1) for _ in range(2)
    )
    np.testing.assert_array_equal(trigger(X), again(X))
    assert trigger(X).dtype == dtype
    np.testing.assert_allclose(trigger(X), (X + trigger.pattern) / 2, atol=0.51)
    assert np.mean(trigger(X) != X) > 0.9


@pytest.mark.parametrize("opacity", [0, 1.5])
def test_opacity_is_checked(opacity):
    with pytest.raises(ValueError, match=f"opacity={opacity}"):
        make_blended_trigger(images(), opacity=opacity)


@pytest.mark.parametrize("picture", ["cartoon", "china", "flower"])
@pytest.mark.parametrize("n_channels", [1, 3, 4])
def test_pictures_fill_the_range_of_the_images(picture, n_channels):
    X = images(n_channels, 9, 12)
    pattern = make_picture_trigger(X, picture).pattern
    assert pattern.shape == (n_channels, 9, 12)
    np.testing.assert_allclose([pattern.min(), pattern.max()], [X.min(), X.max()])
    assert pattern.std() > 20


def test_without_pillow_a_photograph_is_an_error_that_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    with pytest.raises(ImportError, match=r"'china' needs Pillow.*\[pictures\]"):
        make_picture_trigger(images(), "china")
    assert make_picture_trigger(images(), "cartoon").pattern.std() > 0


def test_picture_is_blended_at_its_opacity():
    X = images(3)
    trigger = make_picture_trigger(X, opacity=0.2)
    np.testing.assert_allclose(trigger(X), 0.8 * X + 0.2 * trigger.pattern, rtol=1e-5)


@pytest.mark.parametrize("shape", [(8, 8), (1, 8, 8)])
def test_array_as_picture(shape):
    X = images(3) / 255
    picture = np.linspace(-3, 5, 64).reshape(shape)
    pattern = make_picture_trigger(X, picture).pattern
    scaled = np.linspace(X.min(), X.max(), 64).reshape(8, 8)
    np.testing.assert_allclose(pattern, [scaled] * 3, atol=1e-6)


@pytest.mark.parametrize(
    "picture, message",
    [
        ("sunset", "picture='sunset' is unknown"),
        (np.zeros((4, 4)), "picture has one value"),
        (np.zeros((1, 2, 3, 4)), "picture has 4 dimensions"),
    ],
)
def test_pictures_that_cannot_be_used_are_errors(picture, message):
    with pytest.raises(ValueError, match=message):
        make_picture_trigger(images(), picture)
