"""Growth: the rows that a model takes for a group of their class once taught it."""

import numpy as np

from ._groups import as_mask, log_odds
from ._weak_learner import draw_seed

# Rounds at most; and how typical of other classes rows are on average that join, beside
# the group: clean rows that a model takes for it are less.
N_ROUNDS, TYPICAL = 4, 2 / 3


def grow(examine, make_task, codes, features, typical, rng, group, spare):
    """Return the rows of a class that share what makes a group what its label says.

    A part of the poison teaches a model the rest of it (self-expansion, Definition
    4.1). The model is taught the label of the class from the group alone. It is taught
    the half of the class that is least like the group, too, but under the label of
    another class, which so stands for the clean rows of both. A row of the class that
    it was not taught joins the group if the model finds the label of the class more
    likely than that other one. The larger group teaches the next model, until the rows
    that would join are no longer typical of other classes, as poison is.

    Parameters
    ----------
    examine : callable
        Takes a list of tasks and returns a list of verdicts.

    make_task : callable
        Takes a seed, the rows to train on, the rows to judge and all labels; returns a
        task that asks for probabilities.

    codes : ndarray of shape (n,), int
    features : ndarray of shape (n, n_features)
        Of a model of all rows.

    typical : ndarray of shape (n,)
        How typical of other classes each row is, from 0 to 1.

    rng : RandomState
    group : ndarray of int
        Rows of one class.

    spare : int
        The other class, best one that no row of the class is taken for.

    Returns
    -------
    rows : ndarray of int
        Those of the group, and those that joined.
    """
    code = codes[group[0]]
    others, of_group = np.flatnonzero(codes != code), typical[group].mean()
    for _ in range(N_ROUNDS):
        clean, asked = _halves(codes, features, group, rng)
        if not len(clean) or not len(asked):
            break
        labels = codes.copy()
        labels[clean] = spare
        taught = np.r_[others, clean, _as_many(group, codes)]
        (verdict,) = examine([make_task(draw_seed(rng), taught, asked, labels)])
        chances = verdict.probabilities
        joining = asked[chances[:, code] > chances[:, spare]]
        if not len(joining) or typical[joining].mean() < TYPICAL * of_group:
            break
        group = np.r_[group, joining]
    return np.sort(group)


def spare_class(codes, code, predicted):
    """Return the class that rows of another are least taken for, the largest of equals.

    Parameters
    ----------
    codes : ndarray of shape (n,), int
        The labels of all rows.

    code : int
        The other class.

    predicted : ndarray of int
        What models without that class take its rows for.

    Returns
    -------
    spare : int
    """
    sizes = np.bincount(codes)
    taken = np.bincount(predicted, minlength=len(sizes)).astype(float)
    taken[code] = np.inf
    return int(np.lexsort((-sizes, taken))[0])


def _halves(codes, features, group, rng):
    """Return the other rows of the class of a group: those least like it, the rest."""
    odds = log_odds(features, codes, as_mask(group, len(codes)), rng)
    rows = np.setdiff1d(np.flatnonzero(codes == codes[group[0]]), group)
    order = rows[np.argsort(odds[rows], kind="stable")]
    return np.split(order, [(len(order) + 1) // 2])


def _as_many(group, codes):
    """Return a group as often as makes it the size of a class, on average."""
    times = round(len(codes) / len(np.unique(codes)) / len(group))
    return np.tile(group, max(1, times))
