"""Other defences: from a training set to a keep mask, or to a repaired model.

Those that take a model want a fitted skorch net whose module is a `torch.nn.Sequential`
that ends in a linear layer. Activation Clustering and Spectral Signatures are those of
adversarial-robustness-toolbox (``pip install sklearn-ispl[benchmarks]``).
"""

import os
import tempfile
from contextlib import contextmanager
from copy import deepcopy

import numpy as np
import torch
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from torch import nn
from torch.nn import functional as F

from sklearn_ispl.ispl._self_paced import trim
from sklearn_ispl.learners._settings import one_thread
from sklearn_ispl.learners._weak_learner import draw_seed, make_learner


@contextmanager
def _home_elsewhere():
    """The toolbox writes a folder into the home directory when it is imported."""
    before = os.environ.get("HOME")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HOME"] = folder
        try:
            yield
        finally:
            if before is None:
                del os.environ["HOME"]
            else:
                os.environ["HOME"] = before


def _import_art():
    try:
        with _home_elsewhere():
            import art.defences.detector.poison as detectors
            from art.estimators.classification import PyTorchClassifier
    except ImportError as error:
        raise ImportError(
            "This rival needs adversarial-robustness-toolbox; install it with "
            "pip install sklearn-ispl[benchmarks]."
        ) from error
    return detectors, PyTorchClassifier


class _Tapped(nn.Module):
    """A net whose penultimate layer the toolbox sees.

    It taps the child that was registered last, so that has to be the body.
    """

    def __init__(self, module):
        super().__init__()
        *body, head = module
        self.head, self.body = head, nn.Sequential(*body)

    def forward(self, X):
        return self.head(self.body(X))


def _wrap(model, X, n_classes):
    detectors, PyTorchClassifier = _import_art()
    classifier = PyTorchClassifier(
        _Tapped(model.module_),
        loss=nn.CrossEntropyLoss(),
        input_shape=X.shape[1:],
        nb_classes=n_classes,
        device_type="cpu" if str(model.device) == "cpu" else "gpu",
    )
    return detectors, classifier


def activation_clustering(model, X, y, cluster_analysis="smaller", seed=0):
    """Keep the larger of two clusters of the activations of every class.

    "smaller" is the toolbox's default; it drops the smaller cluster of every class,
    whether it is poisoned or not. "distance" and "silhouette-scores" may drop none.

    References
    ----------
    B. Chen et al., "Detecting Backdoor Attacks on Deep Neural Networks by Activation
    Clustering", arXiv:1811.03728.
    """
    detectors, classifier = _wrap(model, X, int(y.max()) + 1)
    defence = detectors.ActivationDefence(classifier, X, np.eye(int(y.max()) + 1)[y])
    defence.clusterer.set_params(random_state=seed)
    _, is_clean = defence.detect_poison(cluster_analysis=cluster_analysis)
    return np.asarray(is_clean, dtype=bool)


def spectral_signatures(model, X, y, expected_pp_poison=0.33, eps_multiplier=1.5):
    """Drop the rows of every class whose features stick out along one direction.

    The defaults are the toolbox's; they drop half of every class. With the true share
    of poison in the target class it drops 1.5 times that share of every class.

    References
    ----------
    B. Tran, J. Li, A. Madry, "Spectral Signatures in Backdoor Attacks", NeurIPS 2018.
    """
    detectors, classifier = _wrap(model, X, int(y.max()) + 1)
    defence = detectors.SpectralSignatureDefense(
        classifier,
        X,
        np.eye(int(y.max()) + 1)[y],
        expected_pp_poison=expected_pp_poison,
        eps_multiplier=eps_multiplier,
    )
    _, is_clean = defence.detect_poison()
    return np.asarray(is_clean, dtype=bool)


def label_issues(make_model, X, y, n_folds=3, seed=0):
    """Drop the rows that cleanlab takes for mislabelled.

    Its default method, from the probabilities of models that did not see a row.

    References
    ----------
    C. Northcutt, L. Jiang, I. Chuang, "Confident Learning: Estimating Uncertainty in
    Dataset Labels", JAIR 2021.
    """
    try:
        from cleanlab.filter import find_label_issues
    except ImportError as error:
        raise ImportError(
            "This rival needs cleanlab; install it with "
            "pip install sklearn-ispl[benchmarks]."
        ) from error
    folds = StratifiedKFold(n_folds, shuffle=True, random_state=seed)
    proba = cross_val_predict(make_model(), X, y, cv=folds, method="predict_proba")
    return ~find_label_issues(y, proba, n_jobs=1)


