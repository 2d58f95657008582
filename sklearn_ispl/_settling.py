"""From a group that stands out to all rows that go with it."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class SettlingSettings:
    """When a group has settled, each figure with its reason."""

    min_rows: int = 8  # of a group: ranks of fewer are chance
    max_share: float = 2 / 3  # of a class: some clean rows are left to tell it from
    max_steps: int = 10  # most groups settle in three


def settled(group, odds):
    """Return the rows of a class that probes take for a group, until it settles.

    Those of every model have to. Where they decide in the mean, clean rows come along,
    some more at each step.

    Parameters
    ----------
    group : ndarray of shape (n_of_class,), bool
    odds : callable
        Takes a group, and what becomes of the odds of several models, such as their
        least. Returns log odds of shape (n_of_class,), see `log_odds`.

    Returns
    -------
    group : ndarray of shape (n_of_class,), bool
        The last one, before nearly none or nearly all of the class would go.
    """
    return until_settled(group, lambda group: _taken(group, odds, np.min))


def until_settled(group, step):
    """Return what becomes of a group, step by step, until it changes no more.

    Parameters
    ----------
    group : ndarray of shape (n,), bool
    step : callable
        Takes a group and returns the next one.

    Returns
    -------
    group : ndarray of shape (n,), bool
        The last one, after `max_steps` at most.
    """
    for _ in range(SettlingSettings.max_steps):
        before, group = group, step(group)
        if np.array_equal(before, group):
            break
    return group


def _taken(group, odds, over):
    """Return the rows of a class that probes take for a group, if these may be one."""
    settings = SettlingSettings()
    taken = odds(group, over) > 0
    enough = settings.min_rows <= taken.sum() <= settings.max_share * len(group)
    return taken if enough else group


def completed(group, odds, contradicted):
    """Return a group that settled with what probes of all other rows contradict.

    A part of the poison that is taken for clean teaches a probe that it is. So neither
    the group nor the half of the rest of the class that is most like it is fitted to;
    of that half, the rows whose label the probes contradict join the group, which
    settles once more.

    Parameters
    ----------
    group, odds
        See `settled`.

    contradicted : callable
        Takes two groups, and returns the rows of the class whose label is contradicted
        by probes that were fitted to neither.

    Returns
    -------
    group : ndarray of shape (n_of_class,), bool
    """
    most_like = near(group, odds(group, np.mean))
    joined = group | most_like & contradicted(group, most_like)
    return _taken(settled(joined, odds), odds, np.mean)


def near(group, odds):
    """Return the half of the rest of a class that is most like a group, by its odds."""
    return ~group & (odds > np.median(odds[~group]))
