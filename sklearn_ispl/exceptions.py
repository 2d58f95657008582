"""Warnings that the estimators give when they go on with doubtful input."""

__all__ = [
    "ClassVanishedWarning",
    "MostRejectedWarning",
    "SmallClassWarning",
    "UnlearnedClassWarning",
    "UntestedClassWarning",
    "WeakEvidenceWarning",
]


class SmallClassWarning(UserWarning):
    """A class has a single row, on which nothing can be learned from others.

    Examples
    --------
    >>> import warnings
    >>> from sklearn_ispl.exceptions import SmallClassWarning
    >>> warnings.simplefilter("error", SmallClassWarning)
    >>> warnings.resetwarnings()
    """


class ClassVanishedWarning(UserWarning):
    """A filter rejected every row of a class.

    No model can learn it from what is kept. With ``method="paper"`` and in
    :class:`~sklearn_ispl.BoostedHomogeneousVoter` it comes of votes that are hardly
    better than chance. With the default, groups that make up the whole class stood
    out; clean rows may be among them.

    Examples
    --------
    >>> import warnings
    >>> from sklearn_ispl.exceptions import ClassVanishedWarning
    >>> warnings.simplefilter("error", ClassVanishedWarning)
    >>> warnings.resetwarnings()
    """


class MostRejectedWarning(UserWarning):
    """A filter rejected more than half of a class, and kept the rest.

    If more than half of the class is poison, the rest may be poison and what was
    rejected clean.

    Examples
    --------
    >>> import warnings
    >>> from sklearn_ispl.exceptions import MostRejectedWarning
    >>> warnings.simplefilter("error", MostRejectedWarning)
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


class UntestedClassWarning(UserWarning):
    """Classes were searched for triggers that rows share, and nothing else.

    Given by ``method="core"``. Groups of a class are compared with those of other
    classes: that takes four classes, and 16 rows of each.

    Examples
    --------
    >>> import warnings
    >>> from sklearn_ispl.exceptions import UntestedClassWarning
    >>> warnings.simplefilter("ignore", UntestedClassWarning)
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
