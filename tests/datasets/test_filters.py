import numpy as np
import pytest

from sklearn_ispl.datasets import make_image_specific_trigger


def images(n_channels=3, dtype=np.float64):
    X = np.random.RandomState(0).uniform(-1, 3, size=(20, n_channels, 11, 14))
    return X.astype(dtype)


@pytest.mark.parametrize("n_channels", [1, 3])
@pytest.mark.parametrize("amplitude", [0.08, 0.02])
def test_change_is_within_the_amplitude_and_nearly_as_large(n_channels, amplitude):
    X = images(n_channels)
    trigger = make_image_specific_trigger(X, amplitude=amplitude, random_state=0)
    change = np.abs(trigger(X) - X)
    limit = amplitude * (X.max() - X.min())
    assert change.max() <= limit + 1e-9
    assert change.mean() > limit / 2


def test_filters_have_mean_zero_so_that_flat_images_stay():
    X = images()
    trigger = make_image_specific_trigger(X, random_state=0)
    np.testing.assert_allclose(trigger.filters.mean(axis=(2, 3)), 0, atol=1e-12)
    flat = np.full_like(X, 1.5)
    np.testing.assert_allclose(trigger(flat), flat)


def test_every_image_has_a_perturbation_of_its_own():
    X = images()
    change = make_image_specific_trigger(X, random_state=0)(X) - X
    unlike = np.corrcoef(change.reshape(20, -1)) - np.eye(20)
    assert np.abs(unlike).max() < 0.5


def test_scale_of_the_images_does_not_matter():
    X = images()
    small, large = (
        make_image_specific_trigger(A, random_state=0)(A) for A in (X, 10 * X + 7)
    )
    np.testing.assert_allclose(10 * small + 7, large)


@pytest.mark.parametrize("options", [{"amplitude": 0}, {"size": 4}, {"size": 1}])
def test_parameters_are_checked(options):
    name, value = next(iter(options.items()))
    with pytest.raises(ValueError, match=f"{name}={value}"):
        make_image_specific_trigger(images(), **options)