def self_paced(X, y, share=0.8, n_iter=8, n_epochs=2, momentum=0.9, seed=0):
    """Keep what self-paced learning has learned from: Algorithm 2 run forward.

    The set of lowest loss that the learner is trained on grows from an eighth of the
    rows to `share` of them. It starts from a learner of one epoch on all rows.

    References
    ----------
    M. P. Kumar, B. Packer, D. Koller, "Self-Paced Learning for Latent Variable Models",
    NeurIPS 2010.
    """
    rng = np.random.RandomState(seed)
    learner = make_learner(None, X, y, int(y.max()) + 1, "auto")
    rows, smoothed = np.arange(len(y)), np.zeros(len(y))
    with one_thread():
        learner.start(draw_seed(rng))
        learner.train(rows, 1)
        for target in np.linspace(1 / 8, share, n_iter):
            losses, _ = learner.score(rows)
            smoothed = momentum * smoothed + (1 - momentum) * losses
            kept = trim(smoothed, y, target, floor=target / 8)
            learner.train(rows[kept], n_epochs)
    return kept


def neural_cleanse(
    model, X, y, n_steps=300, penalty=0.01, n_images=1024, prune=0.3, seed=0
):
    """Return a copy of a model without the neurons that answer to found triggers.

    For every class, the smallest mask and its pattern that turn all images into that
    class are sought by gradient descent. Classes whose mask is an outlier on the small
    side (anomaly index above 2, by the median absolute deviation) are taken for
    targets. The penultimate neurons that such a trigger raises most are set to zero, as
    few as it takes to keep it below a tenth of the images, at most the share `prune`.
    The published method is given clean rows; here it has to do with the training set.

    References
    ----------
    B. Wang et al., "Neural Cleanse: Identifying and Mitigating Backdoor Attacks in
    Neural Networks", IEEE S&P 2019.
    """
    *body, head = deepcopy(model.module_).eval().requires_grad_(False)
    body = nn.Sequential(*body)
    rng = np.random.RandomState(seed)
    images = torch.as_tensor(X[rng.permutation(len(X))[:n_images]]).to(model.device)
    found = [
        _reverse(body, head, images, label, n_steps, penalty, seed)
        for label in range(int(y.max()) + 1)
    ]
    sizes = np.array([float(mask.sum()) for mask, _ in found])
    index = np.abs(sizes - np.median(sizes)) / (
        1.4826 * np.median(np.abs(sizes - np.median(sizes))) + 1e-12
    )
    alive = torch.ones(head.in_features, device=images.device)
    for label in np.flatnonzero((index > 2) & (sizes < np.median(sizes))):
        alive *= _prune(body, head, images, found[label], label, prune)
    head.weight *= alive
    repaired = deepcopy(model)
    repaired.module_ = nn.Sequential(*body, head)
    return repaired


def _stamp(images, trigger):
    mask, pattern = trigger
    return (1 - mask) * images + mask * pattern


def _reverse(body, head, images, label, n_steps, penalty, seed):
    """Seek the smallest trigger of a class."""
    generator = torch.Generator().manual_seed(seed)
    like = {"device": images.device, "requires_grad": True}
    raw_mask = torch.full(images.shape[2:], -2.0, **like)
    raw_pattern = torch.zeros(images.shape[1:], **like)
    low, high = images.min(), images.max()
    optimizer = torch.optim.Adam([raw_mask, raw_pattern], lr=0.1)
    target = torch.full((64,), int(label), device=images.device)

    def trigger():
        return raw_mask.sigmoid(), low + (high - low) * raw_pattern.sigmoid()

    for _ in range(n_steps):
        rows = torch.randint(len(images), (64,), generator=generator)
        batch = images[rows.to(images.device)]
        output = head(body(_stamp(batch, trigger())))
        loss = F.cross_entropy(output, target) + penalty * trigger()[0].sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return tuple(part.detach() for part in trigger())


def _prune(body, head, images, trigger, label, prune):
    """Return which penultimate neurons may live on."""
    plain, stamped = body(images), body(_stamp(images, trigger))
    order = (stamped - plain).mean(dim=0).argsort(descending=True)
    alive = torch.ones(head.in_features, device=images.device)
    for neuron in order[: int(prune * len(order))]:
        if (head(stamped * alive).argmax(1) == int(label)).float().mean() < 0.1:
            break
        alive[neuron] = 0
    return alive
