"""The whole procedure of B.1, as a transformer, a sampler and a meta-classifier."""

import warnings

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    MetaEstimatorMixin,
    OneToOneFeatureMixin,
    TransformerMixin,
    _fit_context,
    clone,
)
from sklearn.linear_model import LogisticRegression
from sklearn.utils import _safe_indexing, check_random_state, indexable
from sklearn.utils._param_validation import HasMethods
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from ._ispl import partition
from ._validation import check_training_set, constraints
from ._voter import count_votes, modal_vote, predict_all
from ._weak_learner import draw_seed, make_learner, one_thread
from .exceptions import ClassVanishedWarning


def vote_support(votes, codes, rng):
    """Keep the rows whose label is the modal vote (B.1).

    Parameters
    ----------
    votes : ndarray of shape (n, n_classes)
        Learners that predict each class for each row.

    codes : ndarray of shape (n,), int
        Encoded given labels.

    rng : RandomState
        Breaks ties.

    Returns
    -------
    support : ndarray of shape (n,), bool
    """
    return modal_vote(votes, rng) == codes


def self_train(learner, codes, support, n_epochs, rng):
    """Add back the rejected rows whose label a model of the kept rows predicts (B.1).

    Parameters
    ----------
    learner : SkorchLearner or SklearnLearner
    codes : ndarray of shape (n,), int
    support : ndarray of shape (n,), bool
    n_epochs : int
    rng : RandomState

    Returns
    -------
    support : ndarray of shape (n,), bool
        Contains the given one.
    """
    rejected = np.flatnonzero(~support)
    if not 0 < len(rejected) < len(codes):
        return support
    learner.start(draw_seed(rng))
    learner.train(np.flatnonzero(support), n_epochs)
    regained = rejected[learner.score(rejected)[1] == codes[rejected]]
    support = support.copy()
    support[regained] = True
    return support


def _one_repeat(estimator, X, codes, n_classes, device, seed, **settings):
    with one_thread():
        learner = make_learner(estimator, X, codes, n_classes, device)
        return partition(learner, codes, rng=np.random.RandomState(seed), **settings)


