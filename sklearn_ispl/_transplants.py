"""What a window of one image does to images of other classes."""

import numpy as np

from ._groups import MIN_SHARE
from ._inference import probabilities

# A window flips an image where a model then gives the window's label more than FLIP,
# and a model that knows too little of the poison less than NO_FLIP.
FLIP, NO_FLIP = 0.5, 0.2
N_ROWS, N_CLASSES, N_HOSTS, N_WINDOWS = 200, 9, 3, 3


def windows(height, width):
    """Return overlapping windows: one of them holds any mark of a tenth of an image.

    Parameters
    ----------
    height, width : int
        Of the images.

    Returns
    -------
    windows : list of (slice, slice)
        Rows and columns.
    """
    shorter = min(height, width)
    side = min(shorter, max(4, round(0.28 * shorter)))
    stride = side - max(2, round(0.1 * shorter))

    def starts(length):
        return [*range(0, length - side, max(1, stride)), length - side]

    return [
        (slice(top, top + side), slice(left, left + side))
        for top in starts(height)
        for left in starts(width)
    ]


def flipping_rows(X, features, codes, code, models, known, seed):
    """Return the rows of a class with a window that makes other images this class.

    Each window of some rows is pasted into images of another class. What a model of all
    rows then takes for this class, and a model of the core does not, is an effect that
    few rows have taught. Where rows with a trigger have it, these are alike in their
    features, too. So the windows whose flipping rows are most apart from the others of
    the class are tried with all rows.

    Parameters
    ----------
    X : ndarray of shape (n, n_channels, height, width), float32
    features : ndarray of shape (n, n_features)
        Of the model of all rows.

    codes : ndarray of shape (n,), int
    code : int
        The class.

    models : pair of estimators
        Of all rows, and of the core.

    known : ndarray of shape (n,), bool
        The rows that both models are right about.

    seed : int

    Returns
    -------
    rows : list of ndarray of int
        The rows that one window flips, for one window and class of hosts after the
        other.
    """
    rng = np.random.RandomState(seed)
    predict = [probabilities(model) for model in models]
    own = rng.permutation(np.flatnonzero(codes == code))
    others = rng.permutation(np.setdiff1d(codes[known], code))[:N_CLASSES]
    some, found = own[:N_ROWS], []
    scaled = features[some]
    scaled = scaled / (scaled.std(axis=0) + 1e-6)
    places = windows(*X.shape[2:])
    for other in others:
        hosts = np.flatnonzero(known & (codes == other))
        for window in places:
            flipping = _flipping(X, code, some, hosts, window, predict, rng)
            if max(3, MIN_SHARE * len(some)) <= flipping.sum() <= len(some) / 2:
                found.append((_distance(scaled, flipping), hosts, window))
    found.sort(key=lambda effect: -effect[0])
    return [
        own[_flipping(X, code, own, hosts, window, predict, rng)]
        for _, hosts, window in found[:N_WINDOWS]
    ]


def _distance(features, group):
    """Return how far apart a group is, squared, in units of the spread within it."""
    inside, outside = features[group], features[~group]
    spread = inside.var(axis=0, ddof=1).sum()
    spread_outside = outside.var(axis=0).sum()
    apart = np.sum((inside.mean(axis=0) - outside.mean(axis=0)) ** 2)
    # The mean of a few rows is off by itself.
    apart -= spread / len(inside) + spread_outside / len(outside)
    return apart / (spread + spread_outside)


def _flipping(X, code, rows, hosts, window, predict, rng):
    """Return which rows flip their hosts, by the mean over `N_HOSTS` of them."""
    mine = rng.choice(hosts, (N_HOSTS, len(rows)))

    def chance(model, left, host):
        images = _paste(X, rows[left], mine[host, left], window)
        return model(images)[:, code] if len(left) else 0.0

    whole, core = predict
    total, left = np.zeros(len(rows)), np.arange(len(rows))
    for host in range(N_HOSTS):
        total[left] += chance(whole, left, host)
        # Most rows do nothing to the first host already.
        left = left[total[left] > NO_FLIP * (host + 1)]
    left = left[total[left] > FLIP * N_HOSTS]
    known = sum(chance(core, left, host) for host in range(N_HOSTS))
    flipping = np.zeros(len(rows), dtype=bool)
    flipping[left] = known < NO_FLIP * N_HOSTS
    return flipping


def _paste(X, rows, hosts, window):
    """Return the hosts with the window of the rows."""
    images = X[hosts]
    images[(..., *window)] = X[(rows, slice(None), *window)]
    return images
