"""Guards of the ratios, on bundled digits: ``make bench``, minutes on a quiet machine.

The limits leave room for noise above what doc/performance.rst reports: they are there
to catch work done twice, not to measure.
"""

import os
import pickle
import statistics

import numpy as np
import pytest
import torch

from _common import load_rows
from bench_filter import learners_ratio, one_pair
from bench_jobs import timed_fit
from sklearn_ispl import ISPLFilter


@pytest.fixture(autouse=True)
def one_thread():
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)


@pytest.mark.parametrize("data", ["digits", "digits-images"])
def test_learners_are_close_to_the_floor(data, benchmark):
    X, y = load_rows(data)
    quick = {"n_repeats": 1, "self_training_epochs": 10}
    one_pair(X, y, 0, quick)  # what is imported late is imported now
    ratios = []

    def pair():
        ratios.append(learners_ratio(one_pair(X, y, len(ratios), quick)))

    benchmark.pedantic(pair, rounds=5)
    benchmark.extra_info["fit / floor"] = ratios
    assert statistics.median(ratios) < 1.6


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores")
def test_two_processes_are_faster_than_one(benchmark):
    X, y = load_rows("digits-images")
    settings = {"random_state": 0, "n_repeats": 2, "self_training_epochs": 1}
    timed_fit(X[:200], y[:200], n_jobs=2, **settings)  # starts the processes
    ratios = []

    def pair():
        alone, slow = timed_fit(X, y, n_jobs=1, **settings)
        shared, fast = timed_fit(X, y, n_jobs=2, **settings)
        np.testing.assert_array_equal(alone, shared)
        ratios.append(slow / fast)

    benchmark.pedantic(pair, rounds=5)
    benchmark.extra_info["one / two"] = ratios
    assert statistics.median(ratios) > 1.3


def test_a_pickle_is_weights_and_votes():
    X, y = load_rows("digits")
    ispl = ISPLFilter(n_repeats=1, self_training_epochs=1, random_state=0).fit(X, y)
    weights = sum(
        parameter.nbytes
        for learner in ispl.estimators_
        for parameter in learner.module_.parameters()
    )
    arrays = [v for v in vars(ispl).values() if isinstance(v, np.ndarray)]
    votes = sum(array.nbytes for array in arrays)
    assert votes < 100 * len(X)  # no rows of X
    overhead = 10_000 * (len(ispl.estimators_) + 1)
    assert len(pickle.dumps(ispl)) < weights + votes + overhead
