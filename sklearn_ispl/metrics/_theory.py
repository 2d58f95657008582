"""The quantities of the paper's theory: Definitions 4.1 and 4.2, Theorem 4.1."""

from numbers import Integral, Real
from typing import NamedTuple

import numpy as np
from sklearn.utils import check_random_state, check_X_y
from sklearn.utils._param_validation import Interval, validate_params

from .._validation import check_column, check_labels, constraints
from ..learners._inference import from_tensor
from ..learners._scaling import scaling_of
from ..learners._settings import own_settings
from ..learners._weak_learner import draw_seed, make_learner


class Estimate(NamedTuple):
    """The mean of some repeats and its standard error."""

    value: float
    standard_error: float


def _estimate(repeats):
    repeats = np.asarray(repeats, dtype=float)
    n = len(repeats)
    error = repeats.std(ddof=1) / np.sqrt(n) if n > 1 else np.nan
    return Estimate(float(repeats.mean()), float(error))


_LEARNING = {
    **constraints("estimator", "alpha", "n_epochs", "device", "random_state"),
    "n_repeats": constraints("n_repeats")["n_repeats"],
}


def _sampled_error(X, y, estimator, alpha, n_epochs, device, random_state):
    """Return what trains on a sample of some rows and gives the 0-1 error on others."""
    X, y = from_tensor(X, "X"), from_tensor(y, "y")
    X, y = check_X_y(X, y, dtype="numeric", allow_nd=True)
    (y,) = check_labels(y=y)
    classes, codes = np.unique(y, return_inverse=True)
    X32 = scaling_of(X)(X)
    with own_settings():
        learner = make_learner(estimator, X32, codes, len(classes), device)
    rng = check_random_state(random_state)

    def error(trained_on, tested_on):
        n_sampled = max(1, round(alpha * len(trained_on)))
        with own_settings():
            learner.start(draw_seed(rng))
            learner.train(rng.choice(trained_on, n_sampled), n_epochs)
            return np.mean(learner.score(tested_on)[1] != codes[tested_on])

    return error


@validate_params(
    {
        "X": ["array-like"],
        "y": ["array-like"],
        "rows": ["array-like", None],
        **_LEARNING,
    },
    prefer_skip_nested_validation=True,
)
def expansion_error(
    X,
    y,
    rows=None,
    *,
    estimator=None,
    alpha=1 / 4,
    n_epochs=40,
    n_repeats=5,
    device="auto",
    random_state=None,
):
    """Return the expansion error of a set of rows (Definition 4.1).

    The expected share of the set that a learner is wrong on when it was trained on a
    sample of the set: alpha times its size, drawn with replacement. A set of low error
    is self-expanding.

    Parameters
    ----------
    X : array-like of shape (n, ...)
        Rows, finite numbers.

    y : array-like of shape (n,)
        The given labels.

    rows : array-like of shape (n_set,), int, or of shape (n,), bool, default=None
        The set; None means all rows.

    estimator : NeuralNetClassifier or scikit-learn classifier, default=None
        The learner; see :class:`~sklearn_ispl.InverseSelfPacedLearner`.

    alpha : float in (0, 1], default=1/4
        The paper's alpha: size of the sample as a share of the set. The printed
        definition has its inverse, which its own use of it contradicts.

    n_epochs : int, default=40
        Epochs of training.

    n_repeats : int, default=5
        Samples, and learners, that the expectation is estimated from.

    device : str, torch.device or None, default="auto"
        Where a skorch net runs; see :class:`~sklearn_ispl.InverseSelfPacedLearner`.

    random_state : int, RandomState instance or None, default=None
        Seed of the samples and of the learners.

    Returns
    -------
    estimate : tuple of (float, float)
        ``value``, the error, 0 to 1, and ``standard_error``, its standard error over
        the repeats (nan for a single one).

    Raises
    ------
    ValueError
        If the set is empty.

    References
    ----------
    C. Jin, M. Sun, M. Rinard, "Provable Guarantees against Data Poisoning Using
    Self-Expansion and Compatibility", arXiv:2105.03692v1, Definition 4.1.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ispl.metrics import expansion_error
    >>> X, y = load_digits(return_X_y=True)
    >>> expansion_error(X, y, n_repeats=2, random_state=0).value < 0.2
    True
    """
    rows = _row_numbers(rows, len(y), "rows")
    error = _sampled_error(X, y, estimator, alpha, n_epochs, device, random_state)
    return _estimate([error(rows, rows) for _ in range(n_repeats)])


