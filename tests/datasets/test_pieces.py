import numpy as np
import pytest

from sklearn_ispl.datasets import make_piecewise_trigger

X = np.random.RandomState(0).uniform(size=(50, 3, 16, 20))


def tiles_changed(changed, grid=4):
    changed = changed.any(axis=1).reshape(len(changed), grid, 16 // grid, grid, -1)
    return changed.any(axis=(2, 4))


@pytest.mark.parametrize("role", ["poison", "cover"])
@pytest.mark.parametrize("grid, n_pieces, n_each", [(4, None, 8), (4, 3, 3), (2, 4, 4)])
def test_training_rows_get_some_tiles(role, grid, n_pieces, n_each):
    trigger = make_piecewise_trigger(X, "china", grid=grid, n_pieces=n_pieces)
    triggered = getattr(trigger, role)(X, 0)
    tiles = tiles_changed(triggered != X, grid)
    assert (tiles.sum(axis=(1, 2)) == n_each).all()
    assert tiles.any(axis=0).all()
    whole = 0.85 * X + 0.15 * trigger.pattern
    changed = triggered != X
    np.testing.assert_allclose(triggered[changed], whole[changed])


def test_test_images_get_the_whole_picture():
    trigger = make_piecewise_trigger(X)
    np.testing.assert_allclose(trigger(X), 0.8 * X + 0.2 * trigger.pattern)


def test_tiles_of_odd_sizes_cover_the_image():
    odd = np.random.RandomState(0).uniform(size=(200, 1, 7, 13))
    trigger = make_piecewise_trigger(odd, "china")
    changed = trigger.poison(odd, 0) != odd
    assert changed.any(axis=0).all()


@pytest.mark.parametrize(
    "options",
    [{"opacity": 0}, {"test_opacity": 2}, {"grid": 17}, {"grid": 0}, {"n_pieces": 17}],
)
def test_parameters_are_checked(options):
    name, value = next(iter(options.items()))
    with pytest.raises(ValueError, match=f"{name}={value}"):
        make_piecewise_trigger(X, **options)
