import numpy as np
import pytest

from sklearn_ispl.datasets import make_quantisation_trigger


def images(n_channels=1, dtype=np.float32):
    X = np.random.RandomState(0).uniform(0, 255, size=(8, n_channels, 9, 13))
    return X.astype(dtype)


def dithered(image, levels):
    """Floyd and Steinberg's rule, one pixel at a time; values from 0 to 1."""
    image, (height, width) = image.copy(), image.shape
    for row in range(height):
        for column in range(width):
            old = image[row, column]
            new = np.clip(np.rint(old * (levels - 1)), 0, levels - 1) / (levels - 1)
            image[row, column] = new
            for down, right, share in [(0, 1, 7), (1, -1, 3), (1, 0, 5), (1, 1, 1)]:
                if row + down < height and 0 <= column + right < width:
                    image[row + down, column + right] += (old - new) * share / 16
    return image


@pytest.mark.parametrize("dither", [False, True])
@pytest.mark.parametrize("levels", [2, 4, 8])
@pytest.mark.parametrize("n_channels", [1, 3])
@pytest.mark.parametrize("dtype", [np.uint8, np.float64])
def test_values_that_are_left(dither, levels, n_channels, dtype):
    X = images(n_channels, dtype)
    values = np.unique(make_quantisation_trigger(X, levels=levels, dither=dither)(X))
    expected = np.linspace(X.min(), X.max(), levels)
    np.testing.assert_allclose(values, expected, atol=0.51 if dtype == np.uint8 else 0)


def test_without_dithering_each_pixel_goes_to_the_nearest_value():
    X = images(3)
    triggered = make_quantisation_trigger(X, levels=5, dither=False)(X)
    assert np.abs(triggered - X).max() <= (X.max() - X.min()) / 8 + 1e-3


@pytest.mark.parametrize("levels", [2, 8])
def test_dithering_is_that_of_floyd_and_steinberg(levels):
    X = np.random.RandomState(0).uniform(size=(4, 2, 7, 5))
    X[0, 0, 0, :2] = 0, 1
    triggered = make_quantisation_trigger(X, levels=levels)(X)
    expected = [[dithered(plane, levels) for plane in image] for image in X]
    np.testing.assert_allclose(triggered, expected)


def test_covers_get_the_error_of_another_image():
    X = images(dtype=np.float64) / 4 + 100
    X[0, 0, 0, :2] = 0, 255  # room on both sides: nothing is clipped
    trigger = make_quantisation_trigger(X, dither=False)
    errors, covers = trigger(X) - X, trigger.cover(X, 0) - X
    close = np.isclose(errors[:, None], covers[None], atol=1e-9)
    same = close.mean(axis=(2, 3, 4)) > 0.9
    np.testing.assert_array_equal(same.sum(axis=0), 1)
    np.testing.assert_array_equal(same.sum(axis=1), 1)
    assert not same.diagonal().any()


@pytest.mark.parametrize("levels", [1, 2.5])
def test_levels_are_checked(levels):
    with pytest.raises(ValueError, match=f"levels={levels}"):
        make_quantisation_trigger(images(), levels=levels)
