"""From the learners' predictions to a verdict on rows: functions of arrays alone."""

import numpy as np


def vote_support(votes, codes, rng, n_votes=0):
    """Keep the rows whose label is the modal vote, ties broken at random (B.1).

    Parameters
    ----------
    votes : ndarray of shape (n, n_classes)
        Learners that predict each class for each row.

    codes : ndarray of shape (n,), int
        Encoded given labels.

    rng : RandomState
    n_votes : int, default=0
        How many votes the label needs at least.

    Returns
    -------
    support : ndarray of shape (n,), bool
    """
    ties = rng.random_sample(votes.shape)  # in [0, 1): decides nothing but ties
    modal = np.argmax(votes + ties, axis=1) == codes
    return modal & (votes[np.arange(len(codes)), codes] >= n_votes)
