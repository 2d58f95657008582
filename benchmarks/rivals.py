"""Other defences, behind one kind of adapter: from a trained model to a keep mask.

Each adapter takes a fitted skorch net whose module is a `torch.nn.Sequential` that ends
in a linear layer, and its training set, and returns which rows to keep. Activation
Clustering and Spectral Signatures are those of adversarial-robustness-toolbox
(``pip install sklearn-ispl[benchmarks]``).
"""

import os
import tempfile
from contextlib import contextmanager

import numpy as np
from torch import nn


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
