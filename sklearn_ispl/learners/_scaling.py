"""Values of any scale, brought to where float32 and nets can work with them."""

from typing import NamedTuple

import numpy as np

# What is left as it is: values that spread over so much, and lie not further from zero
# than so many times that. A batch norm knows its inputs to about one in a thousand.
SPREAD, OFFSET = (2.0**-10, 2.0**20), 2.0**5
# A value lies no further from the median of its kind than so many times as far as most
# of those that differ from it: one row with a huge value must not decide what a batch
# norm, or a search for equal values, takes for large.
FAR = 32
# So many rows tell the spread well enough.
N_ROWS = 1000


class Scaling(NamedTuple):
    """Limits, a shift and a power of two: of each feature of a table, or of all pixels.

    Most data are left as they are: nothing is beyond the limits, and both others are 0.
    """

    low: np.ndarray
    high: np.ndarray
    shift: np.ndarray
    power: np.ndarray

    def __call__(self, X):
        """Return X, within its limits and scaled, as contiguous float32.

        Parameters
        ----------
        X : ndarray of shape (n, ...)

        Returns
        -------
        X32 : ndarray of shape (n, ...), float32
            `X` itself where it is float32 already and nothing is changed.
        """
        axis = 0 if np.ndim(self.low) else None
        if np.any(X.min(axis) < self.low) or np.any(X.max(axis) > self.high):
            X = np.clip(X.astype(np.float64), self.low, self.high)
        with np.errstate(over="ignore", under="ignore"):
            if self.is_needed():
                # In halves, the difference of two numbers does not overflow.
                X = np.ldexp(X / 2.0 - self.shift / 2.0, self.power + 1)
            return np.ascontiguousarray(X, dtype=np.float32)

    def is_needed(self):
        """Whether values within the limits are changed."""
        return bool(self.shift.any() or self.power.any())

    def undo(self, X32):
        """Return scaled rows as they were."""
        if not self.is_needed():
            return X32
        return np.ldexp(X32.astype(np.float64), -self.power) + self.shift


def scaling_of(X):
    """Return the scaling that a training set needs.

    Parameters
    ----------
    X : ndarray of shape (n, ...)
        Finite numbers.

    Returns
    -------
    scaling : Scaling
        With arrays of shape (n_features,) for 2-D X, else of no dimension.
    """
    axis = 0 if X.ndim == 2 else None
    sample = X[:: -(-len(X) // N_ROWS)].astype(np.float64)
    low, middle, high = np.percentile(sample, [5, 50, 95], axis=axis)
    with np.errstate(over="ignore"):
        apart = np.minimum(_apart(sample, X, middle, axis), 2.0**1000)
        limits = middle - FAR * apart, middle + FAR * apart
        spread = np.minimum(high - low, 2.0**1000)  # products with it are finite
        spread = np.where(spread > 0, spread, apart)
    bound = np.where(spread > 0, OFFSET * spread, SPREAD[1])
    shift = np.where(np.abs(middle) > bound, middle, 0.0)
    usual = (spread == 0) | (spread >= SPREAD[0]) & (spread <= SPREAD[1])
    return Scaling(*limits, shift, np.where(usual, 0, -np.frexp(spread)[1]))


def _apart(sample, X, middle, axis):
    """Return how far from the middle most values are, of those that are not there.

    If all of the sample are, of all rows.
    """
    found = np.asarray(_distance(sample, middle, axis))
    if axis is None:
        return found if found > 0 else _distance(X, middle, axis)
    rare = found == 0
    if rare.any():
        found[rare] = _distance(X[:, rare], middle[rare], axis)
    return found


def _distance(X, middle, axis):
    distance = np.abs(X.astype(np.float64) - middle)
    same = distance == 0
    distance[same & ~same.all(axis)] = np.nan
    return np.nanpercentile(distance, 75, axis=axis)