@validate_params(
    {
        "X": ["array-like"],
        "y": ["array-like"],
        "first": ["array-like"],
        "second": ["array-like"],
        **_LEARNING,
    },
    prefer_skip_nested_validation=True,
)
def compatibility_margin(
    X,
    y,
    first,
    second,
    *,
    estimator=None,
    alpha=1 / 4,
    n_epochs=40,
    n_repeats=5,
    device="auto",
    random_state=None,
):
    """Return how much a second set of rows helps a learner on a first (Definition 4.2).

    The error on the first set of a learner that was trained on a sample of the first
    set, less that of a learner trained on a sample of both sets together. Above zero,
    the sets are compatible: they teach the same. Below zero they are not: poison makes
    a learner worse on clean rows, or leaves it as it was. Samples are alpha times the
    size of what they are drawn from, with replacement.

    Parameters
    ----------
    X : array-like of shape (n, ...)
        Rows, finite numbers.

    y : array-like of shape (n,)
        The given labels.

    first, second : array-like of shape (n_set,), int, or of shape (n,), bool
        The sets, without common rows.

    estimator : NeuralNetClassifier or scikit-learn classifier, default=None
        The learner; see :class:`~sklearn_ispl.InverseSelfPacedLearner`.

    alpha : float in (0, 1], default=1/4
        The paper's alpha; see `expansion_error`.

    n_epochs : int, default=40
        Epochs of training.

    n_repeats : int, default=5
        Pairs of learners that the expectation is estimated from.

    device : str, torch.device or None, default="auto"
        Where a skorch net runs; see :class:`~sklearn_ispl.InverseSelfPacedLearner`.

    random_state : int, RandomState instance or None, default=None
        Seed of the samples and of the learners.

    Returns
    -------
    estimate : tuple of (float, float)
        ``value``, the margin, -1 to 1, and ``standard_error``, its standard error over
        the repeats (nan for a single one).

    Raises
    ------
    ValueError
        If a set is empty, or if they share a row.

    References
    ----------
    C. Jin, M. Sun, M. Rinard, "Provable Guarantees against Data Poisoning Using
    Self-Expansion and Compatibility", arXiv:2105.03692v1, Definition 4.2.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ispl.metrics import compatibility_margin
    >>> X, y = load_digits(return_X_y=True)
    >>> even = np.arange(len(y)) % 2 == 0
    >>> compatibility_margin(X, y, even, ~even, n_repeats=2, random_state=0).value > 0
    True
    """
    first = _row_numbers(first, len(y), "first")
    second = _row_numbers(second, len(y), "second")
    if len(np.intersect1d(first, second)):
        raise ValueError("first and second share rows; they must be disjoint.")
    both = np.concatenate([first, second])
    error = _sampled_error(X, y, estimator, alpha, n_epochs, device, random_state)
    return _estimate(
        [error(first, first) - error(both, first) for _ in range(n_repeats)]
    )


def _row_numbers(rows, n, name):
    if rows is None:
        return np.arange(n)
    rows = check_column(rows, name)
    if not rows.size or not rows.any() and rows.dtype == bool:
        raise ValueError(f"{name} is empty; a set needs at least one row.")
    if len(rows) == n > 2 and rows.dtype != bool and np.isin(rows, [0, 1]).all():
        raise ValueError(f"{name} looks like a mask, but is not of bool; convert it.")
    try:
        return np.arange(n)[rows]
    except IndexError as error:
        raise ValueError(
            f"{name} must have numbers of rows of X, or be a mask of {n} rows: {error}"
        ) from None


