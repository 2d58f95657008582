"""What attackers do to images: adversarial steps, patterns, latent interpolation."""

import numpy as np
import torch
from skorch import NeuralNetClassifier, NeuralNetRegressor
from torch import nn
from torch.nn import functional as F

from ..learners._default_net import small_batch
from ..learners._inference import as_tensor
from ..learners._settings import one_thread
from ..learners._weak_learner import isolated_seed
from ..modules import ConvNet

NORMS = ("linf", "l2")


def pgd(loss, X, *, norm, radius, n_steps, bounds):
    """Raise a loss by projected gradient ascent within a ball around each image.

    Parameters
    ----------
    loss : callable
        Takes images, returns the sum of their losses.

    X : tensor of shape (n, n_channels, height, width)
    norm : {"linf", "l2"}
    radius : float
        Of the ball, in the unit of X; l2 counts a whole image.

    n_steps : int
        Each of 2.5 radius / n_steps, so that the ball can be crossed.

    bounds : tuple of (float, float)
        Lowest and highest value of a pixel.

    Returns
    -------
    X_perturbed : tensor of the shape of X
        From the last step; at most `radius` away from X, and within the bounds.

    References
    ----------
    A. Madry, A. Makelov, L. Schmidt, D. Tsipras, A. Vladu, "Towards Deep Learning
    Models Resistant to Adversarial Attacks", ICLR 2018.
    """
    step = 2.5 * radius / n_steps
    delta = torch.zeros_like(X)
    for _ in range(n_steps):
        delta.requires_grad_(True)
        (gradient,) = torch.autograd.grad(loss(X + delta), delta)
        delta = delta.detach() + step * _unit(gradient, norm)
        delta = _project(delta, norm, radius)
        delta = (X + delta).clamp(*bounds) - X
    return (X + delta).clamp(*bounds)


def _unit(gradient, norm):
    if norm == "linf":
        return gradient.sign()
    return gradient / _length(gradient).clamp_min(1e-12)


def _project(delta, norm, radius):
    if norm == "linf":
        return delta.clamp(-radius, radius)
    return delta * (radius / _length(delta).clamp_min(radius))


def _length(X):
    return X.flatten(1).norm(dim=1).reshape(-1, *[1] * (X.ndim - 1))


class AdversarialNet(NeuralNetClassifier):
    """A skorch net that is trained on images as an adversary leaves them."""

    def __init__(self, *args, adversary=None, **kwargs):
        self.adversary = adversary
        super().__init__(*args, **kwargs)

    def train_step_single(self, batch, **fit_params):
        """Perturb the batch, then train on it."""
        X, y = batch
        if self.adversary:
            self.module_.eval()

            def loss(X):
                return F.cross_entropy(self.module_(X), y, reduction="sum")

            X = pgd(loss, X, **self.adversary)
        return super().train_step_single((X, y), **fit_params)


def train_classifier(X, codes, *, n_epochs, adversary, seed, width=16):
    """Return a ConvNet in evaluation mode, trained naturally or adversarially."""
    batch_size = small_batch(len(X))
    with one_thread(), isolated_seed(seed, torch.device("cpu")):
        net = AdversarialNet(
            ConvNet,
            module__in_channels=X.shape[1],
            module__n_classes=int(codes.max()) + 1,
            module__width=width,
            criterion=nn.CrossEntropyLoss,
            optimizer=torch.optim.SGD,
            optimizer__momentum=0.9,
            optimizer__weight_decay=5e-4,
            iterator_train__shuffle=True,
            iterator_train__drop_last=len(X) > batch_size,
            lr=0.05,
            batch_size=batch_size,
            max_epochs=n_epochs,
            train_split=None,
            callbacks="disable",
            verbose=0,
            adversary=adversary,
        ).fit(X, codes)
    return net.module_.eval().requires_grad_(False)


def raise_loss(module, X, codes, batch_size=256, **ball):
    """Perturb images so that a module is most wrong about them; see `pgd`."""
    X, codes = as_tensor(X, "cpu"), torch.as_tensor(codes)
    perturbed = torch.empty_like(X)
    with one_thread():
        for rows in torch.arange(len(X)).split(batch_size):
            y = codes[rows]
            perturbed[rows] = pgd(
                lambda X, y=y: F.cross_entropy(module(X), y, reduction="sum"),
                X[rows],
                **ball,
            )
    return perturbed.numpy()


def one_for_all(module, X, code, *, radius, n_steps, bounds, seed, batch_size=128):
    """Return the one pattern that makes a module surest that images are of a class.

    Parameters
    ----------
    module : Module
    X : ndarray of shape (n, n_channels, height, width)
    code : int
        The number of the class.

    radius : float
        Largest value of the pattern, in the unit of X.

    n_steps : int
        Of the optimiser, each with some of the images.

    bounds : tuple of (float, float)
        Lowest and highest value of a pixel.

    seed : int
    batch_size : int, default=128

    Returns
    -------
    pattern : ndarray of shape (n_channels, height, width)
    """
    X, drawn = as_tensor(X, "cpu"), torch.Generator().manual_seed(seed)
    codes = torch.full((batch_size,), code)
    pattern = torch.zeros(X.shape[1:], requires_grad=True)
    # Ten steps in one direction reach the bound.
    optimizer = torch.optim.Adam([pattern], lr=radius / 10)
    with one_thread():
        for _ in range(n_steps):
            rows = torch.randint(len(X), (batch_size,), generator=drawn)
            loss = F.cross_entropy(module((X[rows] + pattern).clamp(*bounds)), codes)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                pattern.clamp_(-radius, radius)
    return pattern.detach().numpy()


class Autoencoder(nn.Module):
    """A small autoencoder of images, the generative model of the latent attack."""

    def __init__(self, shape, n_latent=64, width=512):
        super().__init__()
        self.shape = shape
        size = int(np.prod(shape))
        self.encoder = nn.Sequential(
            nn.Flatten(), nn.Linear(size, width), nn.ReLU(), nn.Linear(width, n_latent)
        )
        self.decoder = nn.Sequential(
            nn.Linear(n_latent, width), nn.ReLU(), nn.Linear(width, size)
        )

    def forward(self, X):
        return self.decode(self.encoder(X))

    def decode(self, Z):
        return self.decoder(Z).reshape(-1, *self.shape)


def train_autoencoder(X, *, n_epochs, seed):
    """Return an autoencoder of the images X, in evaluation mode."""
    with one_thread(), isolated_seed(seed, torch.device("cpu")):
        net = NeuralNetRegressor(
            Autoencoder,
            module__shape=X.shape[1:],
            optimizer=torch.optim.Adam,
            iterator_train__shuffle=True,
            lr=1e-3,
            batch_size=128,
            max_epochs=n_epochs,
            train_split=None,
            callbacks="disable",
            verbose=0,
        ).fit(X, X)
    return net.module_.eval().requires_grad_(False)


def interpolate(module, X, X_other, share, bounds):
    """Return images whose latent codes lie between those of two others."""
    with torch.inference_mode(), one_thread():
        Z, Z_other = (module.encoder(as_tensor(A, "cpu")) for A in (X, X_other))
        return module.decode((1 - share) * Z + share * Z_other).clamp(*bounds).numpy()
