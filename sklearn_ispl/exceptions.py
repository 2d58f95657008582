"""Warnings that the estimators give when they go on with doubtful input."""

__all__ = [
    "ClassVanishedWarning",
    "SmallClassWarning",
    "UnlearnedClassWarning",
    "WeakEvidenceWarning",
]


class SmallClassWarning(UserWarning):
    """A class has too few rows for the learners to judge them.

    Examples
    --------
    >>> import warnings
    >>> from sklearn_ispl.exceptions import SmallClassWarning
    >>> warnings.simplefilter("error", SmallClassWarning)
    >>> warnings.resetwarnings()
    """


class ClassVanishedWarning(UserWarning):
    """A filter rejected every row of a class.

    No model can learn it from what is kept. It comes of votes that are hardly better
    than chance, with ``method="paper"``; with ``method="core"`` it is not expected.

    Examples
    --------
    >>> import warnings
    >>> from sklearn_ispl.exceptions import ClassVanishedWarning
    >>> warnings.simplefilter("error", ClassVanishedWarning)
    >>> warnings.resetwarnings()
    """


class UnlearnedClassWarning(UserWarning):
    """Models hardly know the rows of a class from other rows.

    Given by ``method="core"``. They have nothing to tell of poison in such a class,
    which may stay.

    Examples
    --------
    >>> import warnings
    >>> from sklearn_ispl.exceptions import UnlearnedClassWarning
    >>> warnings.simplefilter("error", UnlearnedClassWarning)
    >>> warnings.resetwarnings()
    """


class WeakEvidenceWarning(UserWarning):
    """A group of rows stands out, but not enough to be rejected.

    Given by ``method="core"``, of groups that four times the rate of false alarms would
    reject. The rows are kept; `evidence_` has their numbers.

    Examples
    --------
    >>> import warnings
    >>> from sklearn_ispl.exceptions import WeakEvidenceWarning
    >>> warnings.simplefilter("error", WeakEvidenceWarning)
    >>> warnings.resetwarnings()
    """
