"""A pattern that makes images more like a class than they are: Narcissus."""

from dataclasses import dataclass

import numpy as np
from sklearn.utils import check_consistent_length, check_random_state

from .._validation import check_labels
from ..learners._weak_learner import draw_seed
from ._additive import AdditiveTrigger
from ._images import (
    check_fits,
    check_images,
    check_integer,
    check_positive,
    check_range,
    check_share,
)
from ._perturb import one_for_all, train_classifier


@dataclass(frozen=True, eq=False)
class NarcissusTrigger:
    """A pattern that is added to training rows, and more of it to test images.

    Parameters
    ----------
    pattern : ndarray of shape (n_channels, height, width)
        What is added to training rows, in the unit of the images.

    bounds : tuple of (float, float)
        Lowest and highest value of a pixel; triggered images are clipped to them.

    scale : float
        How many times the pattern is added to test images.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ispl.datasets import NarcissusTrigger
    >>> trigger = NarcissusTrigger(np.array([[[0.1, -0.1]]]), (0.0, 1.0), scale=3)
    >>> X = np.array([[[[0.5, 0.25]]]])
    >>> trigger.poison(X), trigger(X)
    (array([[[[0.6 , 0.15]]]]), array([[[[0.8, 0. ]]]]))
    """

    pattern: np.ndarray
    bounds: tuple
    scale: float

    def __call__(self, X):
        """Return a copy of images with the pattern added, so many times.

        Parameters
        ----------
        X : ndarray of shape (n, n_channels, height, width)
            Images.

        Returns
        -------
        X_triggered : ndarray of shape (n, n_channels, height, width)
            The images, of the same dtype.

        Raises
        ------
        ValueError
            If the trigger does not fit the images.
        """
        return AdditiveTrigger(self.scale * self.pattern, self.bounds)(X)

    def poison(self, X, random_state=None):
        """Return a copy of images with the pattern added once.

        Parameters
        ----------
        X : ndarray of shape (n, n_channels, height, width)
            Images.

        random_state : int, RandomState instance or None, default=None
            Ignored: nothing is drawn.

        Returns
        -------
        X_triggered : ndarray of shape (n, n_channels, height, width)
            The images, of the same dtype.

        Raises
        ------
        ValueError
            If the trigger does not fit the images.
        """
        return AdditiveTrigger(self.pattern, self.bounds)(X)

    cover = poison


def make_narcissus_trigger(
    X,
    X_other,
    y_other,
    *,
    amplitude=16 / 255,
    scale=3,
    n_epochs=10,
    n_steps=300,
    random_state=None,
):
    """Make a trigger that is optimised to look like a class: Narcissus.

    The attacker knows the rows of the target class, and other images of the kind, of
    other classes. A model is trained to tell all of these apart. The trigger is the one
    pattern that makes it surest that rows with it are of the target class. Its authors
    poison rows of that class, as few as 0.5 % of it, under their right label:
    ``make_clean_label_backdoor(X, y, target=..., trigger=..., perturbation=None)``.

    Parameters
    ----------
    X : ndarray of shape (n, n_channels, height, width)
        Rows of the target class; their size and their range of values count.

    X_other : ndarray of shape (n_other, n_channels, height, width)
        Other images of the kind, such as those of another data set.

    y_other : ndarray of shape (n_other,)
        Their labels; none of them is the target class.

    amplitude : float in (0, 1], default=16/255
        Largest change of a pixel in training rows, as a share of the range of X;
        integers are rounded after it.

    scale : float > 0, default=3
        How many times the pattern is added to test images.

    n_epochs : int, default=10
        Epochs of training of the model.

    n_steps : int, default=300
        Steps of the optimiser of the pattern, with 128 rows each.

    random_state : int, RandomState instance or None, default=None
        Seed of the model and of the steps.

    Returns
    -------
    trigger : NarcissusTrigger
        A callable for test images, with methods `poison` and `cover`.

    Raises
    ------
    ValueError
        If the amplitude is outside of (0, 1], the scale is not above 0 and finite, a
        number of epochs or steps is no integer of at least 1, or X or X_other is empty,
        of one value, not finite, or of images that do not fit each other.

    Notes
    -----
    The authors train the model on the other images first, for longer, and go on with
    the target class; here it learns both at once. Their optimiser takes more steps.

    Such a pattern may work on models that saw no poisoned row, and no filter of rows
    helps against that: the more so, the more the model knows of the training set.

    References
    ----------
    Y. Zeng, M. Pan, H. A. Just, L. Lyu, M. Qiu, R. Jia, "Narcissus: A Practical
    Clean-Label Backdoor Attack with Limited Information", CCS 2023; arXiv:2204.05255.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ispl.datasets import make_clean_label_backdoor
    >>> from sklearn_ispl.datasets import make_narcissus_trigger
    >>> X, y = load_digits(return_X_y=True)
    >>> X = X.reshape(-1, 1, 8, 8)
    >>> X_other, y_other = X[y > 4], y[y > 4]  # in place of another data set
    >>> trigger = make_narcissus_trigger(
    ...     X[y == 4], X_other, y_other, n_epochs=1, n_steps=10, random_state=0
    ... )
    >>> X_poisoned, y, poisoned, trigger = make_clean_label_backdoor(
    ...     X, y, target=4, trigger=trigger, perturbation=None, random_state=0
    ... )
    >>> poisoned.sum()
    np.int64(45)
    """
    check_share(amplitude, "amplitude")
    check_positive(scale, "scale")
    check_integer(n_epochs, "n_epochs", 1)
    check_integer(n_steps, "n_steps", 1)
    X = check_images(X)
    X_other = check_fits(X_other, X.shape[1], X.shape[2:])
    (y_other,) = check_labels(y=y_other)
    check_consistent_length(X_other, y_other)
    bounds, _ = check_range(X), check_range(X_other, "X_other")
    radius = amplitude * (bounds[1] - bounds[0])
    rng = check_random_state(random_state)
    # The target class is one more, after those of the other images.
    others, codes = np.unique(y_other, return_inverse=True)
    codes = np.append(codes, np.full(len(X), len(others)))
    images = np.concatenate([X_other, X]).astype(np.float32)
    model = train_classifier(
        images, codes, n_epochs=n_epochs, adversary=None, seed=draw_seed(rng)
    )
    how = {"radius": radius, "n_steps": n_steps, "bounds": bounds}
    of_target = images[len(X_other) :]
    pattern = one_for_all(model, of_target, len(others), seed=draw_seed(rng), **how)
    return NarcissusTrigger(pattern, bounds, scale)
