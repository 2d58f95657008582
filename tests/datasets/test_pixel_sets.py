import numpy as np
import pytest

from sklearn_ispl.datasets import make_pixel_set_trigger

X = np.random.RandomState(0).uniform(0.1, 0.9, size=(100, 3, 9, 12)).astype(np.float32)


@pytest.mark.parametrize("n_pixels", [1, 4, 9])
def test_test_images_get_all_pixels(n_pixels):
    trigger = make_pixel_set_trigger(X, n_pixels=n_pixels, random_state=0)
    painted = (trigger(X) != X).any(axis=1)
    assert painted.all(axis=0).sum() == painted.any(axis=0).sum() == n_pixels


@pytest.mark.parametrize("role", ["poison", "cover"])
@pytest.mark.parametrize("n_pixels, n_painted, n_each", [(4, None, 2), (9, 1, 1)])
def test_training_rows_get_some_pixels(role, n_pixels, n_painted, n_each):
    trigger = make_pixel_set_trigger(
        X, n_pixels=n_pixels, n_painted=n_painted, random_state=0
    )
    triggered = getattr(trigger, role)(X, 0)
    painted = (triggered != X).any(axis=1)
    assert (painted.sum(axis=(1, 2)) == n_each).all()
    assert painted.any(axis=0).sum() == n_pixels
    changed = triggered != X
    np.testing.assert_array_equal(triggered[changed], trigger(X)[changed])


@pytest.mark.parametrize(
    "options", [{"n_pixels": 0}, {"n_pixels": 109}, {"n_painted": 5}, {"n_painted": 0}]
)
def test_parameters_are_checked(options):
    name, value = next(iter(options.items()))
    with pytest.raises(ValueError, match=f"{name}={value}"):
        make_pixel_set_trigger(X, **options)