class _BaseFilter(BaseEstimator):
    """The procedure of B.1; the public classes are thin faces over it."""

    _parameter_constraints: dict = {
        **constraints(
            "estimator", "alpha", "beta", "momentum", "n_iter", "n_epochs",
            "n_repeats", "n_jobs", "device", "random_state", "verbose",
        ),
        "self_training": ["boolean"],
        "self_training_epochs": constraints("n_epochs")["n_epochs"],
    }  # fmt: skip

    def __init__(
        self,
        estimator=None,
        *,
        alpha=1 / 4,
        beta=1 / 8,
        momentum=0.9,
        n_repeats=3,
        n_iter=None,
        n_epochs=2,
        self_training=True,
        self_training_epochs=40,
        n_jobs=None,
        device="auto",
        random_state=None,
        verbose=False,
    ):
        self.estimator = estimator
        self.alpha = alpha
        self.beta = beta
        self.momentum = momentum
        self.n_repeats = n_repeats
        self.n_iter = n_iter
        self.n_epochs = n_epochs
        self.self_training = self_training
        self.self_training_epochs = self_training_epochs
        self.n_jobs = n_jobs
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y):
        """Decide which rows to keep.

        Parameters
        ----------
        X : array-like of shape (n_rows, ...)
            Training rows, finite numbers: 2-D, or images (n_rows, channels, height,
            width). Kept in memory once as float32.

        y : array-like of shape (n_rows,)
            The given labels, of any type.

        Returns
        -------
        self : object
            Fitted.

        Raises
        ------
        ValueError
            If y has one class or is continuous, if X has NaN or infinite values or
            fewer rows than components, or if the weak learner does not fit the data.

        Warns
        -----
        SmallClassWarning
            If a class has a single row.

        ClassVanishedWarning
            If every row of a class was rejected.
        """
        _, X32, codes = check_training_set(self, X, y)
        rng = check_random_state(self.random_state)
        self._collect_votes(X32, codes, rng)
        self.support_ = vote_support(self.votes_, codes, rng)
        if self.self_training:
            self._self_train(X32, codes, rng)
        self._donor_seed = draw_seed(rng)
        self._warn_of_vanished_classes(codes)
        return self

    def _collect_votes(self, X, codes, rng):
        """Partition the rows `n_repeats` times and let every learner vote."""
        n_classes = len(self.classes_)
        settings = {
            "alpha": self.alpha,
            "beta": self.beta,
            "momentum": self.momentum,
            "n_iter": self.n_iter,
            "n_epochs": self.n_epochs,
        }
        repeats = Parallel(n_jobs=self.n_jobs)(
            delayed(_one_repeat)(
                self.estimator,
                X,
                codes,
                n_classes,
                self.device,
                draw_seed(rng),
                progress=self._progress(repeat),
                **settings,
            )
            for repeat in range(self.n_repeats)
        )
        labels, predictions, estimators = zip(*repeats)
        self.components_ = np.stack(labels)
        self.predictions_ = np.concatenate(predictions)
        self.estimators_ = [learner for kept in estimators for learner in kept]
        self.votes_ = count_votes(self.predictions_, n_classes)
        given = self.votes_[np.arange(len(codes)), codes]
        self.agreement_ = given / len(self.estimators_)

    def _progress(self, repeat):
        if not self.verbose:
            return None
        return {"desc": f"repeat {repeat + 1}/{self.n_repeats}", "unit": "round"}

    def _self_train(self, X, codes, rng):
        learner = make_learner(
            self.estimator, X, codes, len(self.classes_), self.device
        )
        with one_thread():
            self.support_ = self_train(
                learner, codes, self.support_, self.self_training_epochs, rng
            )

    def _warn_of_vanished_classes(self, codes):
        kept = np.bincount(codes[self.support_], minlength=len(self.classes_))
        if not kept.all():
            warnings.warn(
                "Every row of these classes was rejected: "
                f"{self.classes_[kept == 0].tolist()}. Too few learners recognise "
                "them; train them longer (n_epochs) or use a larger beta.",
                ClassVanishedWarning,
                stacklevel=3,
            )

    def fit_predict(self, X, y):
        """Decide which rows to keep and return it as an outlier detector does.

        Parameters
        ----------
        X : array-like of shape (n_rows, ...)
            Training rows, finite numbers.

        y : array-like of shape (n_rows,)
            The given labels, of any type.

        Returns
        -------
        kept : ndarray of shape (n_rows,), int
            1 for a row to keep, -1 for a row to reject.
        """
        return np.where(self.fit(X, y).support_, 1, -1)

    def get_support(self, indices=False):
        """Return which rows are kept.

        Parameters
        ----------
        indices : bool, default=False
            Return row numbers instead of a mask.

        Returns
        -------
        support : ndarray of shape (n_rows,), bool, or of shape (n_kept,), int
            The mask, or the row numbers.
        """
        check_is_fitted(self)
        return np.flatnonzero(self.support_) if indices else self.support_

    def score(self, X, y):
        """Return the accuracy of the weak learners' modal vote.

        On a trusted fold this tells whether the learners recognise clean rows, so that
        ``alpha`` and ``beta`` can be searched over with GridSearchCV.

        Parameters
        ----------
        X : array-like of shape (n_rows, ...)
            Trusted rows.

        y : array-like of shape (n_rows,)
            Their true labels.

        Returns
        -------
        accuracy : float
            Share of rows whose modal vote, the first class among equals, is the label.
        """
        X = self._check_rows(X)
        n_classes = len(self.classes_)
        votes = count_votes(predict_all(self.estimators_, X, n_classes), n_classes)
        return float(np.mean(self.classes_[votes.argmax(axis=1)] == np.asarray(y)))

    def _check_rows(self, X):
        check_is_fitted(self)
        return validate_data(self, X, dtype="numeric", allow_nd=True, reset=False)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags


