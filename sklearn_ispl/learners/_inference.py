"""What a fitted learner puts out, fast: folded nets, batches that fit the cache."""

import warnings
from contextlib import contextmanager

import numpy as np
import torch
from skorch import NeuralNet
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torch.utils.data import DataLoader, Dataset


def as_tensor(X, device):
    """Return X as a float32 tensor on `device`, without a copy where there can be."""
    with warnings.catch_warnings():
        # joblib hands workers read-only maps; the tensor is only ever read.
        warnings.filterwarnings("ignore", message="The given NumPy array is not writ")
        return torch.as_tensor(X, dtype=torch.float32, device=device)


def from_tensor(data, name):
    """Return a tensor, on any device and with or without gradients, as an array.

    Anything else comes back as it is, but for data sets, and for masked values, which
    are forgotten where arrays are made of them. Both are errors.
    """
    if isinstance(data, Dataset | DataLoader) or type(data).__module__.startswith(
        "datasets."  # of Hugging Face
    ):
        raise TypeError(
            f"{name} is a {type(data).__name__}, but arrays are needed: read its rows "
            "and its labels into two arrays, and pass both."
        )
    if np.ma.is_masked(data):
        raise ValueError(
            f"{name} has masked values. Fill them, or drop their rows, and give an "
            "array without a mask."
        )
    if not isinstance(data, torch.Tensor):
        return data
    data = data.detach()
    try:
        return (data.float() if data.dtype == torch.bfloat16 else data).cpu().numpy()
    except (NotImplementedError, RuntimeError, TypeError) as error:
        raise TypeError(
            f"{name} is a tensor that cannot be read as an array: {error}"
        ) from error


