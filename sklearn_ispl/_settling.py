"""From a group that stands out to all rows that go with it."""

from dataclasses import dataclass

import numpy as np

from ._groups import Group, as_mask, log_odds, near
from ._probes import contradicted_rows


@dataclass(frozen=True)
class SettlingSettings:
    """When a group has settled, each figure with its reason."""

    min_rows: int = 8  # of a group: ranks of fewer are chance
    max_share: float = 2 / 3  # of a class: some clean rows are left to tell it from
    max_steps: int = 10  # most groups settle in three


def settled(rows, of_class, both, codes, rng):
    """Return the rows of a class that probes take for a group, until it settles.

    Those of every model have to. Where they decide in the mean, clean rows come along,
    some more at each step.

    Parameters
    ----------
    rows, of_class : ndarray of int
        Of the group, and of the class.

    both : list of ndarray of shape (n, n_both)
        See `Sight`.

    codes : ndarray of shape (n,), int
    rng : RandomState

    Returns
    -------
    rows : ndarray of int
        The given ones if nearly none or nearly all of the class would go.
    """
    for _ in range(SettlingSettings.max_steps):
        taken = _taken(rows, of_class, both, codes, rng, np.min)
        if np.array_equal(taken, rows):
            break
        rows = taken
    return rows


def _taken(rows, of_class, both, codes, rng, over):
    """Return the rows of a class that probes take for a group, if these may be one."""
    settings = SettlingSettings()
    odds = log_odds(both, codes, as_mask(rows, len(codes)), rng, over)
    taken = of_class[odds[of_class] > 0]
    enough = settings.min_rows <= len(taken) <= settings.max_share * len(of_class)
    return taken if enough else rows


def completed(rows, of_class, sight, codes, known, rng):
    """Return a group that settled with what probes of all other rows contradict.

    A part of the poison that is taken for clean teaches a probe that it is. So neither
    the group nor the half of the rest of the class that is most like it is fitted to;
    of that half, the rows whose label the probes contradict join the group, which
    settles once more.

    Parameters
    ----------
    rows, of_class : ndarray of int
        Of the group, and of the class.

    sight : Sight
    codes : ndarray of shape (n,), int
    known : ndarray of shape (n,), bool
    rng : RandomState

    Returns
    -------
    rows : ndarray of int
    """
    group = Group(rows, near(rows, of_class, sight.both, codes, rng))
    contradicted = contradicted_rows(sight.half_way, codes, known, [group], rng)
    joined = np.union1d(rows, group.fringe[contradicted[group.fringe]])
    joined = settled(joined, of_class, sight.both, codes, rng)
    return _taken(joined, of_class, sight.both, codes, rng, np.mean)