_PARAMETERS = """Parameters
    ----------
    estimator : NeuralNetClassifier or scikit-learn classifier, default=None
        The weak learner, cloned and never modified: any skorch classifier, or any
        classifier with ``partial_fit`` and ``predict_proba``. None means an
        :class:`~sklearn_ispl.modules.MLP` for 2-D X and a
        :class:`~sklearn_ispl.modules.ConvNet` for 4-D X, trained by SGD. Of a skorch
        net, module, criterion, optimizer, lr and batch size count; callbacks, train
        split and iterators do not.

    alpha : float in (0, 1], default=1/4
        The paper's alpha: share of the current set that a learner is trained on in
        one iteration.

    beta : float in (0, 1], default=1/8
        The paper's beta: size of a component as a share of all rows. There are
        ``round(1 / beta)`` components.

    momentum : float in [0, 1), default=0.9
        The paper's eta, the smoothing of the losses.

    n_repeats : int, default=3
        How often the rows are partitioned anew. Every component of every repeat has a
        learner that votes.

    n_iter : int, default=None
        Iterations per component. None means ``2 + min(3, floor(1 / p))`` for the
        target share p of the round.

    n_epochs : int, default=2
        Epochs of training in one iteration. The learners must stay weak: more epochs
        let them learn a trigger from a handful of rows.

    self_training : bool, default=True
        Whether to train a fresh model on the kept rows and to add back the rejected
        rows whose label it predicts. It wins back clean rows, but also the poison, if
        the vote has left some.

    self_training_epochs : int, default=40
        Epochs of that model.

    n_jobs : int, default=None
        Repeats run at the same time, each in a process of one thread. The result does
        not depend on it.

    device : str, torch.device or None, default="auto"
        "auto" is CUDA where there is one, else the CPU; None is the net's own.

    random_state : int, RandomState instance or None, default=None
        Seed of everything random. The global states of NumPy and torch are left as
        they were.

    verbose : bool or int, default=False
        Whether to show a progress bar per repeat.
    """.rstrip()

_ATTRIBUTES = """Attributes
    ----------
    support_ : ndarray of shape (n_rows,), bool
        The rows to keep.

    agreement_ : ndarray of shape (n_rows,)
        Share of the learners that predict the given label, 0 to 1.

    votes_ : ndarray of shape (n_rows, n_classes), unsigned int
        Number of learners that predict each class.

    predictions_ : ndarray of shape (n_learners, n_rows), unsigned int
        The class that each learner predicts for each row, as a position in
        `classes_`, in the smallest integer type.

    components_ : ndarray of shape (n_repeats, n_rows), int
        The component of each row in each repeat.

    estimators_ : list of length n_learners
        The weak learners, in the order of `predictions_`.

    classes_ : ndarray of shape (n_classes,)
        The labels.

    n_features_in_ : int
        Number of features, or of channels for 4-D X.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X has names that are all strings.
    """.rstrip()

_REFERENCES = """References
    ----------
    C. Jin, M. Sun, M. Rinard, "Provable Guarantees against Data Poisoning Using
    Self-Expansion and Compatibility", arXiv:2105.03692v1, appendix B.1.
    """.rstrip()


def _complete_docstring(cls):
    """Write what the filters share into their docstrings."""
    for name, text in {
        "{parameters}": _PARAMETERS,
        "{attributes}": _ATTRIBUTES,
        "{references}": _REFERENCES,
    }.items():
        cls.__doc__ = cls.__doc__.replace(name, text)
    return cls


