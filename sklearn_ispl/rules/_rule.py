"""What a rule is given, what it says, and what it may choose."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from joblib import Parallel


class Case(NamedTuple):
    """What a rule decides on.

    Attributes
    ----------
    parallel : Parallel
    timed : callable
        Takes the name of a step; a context that says how long it took.

    new_learner : callable
        Returns a learner of the rows, see `make_learner`.

    X : ndarray of shape (n, ...), float32
    codes : ndarray of shape (n,), int
    components : ndarray of shape (n_repeats, n), int
    votes : ndarray of shape (n, n_classes), int
        How many of their weak learners predict each class.

    tasks, verdicts : list
        What the rule had trained, and what came of it.

    rng : RandomState
    """

    parallel: Parallel
    timed: Callable
    new_learner: Callable
    X: np.ndarray
    codes: np.ndarray
    components: np.ndarray
    votes: np.ndarray
    tasks: list
    verdicts: list
    rng: np.random.RandomState


class Finding(NamedTuple):
    """What a rule says: the rows to keep, and those that the votes alone would keep.

    Where groups of rows were tested, also the numbers of the classes of which rows are
    rejected, and their triggers; those of the classes of which models know too little;
    the evidence on the groups; and how suspicious each row is.
    """

    support: np.ndarray
    vote_support: np.ndarray = None
    poisoned: np.ndarray = None
    triggers: dict = None
    unlearned: np.ndarray = None
    evidence: list = None
    suspicion: np.ndarray = None


class Rule:
    """A rule for one filter: what it has trained, and how it decides.

    Parameters
    ----------
    settings : BaseFilter
        Its parameters; what is None there is up to the rule.
    """

    n_epochs = 2  # of an iteration
    n_repeats = 3  # so that there is a majority
    self_training_epochs = 40
    partition = {}  # what it asks of `partition`
    advice = (
        "Too few learners recognise them; train them longer (n_epochs) or use a "
        "larger beta."
    )

    def __init__(self, settings):
        self.settings = settings
        for name in ("n_epochs", "n_repeats", "self_training_epochs"):
            if getattr(settings, name) is not None:
                setattr(self, name, getattr(settings, name))

    def vote_epochs(self, n_classes):
        """Return the epochs of an iteration."""
        return self.n_epochs

    def tasks(self, codes, rng):
        """Return the tasks of models that are trained beside the weak learners."""
        return []

    def decide(self, case):
        """Return the finding on a case."""
        raise NotImplementedError
