"""Weak learners: with `_inference`, all that knows skorch and torch.

A weak learner is trained and scored by row numbers over a training set that was
moved to its device once. The algorithms above see NumPy arrays only.
"""

import inspect
from contextlib import contextmanager
from numbers import Integral
from threading import RLock

import numpy as np
import torch
from sklearn.base import clone, is_regressor
from sklearn.utils import check_random_state
from skorch import NeuralNet
from torch import nn
from torch.nn import functional as F

from ._default_net import AS_LEARNER, default_net, slim
from ._inference import (
    as_tensor,
    as_vectors,
    for_inference,
    forward,
    in_batches,
    last_and_middle,
    score_batch,
    tapped,
)

# torch's generator is one per process: threads take turns at it, or their learners
# would depend on which thread came first.
_RNG_LOCK = RLock()


def make_learner(estimator, X, y, n_classes, device):
    """Return the learner that trains clones of `estimator` on the rows of X, y.

    Parameters
    ----------
    estimator : NeuralNetClassifier, scikit-learn classifier or None
        What is cloned. None means a net sized to the data.

    X : ndarray of shape (n, ...), float32
    y : ndarray of shape (n,), int64
        Encoded labels, 0 to n_classes - 1.

    n_classes : int
    device : str, torch.device or None

    Returns
    -------
    learner : SkorchLearner or SklearnLearner
    """
    if estimator is None:
        estimator = default_net(X)
    if is_regressor(estimator):
        raise TypeError(
            f"estimator is a regressor ({type(estimator).__name__}), but rows have "
            "labels. Pass a classifier, such as skorch.NeuralNetClassifier."
        )
    if isinstance(estimator, NeuralNet):
        return SkorchLearner(estimator, X, y, n_classes, device)
    return SklearnLearner(estimator, X, y, n_classes)


def _unset_sizes(net, X, n_classes):
    """Module parameters that the data decide and the user left open."""
    if not inspect.isclass(net.module):
        return {}
    sizes = {"n_classes": n_classes}
    sizes["n_features" if X.ndim == 2 else "in_channels"] = X.shape[1]
    parameters = inspect.signature(net.module).parameters
    return {
        f"module__{name}": size
        for name, size in sizes.items()
        if name in parameters
        and parameters[name].default is inspect.Parameter.empty
        and f"module__{name}" not in net.get_params(deep=False)
    }


def resolve_device(device, net_device="cpu"):
    """Turn the `device` argument of an estimator into a torch.device.

    "auto" keeps a net on a device that it names itself, else takes CUDA where there
    is one; None is what the net says.
    """
    if device is None or (device == "auto" and net_device not in (None, "cpu")):
        device = net_device or "cpu"
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        resolved = torch.device(device)
    except RuntimeError as error:
        raise ValueError(f"device={device!r} is not a torch device: {error}") from error
    if resolved.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(
            f"device={device!r} was asked for, but torch finds no CUDA device here. "
            'Use device="auto" or device="cpu".'
        )
    return resolved


def usable_device(device, net_device="cpu"):
    """Resolve a device and try it: not all that torch has a name for can compute."""
    resolved = resolve_device(device, net_device)
    try:
        torch.zeros(1, device=resolved).cpu()
    except (AssertionError, NotImplementedError, RuntimeError) as error:
        raise ValueError(
            f"device={str(resolved)!r} cannot be used here: {error}. Use "
            'device="auto" or device="cpu".'
        ) from error
    return resolved


@contextmanager
def isolated_seed(seed, device):
    """Seed torch and NumPy for one block and leave their global states as found."""
    cuda = [device] if device.type == "cuda" else []
    with _RNG_LOCK, torch.random.fork_rng(devices=cuda):
        state = np.random.get_state()
        _seed_torch(seed, device)
        np.random.seed(seed)
        try:
            yield
        finally:
            np.random.set_state(state)


def _seed_torch(seed, device):
    """Seed the devices in use: torch.manual_seed takes a hundred times as long."""
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        with torch.cuda.device(device):
            torch.cuda.manual_seed(seed)
    elif device.type != "cpu":
        torch.manual_seed(seed)


