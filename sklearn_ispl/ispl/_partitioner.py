"""The partition of a training set into components that Algorithm 2 peels off."""

import numpy as np
from sklearn.base import BaseEstimator, _fit_context
from sklearn.utils import check_random_state
from tqdm.auto import tqdm

from .._mixins import SupervisedMixin, fit_anew
from .._validation import check_training_set, constraints
from ..learners._settings import own_settings
from ..learners._weak_learner import draw_seed, make_learner
from ._self_paced import inverse_self_paced_learning


def n_components_for(beta, n_rows):
    """Return how many sets a share beta makes, or raise if the rows are too few."""
    n_components = max(1, round(1 / beta))
    if n_rows < n_components:
        raise ValueError(
            f"X has {n_rows} rows, fewer than the {n_components} components that "
            f"beta={beta} asks for. Use a larger beta or more rows."
        )
    return n_components


def partition(
    learner,
    codes,
    *,
    beta,
    rng,
    progress=None,
    first_epochs=None,
    refit_epochs=None,
    share_taken=1.0,
    **ispl,
):
    """Peel one self-expanding set after the other off the data (section 4.2, B.1).

    Parameters
    ----------
    learner : SkorchLearner or SklearnLearner
    codes : ndarray of shape (n,), int
        Encoded labels of all rows.

    beta : float in (0, 1]
        Size of a set as a share of all rows.

    rng : RandomState
    progress : dict or None
        Keyword arguments of the tqdm bar; None shows none.

    first_epochs : int or None
        Epochs of every set's first iteration, on all rows that are left, half of them
        in the first round (2023). None makes it an iteration like the others.

    refit_epochs : int or None
        Epochs of a fresh learner of each set that predicts in the place of the one
        that found it (2023).

    share_taken : float in (0, 1]
        Share of the rows that the sets take together (2023); the others, which are
        hard to learn, are in none.

    **ispl : dict
        Passed to `inverse_self_paced_learning`.

    Returns
    -------
    labels : ndarray of shape (n,), int64
        The number of the set that each row is in, in the order found; -1 in none.

    predictions : ndarray of shape (n_components, n)
        The classes that each set's learner predicts for all rows.

    estimators : list
        The learners.
    """
    n_components = n_components_for(beta, len(codes))
    labels = np.full(len(codes), -1, dtype=np.int64)
    predictions, estimators = [], []
    bar = tqdm(range(n_components), disable=progress is None, **(progress or {}))
    for component in bar:
        rows, others = np.flatnonzero(labels < 0), np.flatnonzero(labels >= 0)
        # The floors of many small classes may have taken them all.
        if len(rows) <= (1 - share_taken) * len(codes):
            break
        share = 1 / (n_components - component)
        if share_taken < 1:
            share = min(1.0, share_taken * len(codes) / n_components / len(rows))
        bar.set_postfix(rows_left=len(rows))
        found = inverse_self_paced_learning(
            learner,
            rows,
            codes[rows],
            beta=share,
            rng=rng,
            first=first_epochs and (1.0 if component else 0.5, first_epochs),
            **ispl,
        )
        labels[rows[found.support]] = component
        predictions.append(np.empty(len(codes), dtype=code_dtype(learner.n_classes)))
        # The rows that are left were scored by this very learner: only the others
        # still need its predictions.
        predictions[-1][rows] = found.predictions
        if refit_epochs:
            learner.start(draw_seed(rng))
            learner.train(rows[found.support], refit_epochs)
            others = np.arange(len(codes))
        if len(others):
            predictions[-1][others] = learner.score(others)[1]
        estimators.append(learner.finish())
    return labels, np.stack(predictions), estimators


def code_dtype(n_classes):
    """Return the smallest unsigned integer type that holds the class codes."""
    return np.min_scalar_type(n_classes - 1)


