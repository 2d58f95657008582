"""Votes: Algorithm 1 over components, and the modal vote over rows."""

import warnings

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, _fit_context, clone
from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils._param_validation import HasMethods

from .._mixins import RowsMixin, SupportMixin, fit_anew
from .._validation import check_labels, check_training_set, constraints
from ..exceptions import ClassVanishedWarning
from ..learners._inference import predict_codes
from ..learners._settings import own_settings
from ..learners._weak_learner import draw_seed, make_learner, set_random_states
from ._partitioner import ISPLPartitioner, code_dtype
from ._self_paced import sample


def count_votes(predictions, n_classes):
    """Count the learners that predict each class for each row.

    Parameters
    ----------
    predictions : ndarray of shape (n_learners, n), int
    n_classes : int

    Returns
    -------
    votes : ndarray of shape (n, n_classes), the smallest unsigned integer type
    """
    n_learners, n = predictions.shape
    votes = np.zeros((n, n_classes), dtype=np.min_scalar_type(n_learners))
    rows = np.arange(n)
    for codes in predictions:
        votes[rows, codes] += 1
    return votes


def component_votes(losses, sizes):
    """Let components vote on one another, weighted by size (Algorithm 1).

    Component i votes for component j when its learner is wrong on less than half of
    j's rows. That is the rule of the proof of Theorem 4.1; line 11 of the printed
    algorithm has the inequality the other way round.

    Parameters
    ----------
    losses : ndarray of shape (K, K)
        Share of component j's rows on which component i's learner is wrong.

    sizes : ndarray of shape (K,)

    Returns
    -------
    votes : ndarray of shape (K,)
        C_k, the number of rows in the components that vote for k.

    support : ndarray of shape (K,), bool
        V_k, whether more than half of all rows vote for k.
    """
    votes = sizes @ (losses < 1 / 2)
    return votes, votes > sizes.sum() / 2