def shuffled_batches(rows, batch_size):
    """Split `rows`, shuffled, into batches of equal size, at most `batch_size`.

    Equal sizes leave no last batch of one row, which batch norm cannot train on. For
    the same reason a single row is doubled, and batches of one row become two or three.
    """
    if len(rows) == 1:
        rows = rows.repeat(2)
    order = torch.randperm(len(rows)).to(rows.device)
    n_batches = min(-(-len(rows) // batch_size), len(rows) // 2)
    return rows[order].tensor_split(n_batches)


@contextmanager
def what_memory_takes():
    """Say what to do where the device has no memory to train on a batch."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        error.add_note(
            "The device has no memory to train the weak learner on a batch. Pass an "
            'estimator with a smaller batch_size or a smaller module, or device="cpu".'
        )
        raise


def check_batch_size(batch_size):
    """Raise unless a net's number of rows in a batch is one."""
    if not isinstance(batch_size, Integral) or batch_size < 1 and batch_size != -1:
        raise ValueError(
            f"The weak learner has batch_size={batch_size!r}. It must be an integer "
            "from 1, or -1 for all rows in one batch (estimator__batch_size)."
        )


class SkorchLearner:
    """Clones of one skorch net, trained one after the other on rows of one data set.

    Parameters
    ----------
    net : NeuralNetClassifier
        Cloned, never modified. Its callbacks, train split, data sets and iterators
        are left out: weak learners need none of them, and its training step is used.

    X, y, n_classes, device
        See `make_learner`.
    """

    def __init__(self, net, X, y, n_classes, device):
        check_batch_size(net.batch_size)
        self.device = usable_device(device, net.device)
        self.n_classes = n_classes
        self.X = as_tensor(X, self.device)
        self.y = torch.as_tensor(y, device=self.device)
        self.net = clone(net).set_params(
            device=str(self.device),
            **AS_LEARNER,
            **_unset_sizes(net, X, n_classes),
        )
        batch_size = net.batch_size
        self.batch_size = len(X) if batch_size == -1 else batch_size

    def start(self, seed):
        """Begin a fresh learner; every random number that it uses follows `seed`."""
        self._seeds = np.random.RandomState(seed)
        self.estimator_ = clone(self.net)
        with self._next_seed():
            self.estimator_.initialize()
        output = forward(for_inference(self.estimator_), self.X[:2])
        check_output(output, len(self.X[:2]), self.n_classes)
        check_criterion(self.estimator_, output)

    def train(self, rows, n_epochs):
        """Train the current learner on `rows`, from where it is."""
        rows = torch.as_tensor(rows, device=self.device)
        step = training_step(self.estimator_)
        with self._next_seed(), what_memory_takes():
            for _ in range(n_epochs):
                for batch in shuffled_batches(rows, self.batch_size):
                    step((self.X[batch], self.y[batch]))

    def score(self, rows):
        """Return the current learner's losses and predicted classes on `rows`."""
        rows = torch.as_tensor(rows, device=self.device)
        # Results go into one array each: small ones, kept between the large ones of
        # each batch, would keep the heap from being used again.
        losses = torch.empty(len(rows), device=self.device)
        codes = torch.empty_like(rows)
        net = for_inference(self.estimator_)

        def ask(batch):
            y, output = self.y[rows[batch]], forward(net, self.X[rows[batch]])
            return cross_entropy(net, output, y), output.argmax(1)

        for batch, found in in_batches(ask, len(rows), score_batch(self.X)):
            losses[batch], codes[batch] = found
        return check_losses(losses.cpu().numpy()), codes.cpu().numpy()

    def epochs_for(self, n_rows, n_epochs):
        """Return enough epochs for a hundred steps, or more for over ten classes."""
        n_steps = 100 * np.sqrt(self.n_classes / 10)
        return max(n_epochs, int(np.ceil(n_steps / np.ceil(n_rows / self.batch_size))))

    def look_inside(self, rows):
        """Return the activations that the last linear layer is given, and half way.

        Half way is what the middle one of all layers with weights is given. In place
        of a layer that there is not, or that was not called, there is the output.
        """
        net = for_inference(self.estimator_)
        layers = last_and_middle(net.module_)
        with tapped(layers) as given:

            def ask(batch):
                given.clear()
                output = forward(net, self.X[torch.as_tensor(rows[batch])])
                seen = [given.get(layer, output) for layer in layers]
                # Of a layer that does not see row by row, nothing can be told.
                per_row = [one if len(one) == len(output) else output for one in seen]
                return [as_vectors(one).cpu() for one in per_row]

            batches = in_batches(ask, len(rows), score_batch(self.X))
            found = [vectors for _, vectors in batches]
        return tuple(torch.cat(kept).numpy() for kept in zip(*found))

    def finish(self):
        """Return the current learner, without its optimizer, ready to be kept."""
        return slim(self.estimator_)

    def _next_seed(self):
        return isolated_seed(draw_seed(self._seeds), self.device)


class SklearnLearner:
    """Clones of one scikit-learn classifier with `partial_fit` and `predict_proba`.

    It has the methods of `SkorchLearner`. Rows of more than one dimension are
    flattened.
    """

    def __init__(self, estimator, X, y, n_classes):
        self.estimator = estimator
        self.X = X.reshape(len(X), -1)
        self.y = y
        self.n_classes = n_classes

    def start(self, seed):
        """Begin a fresh learner; every random number that it uses follows `seed`."""
        self.estimator_ = clone(self.estimator)
        set_random_states(self.estimator_, check_random_state(seed))

    def train(self, rows, n_epochs):
        """Train the current learner on `rows`, from where it is."""
        X, y = self.X[rows], self.y[rows]
        for _ in range(n_epochs):
            self.estimator_.partial_fit(X, y, classes=np.arange(self.n_classes))

    def score(self, rows):
        """Return the current learner's losses and predicted classes on `rows`."""
        proba = np.asarray(self.estimator_.predict_proba(self.X[rows]))
        check_output(proba, len(rows), self.n_classes)
        given = proba[np.arange(len(rows)), self.y[rows]]
        losses = -np.log(np.maximum(given, np.finfo(given.dtype).tiny))
        return check_losses(losses), proba.argmax(axis=1)

    def epochs_for(self, n_rows, n_epochs):
        """Return the epochs asked for; what a call does is the classifier's affair."""
        return n_epochs

    def look_inside(self, rows):
        """Return the logarithms of the current learner's probabilities, twice."""
        proba = self.estimator_.predict_proba(self.X[rows])
        logs = np.log(np.maximum(proba, 1e-6))
        return logs, logs

    def finish(self):
        """Return the current learner, ready to be kept."""
        return self.estimator_


def draw_seed(rng):
    """Draw a seed that NumPy and torch both take."""
    return int(rng.randint(np.iinfo(np.int32).max))


def streams(rng, n_streams):
    """Return random states, so that what is drawn from one changes no other."""
    return [np.random.RandomState(draw_seed(rng)) for _ in range(n_streams)]


def set_random_states(estimator, rng):
    """Give every `random_state` parameter of an estimator a drawn seed."""
    names = [
        name
        for name in sorted(estimator.get_params(deep=True))
        if name == "random_state" or name.endswith("__random_state")
    ]
    if names:
        estimator.set_params(**{name: draw_seed(rng) for name in names})


# What a net may override to train in a way of its own.
_STEP_HOOKS = (
    "train_step",
    "train_step_single",
    "on_grad_computed",
    "notify",
    "get_train_step_accumulator",
    "_step_optimizer",
    "_zero_grad_optimizer",
)


def training_step(net):
    """Return what takes one step on a batch: skorch's own method, or the short of it.

    The bookkeeping of a step, which nobody looks at here, is a fifth of its cost on a
    small net.
    """
    overridden = any(
        getattr(type(net), name) is not getattr(NeuralNet, name) for name in _STEP_HOOKS
    )
    if overridden or net._optimizers != ["optimizer"]:
        return net.train_step

    def step(batch):
        net._set_training(True)
        X, y = batch

        def loss():
            net.optimizer_.zero_grad()
            value = net.get_loss(net.infer(X), y, X=X, training=True)
            value.backward()
            return value

        net.optimizer_.step(loss)

    return step


def cross_entropy(net, output, y):
    """Return the loss of each row, from logits or from probabilities."""
    if isinstance(net.criterion_, nn.CrossEntropyLoss):
        return F.cross_entropy(output, y, reduction="none")
    proba = net._get_predict_nonlinearity()(output)
    return F.nll_loss(
        proba.clamp_min(torch.finfo(proba.dtype).tiny).log(), y, reduction="none"
    )


def check_criterion(net, output):
    """Raise if a net whose criterion wants probabilities puts out something else."""
    if isinstance(net.criterion_, nn.NLLLoss) and (output < 0).any():
        raise ValueError(
            "The weak learner's criterion is NLLLoss, skorch's default, for which its "
            "module must put out probabilities, but there are negative values. Use "
            "criterion=torch.nn.CrossEntropyLoss for a module that puts out logits."
        )


def check_output(output, n_rows, n_classes):
    """Raise unless a learner puts out one number per row and class."""
    if not isinstance(output, torch.Tensor | np.ndarray):
        raise TypeError(
            f"The weak learner's module returned {type(output).__name__}; it must "
            f"return a tensor of shape (n_rows, {n_classes})."
        )
    shape = tuple(output.shape)
    if len(shape) != 2 or shape[1] != n_classes:
        raise ValueError(
            f"The weak learner's output has shape {shape} for {n_rows} rows, "
            f"but y has {n_classes} classes: give its last layer {n_classes} outputs."
        )
    if shape[0] != n_rows:
        raise ValueError(
            f"The weak learner's output has shape {shape} for {n_rows} rows; it must "
            "have one row for each."
        )


def check_losses(losses):
    """Return losses or probabilities, or raise if the learner has diverged."""
    if np.isnan(losses).any():
        raise ValueError(
            "The loss of a weak learner turned NaN: its training diverged. Lower its "
            "learning rate (estimator__lr) or scale X."
        )
    return losses
