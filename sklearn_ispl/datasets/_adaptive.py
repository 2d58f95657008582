"""The adaptive backdoor of section 6.3: poison that hides in the latent space."""

from numbers import Integral, Real

import numpy as np
import torch
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, validate_params
from torch import nn
from torch.nn import functional as F

from ..learners._default_net import small_batch
from ..learners._inference import as_tensor
from ..learners._settings import one_thread
from ..learners._weak_learner import draw_seed, isolated_seed, shuffled_batches
from ..modules import ConvNet
from ._dirty_label import make_dirty_label_backdoor
from ._images import apply_trigger, as_pixels, check_images
from ._perturb import pgd

# Of the discriminator for each step of the classifier: one that lags behind is misled
# instead of made unsure.
N_STEPS = 5


@validate_params(
    {
        "poison_rate": [Interval(Real, 0, 1, closed="neither")],
        "strength": [Interval(Real, 0, None, closed="left")],
        "radius": [Interval(Real, 0, None, closed="neither"), None],
        "n_steps": [Interval(Integral, 1, None, closed="left")],
        "n_epochs": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_adaptive_backdoor(
    X,
    y,
    *,
    source=None,
    target,
    poison_rate=0.05,
    trigger="patch",
    position=None,
    color=None,
    strength=1.0,
    radius=None,
    n_steps=20,
    n_epochs=10,
    random_state=None,
):
    """Poison a training set with rows that look clean to a model's features.

    Starts from :func:`make_dirty_label_backdoor`. The attacker trains a model on that
    set against a discriminator, which tells from the model's latent features whether a
    row of the target class is poisoned; the model learns the labels and to mislead the
    discriminator. The poisoned images are then changed within a ball so that this
    model sees in them the target class, and the discriminator clean rows; and get their
    trigger anew.

    Parameters
    ----------
    X : ndarray of shape (n, n_channels, height, width)
        Images, of any number of channels, size, range and dtype. Not modified.

    y : ndarray of shape (n,)
        Labels.

    source : label, default=None
        The class that the attacker wants to be misclassified. None means every class
        but the target.

    target : label
        The class that the attacker wants it to be taken for.

    poison_rate : float in (0, 1), default=0.05
        Poisoned rows as a share of the rows of the target class. The paper has 0.01,
        0.05 and 0.1.

    trigger : str, ndarray of bool or callable, default="patch"
        See :func:`make_trigger`. A callable puts its own trigger on images.

    position : tuple of (int, int), default=None
        Row and column of the trigger's upper left corner. None draws it.

    color : float or array-like of shape (n_channels,), default=None
        The trigger's colour in the unit of X. None draws it.

    strength : float, default=1
        Weight of the discriminator against the labels.

    radius : float, default=None
        Largest change of a pixel, in the unit of X. None means 8/255 of its range.

    n_steps : int, default=20
        Gradient steps of that change.

    n_epochs : int, default=10
        Epochs of training of the model and the discriminator.

    random_state : int, RandomState instance or None, default=None
        Seed of everything that is drawn or trained.

    Returns
    -------
    X_poisoned : ndarray of shape (n, n_channels, height, width)
        The poisoned images, of the dtype of X.

    y_poisoned : ndarray of shape (n,)
        The labels that the victim sees.

    poisoned : ndarray of shape (n,), bool
        Which rows are poisoned. For scoring only.

    trigger : callable
        Puts the trigger on test images: ``trigger(X_test)``.

    Raises
    ------
    ValueError
        As :func:`make_dirty_label_backdoor`.

    Notes
    -----
    Tan and Shokri's attacker also controls the training of the victim's model. Here
    the attacker owns the data alone, which is all that a filter of data can meet.

    References
    ----------
    C. Jin, M. Sun, M. Rinard, "Provable Guarantees against Data Poisoning Using
    Self-Expansion and Compatibility", arXiv:2105.03692v1, section 6.3.

    T. J. L. Tan, R. Shokri, "Bypassing Backdoor Detection Algorithms in Deep Learning",
    EuroS&P 2020.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ispl.datasets import make_adaptive_backdoor
    >>> X, y = load_digits(return_X_y=True)
    >>> X, y, poisoned, trigger = make_adaptive_backdoor(
    ...     X.reshape(-1, 1, 8, 8), y, source=7, target=4, n_epochs=1, random_state=0
    ... )
    >>> poisoned.sum()
    np.int64(9)
    """
    if np.ndim(X) != 4:
        check_images(X)  # raises: the perturbation is of images
    rng = check_random_state(random_state)
    X_poisoned, y_poisoned, poisoned, trigger = make_dirty_label_backdoor(
        X,
        y,
        source=source,
        target=target,
        poison_rate=poison_rate,
        trigger=trigger,
        position=position,
        color=color,
        random_state=rng,
    )
    bounds = float(X_poisoned.min()), float(X_poisoned.max())
    if radius is None:
        radius = 8 / 255 * (bounds[1] - bounds[0])
    _, codes = np.unique(y_poisoned, return_inverse=True)
    codes = torch.as_tensor(codes, dtype=torch.int64)
    X32 = as_tensor(X_poisoned, "cpu")
    with one_thread(), isolated_seed(draw_seed(rng), torch.device("cpu")):
        game = _play(X32, codes, torch.as_tensor(poisoned), strength, n_epochs)
        hidden = pgd(
            lambda X: -game(X, codes[poisoned], strength),
            X32[poisoned],
            norm="linf",
            radius=radius,
            n_steps=n_steps,
            bounds=bounds,
        )
    hidden = as_pixels(hidden.numpy(), X_poisoned.dtype, origin=X_poisoned[poisoned])
    X_poisoned[poisoned] = apply_trigger(trigger, hidden, "poison", rng)
    return X_poisoned, y_poisoned, poisoned, trigger


class _Game(nn.Module):
    """A classifier and a discriminator of its latent features."""

    def __init__(self, n_channels, n_classes):
        super().__init__()
        *body, self.head = ConvNet(n_channels, n_classes)
        self.body = nn.Sequential(*body)
        n_latent = self.head.in_features
        self.discriminator = nn.Sequential(
            nn.Linear(n_latent, 64), nn.ReLU(), nn.Linear(64, 1)
        )

    def forward(self, X, codes, strength):
        """Return the loss of what an attacker wants of poisoned images."""
        latent = self.body(X)
        poisoned = self.discriminator(latent).squeeze(1)
        clean = F.binary_cross_entropy_with_logits(
            poisoned, torch.zeros_like(poisoned), reduction="sum"
        )
        labels = F.cross_entropy(self.head(latent), codes, reduction="sum")
        return labels + strength * clean


def _play(X, codes, poisoned, strength, n_epochs):
    """Train both sides in turn; return them in evaluation mode."""
    game = _Game(X.shape[1], int(codes.max()) + 1)
    of_target = codes == codes[poisoned][0]
    weight = (of_target & ~poisoned).sum() / poisoned.sum()
    classifier = torch.optim.SGD(
        [*game.body.parameters(), *game.head.parameters()], lr=0.05, momentum=0.9
    )
    discriminator = torch.optim.Adam(game.discriminator.parameters(), lr=1e-2)

    def told_apart(latent, rows, is_poison):
        """The discriminator's loss on the target class, both sides weighing alike."""
        among = of_target[rows]
        loss = F.binary_cross_entropy_with_logits(
            game.discriminator(latent[among]).squeeze(1),
            is_poison[rows][among],
            weight=torch.where(poisoned[rows][among], weight, 1.0),
            reduction="sum",
        )
        return loss / max(1, among.sum())

    truth, unsure = poisoned.float(), torch.full((len(X),), 0.5)
    all_rows = torch.arange(len(X))
    for _ in range(n_epochs):
        for rows in shuffled_batches(all_rows, small_batch(len(X))):
            latent = game.body(X[rows])
            loss = F.cross_entropy(game.head(latent), codes[rows])
            classifier.zero_grad()
            # Misled, it would only take each side for the other: it is to be unsure.
            (loss + strength * told_apart(latent, rows, unsure)).backward()
            classifier.step()
            if of_target[rows].any():
                for _ in range(N_STEPS):
                    discriminator.zero_grad()
                    told_apart(latent.detach(), rows, truth).backward()
                    discriminator.step()
    return game.eval().requires_grad_(False)
