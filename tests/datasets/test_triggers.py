import numpy as np
import pytest

from sklearn_ispl.datasets import TRIGGER_SHAPES, make_trigger


def images(n_channels=1, height=8, width=8, dtype=np.float32):
    X = np.random.RandomState(0).uniform(0, 255, size=(6, n_channels, height, width))
    return X.astype(dtype)


@pytest.mark.parametrize(
    "shape, n_pixels", [("ell", 5), ("x", 5), ("pixel", 1), ("patch", 9)]
)
@pytest.mark.parametrize("n_channels", [1, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_trigger_paints_its_pixels_alone(shape, n_pixels, n_channels, dtype):
    X = images(n_channels, 9, 12, dtype)
    before = X.copy()
    color = np.arange(n_channels) + 100
    triggered = make_trigger(X, shape, position=(4, 7), color=color)(X)
    np.testing.assert_array_equal(X, before)
    assert triggered.dtype == dtype
    painted = (triggered == color[None, :, None, None].astype(dtype)).all(axis=(0, 1))
    assert painted.sum() == n_pixels
    assert painted[4:7, 7:10].sum() == n_pixels
    np.testing.assert_array_equal(triggered[..., ~painted], X[..., ~painted])


@pytest.mark.parametrize("seed", range(20))
def test_drawn_triggers_fit_and_are_seen(seed):
    X = images(3, 5, 11)
    trigger, again = (make_trigger(X, "x", random_state=seed) for _ in range(2))
    assert trigger.position == again.position
    np.testing.assert_array_equal(trigger.color, again.color)
    assert not np.array_equal(trigger(X), X)
    assert trigger.color.max() == X.max()
    assert np.isin(trigger.color, [X.min(), X.max()]).all()


def test_drawn_positions_cover_the_image():
    X = images(1, 4, 5)
    drawn = {make_trigger(X, "ell", random_state=seed).position for seed in range(99)}
    assert drawn == {(row, column) for row in range(2) for column in range(3)}


def test_an_ell_does_not_fit_smaller_images():
    trigger = make_trigger(images(), "ell", position=(3, 1))
    trigger(images(1, 6, 4))
    with pytest.raises(ValueError, match=r"\(n, 1, at least 6, at least 4\)"):
        trigger(images(1, 5, 4))
    with pytest.raises(ValueError, match=r"X has shape \(6, 1, 6, 3\)"):
        trigger(images(1, 6, 3))


def test_mask_as_shape():
    mask = np.array([[1, 0, 1]], dtype=bool)
    triggered = make_trigger(images(), mask, position=(0, 0), color=-1)(images())
    np.testing.assert_array_equal((triggered[0, 0] == -1)[0, :3], mask[0])


@pytest.mark.parametrize("position", [(6, 0), (0, 6), (-1, 0)])
def test_trigger_outside_of_the_image_is_an_error(position):
    with pytest.raises(ValueError, match="does not fit into images of 8x8 pixels"):
        make_trigger(images(), "patch", position=position)


def test_trigger_larger_than_the_image_is_an_error():
    with pytest.raises(ValueError, match="does not fit into images of 2x8 pixels"):
        make_trigger(images(1, 2, 8), "patch")


def test_unknown_shape_is_an_error():
    with pytest.raises(ValueError, match="'star' is unknown; use one of"):
        make_trigger(images(), "star")


def test_every_shape_is_a_mask():
    assert all(shape.dtype == bool for shape in TRIGGER_SHAPES.values())


def test_corners():
    X = images(1, 8, 10)
    changed = make_trigger(X, "corners", color=-1)(X)[0, 0] == -1
    assert changed.sum() == 20
    for rows in (slice(3), slice(-3, None)):
        for columns in (slice(3), slice(-3, None)):
            np.testing.assert_array_equal(changed[rows, columns], TRIGGER_SHAPES["x"])


def test_corners_need_room():
    with pytest.raises(ValueError, match="does not fit into images of 5x8 pixels"):
        make_trigger(images(1, 5, 8), "corners")


@pytest.mark.parametrize("height, width, side", [(8, 8, 4), (9, 12, 4), (1, 5, 1)])
def test_large_is_half_of_the_shorter_side(height, width, side):
    X = images(3, height, width)
    painted = (make_trigger(X, "large", color=-1)(X) == -1).all(axis=(0, 1))
    assert painted.sum() == side**2


@pytest.mark.parametrize("color", [300, -1, 0.9, np.nan, (0, 1, 256)])
def test_colors_that_the_images_cannot_hold_are_errors(color):
    with pytest.raises(ValueError, match="color=.* cannot be held .* uint8; give int"):
        make_trigger(images(3, dtype=np.uint8), color=color)
    trigger = make_trigger(images(3), color=color)
    with pytest.raises(ValueError, match="color=.* cannot be held .* uint8; give int"):
        trigger(images(3, dtype=np.uint8))


@pytest.mark.parametrize("color", [0, 255, 7.0, (0, 1, 255)])
def test_colors_that_the_images_can_hold(color):
    X = images(3, dtype=np.uint8)
    triggered = make_trigger(X, "pixel", position=(0, 0), color=color)(X)
    np.testing.assert_array_equal(triggered[0, :, 0, 0], np.broadcast_to(color, 3))


def test_a_color_by_name_is_an_error():
    with pytest.raises(ValueError, match="color='red' is no number"):
        make_trigger(images(), color="red")


def test_color_of_other_channels_is_an_error():
    with pytest.raises(ValueError, match="color=.*nor one for each of 3 channels"):
        make_trigger(images(3), color=(1, 2))
