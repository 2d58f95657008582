"""What the exam runs: our methods and the rivals, each from rows to a verdict.

Every defence takes the undefended model, the rows, the labels, the mask of poisoned
rows and a random state. The mask is for those rivals alone that are told the rate.
"""

import warnings
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import silhouette_score
from torch import nn

from rivals import activation_clustering, label_issues, spectral_signatures
from sklearn_ispl import ISPLFilter
from sklearn_ispl.exceptions import SmallClassWarning, UntestedClassWarning

# Of sizes of classes, whatever their rows are: no sign of poison.
SIZES = {SmallClassWarning, UntestedClassWarning}


class Verdict(NamedTuple):
    """The rows kept, a score that ranks rows for suspicion, classes named, warnings."""

    support: np.ndarray
    suspicion: np.ndarray = None
    named: list = []
    warned: list = []


def _ispl(model, X, y, poisoned, rng, **parameters):
    seed = rng.randint(2**31 - 1)
    ispl = ISPLFilter(random_state=seed, device="cpu", **parameters)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ispl.fit(X, y)
    ours = {
        category.__name__
        for category in {w.category for w in caught} - SIZES
        if "ispl" in category.__module__
    }
    return Verdict(
        ispl.support_,
        getattr(ispl, "suspicion_", None),
        np.asarray(getattr(ispl, "poisoned_classes_", [])).tolist(),
        sorted(ours),
    )


def _activation_clustering(model, X, y, poisoned, rng, **options):
    kept = activation_clustering(model, X, y, seed=rng.randint(2**31 - 1), **options)
    return Verdict(kept)


def _spectral(model, X, y, poisoned, rng):
    return Verdict(spectral_signatures(model, X, y))


def _spectral_told(model, X, y, poisoned, rng):
    """Spectral Signatures, told the share of poison in the class that has most."""
    shares = np.bincount(y, poisoned) / np.maximum(np.bincount(y), 1)
    # The toolbox takes no rate of zero.
    told = float(np.clip(shares.max(), 0.001, 0.65))
    return Verdict(spectral_signatures(model, X, y, expected_pp_poison=told))


def _smaller_cluster(model, X, y, poisoned, rng):
    """Drop the smaller of two clusters of every class; rank by its separation."""
    features = layers(model, X)[-1]
    kept, suspicion = np.ones(len(y), dtype=bool), np.zeros(len(y))
    for rows, cluster, score in _clusters(features, y, rng):
        smaller = cluster == np.bincount(cluster, minlength=2).argmin()
        kept[rows[smaller]] = False
        suspicion[rows] = score * smaller
    return Verdict(kept, suspicion)


def _flare(model, X, y, poisoned, rng):
    """FLARE in short: clusters in the activations of all layers, aligned.

    Every layer's activations are standardised as batch norm does and put side by side;
    the cluster that is more stable, here the tighter of two, is taken for poison where
    the two are well apart.
    """
    aligned = np.concatenate([_standardised(layer) for layer in layers(model, X)], 1)
    kept, suspicion = np.ones(len(y), dtype=bool), np.zeros(len(y))
    for rows, cluster, score in _clusters(aligned, y, rng):
        spread = [aligned[rows[cluster == c]].var(axis=0).sum() for c in (0, 1)]
        tight = cluster == int(np.argmin(spread))
        suspicion[rows] = score * tight
        if score > 0.25 and tight.mean() <= 0.6:
            kept[rows[tight]] = False
    return Verdict(kept, suspicion)


def _standardised(layer):
    return (layer - layer.mean(axis=0)) / (layer.std(axis=0) + 1e-6)


def _clusters(features, y, rng):
    """Yield for each class its rows, two clusters of them and their silhouette."""
    for code in np.unique(y):
        rows = np.flatnonzero(y == code)
        if len(rows) < 10:
            continue
        points = PCA(min(10, len(rows) - 1), random_state=rng).fit_transform(
            features[rows]
        )
        cluster = KMeans(2, n_init=3, random_state=rng).fit_predict(points)
        score = silhouette_score(points, cluster) if len(set(cluster)) > 1 else 0.0
        yield rows, cluster, score


def layers(model, X):
    """Return the activations after each ReLU of a model, means over the image."""
    module, found = model.module_.eval(), []
    relus = [m for m in module.modules() if isinstance(m, nn.ReLU)]
    hooks = [
        relu.register_forward_hook(lambda _, __, out: seen.append(out))
        for relu in relus
    ]
    with torch.inference_mode():
        for start in range(0, len(X), 512):
            seen = []
            module(torch.as_tensor(X[start : start + 512]))
            found.append([_per_channel(out) for out in seen])
    for hook in hooks:
        hook.remove()
    return [torch.cat(layer).numpy() for layer in zip(*found)]


def _per_channel(out):
    return out.flatten(2).mean(2) if out.ndim > 2 else out


def _cleanlab(model, X, y, poisoned, rng):
    from sklearn.base import clone

    return Verdict(label_issues(lambda: clone(model), X, y))


DEFENCES = {
    "core": _ispl,
    "paper": partial(_ispl, method="paper"),
    "paper-2023": partial(_ispl, method="paper-2023"),
    "smaller cluster": _smaller_cluster,
    "activation clustering": _activation_clustering,
    "spectral": _spectral,
    "spectral, told the rate": _spectral_told,
    "flare": _flare,
    "cleanlab": _cleanlab,
}
OURS = {"core", "paper", "paper-2023"}
