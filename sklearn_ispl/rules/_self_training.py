"""Self-training, as the paper and its later version have it."""

import numpy as np

from ..learners._settings import one_thread


def self_train(new_learner, codes, support, seed, n_epochs):
    """Add back the rejected rows whose label a model of the kept rows predicts (B.1).

    Parameters
    ----------
    new_learner : callable
        Returns a learner, see `make_learner`.

    codes : ndarray of shape (n,), int
    support : ndarray of shape (n,), bool
    seed : int
        Of the model.

    n_epochs : int

    Returns
    -------
    support : ndarray of shape (n,), bool
        Contains the given one.
    """
    rejected = np.flatnonzero(~support)
    if not 0 < len(rejected) < len(codes):
        return support
    with one_thread():
        learner = new_learner()
        learner.start(seed)
        learner.train(np.flatnonzero(support), n_epochs)
        _, predicted = learner.score(rejected)
    support = support.copy()
    support[rejected] = predicted == codes[rejected]
    return support


def self_train_repeatedly(new_learner, codes, support, seed, n_epochs, n_rounds=20):
    """Add and drop rows by how often a model of the kept ones agrees to them (2023).

    Every round trains the model further on the kept rows. Kept in the next are those
    whose running average of agreement is above one half.

    Parameters
    ----------
    new_learner, codes, support, seed, n_epochs
        See `self_train`.

    n_rounds : int, default=20

    Returns
    -------
    support : ndarray of shape (n,), bool
    """
    everything, agreement = np.arange(len(codes)), np.full(len(codes), 0.5)
    with one_thread():
        learner = new_learner()
        learner.start(seed)
        for _ in range(n_rounds):
            if not support.any():
                break
            learner.train(np.flatnonzero(support), n_epochs)
            _, predicted = learner.score(everything)
            agreement = 0.8 * agreement + 0.2 * (predicted == codes)
            support = agreement > 0.5
    return support
