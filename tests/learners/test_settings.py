"""A fit has its own settings and leaves those of the caller as they were."""

from contextlib import contextmanager
from threading import Barrier, Thread

import numpy as np
import pytest
import torch
from joblib import Parallel, delayed
from threadpoolctl import OpenBLASController, threadpool_info, threadpool_limits

from sklearn_ispl import (
    BoostedHomogeneousVoter,
    InverseSelfPacedLearner,
    ISPLFilter,
    ISPLPartitioner,
)
from sklearn_ispl.learners._settings import one_thread, own_settings
from sklearn_ispl.metrics import expansion_error

QUICK = {"n_epochs": 1, "random_state": 0}


@contextmanager
def doubles():
    torch.set_default_dtype(torch.float64)
    try:
        yield
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


@contextmanager
def another_device():
    torch.set_default_device("meta")
    try:
        yield
        assert torch.get_default_device().type == "meta"
    finally:
        torch.set_default_device(None)


@contextmanager
def strict_numpy():
    with np.errstate(all="raise"):
        yield
        assert set(np.geterr().values()) == {"raise"}


MODES = {
    "float64 by default": doubles,
    "another device by default": another_device,
    "inference mode": torch.inference_mode,
    "no gradients": torch.no_grad,
    "autocast": lambda: torch.autocast("cpu"),
    "errors of NumPy raise": strict_numpy,
}


@pytest.fixture(params=MODES, ids=str)
def mode(request):
    return MODES[request.param]


def voter():
    return BoostedHomogeneousVoter(**QUICK)


def verdict(X, y):
    ispl = ISPLFilter(n_repeats=1, beta=1 / 2, self_training_epochs=1, **QUICK)
    ispl.fit(X, y)
    return ispl.predictions_, ispl.support_, ispl.score(X, y)


@pytest.fixture(scope="module")
def usual(digits):
    X, y = digits[0][:100], digits[1][:100]
    return X, y, verdict(X, y)


def test_a_filter_does_not_depend_on_the_modes_of_its_caller(usual, mode):
    X, y, expected = usual
    with mode():
        found = verdict(X, y)
    for one, other in zip(found, expected):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "fit",
    [
        lambda X, y: InverseSelfPacedLearner(**QUICK).fit(X, y).support_,
        lambda X, y: ISPLPartitioner(beta=1, **QUICK).fit_predict(X, y),
        lambda X, y: voter().fit(X, y, y % 2).predict_proba(X),
        lambda X, y: expansion_error(X, y, n_repeats=1, **QUICK)[0],
    ],
    ids=["learner", "partitioner", "voter", "expansion_error"],
)
def test_nor_does_anything_else_that_learns(digits, mode, fit):
    X, y = digits[0][:100].reshape(100, -1), digits[1][:100]
    expected = fit(X, y)
    with mode():
        found = fit(X, y)
    np.testing.assert_array_equal(found, expected)


def counts():
    """Return the threads of torch, and of the libraries of NumPy and scikit-learn."""
    return torch.get_num_threads(), [one["num_threads"] for one in threadpool_info()]


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    with threadpool_limits(2):
        yield
    torch.set_num_threads(before)


@pytest.fixture(params=["another", "none"])
def controlling(request):
    """Which thread has the say over OpenBLAS, as threadpoolctl sees it."""
    if request.param == "none":
        if not hasattr(OpenBLASController, "clear_controlling_thread"):
            pytest.skip("this threadpoolctl lets every thread set limits")
        OpenBLASController.clear_controlling_thread(force=True)


def test_fits_at_the_same_time_leave_the_settings_as_they_were(
    two_threads, controlling
):
    before, seen = counts(), {}
    inside, first_left = Barrier(2), Barrier(2)

    def fit(name):
        with own_settings():
            inside.wait()
            if name == "last":
                first_left.wait()
                seen["alone"] = *counts(), torch.get_default_dtype()
        if name == "first":
            first_left.wait()

    with doubles():
        threads = [Thread(target=fit, args=[name]) for name in ("first", "last")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    n_torch, n_libraries, dtype = seen["alone"]
    assert n_torch == 1 and {*n_libraries} == {1} and dtype == torch.float32
    assert counts() == before


def test_a_fit_in_a_thread_has_one_thread_after_one_in_another(two_threads):
    seen = []

    def fit():
        with own_settings():
            seen.append(counts()[1])

    before = counts()
    fit()
    thread = Thread(target=fit)
    thread.start()
    thread.join()
    assert {*seen[0]} == {*seen[1]} == {1} and counts() == before


def test_one_thread_within_another_changes_nothing(two_threads):
    before = counts()
    with one_thread():
        with one_thread():
            pass
        assert torch.get_num_threads() == 1 and set(counts()[1]) == {1}
    assert counts() == before


def in_one_thread():
    with one_thread():
        assert set(counts()[1]) == {1}


def test_all_libraries_have_one_thread_until_all_are_done():
    with threadpool_limits(2):
        before = counts()[1]
        with one_thread():
            with one_thread():
                Parallel(2, backend="threading")(
                    delayed(in_one_thread)() for _ in range(4)
                )
            assert set(counts()[1]) == {1}
        assert counts()[1] == before
