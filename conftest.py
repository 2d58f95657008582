"""Settings for tests and doctests."""

import os

# One thread per test worker: the nets are small and the workers share the cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")
