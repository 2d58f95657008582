"""What models are asked, and what they say: tasks and verdicts."""

from typing import NamedTuple

import numpy as np

from ._inference import Parcel
from ._settings import one_thread
from ._weak_learner import draw_seed


class Task(NamedTuple):
    """A model to train, and the rows that it is asked about."""

    seed: int
    trained: np.ndarray
    judged: np.ndarray
    n_epochs: int  # more where they are too few steps


class Verdict(NamedTuple):
    """What a model says: the loss of each row judged, and the class predicted.

    Also the features (what the last layer is given), the activations of a layer half
    way, and the model.
    """

    losses: np.ndarray
    predicted: np.ndarray
    features: np.ndarray = None
    activations: np.ndarray = None
    estimator: object = None


def carry_out(new_learner, task):
    """Train the model of a task, on one thread, and ask it.

    Parameters
    ----------
    new_learner : callable
        Returns a learner, see `make_learner`.

    task : Task

    Returns
    -------
    verdict : Verdict
    """
    with one_thread():
        learner = new_learner()
        learner.start(task.seed)
        n_epochs = learner.epochs_for(len(task.trained), task.n_epochs)
        learner.train(task.trained, n_epochs)
        said = *learner.score(task.judged), *learner.look_inside(task.judged)
        return Verdict(*said, Parcel(learner.estimator_))


def whole_and_halves(codes, rng, n_epochs):
    """Return the tasks to train a model on all rows, poison too, and on either half.

    All judge all rows.

    Parameters
    ----------
    codes : ndarray of shape (n,), int
        Of each class, either half has as many rows, or one more.

    rng : RandomState
    n_epochs : int

    Returns
    -------
    tasks : list of Task
    """
    every = np.arange(len(codes))
    whole = Task(draw_seed(rng), every, every, n_epochs)
    rows = rng.permutation(len(codes))
    rows = rows[np.argsort(codes[rows], kind="stable")]
    halves = [np.sort(rows[::2]), np.sort(rows[1::2])]
    return [whole, *(whole._replace(seed=draw_seed(rng), trained=h) for h in halves)]


def taught_chances(tasks, verdicts):
    """Return how likely its label is for each row, to a model of other rows.

    Parameters
    ----------
    tasks, verdicts : list
        See `whole_and_halves`, and what came of them.

    Returns
    -------
    chances : ndarray of shape (n,)
    """
    losses = np.empty(len(tasks[0].judged))
    for task, verdict in zip(tasks, verdicts):
        others = np.setdiff1d(task.judged, task.trained)
        losses[others] = verdict.losses[others]
    return np.exp(-losses)
