"""How close a fit is to the floor: the bare arithmetic of the same work.

    python benchmarks/bench_filter.py --data digits
    python benchmarks/bench_filter.py --data fashion-mnist --n-rows 10000

Runs, in one process of one thread and alternately, (a) `ISPLFilter.fit` and (b) a
bare torch loop that takes the same training steps on the same rows and scores the same
rows, without bookkeeping. Prints seconds of both and their ratio by phase: the
partition's training and scoring, the votes on rows of other components, self-training,
and everything else. Ratios are of one pair of runs each; their median and range are
shown.
"""

import argparse
import time
from contextlib import ExitStack, contextmanager
from unittest import mock

import numpy as np
import torch
from torch.nn import functional as F

from _common import DATA, append_json, load_rows, spread
from sklearn_ispl import ISPLFilter, _base, _partitioner
from sklearn_ispl._weak_learner import SkorchLearner, default_net

PHASES = ["train", "score", "vote", "self-training"]
BATCH = 128  # the best of 32 to 1024 for scoring, as measured


class Recorder:
    """Watches a fit: which phase makes a learner do what, and how long it takes."""

    def __init__(self):
        self.calls = []  # (phase, method, rows, epochs)
        self.seconds = dict.fromkeys(PHASES, 0.0)
        self._scope = None

    @contextmanager
    def watching(self):
        """Record all learners of this process."""
        with ExitStack() as stack:
            for method in ("start", "train", "score"):
                stack.enter_context(self._patched(SkorchLearner, method, self._timed))
            for owner, name, scope in [
                (_partitioner, "inverse_self_paced_learning", "ispl"),
                (_base.BaseFilter, "_self_train", "self-training"),
            ]:
                stack.enter_context(self._patched(owner, name, self._scoped, scope))
            yield

    def _patched(self, owner, name, wrap, *args):
        return mock.patch.object(owner, name, wrap(getattr(owner, name), *args))

    def _scoped(self, function, scope):
        def wrapper(*args, **kwargs):
            self._scope = scope
            try:
                return function(*args, **kwargs)
            finally:
                self._scope = None

        return wrapper

    def _timed(self, method):
        def wrapper(learner, rows=None, n_epochs=None):
            start = time.perf_counter()
            args = [arg for arg in (rows, n_epochs) if arg is not None]
            # A start is called with its seed, which the floor has no use for.
            result = method(learner, *args)
            phase = self._phase(method.__name__)
            self.seconds[phase] += time.perf_counter() - start
            self.calls.append((phase, method.__name__, rows, n_epochs))
            return result

        return wrapper

    def _phase(self, method):
        if self._scope == "self-training":
            return "self-training"
        if method == "score":
            return "score" if self._scope == "ispl" else "vote"
        return "train"


class Floor:
    """The same work in bare torch: one net, its steps and its forward passes."""

    def __init__(self, X, y):
        self.X, self.y = torch.as_tensor(X), torch.as_tensor(y)
        self.net = default_net(X)
        size = {"n_features" if X.ndim == 2 else "in_channels": X.shape[1]}
        self.sizes = {**size, "n_classes": int(y.max()) + 1}

    def run(self, calls):
        """Do recorded calls; return the seconds of each phase."""
        seconds = dict.fromkeys(PHASES, 0.0)
        for phase, method, rows, n_epochs in calls:
            start = time.perf_counter()
            if method == "start":
                self.start()
            elif method == "train":
                self.train(torch.as_tensor(rows), n_epochs)
            else:
                self.score(torch.as_tensor(rows))
            seconds[phase] += time.perf_counter() - start
        return seconds

    def start(self):
        """Make a fresh net and its optimizer."""
        self.module = self.net.module(**self.sizes)
        self.optimizer = torch.optim.SGD(
            self.module.parameters(),
            lr=self.net.lr,
            momentum=0.9,
            weight_decay=1e-4,
        )

    def train(self, rows, n_epochs):
        """Take the steps of some epochs."""
        module, optimizer = self.module.train(), self.optimizer
        n_batches = -(-len(rows) // self.net.batch_size)
        for _ in range(n_epochs):
            for batch in rows[torch.randperm(len(rows))].tensor_split(n_batches):
                optimizer.zero_grad()
                F.cross_entropy(module(self.X[batch]), self.y[batch]).backward()
                optimizer.step()

    def score(self, rows):
        """Return losses and predicted classes."""
        module, losses, codes = self.module.eval(), [], []
        with torch.inference_mode():
            for batch in rows.split(BATCH):
                output = module(self.X[batch])
                losses.append(F.cross_entropy(output, self.y[batch], reduction="none"))
                codes.append(output.argmax(1))
        return torch.cat(losses).numpy(), torch.cat(codes).numpy()


def one_pair(X, y, seed, settings):
    """Fit, then do the floor's work; return seconds of both by phase."""
    recorder = Recorder()
    with recorder.watching():
        start = time.perf_counter()
        ISPLFilter(random_state=seed, **settings).fit(X, y)
        total = time.perf_counter() - start
    ours = {**recorder.seconds, "else": total - sum(recorder.seconds.values())}
    floor = {**Floor(X, y).run(recorder.calls), "else": 0.0}
    return ours, floor


def report(pairs):
    """Print seconds and ratios by phase."""
    print(f"{'phase':14}  {'fit, s':>28}  {'floor, s':>28}  fit / floor")
    for phase in [*PHASES, "else", "all"]:
        both = [
            [sum(side.values()) if phase == "all" else side[phase] for side in pair]
            for pair in pairs
        ]
        ours, floor = zip(*both)
        ratios = [a / b for a, b in both if b]
        print(
            f"{phase:14}  {spread(ours):>28}  {spread(floor):>28}  "
            f"{spread(ratios) if ratios else '':>12}",
            flush=True,
        )


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
