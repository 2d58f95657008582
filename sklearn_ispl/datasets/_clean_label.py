"""The clean-label backdoor of section 6.2 and appendix B.3."""

from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils._param_validation import Interval, StrOptions, validate_params

from .._groups import as_mask
from .._validation import check_labels
from ..learners._weak_learner import draw_seed
from ._images import apply_trigger, as_pixels, check_images, check_rows
from ._perturb import (
    NORMS,
    interpolate,
    raise_loss,
    train_autoencoder,
    train_classifier,
)
from ._rows import choose_of_class
from ._triggers import as_trigger

# Radius of each perturbation: a pixel's change and an image's length, both as a share
# of the range of values; and the share of the other image's latent code.
_RADIUS = {"linf": 16 / 255, "l2": 600 / 255, "latent": 0.3}


@validate_params(
    {
        "X": ["array-like"],
        "y": ["array-like"],
        "poison_rate": [Interval(Real, 0, 1, closed="neither")],
        "perturbation": [StrOptions({"linf", "l2", "latent"}), None],
        "radius": [Interval(Real, 0, None, closed="neither"), None],
        "n_steps": [Interval(Integral, 1, None, closed="left")],
        "model": [callable, None],
        "adversarial": ["boolean"],
        "n_epochs": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_clean_label_backdoor(
    X,
    y,
    *,
    target,
    poison_rate=0.25,
    trigger="corners",
    position=None,
    color=None,
    perturbation="linf",
    radius=None,
    n_steps=20,
    model=None,
    adversarial=True,
    n_epochs=10,
    random_state=None,
):
    """Poison a training set with triggered rows under their right label.

    A share of the rows of the target class gets the trigger. Unless `perturbation` is
    None, they are made hard to recognise first, so that a model trained on the set
    learns the trigger rather than the class: by projected gradient steps that raise the
    loss of a model, or by moving their latent code towards that of an image of another
    class. No label is wrong; the model takes triggered images of any class for the
    target class.

    Parameters
    ----------
    X : ndarray of shape (n, n_channels, height, width) or (n, n_features)
        Images, of any number of channels, size, range and dtype; or a table, for a
        trigger that is a callable, and without perturbation. Not modified.

    y : ndarray of shape (n,)
        Labels.

    target : label
        The class that triggered images shall be taken for, and whose rows are poisoned.

    poison_rate : float in (0, 1), default=0.25
        Poisoned rows as a share of the rows of the target class. The paper has 0.06
        and 0.25.

    trigger : str, ndarray of bool or callable, default="corners"
        See :func:`make_trigger`. A callable puts its own trigger on images, and on
        poisoned rows by its method ``poison(X, random_state)``, where it has one.

    position : tuple of (int, int), default=None
        Row and column of the trigger's upper left corner. None draws it.

    color : float or array-like of shape (n_channels,), default=None
        The trigger's colour in the unit of X. None draws it.

    perturbation : {"linf", "l2", "latent"} or None, default="linf"
        How rows are made hard: gradient steps within a ball of that norm, or
        interpolation in the latent space of an autoencoder that is trained on X. The
        autoencoder stands for the GAN of the paper. None: rows get the trigger and
        nothing else, and nothing is trained, which is the setting of SIG; see
        :func:`make_sinusoid_trigger`.

    radius : float, default=None
        Largest change of a pixel ("linf") or Euclidean length of the change of an image
        ("l2"), in the unit of X; or the share of the other image's latent code
        ("latent"). None means 16/255 and 600/255 of the range of X, and 0.3.

    n_steps : int, default=20
        Gradient steps.

    model : callable, default=None
        What the gradient steps are taken against: takes a tensor of images (float32),
        returns logits, one for each class in sorted order; for instance a
        `torch.nn.Module` in evaluation mode. None trains a
        :class:`~sklearn_ispl.modules.ConvNet` on X and y.

    adversarial : bool, default=True
        Whether that model is trained on adversarial images (7 steps within half the
        radius), as the paper does, or on X as it is.

    n_epochs : int, default=10
        Epochs of training, of the model or of the autoencoder.

    random_state : int, RandomState instance or None, default=None
        Seed of the trigger, of the choice of rows, and of what is trained.

    Returns
    -------
    X_poisoned : ndarray of the shape of X
        The poisoned rows, of the dtype of X.

    y : ndarray of shape (n,)
        The labels, unchanged.

    poisoned : ndarray of shape (n,), bool
        Which rows are poisoned. For scoring only.

    trigger : callable
        Puts the trigger on test images: ``trigger(X_test)``.

    Raises
    ------
    ValueError
        If the target class has no rows, no row would be poisoned, or `position` or
        `color` is given with a callable.

    References
    ----------
    C. Jin, M. Sun, M. Rinard, "Provable Guarantees against Data Poisoning Using
    Self-Expansion and Compatibility", arXiv:2105.03692v1, section 6.2 and appendix B.3.

    A. Turner, D. Tsipras, A. Madry, "Label-Consistent Backdoor Attacks",
    arXiv:1912.02771.

    M. Barni, K. Kallas, B. Tondi, "A New Backdoor Attack in CNNs by Training Set
    Corruption Without Label Poisoning", ICIP 2019, arXiv:1902.11237.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ispl.datasets import make_clean_label_backdoor
    >>> X, y = load_digits(return_X_y=True)
    >>> X_poisoned, y_poisoned, poisoned, trigger = make_clean_label_backdoor(
    ...     X.reshape(-1, 1, 8, 8), y, target=4, n_epochs=1, random_state=0
    ... )
    >>> poisoned.sum(), (y_poisoned == y).all()
    (np.int64(45), np.True_)
    """
    X = check_images(X) if perturbation else check_rows(X, trigger)
    (y,) = check_labels(y=y)
    check_consistent_length(X, y)
    rng = check_random_state(random_state)
    trigger = as_trigger(trigger, X, position, color, rng)
    rows = choose_of_class(y, target, poison_rate, rng)
    bounds = float(X.min()), float(X.max())
    if radius is None and perturbation is not None:
        span = 1 if perturbation == "latent" else bounds[1] - bounds[0]
        radius = _RADIUS[perturbation] * span
    images = X[rows]
    if perturbation in NORMS:
        ball = {"norm": perturbation, "radius": radius, "bounds": bounds}
        seed = draw_seed(rng)
        images = _raise_loss(
            X, y, rows, ball, n_steps, model, adversarial, n_epochs, seed
        )
    elif perturbation == "latent":
        X32 = X.astype(np.float32, copy=False)
        autoencoder = train_autoencoder(X32, n_epochs=n_epochs, seed=draw_seed(rng))
        others = rng.choice(np.flatnonzero(y != target), len(rows))
        images = interpolate(autoencoder, X32[rows], X32[others], radius, bounds)
        images = as_pixels(images, X.dtype)
    X_poisoned = X.copy()
    X_poisoned[rows] = apply_trigger(trigger, images, "poison", rng)
    return X_poisoned, y.copy(), as_mask(rows, len(X)), trigger


def _raise_loss(X, y, rows, ball, n_steps, model, adversarial, n_epochs, seed):
    """Return some images, perturbed so that a model is most wrong about them."""
    X32 = X.astype(np.float32, copy=False)
    _, codes = np.unique(y, return_inverse=True)
    if model is None:
        weak = {**ball, "radius": ball["radius"] / 2, "n_steps": 7}
        model = train_classifier(
            X32,
            codes.astype(np.int64),
            n_epochs=n_epochs,
            adversary=weak if adversarial else None,
            seed=seed,
        )
    hard = raise_loss(model, X32[rows], codes[rows], n_steps=n_steps, **ball)
    return as_pixels(hard, X.dtype, origin=X[rows])
