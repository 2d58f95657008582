"""Growth: the rows that a model takes for a group of their class once taught it."""

import numpy as np

from ._groups import log_odds
from ._weak_learner import draw_seed

# Each round settles at least half of the rows that are left to decide on.
N_ROUNDS = 2
TINY = np.finfo(np.float32).tiny


def grow(examine, make_task, codes, features, group, spare, rng, n_rounds=N_ROUNDS):
    """Return the rows of a class that share what makes a group what its label says.

    A part of the poison teaches a model the rest of it (self-expansion, Definition
    4.1). The model is taught the label of the class from the group alone. It is taught
    the rows of the class that are least like the group, too, but under the label of
    another class, which so stands for the clean rows of both. A row of the class that
    it was not taught joins the group if the model finds the label of the class more
    likely than that other one. The half of the others that it finds least likely is
    taught as clean in the next round.

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

    group : ndarray of int
        Rows of one class.

    spare : int
        The other class, best one that no row of the class is taken for.

    rng : RandomState
    n_rounds : int, default=2

    Returns
    -------
    rows : ndarray of int
        Those of the group, and those that joined.
    """
    code = codes[group[0]]
    of_class = codes == code
    odds = log_odds(features, codes, np.isin(np.arange(len(codes)), group), rng)
    left = np.setdiff1d(np.flatnonzero(of_class), group)
    clean, left = _halves(left, odds[left])
    for _ in range(n_rounds):
        if not len(clean) or not len(left):
            break
        labels = codes.copy()
        labels[clean] = spare
        taught = np.r_[np.flatnonzero(~of_class), clean, _as_many(group, codes)]
        (verdict,) = examine([make_task(draw_seed(rng), taught, left, labels)])
        chances = np.maximum(verdict.probabilities, TINY)
        odds = np.log(chances[:, code] / chances[:, spare])
        group = np.r_[group, left[odds > 0]]
        more, left = _halves(left[odds <= 0], odds[odds <= 0])
        clean = np.r_[clean, more]
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


def _halves(rows, score):
    """Return the half of rows of the lowest score, and the other half."""
    order = rows[np.argsort(score, kind="stable")]
    return np.split(order, [(len(order) + 1) // 2])


def _as_many(group, codes):
    """Return a group as often as makes it the size of a class, on average."""
    times = round(len(codes) / len(np.unique(codes)) / len(group))
    return np.tile(group, max(1, times))