class ISPLPartitioner(SupervisedMixin, BaseEstimator):
    """Split a training set into homogeneous components, by peeling.

    Algorithm 2 finds a self-expanding set, the set is taken away, and so on with the
    rows that are left and a fresh weak learner, ``round(1 / beta)`` times. Round i
    targets a share 1 / (rounds left) of the rows that are left, the last one takes all.

    Parameters
    ----------
    estimator : NeuralNetClassifier or scikit-learn classifier, default=None
        The weak learner; see :class:`InverseSelfPacedLearner`.

    beta : float in (0, 1], default=1/8
        The paper's beta: size of a component as a share of all rows.

    alpha : float in (0, 1], default=1/4
        The paper's alpha: share of the current set that a learner is trained on in
        one iteration.

    momentum : float in [0, 1), default=0.9
        The paper's eta, the smoothing of the losses.

    n_iter : int, default=None
        Iterations per component. None means ``2 + min(3, floor(1 / p))`` for the
        target share p of the round.

    n_epochs : int, default=2
        Epochs of training in one iteration.

    device : str, torch.device or None, default="auto"
        "auto" is the net's own device where that is not the CPU, else CUDA where there
        is one, else the CPU; None is the net's own.

    random_state : int, RandomState instance or None, default=None
        Seed of the samples and of the learners.

    verbose : bool or int, default=False
        Whether to show a progress bar.

    Attributes
    ----------
    labels_ : ndarray of shape (n_rows,), int
        The component of each row, 0 to ``n_components_ - 1`` in the order found.

    n_components_ : int
        Number of components. Less than ``round(1 / beta)`` where every class is so
        small that earlier components took all of it.

    estimators_ : list of length `n_components_`
        The last weak learner of each component. They predict positions in `classes_`.

    predictions_ : ndarray of shape (`n_components_`, n_rows), unsigned int
        The class that each of them predicts for each row, as a position in `classes_`.

    classes_ : ndarray of shape (n_classes,)
        The labels.

    n_features_in_ : int
        Number of features, or of channels for 4-D X.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X has names that are all strings.

    See Also
    --------
    BoostedHomogeneousVoter : Lets components vote on one another.
    ISPLFilter : The whole procedure.

    References
    ----------
    C. Jin, M. Sun, M. Rinard, "Provable Guarantees against Data Poisoning Using
    Self-Expansion and Compatibility", arXiv:2105.03692v1, section 4.2 and appendix B.1.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ispl import ISPLPartitioner
    >>> X, y = load_digits(return_X_y=True)
    >>> labels = ISPLPartitioner(beta=1 / 4, random_state=0).fit_predict(X, y)
    >>> np.bincount(labels)
    array([449, 449, 450, 449])
    """

    _parameter_constraints: dict = constraints(
        "estimator", "beta", "alpha", "momentum", "n_iter", "n_epochs", "device",
        "random_state", "verbose",
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
        verbose=False,
    ):
        self.estimator = estimator
        self.beta = beta
        self.alpha = alpha
        self.momentum = momentum
        self.n_iter = n_iter
        self.n_epochs = n_epochs
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y):
        """Find the components.

        Parameters
        ----------
        X : array-like of shape (n_rows, ...)
            Training rows, finite numbers.

        y : array-like of shape (n_rows,)
            Their labels, of any type.

        Returns
        -------
        self : ISPLPartitioner
            Fitted.

        Raises
        ------
        ValueError
            If y has one class or is continuous, if X has NaN or infinite values or
            fewer rows than components, or if the weak learner does not fit the data.
        """
        with fit_anew(self), own_settings():
            _, X32, codes = check_training_set(self, X, y)
            self.labels_, self.predictions_, self.estimators_ = partition(
                make_learner(
                    self.estimator, X32, codes, len(self.classes_), self.device
                ),
                codes,
                beta=self.beta,
                alpha=self.alpha,
                momentum=self.momentum,
                n_iter=self.n_iter,
                n_epochs=self.n_epochs,
                rng=check_random_state(self.random_state),
                progress={} if self.verbose else None,
            )
            self.n_components_ = len(self.estimators_)
        return self

    def fit_predict(self, X, y):
        """Find the components and return them.

        Parameters
        ----------
        X : array-like of shape (n_rows, ...)
            Training rows, finite numbers.

        y : array-like of shape (n_rows,)
            Their labels, of any type.

        Returns
        -------
        labels : ndarray of shape (n_rows,), int
            The component of each row, in the order found.
        """
        return self.fit(X, y).labels_
