"""What ends a fit from outside: Ctrl+C, a worker that is killed, and a full disk."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from joblib.externals.loky.process_executor import TerminatedWorkerError
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted
from skorch import NeuralNetClassifier
from torch.nn import CrossEntropyLoss

from sklearn_ispl import ISPLFilter
from sklearn_ispl.modules import ConvNet

FIT = """
import signal
import sys
import numpy as np
from sklearn.datasets import load_digits
from sklearn_ispl import ISPLFilter
from sklearn_ispl.rules import _core

# A shell may have set it to be ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
n_jobs, phase = int(sys.argv[1]), sys.argv[2]
X, y = load_digits(return_X_y=True)
X = X.reshape(-1, 1, 8, 8).astype("float32")
ispl = ISPLFilter(n_jobs=n_jobs, device="cpu", self_training_epochs=200)
search = _core.find_triggers

def announced(*args):
    print("search", flush=True)
    # Again and again, so that it is long enough to be stopped.
    while True:
        search(*args)

_core.find_triggers = announced
if phase == "search":
    ispl.set_params(self_training_epochs=1, n_epochs=1, beta=1 / 2)
print("learners", flush=True)
try:
    ispl.fit(X, y)
except KeyboardInterrupt:
    print("stopped", sorted(n for n in vars(ispl) if n.endswith("_")), flush=True)
"""


def in_session(leader):
    """Return the processes of a session, but those that have ended."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, session = stat.read_text().rsplit(")", 1)[1].split()[:4]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(session) == leader and state != "Z":
            found.append(int(stat.parent.name))
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("phase", ["learners", "search"])
def test_ctrl_c_ends_a_fit_and_leaves_nothing(tmp_path, n_jobs, phase):
    script = tmp_path / "fit.py"
    script.write_text(FIT)
    child = subprocess.Popen(
        [sys.executable, str(script), str(n_jobs), phase],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        while child.stdout.readline().strip() != phase:
            assert child.poll() is None
        time.sleep(0.3)
        os.killpg(child.pid, signal.SIGINT)
        said, _ = child.communicate(timeout=20)
        assert said.strip().endswith("stopped []")
        ends = time.monotonic() + 10
        while in_session(child.pid) and time.monotonic() < ends:
            time.sleep(0.1)
        assert not in_session(child.pid)
    finally:
        child.kill()


class Killed(ConvNet):
    """Kills the process that it is trained in, if that is a worker."""

    def __init__(self, in_channels, n_classes, parent):
        super().__init__(in_channels, n_classes, width=8)
        self.parent = parent

    def forward(self, X):
        if os.getpid() != self.parent:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().forward(X)


def test_a_worker_that_is_killed_is_an_error_and_no_hang(digits):
    net = NeuralNetClassifier(
        Killed, criterion=CrossEntropyLoss, module__parent=os.getpid(), batch_size=16
    )
    ispl = ISPLFilter(net, n_jobs=2, device="cpu", random_state=0)
    with pytest.raises(TerminatedWorkerError):
        ispl.fit(*digits)
    with pytest.raises(NotFittedError):
        check_is_fitted(ispl)
    # The next fit has workers of its own.
    ispl.set_params(estimator=None, self_training_epochs=1, n_epochs=1, beta=1)
    assert ispl.fit(*digits).support_.dtype == np.bool_


NO_ROOM = """
import resource, signal
import numpy as np
from sklearn_ispl import ISPLFilter

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
X = np.random.RandomState(0).normal(size=(4000, 100)).astype("float32")
ispl = ISPLFilter(n_jobs=2, self_training_epochs=1, device="cpu")
try:
    ispl.fit(X, np.arange(4000) % 4)
except OSError as error:
    print(error)
print("left", sorted(n for n in vars(ispl) if n.endswith("_")))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits the size of files")
def test_a_full_disk_is_an_error_that_says_what_to_do(tmp_path):
    script = tmp_path / "fit.py"
    script.write_text(NO_ROOM)
    env = {**os.environ, "JOBLIB_TEMP_FOLDER": str(tmp_path)}
    said = subprocess.run(
        [sys.executable, str(script)], env=env, capture_output=True, text=True,
        timeout=120,
    ).stdout  # fmt: skip
    assert "JOBLIB_TEMP_FOLDER" in said and said.strip().endswith("left []")
