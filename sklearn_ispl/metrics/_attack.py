"""How well an attack works on a trained model."""

import numpy as np
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.utils import check_consistent_length

from .._validation import check_labels, list_labels


def targeted_misclassification_rate(y_true, y_pred, *, source=None, target):
    """Return the attack success rate A (eq. 7).

    The share of the images of the source classes, each with the trigger on it, that a
    model takes for the target class.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        True labels.

    y_pred : array-like of shape (n,)
        What the model predicts for the *triggered* images.

    source : label or list of labels, default=None
        The classes that the attacker wants to be misclassified. Other rows are ignored.
        None means every class but the target.

    target : label
        The class that the attacker wants them to be taken for.

    Returns
    -------
    rate : float
        0 to 1; 0 is what a defence aims at.

    Raises
    ------
    ValueError
        If no row is of a source class, if `source` is an empty list, if `y_pred` is no
        labels (probabilities, say), or if some labels are strings and others numbers.

    References
    ----------
    C. Jin, M. Sun, M. Rinard, "Provable Guarantees against Data Poisoning Using
    Self-Expansion and Compatibility", arXiv:2105.03692v1, eq. 7.

    Examples
    --------
    >>> from sklearn_ispl.metrics import targeted_misclassification_rate
    >>> targeted_misclassification_rate([7, 7, 7, 1], [4, 4, 7, 4], source=7, target=4)
    0.6666666666666666
    """
    check_consistent_length(y_true, y_pred)
    named = {} if source is None else {"source": list_labels(source, "source")}
    y_true, y_pred, *_ = check_labels(
        y_true=y_true, y_pred=y_pred, target=[target], **named
    )
    of_source = _rows_of_source(y_true, source, target, "y_true")
    return float(np.mean(y_pred[of_source] == target))


def _rows_of_source(y, source, target, name):
    of_source, what = y != target, "other classes"
    if source is not None:
        of_source = np.isin(y, list_labels(source, "source"))
        what = f"the source class {source!r}"
    if not of_source.any():
        raise ValueError(f"{name} has no row of {what}.")
    return of_source


def make_targeted_misclassification_scorer(trigger, *, source=None, target):
    """Make a scorer that puts a trigger on the test rows and returns minus A.

    Like scikit-learn's ``neg_`` scorers it is negative, since greater is better.

    Parameters
    ----------
    trigger : callable
        Puts the trigger on images; see
        :func:`~sklearn_ispl.datasets.make_dirty_label_backdoor`.

    source : label or list of labels, default=None
        The classes that the attacker wants to be misclassified. None means every class
        but the target.

    target : label
        The class that the attacker wants them to be taken for.

    Returns
    -------
    scorer : callable
        ``scorer(estimator, X, y)``, for GridSearchCV and cross_validate.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.dummy import DummyClassifier
    >>> from sklearn_ispl.metrics import make_targeted_misclassification_scorer
    >>> X, y = np.zeros((4, 1, 2, 2)), np.array([1, 0, 0, 0])
    >>> scorer = make_targeted_misclassification_scorer(np.copy, source=1, target=0)
    >>> scorer(DummyClassifier().fit(X, y), X, y)
    -1.0
    """

    def scorer(estimator, X, y):
        (y,) = check_labels(y=y)
        of_source = _rows_of_source(y, source, target, "y")
        y_pred = estimator.predict(trigger(X[of_source]))
        return -targeted_misclassification_rate(y[of_source], y_pred, target=target)

    return scorer


def make_backdoor_scorers(trigger, *, source=None, target):
    """Make the scorers of both ends: clean accuracy C and minus A.

    Parameters
    ----------
    trigger : callable
        Puts the trigger on images.

    source : label or list of labels, default=None
        The classes that the attacker wants to be misclassified. None means every class
        but the target.

    target : label
        The class that the attacker wants them to be taken for.

    Returns
    -------
    scorers : dict
        ``"C"`` and ``"neg_A"``, for the `scoring` of GridSearchCV, with ``refit="C"``
        or a callable of your own.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ispl.metrics import make_backdoor_scorers
    >>> sorted(make_backdoor_scorers(np.copy, source=1, target=0))
    ['C', 'neg_A']
    """
    return {
        "C": make_scorer(accuracy_score),
        "neg_A": make_targeted_misclassification_scorer(
            trigger, source=source, target=target
        ),
    }