def score_batch(X):
    """Return the rows of X per batch while scoring.

    On a CPU the activations of a batch should stay in the cache, and small rows should
    pay for a call; a GPU wants more.
    """
    if X.device.type != "cpu":
        return 8192
    return int(np.clip(2**18 // X[0].numel(), 64, 1024))


def in_batches(ask, n_rows, size):
    """Yield what is found of each batch of rows; smaller ones where memory runs out.

    Parameters
    ----------
    ask : callable
        Takes a slice of the rows.

    n_rows : int
    size : int
        Rows of a batch.

    Yields
    ------
    batch : slice
    found : object
        What `ask` returns.

    Warns
    -----
    UserWarning
        If the device had no memory for a batch, and has to be asked for less at a time.
    """
    start = 0
    while start < n_rows:
        batch = slice(start, min(start + size, n_rows))
        try:
            found = ask(batch)
        except torch.OutOfMemoryError:
            size = (batch.stop - start) // 2
            if not size:
                raise
            warnings.warn(
                f"The device has no memory for {batch.stop - start} rows at once; it "
                f"takes {size} at a time.",
                stacklevel=2,
            )
        else:
            yield batch, found
            start = batch.stop


def last_and_middle(module):
    """Return the last linear layer of a module, and the middle one of all with weights.

    Of two layers the second is the middle one. None in place of a layer that there is
    not.
    """
    modules = list(module.modules())
    linear = [m for m in modules if isinstance(m, nn.Linear)]
    weighted = [m for m in modules if np.ndim(getattr(m, "weight", None)) > 1]
    middle = weighted[len(weighted) // 2] if weighted else None
    return linear[-1] if linear else None, middle


@contextmanager
def tapped(layers):
    """Yield a dict of what layers were given when they were last called."""
    given = {}

    def keep(layer, inputs, named):
        given[layer] = next(iter([*inputs, *named.values()]))

    hooks = [
        layer.register_forward_pre_hook(keep, with_kwargs=True)
        for layer in set(layers) - {None}
    ]
    try:
        yield given
    finally:
        for hook in hooks:
            hook.remove()


def as_vectors(activations, most=512):
    """Return the activations of rows as vectors.

    Of images they are means over a grid, of sequences means over their steps.

    Parameters
    ----------
    activations : tensor of shape (n, ...)
    most : int, default=512
        The grid has up to 4 x 4 fields, fewer if that makes more values than so many.

    Returns
    -------
    vectors : tensor of shape (n, n_values)
    """
    if activations.ndim == 4:
        fields = int(np.clip(np.sqrt(most / activations.shape[1]), 1, 4))
        grid = [min(fields, size) for size in activations.shape[2:]]
        activations = F.adaptive_avg_pool2d(activations, grid)
    if activations.ndim == 3:
        activations = activations.mean(1)
    return activations.flatten(1)


def for_inference(net):
    """Return a double of a fitted net that puts out the same, only faster.

    The net itself keeps its module: others may be predicting with it.
    """
    net._set_training(False)
    double = object.__new__(type(net))
    vars(double).update(vars(net), module_=fold_batch_norm(net.module_))
    return double


def fold_batch_norm(module):
    """Return a module in which convolutions do the work of the batch norms after them.

    Only where that can be read off: in a plain `torch.nn.Sequential`, nested or not.
    The module, in evaluation mode, is left as it is and shares its other parts.
    """
    if not _is_plain(module, nn.Sequential.forward):
        return module
    folded = []
    for child in map(fold_batch_norm, module):
        if (
            type(child) is nn.BatchNorm2d
            and child.track_running_stats
            and folded
            and type(folded[-1]) is nn.Conv2d
            and _is_plain(child, nn.BatchNorm2d.forward)
            and _is_plain(folded[-1], nn.Conv2d.forward)
        ):
            folded[-1] = fuse_conv_bn_eval(folded[-1], child)
        else:
            folded.append(child)
    return nn.Sequential(*folded).eval()


def _is_plain(module, forward):
    """Whether a call does nothing but `forward`; spectral norm, say, hooks into it."""
    return (
        type(module).forward is forward
        and type(module).__call__ is nn.Module.__call__
        and "forward" not in vars(module)
        and not (module._forward_hooks or module._forward_pre_hooks)
    )


def forward(net, X):
    """Return what the module of a net made `for_inference` puts out for X."""
    with torch.inference_mode():
        output = net.infer(X)
    return output[0] if isinstance(output, tuple) else output


class Parcel:
    """Takes a fitted learner to another process.

    A net pickles itself with torch.save, which finds no class of a notebook or of a
    function in a worker; joblib, given the net's parts, sends such classes along.

    Parameters
    ----------
    learner : fitted NeuralNetClassifier or scikit-learn classifier
    """

    def __init__(self, learner):
        self.learner = learner

    def __reduce__(self):
        if isinstance(self.learner, NeuralNet):
            return _unpack, (type(self.learner), vars(self.learner))
        return Parcel, (self.learner,)


def _unpack(net_type, parts):
    net = object.__new__(net_type)
    vars(net).update(parts)
    return Parcel(net)


def predict_codes(estimator, X):
    """Return the class codes that a kept learner predicts for X.

    Parameters
    ----------
    estimator : fitted NeuralNetClassifier or scikit-learn classifier
    X : ndarray of shape (n, ...), float32

    Returns
    -------
    codes : ndarray of shape (n,), int64
    """
    if not isinstance(estimator, NeuralNet):
        return estimator.predict_proba(X.reshape(len(X), -1)).argmax(axis=1)
    X = as_tensor(X, torch.device(estimator.device))
    codes = torch.empty(len(X), dtype=torch.int64, device=X.device)
    net = for_inference(estimator)
    for batch, output in in_batches(
        lambda batch: forward(net, X[batch]), len(X), score_batch(X)
    ):
        codes[batch] = output.argmax(1)
    return codes.cpu().numpy()


def probabilities(estimator):
    """Return a function from X to the class probabilities of a fitted learner.

    Parameters
    ----------
    estimator : fitted NeuralNetClassifier or scikit-learn classifier, or its Parcel

    Returns
    -------
    predict : callable
        Takes X of shape (n, ...), float32, n > 0; returns an array of shape (n,
        n_classes).
    """
    if isinstance(estimator, Parcel):
        estimator = estimator.learner
    if not isinstance(estimator, NeuralNet):
        return lambda X: estimator.predict_proba(X.reshape(len(X), -1))
    net = for_inference(estimator)
    nonlinearity = net._get_predict_nonlinearity()

    def predict(X):
        X = as_tensor(X, torch.device(net.device))

        def ask(batch):
            return nonlinearity(forward(net, X[batch]))

        found = [found for _, found in in_batches(ask, len(X), score_batch(X))]
        return torch.cat(found).cpu().numpy()

    return predict