@_complete_docstring
class ISPLFilter(OneToOneFeatureMixin, TransformerMixin, _BaseFilter):
    """Reject the poisoned rows of a training set.

    The training set is split into homogeneous components by Inverse Self-Paced
    Learning, several times. The weak learner of every component votes on the label of
    every row, and a row is kept if its given label wins. Neither a trusted subset nor
    the poison rate is needed.

    In a Pipeline a step cannot drop rows. So ``fit_transform(X, y)`` returns X with
    every rejected row *replaced by a kept row of the same given label*, drawn at
    random: the next step is trained on kept rows only, and y still fits. As with
    :class:`~sklearn.preprocessing.TargetEncoder`, ``fit_transform(X, y)`` therefore
    differs from ``fit(X, y).transform(X)``: `transform` returns X as it is.

    {parameters}

    {attributes}

    See Also
    --------
    ISPLSampler : The same filter for imbalanced-learn, which drops rows.
    FilteredClassifier : Trains a classifier on the kept rows alone.
    BoostedHomogeneousVoter : Votes on components instead of rows.

    Notes
    -----
    GridSearchCV around a Pipeline scores on folds of the poisoned data, which rewards
    keeping poison. Search on a trusted fold instead; see the user guide.

    {references}

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ispl import ISPLFilter
    >>> from sklearn_ispl.datasets import make_dirty_label_backdoor
    >>> X, y = load_digits(return_X_y=True)
    >>> X = X.reshape(-1, 1, 8, 8)
    >>> X, y, poisoned, trigger = make_dirty_label_backdoor(
    ...     X, y, source=7, target=4, random_state=0
    ... )
    >>> ispl = ISPLFilter(n_repeats=1, random_state=0).fit(X, y)
    >>> ispl.get_support().shape
    (1797,)
    """

    def fit_transform(self, X, y):
        """Decide which rows to keep and replace the others by kept ones.

        Parameters
        ----------
        X : array-like of shape (n_rows, ...)
            Training rows, finite numbers.

        y : array-like of shape (n_rows,)
            The given labels, of any type.

        Returns
        -------
        X_kept : ndarray of shape (n_rows, ...)
            A copy of X in which each rejected row is replaced by a kept row of the
            same given label.

        Raises
        ------
        ValueError
            If every row of a class was rejected, and as `fit`.
        """
        donors = self.fit(X, y)._donors(np.asarray(y).ravel())
        return self._check_rows(X)[donors]

    def _donors(self, y):
        """Return, for each row, itself or a kept row of its label."""
        rng = np.random.RandomState(self._donor_seed)
        donors = np.arange(len(y))
        for label in np.unique(y[~self.support_]):
            rejected = (y == label) & ~self.support_
            kept = np.flatnonzero((y == label) & self.support_)
            if not len(kept):
                raise ValueError(
                    f"Every row labelled {label!r} was rejected, so there is no row to "
                    "put in their place. Use FilteredClassifier or ISPLSampler, or "
                    "train the learners longer (n_epochs)."
                )
            donors[rejected] = rng.choice(kept, rejected.sum())
        return donors

    def transform(self, X):
        """Return X as it is: rows to predict are not filtered.

        Parameters
        ----------
        X : array-like of shape (n_rows, ...)
            Rows, finite numbers.

        Returns
        -------
        X : ndarray of shape (n_rows, ...)
            The same rows.
        """
        return self._check_rows(X)


@_complete_docstring
class ISPLSampler(_BaseFilter):
    """Drop the poisoned rows of a training set, as an imbalanced-learn sampler.

    The same filter as :class:`ISPLFilter`, for ``imblearn.pipeline.Pipeline``, where a
    step may drop rows. imbalanced-learn need not be installed to use it alone.

    {parameters}

    {attributes}

    sample_indices_ : ndarray of shape (n_kept,), int
        The numbers of the rows that `fit_resample` returned.

    See Also
    --------
    ISPLFilter : The same filter for scikit-learn's Pipeline.

    {references}

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ispl import ISPLSampler
    >>> X, y = load_digits(return_X_y=True)
    >>> sampler = ISPLSampler(n_repeats=1, random_state=0)
    >>> X_kept, y_kept = sampler.fit_resample(X, y)
    >>> len(X_kept) == len(y_kept) == len(sampler.sample_indices_)
    True
    """

    def fit_resample(self, X, y):
        """Decide which rows to keep and return them.

        Parameters
        ----------
        X : array-like of shape (n_rows, ...)
            Training rows, finite numbers.

        y : array-like of shape (n_rows,)
            The given labels, of any type.

        Returns
        -------
        X_kept : array-like of shape (n_kept, ...)
            The kept rows, of the type of X.

        y_kept : array-like of shape (n_kept,)
            Their labels, of the type of y.
        """
        X, y = indexable(X, y)
        self.sample_indices_ = self.fit(X, y).get_support(indices=True)
        return (
            _safe_indexing(X, self.sample_indices_),
            _safe_indexing(y, self.sample_indices_),
        )


