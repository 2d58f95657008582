"""Linear discriminants of many classes, and the units in which they see rows."""

import numpy as np
from scipy.linalg import cholesky, lstsq, solve_triangular
from scipy.sparse import csr_matrix
from scipy.special import log_softmax
from sklearn.covariance import shrunk_covariance


class Discriminant:
    """Normals of one shape, one for each class.

    What `LinearDiscriminantAnalysis(solver="lsqr")` of scikit-learn fits, without its
    loop over the classes, which takes most of the time where they are many.

    Parameters
    ----------
    X : ndarray of shape (n, n_features)
    labels : ndarray of shape (n,), int
    shrinkage : float in [0, 1]
        Of the covariance: how much of it is that of a sphere.

    weights : callable, default=np.ones_like
        Takes the classes, and returns how much more likely than its size says each is.

    Attributes
    ----------
    classes : ndarray of shape (n_classes,), int
    """

    def __init__(self, X, labels, shrinkage, weights=np.ones_like):
        self.classes, own, sizes = np.unique(
            labels, return_inverse=True, return_counts=True
        )
        priors = sizes * weights(self.classes)
        priors = priors / priors.sum()
        # From one of the rows, so that nothing is left of values that are all equal.
        self._origin = X[0]
        X = X - self._origin
        means = _class_means(X, own)
        centred = (X - means[own]) * np.sqrt(priors / sizes).astype(X.dtype)[own, None]
        covariance = shrunk_covariance(centred.T @ centred, shrinkage)
        self._coef = lstsq(covariance, means.T)[0]
        self._bias = np.log(priors) - (means * self._coef.T).sum(axis=1) / 2

    def log_chances(self, X):
        """Return the log probabilities of the classes, of shape (n, n_classes)."""
        scores = (X - self._origin) @ self._coef + self._bias
        return log_softmax(scores, axis=1)


def whitened(X, codes, shrinkage):
    """Return rows in units of how they vary within the classes.

    Parameters
    ----------
    X : ndarray of shape (n, n_features)
    codes : ndarray of shape (n,), int
    shrinkage : float in [0, 1]
        See `Discriminant`.

    Returns
    -------
    X : ndarray of shape (n, n_features)
        In which the rows of a class are spread alike in all directions.
    """
    X = X - X[0]
    centred = X - _class_means(X, codes)[codes]
    covariance = shrunk_covariance(centred.T @ centred / len(X), shrinkage)
    # What is the same in all rows has no spread.
    covariance[np.diag_indices_from(covariance)] += np.finfo(np.float32).tiny
    return solve_triangular(cholesky(covariance, lower=True), X.T, lower=True).T


def _class_means(X, codes):
    """Return the means of the rows of each class, of shape (n_classes, n_features)."""
    sizes = np.maximum(1, np.bincount(codes))[:, None].astype(X.dtype)
    ones = np.ones(len(X), X.dtype)
    return (csr_matrix((ones, (codes, np.arange(len(X))))) @ X) / sizes
