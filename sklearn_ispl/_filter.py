"""The filter, as a transformer, a sampler and a meta-classifier."""

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    MetaEstimatorMixin,
    OneToOneFeatureMixin,
    TransformerMixin,
    _fit_context,
    clone,
    is_regressor,
)
from sklearn.linear_model import LogisticRegression
from sklearn.utils import _safe_indexing, indexable
from sklearn.utils._param_validation import HasMethods
from sklearn.utils._set_output import _get_output_config
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    _raise_for_params,
    process_routing,
)
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import (
    _check_method_params,
    _num_samples,
    check_is_fitted,
)

from ._base import BaseFilter
from ._docstrings import complete_docstring
from ._mixins import SupervisedMixin, fit_anew
from ._validation import check_labels
from .learners._inference import from_tensor
from .rules import RULES


@complete_docstring
class ISPLFilter(OneToOneFeatureMixin, TransformerMixin, BaseFilter):
    """Reject the poisoned rows of a training set.

    The training set is split into homogeneous components by Inverse Self-Paced
    Learning, and the weak learner of every component votes on the label of every row.
    With ``method="paper"`` these votes decide. By default they do not: the components,
    and clusters in what three models see of each class, are groups to test. Rejected
    are groups that are incompatible with the rest of their class and stand out from
    the groups of other classes, and rows with a trigger that turns rows of other
    classes into theirs. The labels of rejected rows are in `poisoned_classes_`, what is
    known of each class in `evidence_`. Neither a trusted subset nor the poison rate is
    needed; but the poison should be the smaller part of every class.

    In a Pipeline a step cannot drop rows. So ``fit_transform(X, y)`` returns X with
    every rejected row *replaced by a kept row of the same given label*, drawn at
    random: the next step is trained on kept rows only, and y still fits. As with
    :class:`~sklearn.preprocessing.TargetEncoder`, ``fit_transform(X, y)`` therefore
    differs from ``fit(X, y).transform(X)``: `transform` returns X as it is.

    A `sample_weight` that a Pipeline hands to a later step belongs to the place, not to
    the row: a kept row in the place of a rejected one has the rejected row's weight. To
    leave out the weights of rejected rows, use :class:`FilteredClassifier`.

    {parameters}

    {attributes}

    See Also
    --------
    ISPLSampler : The same filter for imbalanced-learn, which drops rows.
    FilteredClassifier : Trains a classifier on the kept rows alone.
    BoostedHomogeneousVoter : Votes on components instead of rows.

    Notes
    -----
    ``method="core"`` trains three models, one on all rows and one on either half, and
    rejects rows in two ways; the page "How the default decides" of the documentation
    has the whole of it.

    *Groups.* Half way through each model, linear probes that were fitted without a
    class say what its rows are typical of: poisoned rows of the classes that they came
    from. The models of halves say how well the labels of the other half can be known:
    those of poisoned rows well, from one another. The score of a group says how much
    more it is both, or the first alone, than the rest of its class, and how large it
    is. A group is rejected if its score is an outlier among those of all classes at
    `false_alarm_rate`, and if its excess is a third or more. With it go all rows of the
    class that probes take for it, if they stand out together, too. This takes four
    classes, and 16 rows of each.

    *Triggers.* Pixels of one window (28 % of the shorter side of an image), values that
    the rows of a cluster share, and patterns that are blended over images are painted
    on rows of other classes. If these turn into the class, and rows that have the
    trigger are no longer of the class without it, all rows of the class that have it
    are rejected. Where fewer than 40 rows share a pattern, probes of all other rows
    have to contradict their labels, too, significantly more often than those of the
    rest of the class (Fisher's exact test; such patterns share `false_alarm_rate`).
    `triggers_` shows pixels and values, not patterns.

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
    >>> ispl = ISPLFilter(self_training_epochs=5, random_state=0).fit(X, y)
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
            The given labels: numbers, strings or booleans of one type.

        Returns
        -------
        X_kept : ndarray of shape (n_rows, ...)
            A copy of X in which each rejected row is replaced by a kept row of the
            same given label.

        Raises
        ------
        ValueError
            If every row of a class was rejected, if X holds images and `set_output`
            asks for frames, and as `fit`.
        """
        self._refuse_frames_of_images(X)
        self.fit(X, y)
        donors = self._donors(*check_labels(y=y))
        return self._check_rows(X)[donors]

    def _refuse_frames_of_images(self, X):
        container = _get_output_config("transform", self)["dense"]
        if container == "default":
            return
        n_dimensions = np.asarray(from_tensor(X, "X")).ndim
        if n_dimensions != 2:
            raise ValueError(
                f"X has {n_dimensions} dimensions, but set_output(transform="
                f"{container!r}) asks for a frame, which has 2. Use "
                'set_output(transform="default").'
            )

    def _donors(self, y):
        """Return, for each row, itself or a kept row of its label."""
        rng = np.random.RandomState(self._donor_seed)
        donors = np.arange(len(y))
        for label in np.unique(y[~self.support_]).tolist():
            rejected = (y == label) & ~self.support_
            kept = np.flatnonzero((y == label) & self.support_)
            if not len(kept):
                raise ValueError(
                    f"Every row labelled {label!r} was rejected, so there is "
                    f"no row to put in their place. {RULES[self.method].advice} "
                    "FilteredClassifier and ISPLSampler leave the class out."
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
        self._refuse_frames_of_images(X)
        return self._check_rows(X)


@complete_docstring
class ISPLSampler(BaseFilter):
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
    >>> sampler = ISPLSampler(self_training_epochs=5, random_state=0)
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
            The given labels: numbers, strings or booleans of one type.

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


def _kept_rows(fitted, n_rows):
    """Return the numbers of the rows that a filter keeps, or raise if they are none."""
    kept = np.asarray(fitted.get_support())
    if kept.dtype != bool or kept.shape != (n_rows,):
        raise ValueError(
            f"filter={fitted!r} has a get_support() of shape {kept.shape} and dtype "
            f"{kept.dtype}; give a filter of rows, which returns a mask: bool, one "
            f"value for each of {n_rows} rows. A selector of features belongs into a "
            "Pipeline."
        )
    if not kept.any():
        raise ValueError(
            f"filter={fitted!r} rejects every row, so that the classifier has nothing "
            "to learn from; give it other parameters."
        )
    return np.flatnonzero(kept)


class FilteredClassifier(
    SupervisedMixin, ClassifierMixin, MetaEstimatorMixin, BaseEstimator
):
    """Train a classifier on the rows that a filter keeps.

    The only way in which plain scikit-learn can really drop rows.

    Parameters
    ----------
    filter : estimator, default=None
        Cloned. Has ``fit(X, y)``, and ``get_support()`` that returns a mask of the
        rows to keep. None means :class:`ISPLFilter` with its defaults.

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
        Number of features, or of channels for 4-D X, where the filter says it.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X has names that are all strings and the filter
        says them.

    See Also
    --------
    ISPLFilter : The filter; in a Pipeline it replaces rejected rows instead.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from sklearn_ispl import FilteredClassifier, ISPLFilter
    >>> X, y = load_digits(return_X_y=True)
    >>> ispl = ISPLFilter(self_training_epochs=5, random_state=0)
    >>> model = FilteredClassifier(ispl, GaussianNB())
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
    def fit(self, X, y, **fit_params):
        """Fit the filter, then the classifier on what it keeps.

        Parameters
        ----------
        X : array-like of shape (n_rows, ...)
            Training rows.

        y : array-like of shape (n_rows,)
            The given labels.

        **fit_params : dict
            What the filter and the classifier ask for by metadata routing, such as
            `sample_weight`. Of metadata with a value for each row, the classifier is
            given those of the kept rows. Only with ``enable_metadata_routing=True``,
            see :func:`sklearn.set_config`.

        Returns
        -------
        self : FilteredClassifier
            Fitted.

        Raises
        ------
        ValueError
            If X holds images and no classifier was given, if the filter does not return
            a mask of rows or keeps none, if metadata is passed without metadata
            routing, and as the filter and the classifier do.

        TypeError
            If X is a data set of torch, or if the classifier is a regressor.
        """
        with fit_anew(self):
            _raise_for_params(fit_params, self, "fit")
            X, y = indexable(from_tensor(X, "X"), from_tensor(y, "y"))
            if is_regressor(self._parts()[1]):
                raise TypeError(
                    f"classifier is a regressor ({type(self.classifier).__name__}), "
                    "but rows have labels. Pass a classifier."
                )
            if self.classifier is None and np.ndim(X) > 2:
                raise ValueError(
                    f"X has {np.ndim(X)} dimensions, but classifier=None means "
                    "LogisticRegression, which takes 2. Pass a classifier for images."
                )
            routed = process_routing(self, "fit", **fit_params)
            self.filter_, self.classifier_ = map(clone, self._parts())
            self.filter_.fit(X, y, **routed.filter.fit)
            kept = _kept_rows(self.filter_, _num_samples(X))
            self.classifier_.fit(
                _safe_indexing(X, kept),
                _safe_indexing(y, kept),
                **_check_method_params(X, routed.classifier.fit, indices=kept),
            )
            self.classes_ = self.classifier_.classes_
            for name in ("n_features_in_", "feature_names_in_"):
                if hasattr(self.filter_, name):
                    setattr(self, name, getattr(self.filter_, name))
        return self

    def _parts(self):
        return (
            ISPLFilter() if self.filter is None else self.filter,
            LogisticRegression() if self.classifier is None else self.classifier,
        )

    def get_metadata_routing(self):
        """Return who asks for which metadata.

        Returns
        -------
        routing : MetadataRouter
            The filter and the classifier may ask for metadata of `fit`; `score` takes
            `sample_weight` itself.
        """
        in_fit = MethodMapping().add(caller="fit", callee="fit")
        parts = dict(zip(("filter", "classifier"), self._parts()))
        router = MetadataRouter(owner=self).add_self_request(self)
        return router.add(method_mapping=in_fit, **parts)

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