class BoostedHomogeneousVoter(RowsMixin, SupportMixin, ClassifierMixin, BaseEstimator):
    """Let homogeneous components of a training set vote: Algorithm 1.

    For every component a weak learner is trained on a sample of it. The component
    votes for each component of which its learner predicts more than half of the rows.
    Components that the majority votes for are primary: compatible with most of the
    data. Poison is compatible with nobody.

    As a classifier it predicts the modal vote of all weak learners.

    Parameters
    ----------
    estimator : NeuralNetClassifier or scikit-learn classifier, default=None
        The weak learner; see :class:`InverseSelfPacedLearner`.

    partitioner : ISPLPartitioner, default=None
        Finds the components where `fit` is not given them; any object with
        ``fit_predict(X, y)``. None means an :class:`ISPLPartitioner` with this
        `estimator`, `alpha` and `device`.

    n_estimates : int, default=1
        The paper's B: learners per component. Their losses are averaged, which makes
        an error of the vote as unlikely as one wishes (Theorem 4.1).

    alpha : float in (0, 1], default=1/4
        The paper's alpha: share of a component that a learner is trained on. A quarter
        is little where components have only some hundred rows: learners that know
        too few rows vote for nobody, and no component is supported. Use 1 there.

    n_epochs : int, default=40
        Epochs of training of a learner.

    device : str, torch.device or None, default="auto"
        "auto" is the net's own device where that is not the CPU, else CUDA where there
        is one, else the CPU; None is the net's own.

    random_state : int, RandomState instance or None, default=None
        Seed of everything random, the partitioner included.

    Attributes
    ----------
    components_ : ndarray of shape (n_rows,), int
        The component of each row, 0 to K - 1.

    partitioner_ : ISPLPartitioner
        The fitted partitioner, where components were not given.

    loss_matrix_ : ndarray of shape (K, K)
        Share of the rows of component j on which the learners of component i are
        wrong, averaged over the `n_estimates` learners.

    component_votes_ : ndarray of shape (K,)
        C_k: the number of rows in components that vote for component k.

    component_support_ : ndarray of shape (K,), bool
        V_k: whether component k has more than half of all votes.

    support_ : ndarray of shape (n_rows,), bool
        The rows of the components that are supported.

    agreement_ : ndarray of shape (n_rows,)
        Share of the learners that predict the given label.

    estimators_ : list of length K * n_estimates
        The weak learners. They predict positions in `classes_`.

    classes_ : ndarray of shape (n_classes,)
        The labels.

    n_features_in_ : int
        Number of features, or of channels for 4-D X.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X has names that are all strings.

    See Also
    --------
    ISPLFilter : Votes on single rows, with several partitions.

    References
    ----------
    C. Jin, M. Sun, M. Rinard, "Provable Guarantees against Data Poisoning Using
    Self-Expansion and Compatibility", arXiv:2105.03692v1, section 4.2, Algorithm 1 and
    Theorem 4.1.

    Examples
    --------
    Three components agree; in the fourth the labels are shifted.

    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ispl import BoostedHomogeneousVoter
    >>> X, y = load_digits(return_X_y=True)
    >>> components = np.arange(len(y)) % 4
    >>> y[components == 3] = (y[components == 3] + 1) % 10
    >>> voter = BoostedHomogeneousVoter(alpha=1, random_state=0)
    >>> voter.fit(X, y, components=components).component_support_
    array([ True,  True,  True, False])
    """

    _parameter_constraints: dict = {
        **constraints(
            "estimator", "n_estimates", "alpha", "n_epochs", "device", "random_state"
        ),
        "partitioner": [HasMethods("fit_predict"), None],
    }

    def __init__(
        self,
        estimator=None,
        *,
        partitioner=None,
        n_estimates=1,
        alpha=1 / 4,
        n_epochs=40,
        device="auto",
        random_state=None,
    ):
        self.estimator = estimator
        self.partitioner = partitioner
        self.n_estimates = n_estimates
        self.alpha = alpha
        self.n_epochs = n_epochs
        self.device = device
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, components=None):
        """Train the learners and let the components vote.

        Parameters
        ----------
        X : array-like of shape (n_rows, ...)
            Training rows, finite numbers.

        y : array-like of shape (n_rows,)
            Their labels, of any type.

        components : array-like of shape (n_rows,), default=None
            The component of each row, from elsewhere. None means that `partitioner`
            finds them.

        Returns
        -------
        self : BoostedHomogeneousVoter
            Fitted.

        Raises
        ------
        ValueError
            If y has one class or is continuous, if X has NaN or infinite values, if
            `components` is of another length or no column of labels, or if the weak
            learner does not fit the data.

        Warns
        -----
        ClassVanishedWarning
            If no row of a class is in a component that is supported.
        """
        with fit_anew(self), own_settings():
            X, X32, codes = check_training_set(self, X, y)
            rng = check_random_state(self.random_state)
            if components is None:
                components = self._find_components(X, y, rng)
            (components,) = check_labels(components=components)
            check_consistent_length(X, components)
            _, self.components_ = np.unique(components, return_inverse=True)

            learner = make_learner(
                self.estimator, X32, codes, len(self.classes_), self.device
            )
            self._fit_components(learner, codes, rng)
            sizes = np.bincount(self.components_)
            self.component_votes_, self.component_support_ = component_votes(
                self.loss_matrix_, sizes
            )
            self.support_ = self.component_support_[self.components_]
            self._warn_of_vanished_classes(codes)
        return self

    def _warn_of_vanished_classes(self, codes):
        vanished = np.setdiff1d(codes, codes[self.support_])
        if len(vanished):
            warnings.warn(
                "No row of these classes is in a component that most rows vote for: "
                f"{self.classes_[vanished].tolist()}. Train the learners on more of a "
                "component (a larger alpha) or longer (n_epochs), or give other "
                "components.",
                ClassVanishedWarning,
                stacklevel=4,
            )

    def _find_components(self, X, y, rng):
        self.partitioner_ = (
            ISPLPartitioner(self.estimator, alpha=self.alpha, device=self.device)
            if self.partitioner is None
            else clone(self.partitioner)
        )
        set_random_states(self.partitioner_, rng)
        return self.partitioner_.fit_predict(X, y)

    def _fit_components(self, learner, codes, rng):
        """Train the learners and measure their losses on every component."""
        all_rows = np.arange(len(codes))
        sizes = np.bincount(self.components_)
        self.estimators_, losses, agreement = [], [], np.zeros(len(codes))
        for component in range(len(sizes)):
            rows = np.flatnonzero(self.components_ == component)
            for _ in range(self.n_estimates):
                learner.start(draw_seed(rng))
                learner.train(sample(rows, self.alpha, rng), self.n_epochs)
                wrong = learner.score(all_rows)[1] != codes
                agreement += ~wrong
                losses.append(np.bincount(self.components_, weights=wrong) / sizes)
                self.estimators_.append(learner.finish())
        losses = np.reshape(losses, (len(sizes), self.n_estimates, len(sizes)))
        self.loss_matrix_ = losses.mean(axis=1)
        self.agreement_ = agreement / len(self.estimators_)

    def predict_proba(self, X):
        """Return the shares of the votes of all weak learners.

        Parameters
        ----------
        X : array-like of shape (n_rows, ...)
            Rows, finite numbers.

        Returns
        -------
        proba : ndarray of shape (n_rows, n_classes)
            Shares, in the order of `classes_`.
        """
        X = self._check_rows(X)
        n_classes = len(self.classes_)
        predictions = predict_all(self.estimators_, self._scaling(X), n_classes)
        votes = count_votes(predictions, n_classes)
        return votes / len(self.estimators_)

    def predict(self, X):
        """Return the modal vote of all weak learners.

        Parameters
        ----------
        X : array-like of shape (n_rows, ...)
            Rows, finite numbers.

        Returns
        -------
        y : ndarray of shape (n_rows,)
            Labels; the first of `classes_` that has the most votes.
        """
        proba = self.predict_proba(X)
        return self.classes_[np.argmax(proba, axis=1)]


def predict_all(estimators, X, n_classes):
    """Return the class codes that kept learners predict for X, float32.

    Returns
    -------
    predictions : ndarray of shape (n_learners, n), the smallest unsigned integer type
    """
    dtype = code_dtype(n_classes)
    with own_settings():
        return np.stack([predict_codes(e, X).astype(dtype) for e in estimators])
