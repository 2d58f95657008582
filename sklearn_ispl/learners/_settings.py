"""Settings of the process that a fit needs its own way, and leaves as it found them."""

from contextlib import ExitStack, contextmanager
from pickle import PicklingError
from threading import RLock, local

import numpy as np
import torch
from threadpoolctl import OpenBLASController, ThreadpoolController


class _Shared:
    """What all threads of a process have in common: the last to leave restores it."""

    def __init__(self):
        self.lock = RLock()
        self.n_users = 0

    def enter(self):
        with self.lock:
            if not self.n_users:
                self.n_torch = torch.get_num_threads()
                self.dtype = torch.get_default_dtype()
                blas = ThreadpoolController().select(user_api="blas").lib_controllers
                self.n_blas = [(one, one.get_num_threads()) for one in blas]
                _set_blas([(one, 1) for one in blas])
                torch.set_num_threads(1)
                torch.set_default_dtype(torch.float32)
            self.n_users += 1

    def leave(self):
        with self.lock:
            self.n_users -= 1
            if not self.n_users:
                _set_blas(self.n_blas)
                torch.set_num_threads(self.n_torch)
                torch.set_default_dtype(self.dtype)


def _set_blas(limits):
    """Set the threads of BLAS libraries, from whichever thread of Python this is.

    The threads of OpenBLAS are one pool for the process, and threadpoolctl lets one
    thread of Python alone limit it. This takes that right from whichever thread has it,
    and then gives it up.
    """
    # Older versions let every thread.
    let_go = getattr(OpenBLASController, "clear_controlling_thread", lambda force: None)
    let_go(force=True)
    for library, n_threads in limits:
        library.set_num_threads(n_threads)
    let_go(force=True)


_SHARED = _Shared()
_HERE = local()


@contextmanager
def one_thread():
    """Run torch, BLAS and OpenMP on one thread: sums are the same for every `n_jobs`.

    For nets as small as weak learners, processes are the better use of cores; and
    threads that wait for one another take many times as long over small matrices.
    Tensors are float32 meanwhile. Fits that run at the same time in threads leave both
    as the first of them found it.
    """
    if getattr(_HERE, "inside", False):
        yield
        return
    _SHARED.enter()
    _HERE.inside = True
    # Of OpenMP, every thread has a count of its own.
    openmp = ThreadpoolController().select(user_api="openmp").limit(limits=1)
    try:
        yield
    finally:
        openmp.restore_original_limits()
        _HERE.inside = False
        _SHARED.leave()


@contextmanager
def own_settings():
    """Compute on one thread, whatever modes of torch and NumPy the caller is in."""
    with ExitStack() as stack:
        stack.enter_context(one_thread())
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        if torch.get_default_device().type != "cpu":
            stack.enter_context(torch.device("cpu"))
        for device in ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",):
            stack.enter_context(torch.autocast(device, enabled=False))
        usual = {"divide": "warn", "over": "warn", "invalid": "warn", "under": "ignore"}
        stack.enter_context(np.errstate(**usual))
        yield


@contextmanager
def room_for_workers():
    """Say what to do where joblib cannot write the rows to a disk for its workers."""
    try:
        yield
    except PicklingError as error:
        # What went wrong in joblib's thread comes as text.
        if "OSError" not in str(error.__cause__):
            raise
        raise OSError(
            "X could not be written to the disk from which worker processes read it. "
            "Free space there, set JOBLIB_TEMP_FOLDER to a folder that has some, or "
            "use n_jobs=1."
        ) from error
