"""The sizes: every class has rows, and clean noise is all that there is."""

import numpy as np


def test_every_class_has_rows_around_its_mean(import_script):
    noise = import_script("bench_sizes").noise
    X, y = noise(60, 3, (3, 8, 8))
    assert X.shape == (60, 3, 8, 8) and np.bincount(y).tolist() == [20, 20, 20]
    means = np.stack([X[y == code].mean(axis=0) for code in range(3)])
    distance = np.abs(X[:, None] - means).mean(axis=(2, 3, 4))
    np.testing.assert_array_equal(distance.argmin(axis=1), y)
