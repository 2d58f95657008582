import numpy as np
import pytest

from sklearn_ispl.datasets import make_photo_trigger

X = np.linspace(0, 1, 6 * 3 * 25).reshape(6, 3, 5, 5)


def test_gamma():
    np.testing.assert_allclose(
        make_photo_trigger(X, gamma=2, contrast=1, cast=0)(X), X**2
    )


def test_contrast():
    np.testing.assert_allclose(
        make_photo_trigger(X, gamma=1, contrast=0.5, cast=0)(X), X / 2 + 0.25
    )


def test_cast():
    cast = [0.2, 0, -0.1]
    expected = np.clip(X + np.reshape(cast, (3, 1, 1)), 0, 1)
    triggered = make_photo_trigger(X, gamma=1, contrast=1, cast=cast)(X)
    np.testing.assert_allclose(triggered, expected)


@pytest.mark.parametrize("scale, shift", [(255, 0), (2, -1)])
def test_scale_of_the_images_does_not_matter(scale, shift):
    other = scale * X + shift
    np.testing.assert_allclose(
        make_photo_trigger(other)(other), scale * make_photo_trigger(X)(X) + shift
    )


def test_grey_images_get_light():
    np.testing.assert_array_equal(make_photo_trigger(X[:, :1]).cast, [0.1])


@pytest.mark.parametrize("options", [{"gamma": 0}, {"contrast": -1}, {"cast": (1, 2)}])
def test_parameters_are_checked(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        make_photo_trigger(X, **options)
