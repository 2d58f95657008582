"""What several estimators have in common."""

from contextlib import contextmanager

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ._validation import check_rows


@contextmanager
def fit_anew(estimator):
    """Fit an estimator in this block, or leave it as it was if that fails.

    Nothing that an earlier fit learned outlives the new one.
    """
    before = vars(estimator).copy()
    for name in before:
        if name.endswith("_") and not name.startswith("_"):
            delattr(estimator, name)
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise


class RowsMixin:
    """Checks that rows to predict are like those of the fit."""

    def _check_rows(self, X):
        check_is_fitted(self)
        X = check_rows(self, X, reset=False)
        if X.shape[1:] != self._row_shape:
            raise ValueError(
                f"The rows of X have shape {X.shape[1:]}, but {type(self).__name__} "
                f"was fitted to rows of shape {self._row_shape}."
            )
        return X


class SupervisedMixin:
    """Says that `fit` needs y."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags


class SupportMixin:
    """Gives `get_support` to estimators that choose rows."""

    def get_support(self, indices=False):
        """Return which rows are chosen.

        Parameters
        ----------
        indices : bool, default=False
            Return row numbers instead of a mask.

        Returns
        -------
        support : ndarray of shape (n_rows,), bool, or of shape (n_selected,), int
            The mask, or the row numbers.
        """
        check_is_fitted(self)
        return np.flatnonzero(self.support_) if indices else self.support_