def _classifier_has(name):
    def check(self):
        classifier = getattr(self, "classifier_", self.classifier)
        if classifier is None:
            classifier = LogisticRegression()
        getattr(classifier, name)  # raises the AttributeError that names it
        return True

    return check


class FilteredClassifier(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    """Train a classifier on the rows that a filter keeps.

    The only way in which plain scikit-learn can really drop rows.

    Parameters
    ----------
    filter : estimator, default=None
        Cloned. Has ``fit(X, y)`` and ``get_support(indices=True)``. None means
        :class:`ISPLFilter` with its defaults.

    classifier : classifier, default=None
        Cloned. None means :class:`~sklearn.linear_model.LogisticRegression`.

    Attributes
    ----------
    filter_ : estimator
        The fitted filter.

    classifier_ : classifier
        The classifier, fitted to the kept rows.

    classes_ : ndarray of shape (n_classes,)
        The labels that the classifier knows.

    n_features_in_ : int
        Number of features, or of channels for 4-D X.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X has names that are all strings.

    See Also
    --------
    ISPLFilter : The filter; in a Pipeline it replaces rejected rows instead.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from sklearn_ispl import FilteredClassifier, ISPLFilter
    >>> X, y = load_digits(return_X_y=True)
    >>> model = FilteredClassifier(ISPLFilter(random_state=0), GaussianNB())
    >>> model.fit(X, y).predict(X[:3]).shape
    (3,)
    """

    _parameter_constraints: dict = {
        "filter": [HasMethods(["fit", "get_support"]), None],
        "classifier": [HasMethods(["fit", "predict"]), None],
    }

    def __init__(self, filter=None, classifier=None):
        self.filter = filter
        self.classifier = classifier

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y):
        """Fit the filter, then the classifier on what it keeps.

        Parameters
        ----------
        X : array-like of shape (n_rows, ...)
            Training rows.

        y : array-like of shape (n_rows,)
            The given labels.

        Returns
        -------
        self : FilteredClassifier
            Fitted.
        """
        X, y = indexable(X, y)
        self.filter_ = ISPLFilter() if self.filter is None else clone(self.filter)
        kept = self.filter_.fit(X, y).get_support(indices=True)
        self.classifier_ = (
            LogisticRegression() if self.classifier is None else clone(self.classifier)
        )
        self.classifier_.fit(_safe_indexing(X, kept), _safe_indexing(y, kept))
        self.classes_ = self.classifier_.classes_
        self.n_features_in_ = self.filter_.n_features_in_
        if hasattr(self.filter_, "feature_names_in_"):
            self.feature_names_in_ = self.filter_.feature_names_in_
        return self

    def predict(self, X):
        """Predict labels with the classifier.

        Parameters
        ----------
        X : array-like of shape (n_rows, ...)
            Rows.

        Returns
        -------
        y : ndarray of shape (n_rows,)
            Labels.
        """
        check_is_fitted(self)
        return self.classifier_.predict(X)

    @available_if(_classifier_has("predict_proba"))
    def predict_proba(self, X):
        """Predict class probabilities with the classifier.

        Parameters
        ----------
        X : array-like of shape (n_rows, ...)
            Rows.

        Returns
        -------
        proba : ndarray of shape (n_rows, n_classes)
            Probabilities, in the order of `classes_`.
        """
        check_is_fitted(self)
        return self.classifier_.predict_proba(X)

    @available_if(_classifier_has("decision_function"))
    def decision_function(self, X):
        """Return the classifier's decision function.

        Parameters
        ----------
        X : array-like of shape (n_rows, ...)
            Rows.

        Returns
        -------
        scores : ndarray of shape (n_rows,) or (n_rows, n_classes)
            What the classifier returns.
        """
        check_is_fitted(self)
        return self.classifier_.decision_function(X)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags
