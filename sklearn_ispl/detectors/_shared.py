"""Values that rows share: the pixels of a window, or the features of a table."""

from typing import NamedTuple

import numpy as np

from .._groups import MAX_SHARE, is_part
from ._window_test import EVERYWHERE

# A value is the same in rows that are so close to their median, as a share of the
# range of values.
SAME = 0.02
# Values count as shared by a group if few others have them. Where rows are as few as
# this, what others have is a matter of chance: such values may be less rare, too.
FEW, LESS_RARE = 2000, {"rare": 0.5, "gap": 0.3}
# Shared values are a mark if they turn so many rows of other classes; those of a
# cluster, if so many of its rows are of another class without them, too.
MOST = 0.5
# A mark is at most so large a share of a row.
LARGEST = 1 / 4


class Mark(NamedTuple):
    """Values that rows of a class share, and that make them what they are.

    The window that they are in, the numbers of the rows that share them, which values
    of the window they are, and what they are.
    """

    window: tuple
    rows: np.ndarray
    mask: np.ndarray
    colors: np.ndarray


def look_alikes(pixels, group, bound, common=0.6, rare=0.25, gap=0.03, n_iter=3):
    """Return the rows that have the values that a group has in common.

    Parameters
    ----------
    pixels : ndarray of shape (n, n_channels, n_pixels)
    group : ndarray of shape (n,), bool
        Most of it may have the mark, and others may have it, too.

    bound : float or ndarray of shape (n_pixels,)
        How far from the median of the group a value may be.

    common, rare : float
        A value counts if so many of the group have it, and so few of the others.

    gap : float
        The difference of these shares is largest for one value. That of others may be
        so much smaller.

    n_iter : int, default=3
        The rows found are the next group.

    Returns
    -------
    alike : ndarray of shape (n,), bool
        None, if the group has nothing in common or more than half of the rows have it.

    mark : ndarray of shape (n_pixels,), bool
    colors : ndarray of shape (n_channels, n_pixels)
        Of the pixels of the mark.
    """
    colors, mark = pixels[0], np.zeros(pixels.shape[2], dtype=bool)
    for _ in range(n_iter):
        if not 1 < group.sum() <= len(group) / 2:
            return np.zeros_like(group), mark, colors
        colors, same, inside, outside = _in_common(pixels, group, bound)
        excess = np.where((inside >= common) & (outside <= rare), inside - outside, 0)
        # Of a mark all pixels tell the same, of what lies behind it most tell less.
        mark = (excess > 0) & (excess >= excess.max() - gap)
        group = mark.any() & (same[:, mark].sum(axis=1) >= 0.75 * mark.sum())
    return group, mark, colors


def whole_mark(pixels, alike, mark, bound, common=0.9, excess=0.2):
    """Return a mark with the other values that the rows with it have in common.

    Where half of a class is white at a place, a white mark is told by few of its
    pixels, but it takes all of them to turn an image.

    Parameters
    ----------
    pixels : ndarray of shape (n, n_channels, n_pixels)
    alike : ndarray of shape (n,), bool
        The rows with the mark, some of them.

    mark : ndarray of shape (n_pixels,), bool
    bound : float
        See `look_alikes`.

    common, excess : float
        A value counts if so many of these rows have it, and by so much fewer of the
        others.

    Returns
    -------
    mark : ndarray of shape (n_pixels,), bool
    colors : ndarray of shape (n_channels, n_pixels)
    """
    colors, _, inside, outside = _in_common(pixels, alike, bound)
    return mark | (inside >= common) & (inside - outside >= excess), colors


def _in_common(pixels, group, bound):
    """Return the median of a group, who is near it, and the shares in and out of it."""
    colors = np.median(pixels[group], axis=0)
    same = (np.abs(pixels - colors) <= bound).all(axis=1)
    return colors, same, same[group].mean(axis=0), same[~group].mean(axis=0)


def shared_values(test, groups):
    """Yield the marks that are values shared by groups of rows of a class.

    In the features of a model that knows a trigger, the rows with the trigger are a
    cluster of their class. What these rows share, wherever it is in a row, is a mark
    if they are of another class without it, and rows of that class are of theirs with
    it. This needs no windows, so that it is the way for tables, for triggers larger
    than a window, and for few images.

    Parameters
    ----------
    test : WindowTest
    groups : iterable of ndarray of shape (n_of_class,), bool
        Of the rows of the class of the test.

    Yields
    ------
    found : Mark
    """
    if not test.can_be_asked():
        return
    values = test.pixels(test.of_class, EVERYWHERE)
    bound, asked = SAME * test.spans(), {}
    ways = [{}, LESS_RARE] if len(test.X) <= FEW else [{}]
    for group in groups:
        for way in ways:
            alike, mark, colors = look_alikes(values, group, bound, **way)
            name = alike.tobytes(), mark.tobytes()
            if name not in asked:
                asked[name] = _judged(test, alike, mark, colors)
            if asked[name] is not None:
                yield asked[name]
                break


def _judged(test, alike, mark, colors):
    """Return values that rows share, if these need them and others turn with them."""
    rows = test.of_class[alike]
    donors = np.setdiff1d(test.own, rows)
    is_small = is_part(alike, MAX_SHARE) and mark.mean() <= LARGEST
    if not is_small or not len(donors):
        return None
    window = np.nonzero(mark.reshape(test.X.shape[2:]))
    chances = test.without(rows, window, donors)
    if (chances[:, test.code] < 0.5).mean() < MOST:
        return None
    if test.turned(test.falls_to(chances), EVERYWHERE, mark, colors) < MOST:
        return None
    return Mark(EVERYWHERE, rows, mark, colors)
