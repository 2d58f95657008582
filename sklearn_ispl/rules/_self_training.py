"""Self-training, as the paper and its later version have it."""

import numpy as np

from ..learners._tasks import Task
from ..learners._weak_learner import draw_seed


def self_train(examine, codes, support, rng, n_epochs):
    """Add back the rejected rows whose label a model of the kept rows predicts (B.1).

    Parameters
    ----------
    examine : callable
        Takes a list of `Task` and returns a list of `Verdict`.

    codes : ndarray of shape (n,), int
    support : ndarray of shape (n,), bool
    rng : RandomState
    n_epochs : int

    Returns
    -------
    support : ndarray of shape (n,), bool
        Contains the given one.
    """
    rejected = np.flatnonzero(~support)
    if not 0 < len(rejected) < len(codes):
        return support
    seed, trained = draw_seed(rng), np.flatnonzero(support)
    task = Task(seed, trained, rejected, n_epochs, enough_steps=False)
    (verdict,) = examine([task])
    support = support.copy()
    support[rejected] = verdict.predicted == codes[rejected]
    return support


def self_train_repeatedly(examine, codes, support, rng, n_epochs, n_rounds=20):
    """Add and drop rows by how often models of the kept ones agree to them (2023).

    Every round trains a model on the kept rows. Kept in the next are those whose
    running average of agreement is above one half.

    Parameters
    ----------
    examine, codes, support, rng, n_epochs
        See `self_train`.

    n_rounds : int, default=20

    Returns
    -------
    support : ndarray of shape (n,), bool
    """
    everything = np.arange(len(codes))
    agreement = np.full(len(codes), 0.5)
    for _ in range(n_rounds):
        if not support.any():
            break
        trained = np.flatnonzero(support)
        task = Task(draw_seed(rng), trained, everything, n_epochs, enough_steps=False)
        (verdict,) = examine([task])
        agreement = 0.8 * agreement + 0.2 * (verdict.predicted == codes)
        support = agreement > 0.5
    return support
