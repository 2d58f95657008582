"""The net used where no estimator is given, which is saved as numbers alone."""

import numpy as np
import torch
from skorch import NeuralNetClassifier
from skorch.utils import get_map_location
from torch import nn

from ..modules import MLP, ConvNet

MODULES = {"MLP": MLP, "ConvNet": ConvNet}
# What weak learners need nothing of.
AS_LEARNER = {
    "callbacks": "disable",
    "train_split": None,
    "verbose": 0,
    "warm_start": False,
}


class DefaultNet(NeuralNetClassifier):
    """A net whose saved state is its sizes and its weights, as numbers and arrays.

    skorch's own nets unpickle a part of themselves when they are loaded, whatever
    reads the file, which runs code if the file says so. This one runs none. A net that
    was loaded predicts; its optimizer is not saved.
    """

    def __getstate__(self):
        params = self.get_params(deep=False)
        names = ("lr", "batch_size", "device")
        sizes = (name for name in params if name.startswith("module__"))
        weights = None
        if hasattr(self, "module_"):
            weights = self.module_.state_dict()
            weights = {name: values.cpu().numpy() for name, values in weights.items()}
        return {
            "module": self.module.__name__,
            "params": {name: params[name] for name in (*names, *sizes)},
            "weights": weights,
        }

    def __setstate__(self, state):
        params = {**state["params"], **AS_LEARNER}
        params["device"] = str(get_map_location(params["device"]))
        vars(self).update(vars(_untrained(MODULES[state["module"]], **params)))
        if state["weights"] is None:
            return
        with torch.random.fork_rng(devices=[]):
            self.initialize()
        weights = state["weights"].items()
        self.module_.load_state_dict({name: torch.tensor(one) for name, one in weights})
        slim(self)


def default_net(X):
    """Return the net used where no estimator is given, unsized.

    Small data gets small batches: what makes a learner is its number of steps.
    """
    if X.ndim not in (2, 4):
        raise ValueError(
            f"X has {X.ndim} dimensions. Without an estimator, X must be 2-D "
            "(n_rows, n_features) or 4-D (n_rows, channels, height, width); reshape "
            "it, for instance grey images with X[:, None], or pass an estimator."
        )
    module, lr = (MLP, 0.1) if X.ndim == 2 else (ConvNet, 0.05)
    return _untrained(module, lr=lr, batch_size=small_batch(len(X)))


def _untrained(module, **params):
    return DefaultNet(
        module,
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.SGD,
        optimizer__momentum=0.9,
        optimizer__weight_decay=1e-4,
        optimizer__fused=True,
        **params,
    )


def small_batch(n_rows):
    """Return a batch size that leaves small data enough steps in an epoch."""
    return int(np.clip(n_rows // 20, 8, 128))


def slim(net):
    """Drop what a fitted net does not need to predict."""
    net.trim_for_prediction()
    net.module_.zero_grad(set_to_none=True)
    return net
