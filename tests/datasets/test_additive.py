import numpy as np
import pytest
from scipy.fft import dctn

from sklearn_ispl.datasets import (
    make_dct_trigger,
    make_sinusoid_trigger,
    make_smooth_trigger,
)

YCBCR = np.array(
    [
        [0.299, 0.587, 0.114],
        [-0.168736, -0.331264, 0.5],
        [0.5, -0.418688, -0.081312],
    ]
)


def images(n_channels=1, height=28, width=28):
    return np.random.RandomState(0).uniform(-2, 8, size=(6, n_channels, height, width))


@pytest.mark.parametrize("n_channels", [1, 3])
@pytest.mark.parametrize("amplitude, frequency", [(30 / 255, 6), (0.1, 3)])
def test_sinusoid_is_a_wave_along_the_width(n_channels, amplitude, frequency):
    X = images(n_channels)
    pattern = make_sinusoid_trigger(
        X, amplitude=amplitude, frequency=frequency
    ).pattern
    assert (pattern == pattern[:1, :1]).all()
    height = amplitude * (X.max() - X.min())
    power = np.abs(np.fft.rfft(pattern[0, 0])) / 14
    np.testing.assert_allclose(power, np.eye(15)[frequency] * height, atol=1e-9)


def test_added_patterns_are_clipped():
    X = images()
    trigger = make_sinusoid_trigger(X)
    np.testing.assert_allclose(
        trigger(X), np.clip(X + trigger.pattern, X.min(), X.max())
    )


def test_wave_that_vanishes_is_an_error():
    with pytest.raises(ValueError, match="frequency=6 is 0 at every pixel"):
        make_sinusoid_trigger(images(1, 12, 12))


@pytest.mark.parametrize("n_channels", [1, 3])
@pytest.mark.parametrize("amplitude", [0.2, 30 / 255])
def test_smooth_pattern_is_low_and_of_its_amplitude(n_channels, amplitude):
    X = images(n_channels)
    pattern = make_smooth_trigger(X, amplitude=amplitude, random_state=0).pattern
    limit = amplitude * (X.max() - X.min())
    np.testing.assert_allclose(np.abs(pattern).max(), limit)
    power = np.abs(np.fft.fft2(pattern)) ** 2
    frequency = np.abs(np.fft.fftfreq(28, 1 / 28))
    low = np.maximum(frequency[:, np.newaxis], frequency) <= 4
    assert power[:, low].sum() > 0.99 * power.sum()


def test_smooth_patterns_are_drawn():
    one, other = (make_smooth_trigger(images(), random_state=s) for s in range(2))
    assert not np.allclose(one.pattern, other.pattern)


@pytest.mark.parametrize("n_channels", [1, 2])
@pytest.mark.parametrize("side", [32, 28, 9])
def test_dct_trigger_raises_two_frequencies(n_channels, side):
    X = images(n_channels, side, side)
    pattern = make_dct_trigger(X, magnitude=0.2).pattern
    expected = np.zeros((side, side))
    for place in (side // 2 - 1, side - 1):
        expected[place, place] = 0.2 * (X.max() - X.min())
    for plane in pattern:
        np.testing.assert_allclose(dctn(plane, norm="ortho"), expected, atol=1e-9)


def test_dct_trigger_is_in_both_color_channels_alone():
    X = images(3, 32, 32)
    pattern = make_dct_trigger(X).pattern
    luma, blue, red = np.tensordot(YCBCR, pattern, axes=1)
    np.testing.assert_allclose(luma, 0, atol=1e-5)
    np.testing.assert_allclose(blue, red, atol=1e-5)
    assert 0.05 < np.abs(blue).max() <= 30 / 255 * 10 / 8


def test_dct_trigger_repeats_in_every_block():
    pattern = make_dct_trigger(images(1, 12, 19), block=8).pattern[0]
    np.testing.assert_array_equal(pattern[:, :8], pattern[:, 8:16])
    np.testing.assert_array_equal(pattern[:4], pattern[8:])
    np.testing.assert_array_equal(pattern[:, 16:], pattern[:, :3])


@pytest.mark.parametrize(
    "maker, options",
    [
        (make_sinusoid_trigger, {"amplitude": 0}),
        (make_smooth_trigger, {"amplitude": 1.5}),
        (make_smooth_trigger, {"smoothness": 0}),
        (make_dct_trigger, {"magnitude": -1}),
        (make_dct_trigger, {"block": 1}),
    ],
)
def test_parameters_are_checked(maker, options):
    name, value = next(iter(options.items()))
    with pytest.raises(ValueError, match=f"{name}={value}"):
        maker(images(), **options)
