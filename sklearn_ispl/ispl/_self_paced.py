"""Inverse Self-Paced Learning: Algorithm 2."""

from typing import NamedTuple

import numpy as np
from sklearn.base import BaseEstimator, _fit_context
from sklearn.utils import check_random_state

from .._mixins import SupervisedMixin, SupportMixin, fit_anew
from .._validation import check_training_set, constraints
from ..learners._settings import own_settings
from ..learners._weak_learner import draw_seed, make_learner


def beta_schedule(beta, n_iter=None):
    """Return the share of rows kept after each iteration: 3, 2, 1, 1, ... times beta.

    Parameters
    ----------
    beta : float in (0, 1]
        Target share.

    n_iter : int or None
        Number of iterations; None means 2 + min(3, floor(1 / beta)), as in B.1.

    Returns
    -------
    schedule : ndarray of shape (n_iter,)
        Never rises; at most 1.
    """
    if n_iter is None:
        n_iter = 2 + min(3, int(1 / beta + 1e-9))
    return np.minimum(1.0, beta * np.maximum(3 - np.arange(n_iter), 1))


def sample(rows, alpha, rng):
    """Draw a share alpha of `rows` without replacement, at least one."""
    return rng.choice(rows, max(1, round(alpha * len(rows))), replace=False)


def trim(losses, codes, share, floor):
    """Return which rows have the lowest losses.

    Parameters
    ----------
    losses : ndarray of shape (n,)
    codes : ndarray of shape (n,), int
        Encoded labels.

    share : float in (0, 1]
        Share of the rows to keep.

    floor : float in (0, 1]
        Share of every class to keep, whatever its losses, at least one row: else the
        learner may settle on a single class.

    Returns
    -------
    kept : ndarray of shape (n,), bool
    """
    kept = rank_in_class(losses, codes) < np.ceil(floor * np.bincount(codes))[codes]
    n_more = max(0, round(share * len(losses)) - np.count_nonzero(kept))
    order = np.argsort(losses, kind="stable")
    kept[order[~kept[order]][:n_more]] = True
    return kept


def rank_in_class(values, codes):
    """Return each row's position, from 0, when its class is sorted by `values`."""
    order = np.lexsort((values, codes))
    counts = np.bincount(codes)
    rank = np.empty(len(values), dtype=np.intp)
    rank[order] = np.arange(len(values)) - np.repeat(np.cumsum(counts) - counts, counts)
    return rank


class Component(NamedTuple):
    """One self-expanding set: what Algorithm 2 returns."""

    support: np.ndarray  # (n,) bool, the rows of the set
    losses: np.ndarray  # (n,) smoothed losses
    objective: np.ndarray  # (n_iter,) F of eq. 24
    predictions: np.ndarray  # (n,) the last learner's classes


def inverse_self_paced_learning(
    learner, rows, codes, *, beta, alpha, momentum, n_iter, n_epochs, rng, first=None
):
    """Find one self-expanding set among `rows`: Algorithm 2.

    Parameters
    ----------
    learner : SkorchLearner or SklearnLearner
    rows : ndarray of shape (n,), int
        Row numbers of the data that the learner knows.

    codes : ndarray of shape (n,), int
        Encoded labels of `rows`.

    beta, alpha, momentum, n_iter, n_epochs
        See `InverseSelfPacedLearner`.

    rng : RandomState
    first : tuple of (float, int) or None
        What stands for alpha and n_epochs in the first iteration.

    Returns
    -------
    component : Component
        Its masks and arrays go along `rows`.
    """
    learner.start(draw_seed(rng))
    kept = np.ones(len(rows), dtype=bool)
    smoothed = np.zeros(len(rows))
    objective = []
    for share in beta_schedule(beta, n_iter):
        size, epochs = (not objective and first) or (alpha, n_epochs)
        learner.train(sample(rows[kept], size, rng), epochs)
        losses, predictions = learner.score(rows)
        smoothed = momentum * smoothed + (1 - momentum) * losses
        kept = trim(smoothed, codes, share, floor=beta / 8)
        objective.append(smoothed[kept].sum() / len(rows))
    return Component(kept, smoothed, np.array(objective), predictions)


