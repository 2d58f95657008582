"""Values that rows share: the pixels of a window, or the features of a table."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .._groups import GroupSettings, is_part
from ._window_test import EVERYWHERE


@dataclass(frozen=True)
class SharedSettings:
    """When values that rows share are a trigger, each figure with its reason."""

    same: float = 0.02  # of the range of values: so close to their median
    # So few others have a value that counts as shared, and the group exceeds them by
    # nearly as much as in any; or, where rows are few and what others have is a matter
    # of chance, some more.
    strict: tuple[float, float] = 0.25, 0.03
    loose: tuple[float, float] = 0.5, 0.3
    common: float = 0.6  # so many of a group have a value that counts: most of it
    having: float = 3 / 4  # of these values, of a row: then it has the trigger
    n_steps: int = 3  # the rows that have it are the next group
    # So many of the rows with a trigger have a value that belongs to it as well, and by
    # so much fewer of the others: what stands behind it, they share only at times.
    completed: float = 0.9
    excess: float = 0.2
    # Of a cluster so many rows are of another class without the values, and so many
    # hosts of its class with them.
    both: float = 0.5
    unsure: float = 1 / 2  # the class without the values: rows may be of another
    flipped: float = 0.2  # share of hosts, by pixels that rows have in common
    largest: float = 1 / 4  # share of the values of a row


class Candidate(NamedTuple):
    """What may be a trigger, or a part of one.

    The window, the rows that have the values, which values of the window these are, and
    what they are; and the flip rate, the share of rows of other classes that they flip
    into the class.
    """

    window: tuple
    alike: np.ndarray
    trigger: np.ndarray
    colors: np.ndarray
    flip_rate: float


def look_alikes(pixels, group, bound, way=SharedSettings.strict):
    """Return the rows that have the values that a group has in common.

    Parameters
    ----------
    pixels : ndarray of shape (n, n_channels, n_pixels)
    group : ndarray of shape (n,), bool
        Most of it may have the trigger, and others may have it, too.

    bound : float or ndarray of shape (n_pixels,)
        How far from the median of the group a value may be.

    way : (float, float), default=`SharedSettings.strict`
        A value counts if so few of the others have it, and if the excess of the share
        of the group is so near to the largest of all.

    Returns
    -------
    alike : ndarray of shape (n,), bool
        All false if the group has nothing in common, or if it, or one found on the way,
        is a single row or more than half of them.

    trigger : ndarray of shape (n_pixels,), bool
    colors : ndarray of shape (n_channels, n_pixels)
        Of all pixels: the medians of the last group but the one returned.
    """
    (rare, gap), settings = way, SharedSettings()
    colors, trigger = pixels[0], np.zeros(pixels.shape[2], dtype=bool)
    for _ in range(settings.n_steps):
        if not 1 < group.sum() <= len(group) / 2:
            return np.zeros_like(group), trigger, colors
        colors, same, inside, outside = _in_common(pixels, group, bound)
        counts = (inside >= settings.common) & (outside <= rare)
        excess = np.where(counts, inside - outside, 0)
        # Of a trigger all pixels tell the same, of what lies behind it most tell less.
        trigger = (excess > 0) & (excess >= excess.max() - gap)
        n_had = same[:, trigger].sum(axis=1)
        group = trigger.any() & (n_had >= settings.having * trigger.sum())
    return group, trigger, colors


def completed_trigger(pixels, alike, trigger, bound):
    """Return a trigger with the other values that the rows with it have in common.

    Where half of a class is white at a place, a white trigger is told by few of its
    pixels, but it takes all of them to flip an image.

    Parameters
    ----------
    pixels : ndarray of shape (n, n_channels, n_pixels)
    alike : ndarray of shape (n,), bool
        The rows with the trigger, some of them.

    trigger : ndarray of shape (n_pixels,), bool
    bound : float
        See `look_alikes`.

    Returns
    -------
    trigger : ndarray of shape (n_pixels,), bool
    colors : ndarray of shape (n_channels, n_pixels)
        Of all pixels: the medians of the rows with the trigger.
    """
    settings = SharedSettings()
    colors, _, inside, outside = _in_common(pixels, alike, bound)
    told = (inside >= settings.completed) & (inside - outside >= settings.excess)
    return trigger | told, colors


def _in_common(pixels, group, bound):
    """Return the median of a group, who is near it, and the shares in and out of it."""
    colors = np.median(pixels[group], axis=0)
    same = (np.abs(pixels - colors) <= bound).all(axis=1)
    return colors, same, same[group].mean(axis=0), same[~group].mean(axis=0)


def shared_values(test, groups):
    """Yield the triggers that are values shared by groups of rows of a class.

    In the features of a model that knows a trigger, the rows with the trigger are a
    cluster of their class. What these rows share, wherever it is in a row, is a trigger
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
    found : Candidate
    """
    values = test.pixels(test.of_class, EVERYWHERE)
    settings, asked = SharedSettings(), {}
    bound = settings.same * test.spans()
    # Rows of a cluster share much by chance in many images, as frames of a film do.
    ways = [settings.strict]
    if not test.are_many_images:
        ways = [settings.loose, *ways]
    for group in groups:
        for way in ways:
            found = _judged(test, values, group, bound, way, settings.both, asked)
            if found is None:
                continue
            # A row may have all of the trigger, and little else that these share; and
            # it is the trigger that is shown, without what else they share.
            alike = np.isin(test.of_class, found.alike)
            strict, least = settings.strict, settings.flipped
            own = _judged(test, values, alike, bound, strict, least, asked)
            if own is not None:
                rows = np.union1d(found.alike, own.alike)
                found = own._replace(alike=rows, flip_rate=found.flip_rate)
            yield found


def _judged(test, values, group, bound, way, least, asked):
    """Return what a group shares if it is a trigger by both questions, or None.

    What is asked again is answered as before.
    """
    alike, trigger, colors = look_alikes(values, group, bound, way)
    what = alike.tobytes(), trigger.tobytes()
    if what not in asked:
        asked[what] = _tried(test, alike, trigger, colors, least)
    found = asked[what]
    return None if found is None or found.flip_rate < least else found


def _tried(test, alike, trigger, colors, least):
    """Return what rows share if it is necessary and sufficient, or None."""
    rows = test.of_class[alike]
    donors = np.setdiff1d(test.own, rows)
    if not is_part(alike, GroupSettings.max_share) or not len(donors):
        return None
    if trigger.mean() > SharedSettings.largest:
        return None
    window = np.nonzero(trigger.reshape(test.X.shape[2:]))
    chances = test.without(rows, window, donors)
    if (chances[:, test.code] < SharedSettings.unsure).mean() < least:
        return None
    flip_rate = test.flip_rate(test.runner_up(chances), EVERYWHERE, trigger, colors)
    if flip_rate < least:
        return None
    return Candidate(EVERYWHERE, rows, trigger, colors, flip_rate)