@validate_params(
    {
        "delta": [Interval(Real, 0, 1 / 2, closed="right")],
        "n_estimates": [Interval(Integral, 1, None, closed="left")],
        "n_primary": [Interval(Integral, 1, None, closed="left")],
        "n_components": [Interval(Integral, 1, None, closed="left")],
    },
    prefer_skip_nested_validation=True,
)
def recovery_probability(delta, n_estimates, n_primary, n_components):
    """Return how surely Algorithm 1 tells primary components from the rest.

    A lower bound. Each primary component votes on all components, by the mean of
    `n_estimates` losses in [0, 1]. By Hoeffding's inequality a mean of expectation at
    least `delta` away from 1/2 is on the wrong side of it with probability at most
    ``exp(-2 * n_estimates * delta**2)``. The votes of primary components, which have
    the majority, are all right with one less the sum of these probabilities.

    Parameters
    ----------
    delta : float in (0, 1/2]
        How far the expected losses are from 1/2.

    n_estimates : int
        The paper's B: learners per component.

    n_primary : int
        Number of primary components. They hold more than half of the rows.

    n_components : int
        Number of all components.

    Returns
    -------
    probability : float
        At least this; 0 where the bound says nothing.

    See Also
    --------
    n_estimates_for : Its inverse.

    References
    ----------
    C. Jin, M. Sun, M. Rinard, "Provable Guarantees against Data Poisoning Using
    Self-Expansion and Compatibility", arXiv:2105.03692v1, Theorem 4.1.

    Examples
    --------
    >>> from sklearn_ispl.metrics import recovery_probability
    >>> round(recovery_probability(0.3, 40, n_primary=7, n_components=8), 3)
    0.958
    """
    _check_counts(n_primary, n_components)
    wrong = n_primary * n_components * np.exp(-2 * n_estimates * delta**2)
    return float(max(0.0, 1 - wrong))


@validate_params(
    {
        "probability": [Interval(Real, 0, 1, closed="left")],
        "delta": [Interval(Real, 0, 1 / 2, closed="right")],
        "n_primary": [Interval(Integral, 1, None, closed="left")],
        "n_components": [Interval(Integral, 1, None, closed="left")],
    },
    prefer_skip_nested_validation=True,
)
def n_estimates_for(probability, delta, n_primary, n_components):
    """Return how many learners per component Algorithm 1 needs.

    Parameters
    ----------
    probability : float in [0, 1)
        How surely primary components shall be told from the rest.

    delta : float in (0, 1/2]
        How far the expected losses are from 1/2.

    n_primary : int
        Number of primary components.

    n_components : int
        Number of all components.

    Returns
    -------
    n_estimates : int
        The smallest for which `recovery_probability` is at least `probability`.

    References
    ----------
    C. Jin, M. Sun, M. Rinard, "Provable Guarantees against Data Poisoning Using
    Self-Expansion and Compatibility", arXiv:2105.03692v1, Theorem 4.1.

    Examples
    --------
    >>> from sklearn_ispl.metrics import n_estimates_for
    >>> n_estimates_for(0.99, 0.3, n_primary=7, n_components=8)
    48
    """
    _check_counts(n_primary, n_components)
    if probability == 0:
        return 1
    n_votes = n_primary * n_components
    needed = np.log(n_votes / (1 - probability)) / (2 * delta**2)
    return max(1, int(np.ceil(needed - 1e-9)))


def _check_counts(n_primary, n_components):
    if n_primary > n_components:
        raise ValueError(
            f"n_primary={n_primary} exceeds n_components={n_components}, of which it "
            "counts a part."
        )