class InverseSelfPacedLearner(SupervisedMixin, SupportMixin, BaseEstimator):
    """Find one self-expanding set of rows: Algorithm 2.

    A set is self-expanding when a learner trained on a small sample of it predicts
    the rest of it well. Such sets tend to be homogeneous, all clean or all poisoned.
    Each iteration trains the weak learner a little on a sample of the current set,
    scores all rows, and makes the rows of lowest smoothed loss the next, smaller set.

    Parameters
    ----------
    estimator : NeuralNetClassifier or scikit-learn classifier, default=None
        The weak learner, cloned and never modified: any skorch classifier, or any
        classifier with ``partial_fit`` and ``predict_proba``. None means an
        :class:`~sklearn_ispl.modules.MLP` for 2-D X and a
        :class:`~sklearn_ispl.modules.ConvNet` for 4-D X.

    beta : float in (0, 1], default=1/8
        The paper's beta: size of the set as a share of all rows. The set shrinks to it
        over the iterations: 3 beta, 2 beta, beta, beta, ...

    alpha : float in (0, 1], default=1/4
        The paper's alpha: share of the current set that the learner is trained on in
        one iteration.

    momentum : float in [0, 1), default=0.9
        The paper's eta: how much of the losses of earlier iterations stays in the
        smoothed losses.

    n_iter : int, default=None
        Number of iterations. None means ``2 + min(3, floor(1 / beta))``.

    n_epochs : int, default=2
        Epochs of training in one iteration. The learner must stay weak: more epochs
        let it learn a trigger from a handful of rows.

    device : str, torch.device or None, default="auto"
        "auto" is the net's own device where that is not the CPU, else CUDA where there
        is one, else the CPU; None is the net's own.

    random_state : int, RandomState instance or None, default=None
        Seed of the samples and of the learner.

    Attributes
    ----------
    support_ : ndarray of shape (n_rows,), bool
        The rows of the set.

    estimator_ : NeuralNetClassifier or scikit-learn classifier
        The last weak learner. It predicts positions in `classes_`.

    losses_ : ndarray of shape (n_rows,)
        Smoothed losses of all rows (cross-entropy, nats).

    objective_ : ndarray of shape (n_iter,)
        F of eq. 24: after each iteration, the sum of the smoothed losses of the set's
        rows over the number of all rows.

    classes_ : ndarray of shape (n_classes,)
        The labels.

    n_features_in_ : int
        Number of features, or of channels for 4-D X.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X has names that are all strings.

    See Also
    --------
    ISPLPartitioner : Finds set after set until no row is left.

    References
    ----------
    C. Jin, M. Sun, M. Rinard, "Provable Guarantees against Data Poisoning Using
    Self-Expansion and Compatibility", arXiv:2105.03692v1, section 5, Algorithm 2.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ispl import InverseSelfPacedLearner
    >>> X, y = load_digits(return_X_y=True)
    >>> learner = InverseSelfPacedLearner(beta=1 / 4, random_state=0).fit(X, y)
    >>> learner.get_support().sum()
    np.int64(449)
    """

    _parameter_constraints: dict = constraints(
        "estimator", "beta", "alpha", "momentum", "n_iter", "n_epochs", "device",
        "random_state",
    )  # fmt: skip

    def __init__(
        self,
        estimator=None,
        *,
        beta=1 / 8,
        alpha=1 / 4,
        momentum=0.9,
        n_iter=None,
        n_epochs=2,
        device="auto",
        random_state=None,
    ):
        self.estimator = estimator
        self.beta = beta
        self.alpha = alpha
        self.momentum = momentum
        self.n_iter = n_iter
        self.n_epochs = n_epochs
        self.device = device
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y):
        """Find the set.

        Parameters
        ----------
        X : array-like of shape (n_rows, ...)
            Training rows, finite numbers.

        y : array-like of shape (n_rows,)
            Their labels, of any type.

        Returns
        -------
        self : InverseSelfPacedLearner
            Fitted.

        Raises
        ------
        ValueError
            If y has one class or is continuous, if X has NaN or infinite values, or if
            the weak learner does not fit the data.
        """
        with fit_anew(self), own_settings():
            _, X32, codes = check_training_set(self, X, y)
            learner = make_learner(
                self.estimator, X32, codes, len(self.classes_), self.device
            )
            found = inverse_self_paced_learning(
                learner,
                np.arange(len(codes)),
                codes,
                beta=self.beta,
                alpha=self.alpha,
                momentum=self.momentum,
                n_iter=self.n_iter,
                n_epochs=self.n_epochs,
                rng=check_random_state(self.random_state),
            )
            self.support_ = found.support
            self.losses_ = found.losses
            self.objective_ = found.objective
            self.estimator_ = learner.finish()
        return self
