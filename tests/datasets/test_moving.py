import numpy as np
import pytest

from sklearn_ispl.datasets import make_moving_patch_trigger

X = np.random.RandomState(0).uniform(0.1, 0.9, size=(1500, 3, 9, 12)).astype(np.float32)


@pytest.mark.parametrize("size, side", [(None, 2), (4, 4), (9, 9)])
@pytest.mark.parametrize("role", ["poison", "cover", "__call__"])
def test_one_patch_anywhere(size, side, role):
    trigger = make_moving_patch_trigger(X, size=size, random_state=0)
    triggered = getattr(trigger, role)(X, *[0] * (role != "__call__"))
    places = set()
    for image, before in zip(triggered, X):
        rows, columns = np.nonzero((image != before).any(axis=0))
        top, left = rows.min(), columns.min()
        window = image[:, top : top + side, left : left + side]
        np.testing.assert_array_equal(window, trigger.patch)
        assert len(rows) == side**2
        places.add((int(top), int(left)))
    assert len(places) == (10 - side) * (13 - side)


def test_places_of_test_images_are_not_those_of_training_rows():
    trigger = make_moving_patch_trigger(X, random_state=0)
    np.testing.assert_array_equal(trigger(X), trigger(X))
    assert not np.array_equal(trigger(X), trigger.poison(X, 0))


@pytest.mark.parametrize("size", [0, 10])
def test_size_is_checked(size):
    with pytest.raises(ValueError, match=f"size={size} is not from 1 to 9"):
        make_moving_patch_trigger(X, size=size)
