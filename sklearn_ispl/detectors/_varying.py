"""Marks that vary from row to row: moved, noisy, or smeared by lossy compression."""

import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from .._groups import NO_ROWS, Group, as_mask, is_part, leading, overlap
from ._shared import BOTH, FLIPPED
from ._window_test import side_of_marks

# How much most windows of the rest of the class flip them, as a share of what those of
# the group do: a quarter of the rest may be poison that was missed.
OTHERS, MOST = 0.25, 0.75
# A probe takes the third power of its features in time.
N_COMPONENTS = 300


def varying_rows(test, window, marked, exact):
    """Return the rows of a class whose window does and looks like that of some of them.

    A probe is fitted to the pixels of the window and to how necessary and how
    sufficient it is for each row. The rows that it takes for the marked ones, each
    judged by a probe that was not fitted to it, are the next to fit it to, until they
    stay much the same. They have a mark if their windows flip images of other classes
    and those of the rest of the class do not.

    Parameters
    ----------
    test : WindowTest
    window : (slice, slice)
    marked : ndarray of int
        Rows for which the window is necessary and sufficient.

    exact : ndarray of int
        Rows of which it is known that they have a mark. They are left out.

    Returns
    -------
    found : Group
        None if there is no such mark.
    """
    of_class = np.setdiff1d(test.of_class, exact)
    group = np.isin(of_class, marked)
    looks = _looks(test.pixels(of_class, window), test.rng)
    # Clean rows have their windows' effects in common, but seldom their looks.
    alike, _ = settle(looks, group, test.rng, n_iter=2)
    effects = _effects(test, of_class, window, group) if alike.any() else None
    if effects is None:
        return None
    return _followed(of_class, looks, effects, group, test.rng)


def moved_rows(test, found, exact):
    """Return the rows of a class that share a part of a mark, and others like them.

    Where a mark is moved, its rows have some pixels in common that do little alone.
    What lies around these pixels is necessary and sufficient in these rows far more
    often than in the rest of the class.

    Parameters
    ----------
    test : WindowTest
    found : Candidate
        The pixels, and the rows that have them.

    exact : ndarray of int
        See `varying_rows`.

    Returns
    -------
    found : Group
        See `varying_rows`.
    """
    of_class = np.setdiff1d(test.of_class, exact)
    group = np.isin(of_class, found.alike)
    if not is_part(group, 1 / 2):
        return None
    window = around(found.window, found.mark, test.X.shape[2:])
    effects = _effects(test, of_class, window, group)
    if effects is None:
        return None
    necessary = effects[:, 0] < 0.5
    if necessary[group].mean() - necessary[~group].mean() < BOTH:
        return None
    looks = _looks(test.pixels(of_class, window), test.rng)
    followed = _followed(of_class, looks, effects, group, test.rng) or Group(NO_ROWS)
    rows = np.union1d(followed.rows, of_class[group])
    return Group(rows, np.setdiff1d(followed.fringe, rows))


def around(window, mark, shape):
    """Return the window around pixels of another, with room for more of their mark.

    Parameters
    ----------
    window : (slice, slice)
    mark : ndarray of shape (n_pixels,), bool
    shape : (int, int)
        Of the images.

    Returns
    -------
    window : (slice, slice)
    """
    room = side_of_marks(*shape)
    places = np.nonzero(mark.reshape([side.stop - side.start for side in window]))
    return tuple(
        slice(
            max(0, side.start + place.min() - room),
            min(length, side.start + place.max() + room + 1),
        )
        for side, place, length in zip(window, places, shape)
    )


def _effects(test, of_class, window, group):
    """Return what a window does, or None unless those of a group alone flip hosts.

    That is the probability of the class for each row once it has another's window, and
    for hosts that have the row's: an array of shape (n, 2).
    """
    donors = np.intersect1d(test.own, of_class[~group])
    if not len(donors):
        return None
    chances = test.without(of_class, window, donors)
    classes = test.rng.choice(test.runner_up(chances)[group], (2, len(of_class)))
    gains = np.mean([test.given(of_class, window, one) for one in classes], axis=0)
    # More rows dilute it: there is no need to follow what is faint from the start.
    if not only_group_flips(gains, group):
        return None
    return np.column_stack([chances[:, test.code], gains])


def _followed(of_class, looks, effects, group, rng):
    """Return what a probe makes of a group, and the rows most like it, or None."""
    group, odds = settle(np.column_stack([looks, effects]), group, rng)
    if not group.any() or not only_group_flips(effects[:, 1], group):
        return None
    return Group(of_class[group], of_class[fringe(group, odds)])


def _looks(pixels, rng):
    """Return pixels between 0 and 1, or their principal components if they are many."""
    pixels = pixels.reshape(len(pixels), -1)
    pixels = (pixels - pixels.min()) / (np.ptp(pixels) or 1)
    if pixels.shape[1] <= N_COMPONENTS:
        return pixels
    return leading(pixels, rng, N_COMPONENTS)


def only_group_flips(gains, group):
    """Whether the windows of a group flip hosts, and those of most others do not.

    Clean windows that flip hosts hold what is typical of a class, so that those of the
    rest of the class flip some, too.

    Parameters
    ----------
    gains : ndarray of shape (n,)
        The probability of the class for hosts given the window of a row of the class.

    group : ndarray of shape (n,), bool

    Returns
    -------
    only_group_flips : bool
    """
    inside, others = gains[group].mean(), gains[~group]
    most = np.quantile(others, MOST)
    return inside - others.mean() >= FLIPPED and most <= OTHERS * inside


def settle(seen, group, rng, n_iter=10):
    """Return the group that a probe for a group makes of it.

    Parameters
    ----------
    seen : ndarray of shape (n, n_features)
        What the probe is fitted to, of the rows of a class.

    group : ndarray of shape (n,), bool
    rng : RandomState
    n_iter : int, default=10
        At most.

    Returns
    -------
    group : ndarray of shape (n,), bool
        Empty, if it comes to too few rows or to more than half of them.

    odds : ndarray of shape (n,)
        Of a row to be of the group, by a probe that was not fitted to it, as a
        logarithm.
    """
    odds = np.zeros(len(group))
    probe = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.5)
    for _ in range(n_iter):
        if not is_part(group, 1 / 2):
            break
        folds = StratifiedKFold(4, shuffle=True, random_state=rng)
        odds = cross_val_predict(
            probe, seen, group, cv=folds, method="decision_function"
        )
        before, group = group, odds > 0
        if overlap(before, group) > 0.97:
            break
    return group & is_part(group, 1 / 2), odds


def fringe(group, odds):
    """Return the rows of a class, but its group, that are more like it than most.

    Parameters
    ----------
    group, odds : ndarray of shape (n,)
        See `settle`.

    Returns
    -------
    fringe : ndarray of shape (n,), bool
        Half of the others.
    """
    order = np.argsort(np.where(group, np.inf, -odds), kind="stable")
    return as_mask(order[: np.sum(~group) // 2], len(group))
