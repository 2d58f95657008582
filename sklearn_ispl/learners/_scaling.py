"""Values of any scale, brought to where float32 and nets can work with them."""

from typing import NamedTuple

import numpy as np

# What is left as it is: values that spread over so much, and lie not further from zero
# than so many times that. A batch norm knows its inputs to about one in a thousand.
SPREAD, OFFSET = (2.0**-10, 2.0**20), 2.0**5
# The square of more than that, summed over rows, is no float32.
LARGEST = 1e15
# So many rows tell the spread well enough.
N_ROWS = 1000


class Scaling(NamedTuple):
    """A shift and a power of two: of each feature of a table, of all values of images.

    Most data are left as they are: both are 0.
    """

    shift: np.ndarray
    power: np.ndarray

    def __call__(self, X):
        """Return X, scaled, as contiguous float32.

        Parameters
        ----------
        X : ndarray of shape (n, ...)

        Returns
        -------
        X32 : ndarray of shape (n, ...), float32
            `X` itself where it is float32 already and needs no scaling.

        Raises
        ------
        ValueError
            If a value is so far from the others that a net cannot hold both.
        """
        with np.errstate(over="ignore", under="ignore"):
            if self.is_needed():
                # In halves, the difference of two numbers does not overflow.
                X = np.ldexp(X / 2.0 - self.shift / 2.0, self.power + 1)
            X32 = np.ascontiguousarray(X, dtype=np.float32)
        if max(X32.max(), -X32.min()) > LARGEST:
            row = np.unravel_index(np.abs(X32).argmax(), X32.shape)[0]
            raise ValueError(
                f"X has a value in row {row} that is more than {LARGEST:.0e} times as "
                "far from zero as most values of its kind spread; the weak learners, "
                "which compute in float32, cannot hold both. Drop the row, or scale X."
            )
        return X32

    def is_needed(self):
        """Whether any value is changed."""
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
        spread = np.asarray(high - low)
        if not spread.all():
            # Most values are the same.
            whole = X.max(axis).astype(np.float64) - X.min(axis).astype(np.float64)
            spread = np.where(spread > 0, spread, whole)
        spread = np.minimum(spread, 2.0**1000)  # products with it are finite
    bound = np.where(spread > 0, OFFSET * spread, SPREAD[1])
    shift = np.where(np.abs(middle) > bound, middle, 0.0)
    usual = (spread == 0) | (spread >= SPREAD[0]) & (spread <= SPREAD[1])
    return Scaling(shift, np.where(usual, 0, -np.frexp(spread)[1]))
