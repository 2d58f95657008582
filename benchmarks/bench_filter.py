"""How close a fit is to the floor: the bare arithmetic of the same work.

    python benchmarks/bench_filter.py --data digits
    python benchmarks/bench_filter.py --data fashion-mnist --n-rows 10000

Runs, in one process of one thread, `ISPLFilter.fit`, and after each call of a learner
the *floor* of that call: a bare torch loop that takes as many training steps on the
same rows, or scores the same rows, without bookkeeping. So both meet the same noise.
Prints seconds of both and their ratio by phase: the partition's training and scoring,
the votes on rows of other components, self-training, and all of these; and seconds of
what is no learner's work and has no floor, the search for triggers and everything else.
There is one ratio for each fit; their median and range are shown.
"""

import argparse
from contextlib import ExitStack, contextmanager
from functools import partial
from unittest import mock

import numpy as np
import torch
from _common import DATA, append_json, load_rows, spread, timed
from sklearn.utils import gen_batches
from torch.nn import functional as F

from sklearn_ispl import ISPLFilter, _base
from sklearn_ispl.ispl import _partitioner
from sklearn_ispl.learners._inference import fold_batch_norm, score_batch
from sklearn_ispl.learners._default_net import default_net
from sklearn_ispl.learners._weak_learner import SkorchLearner
from sklearn_ispl.rules import PaperRule, _core

PHASES = ["train", "score", "vote", "self-training"]
NO_FLOOR = ["search", "else"]


class Shadow:
    """Watches a fit: times each call of a learner by phase, and its floor after it."""

    def __init__(self, floor):
        self.floor = floor
        self.seconds = dict.fromkeys([*PHASES, "search"], 0.0)
        self.floor_seconds = dict.fromkeys(PHASES, 0.0)
        self._scope = None

    @contextmanager
    def watching(self):
        """Watch all learners of this process."""
        with ExitStack() as stack:
            for method in ("start", "train", "score"):
                stack.enter_context(_wrapped(SkorchLearner, method, self._timed))
            for owner, name, scope in [
                (_partitioner, "inverse_self_paced_learning", "ispl"),
                (_base, "carry_out", "self-training"),
            ]:
                scoped = partial(self._scoped, scope=scope)
                stack.enter_context(_wrapped(owner, name, scoped))
            train = staticmethod(self._scoped(PaperRule.train, "self-training"))
            stack.enter_context(mock.patch.object(PaperRule, "train", train))
            stack.enter_context(_wrapped(_core, "find_triggers", self._searched))
            yield

    def _scoped(self, function, scope):
        def wrapper(*args, **kwargs):
            self._scope = scope
            try:
                return function(*args, **kwargs)
            finally:
                self._scope = None

        return wrapper

    def _timed(self, method):
        name = method.__name__

        def wrapper(learner, *args, **kwargs):
            phase = self._phase(name)
            result, seconds = timed(method, learner, *args, **kwargs)
            self.seconds[phase] += seconds
            _, seconds = timed(getattr(self.floor, name), *args, **kwargs)
            self.floor_seconds[phase] += seconds
            return result

        return wrapper

    def _searched(self, function):
        def wrapper(*args):
            result, seconds = timed(function, *args)
            self.seconds["search"] += seconds
            return result

        return wrapper

    def _phase(self, method):
        if self._scope == "self-training":
            return "self-training"
        if method == "score":
            return "score" if self._scope == "ispl" else "vote"
        return "train"


def _wrapped(owner, name, wrap):
    return mock.patch.object(owner, name, wrap(getattr(owner, name)))


