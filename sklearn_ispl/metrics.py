"""How well an attack or a defence worked."""

import numpy as np
from sklearn.utils import check_consistent_length

__all__ = [
    "make_targeted_misclassification_scorer",
    "targeted_misclassification_rate",
]


def targeted_misclassification_rate(y_true, y_pred, *, source, target):
    """Return the attack success rate A (eq. 7).

    The share of the images of the source class, each with the trigger on it, that a
    model takes for the target class.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        True labels.

    y_pred : array-like of shape (n,)
        What the model predicts for the *triggered* images.

    source : label
        The class that the attacker wants to be misclassified. Other rows are ignored.

    target : label
        The class that the attacker wants it to be taken for.

    Returns
    -------
    rate : float
        0 to 1; 0 is what a defence aims at.

    Raises
    ------
    ValueError
        If no row is of the source class.

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
    of_source = np.asarray(y_true) == source
    if not of_source.any():
        raise ValueError(f"y_true has no row of the source class {source!r}.")
    return float(np.mean(np.asarray(y_pred)[of_source] == target))


def make_targeted_misclassification_scorer(trigger, *, source, target):
    """Make a scorer that puts a trigger on the test rows and returns minus A.

    Like scikit-learn's ``neg_`` scorers it is negative, since greater is better.

    Parameters
    ----------
    trigger : callable
        Puts the trigger on images; see
        :func:`~sklearn_ispl.datasets.make_dirty_label_backdoor`.

    source : label
        The class that the attacker wants to be misclassified.

    target : label
        The class that the attacker wants it to be taken for.

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
        of_source = np.asarray(y) == source
        if not of_source.any():
            raise ValueError(f"y has no row of the source class {source!r}.")
        y_pred = estimator.predict(trigger(X[of_source]))
        return -targeted_misclassification_rate(
            y[of_source], y_pred, source=source, target=target
        )

    return scorer
