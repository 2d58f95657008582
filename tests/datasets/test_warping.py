import numpy as np
import pytest

from sklearn_ispl.datasets import make_warping_trigger


def ramps(height, width):
    """Two channels that hold the row and the column of each pixel."""
    rows, columns = np.indices((height, width), dtype=float)
    return np.stack([rows, columns])[np.newaxis]


@pytest.mark.parametrize("height, width", [(28, 28), (21, 33)])
@pytest.mark.parametrize("strength", [0.5, 1.0])
def test_pixels_move_by_about_half_the_strength(height, width, strength):
    X = ramps(height, width)
    shifts = np.abs(
        [
            make_warping_trigger(X, strength=strength, random_state=seed)(X) - X
            for seed in range(20)
        ]
    )
    assert 0.25 * strength < shifts.mean() < 0.6 * strength
    assert shifts.max() < 2.5 * strength


def test_warps_are_smooth():
    X = ramps(28, 28)
    shift = (make_warping_trigger(X, random_state=0)(X) - X)[0, :, 2:-2, 2:-2]
    assert np.abs(np.diff(shift, axis=1)).max() < 0.4 * np.abs(shift).max()


def test_covers_are_warped_with_noise_of_up_to_half_a_pixel():
    X = np.repeat(ramps(28, 28), 3, axis=0)
    trigger = make_warping_trigger(X, random_state=0)
    noise = (trigger.cover(X, 0) - trigger(X))[:, :, 2:-2, 2:-2]
    assert np.abs(noise).max() <= 0.5 and noise.std() > 0.2
    assert len(np.unique(noise, axis=0)) == 3


def test_all_images_are_warped_alike_whatever_the_batch():
    X = np.repeat(np.random.RandomState(0).uniform(size=(1, 1, 5, 6)), 1500, axis=0)
    assert len(np.unique(make_warping_trigger(X, random_state=0)(X), axis=0)) == 1


@pytest.mark.parametrize("options", [{"strength": 0}, {"grid": 1}, {"grid": 2.5}])
def test_parameters_are_checked(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        make_warping_trigger(ramps(8, 8), **options)
