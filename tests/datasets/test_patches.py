import numpy as np
import pytest

from sklearn_ispl.datasets import make_alternating_patch_trigger

# Between the colours of the patches, so that every pixel of a patch is seen.
X = np.full((41, 3, 15, 20), 0.5)
X[0, 0, 7, 10], X[1, 0, 7, 10] = 0, 1
OPACITIES = (0.5, 0.2, 0.5, 0.3)


@pytest.mark.parametrize("role", ["poison", "cover"])
def test_training_rows_get_one_patch_in_turn(role):
    trigger = make_alternating_patch_trigger(X, random_state=0)
    change = np.abs(getattr(trigger, role)(X, 0) - X).max(axis=1)
    counts = np.zeros(4, dtype=int)
    for image in change:
        corners = [
            image[rows, columns].max()
            for rows in (slice(3), slice(-3, None))
            for columns in (slice(3), slice(-3, None))
        ]
        (patch,) = np.flatnonzero(corners)
        assert corners[patch] == pytest.approx(OPACITIES[patch] / 2)
        assert (image > 0).sum() == 9
        counts[patch] += 1
    assert sorted(counts) == [10, 10, 10, 11]


@pytest.mark.parametrize("at_test", [(0, 2), (1, 3)])
@pytest.mark.parametrize("test_opacity", [1.0, 0.5])
def test_test_images_get_two_patches(at_test, test_opacity):
    trigger = make_alternating_patch_trigger(
        X, at_test=at_test, test_opacity=test_opacity, random_state=0
    )
    change = np.abs(trigger(X) - X).max(axis=1)
    seen = trigger.masks[list(at_test)].any(axis=0)
    assert seen.sum() == 18
    np.testing.assert_array_equal(change > 0, np.broadcast_to(seen, change.shape))
    np.testing.assert_allclose(change[:, seen], test_opacity / 2)


@pytest.mark.parametrize("size", [1, 7])
def test_size(size):
    trigger = make_alternating_patch_trigger(X, size=size, random_state=0)
    assert (trigger.masks.sum(axis=(1, 2)) == size**2).all()
    assert trigger.masks.sum(axis=0).max() == 1


@pytest.mark.parametrize(
    "options",
    [
        {"size": 8},
        {"size": 0},
        {"opacities": (0.5, 0.5)},
        {"opacities": (0.5, 0.5, 0, 1)},
        {"at_test": (4,)},
        {"at_test": ()},
        {"test_opacity": 0},
    ],
)
def test_parameters_are_checked(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        make_alternating_patch_trigger(X, **options)
