"""What models that were not trained on a row say about it."""

from typing import NamedTuple

import numpy as np

from ._weak_learner import draw_seed


class Task(NamedTuple):
    """A model to train, and the rows that it is asked about."""

    seed: int
    trained: np.ndarray
    judged: np.ndarray
    n_epochs: int
    features: bool = False  # and the model itself, after as many epochs again
    enough_steps: bool = True  # even if these take more epochs
    probabilities: bool = False  # of all classes


class Verdict(NamedTuple):
    """What a model says: the loss of each row judged and its class, or probabilities.

    Where the task asks for features: losses and features are those of a model that has
    learned what there is to learn, and the classes those of the model that it becomes
    in as many epochs again, which knows nearly every row by heart.
    """

    losses: np.ndarray = None
    predicted: np.ndarray = None
    features: np.ndarray = None
    estimator: object = None
    probabilities: np.ndarray = None


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


def cross_examine(examine, codes, trusted, rng, n_epochs, n_folds=2):
    """Ask about every row the models of the trusted rows that were not trained on it.

    The trusted rows are cut into folds, and each model is trained on all folds but one.
    A trusted row is judged by the one model that did not see it, any other row by all.

    Parameters
    ----------
    examine, codes, rng, n_epochs
        See `self_train`.

    trusted : ndarray of shape (n,), bool
    n_folds : int, default=2

    Returns
    -------
    losses : ndarray of shape (n,)
        Of the mean probability of a row's label, in nats.

    wrong : ndarray of shape (n,), bool
        Whether a model predicts another class.
    """
    fold = np.full(len(codes), -1)
    fold[rng.permutation(np.flatnonzero(trusted))] = np.arange(trusted.sum()) % n_folds
    tasks = [
        Task(draw_seed(rng), np.flatnonzero(seen), np.flatnonzero(~seen), n_epochs)
        for seen in (trusted & (fold != held_out) for held_out in range(n_folds))
        if seen.any() and not seen.all()
    ]
    chance, n_models = np.zeros(len(codes)), np.zeros(len(codes))
    wrong = np.zeros(len(codes), dtype=bool)
    for task, verdict in zip(tasks, examine(tasks)):
        chance[task.judged] += np.exp(-verdict.losses)
        n_models[task.judged] += 1
        wrong[task.judged] |= verdict.predicted != codes[task.judged]
    chance /= np.maximum(n_models, 1)
    return -np.log(np.maximum(chance, np.finfo(float).tiny)), wrong


def whole_task(rows, rng, n_epochs):
    """Return the task to train a model of all of some rows, poison too."""
    return Task(draw_seed(rng), rows, rows, n_epochs, features=True)