class Floor:
    """The same work in bare torch: one net, its steps and its forward passes."""

    def __init__(self, X, y):
        self.X, self.y = torch.as_tensor(X), torch.as_tensor(y)
        self.net = default_net(X)
        size = {"n_features" if X.ndim == 2 else "in_channels": X.shape[1]}
        self.sizes = {**size, "n_classes": int(y.max()) + 1}
        self.batch = score_batch(self.X)

    def start(self, seed):
        """Make a fresh net and its optimizer."""
        self.module = self.net.module(**self.sizes)
        self.optimizer = torch.optim.SGD(
            self.module.parameters(),
            lr=self.net.lr,
            momentum=0.9,
            weight_decay=1e-4,
            fused=True,
        )

    def train(self, rows, n_epochs):
        """Take the steps of some epochs."""
        rows = torch.as_tensor(rows)
        module, optimizer = self.module.train(), self.optimizer
        n_batches = -(-len(rows) // self.net.batch_size)
        for _ in range(n_epochs):
            for batch in rows[torch.randperm(len(rows))].tensor_split(n_batches):
                optimizer.zero_grad()
                F.cross_entropy(module(self.X[batch]), self.y[batch]).backward()
                optimizer.step()

    def score(self, rows):
        """Return losses and predicted classes."""
        rows = torch.as_tensor(rows)
        module = fold_batch_norm(self.module.eval())
        losses, codes = torch.empty(len(rows)), torch.empty_like(rows)
        with torch.inference_mode():
            for batch in gen_batches(len(rows), self.batch):
                y, output = self.y[rows[batch]], module(self.X[rows[batch]])
                losses[batch] = F.cross_entropy(output, y, reduction="none")
                codes[batch] = output.argmax(1)
        return losses.numpy(), codes.numpy()


def one_pair(X, y, seed, settings):
    """Fit, with the floor beside it; return seconds of both by phase."""
    shadow = Shadow(Floor(X, y))
    with shadow.watching():
        _, total = timed(
            ISPLFilter(device="cpu", random_state=seed, **settings).fit, X, y
        )
    watched = sum(shadow.seconds.values()) + sum(shadow.floor_seconds.values())
    return {**shadow.seconds, "else": total - watched}, shadow.floor_seconds


def report(pairs):
    """Print seconds and ratios by phase."""
    print(f"{'phase':14}  {'fit, s':>28}  {'floor, s':>28}  fit / floor")
    for name, phases in {**{p: [p] for p in PHASES}, "learners": PHASES}.items():
        both = [[sum(side[p] for p in phases) for side in pair] for pair in pairs]
        ours, floor = zip(*both)
        ratios = [a / b for a, b in both if b]
        print(
            f"{name:14}  {spread(ours):>28}  {spread(floor):>28}  "
            f"{spread(ratios) if ratios else '':>12}"
        )
    every = [*PHASES, *NO_FLOOR]
    for name, phases in {**{p: [p] for p in NO_FLOOR}, "all": every}.items():
        ours = [sum(side[p] for p in phases) for side, _ in pairs]
        print(f"{name:14}  {spread(ours):>28}", flush=True)


def learners_ratio(pair):
    """Return seconds of the learners over those of their floor."""
    ours, floor = pair
    return sum(ours[phase] for phase in PHASES) / sum(floor.values())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="digits", choices=DATA)
    parser.add_argument("--data-home")
    parser.add_argument("--n-rows", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--method", default="core", choices=["core", "paper"])
    parser.add_argument("--n-repeats", type=int, help="of the filter")
    parser.add_argument("--out", help="file of JSON lines to append to")
    options = parser.parse_args()
    torch.set_num_threads(1)
    X, y = load_rows(options.data, options.n_rows, options.data_home)
    settings = {"method": options.method, "n_repeats": options.n_repeats}
    one_pair(X[:500], y[:500], 0, {"n_repeats": 1})  # what is imported late is now
    pairs = []
    for seed in range(options.repeats):
        pairs.append(one_pair(X, np.asarray(y), seed, settings))
        if options.out:
            ours, floor = pairs[-1]
            append_json(
                options.out,
                {"data": options.data, "n": len(X), "seed": seed, **settings}
                | {"fit": ours, "floor": floor},
            )
    report(pairs)


if __name__ == "__main__":
    main()
