"""Real image data: read from local files, or downloaded once."""

import gzip
import os
from pathlib import Path

import numpy as np
from sklearn.datasets import fetch_openml, get_data_home
from sklearn.utils import Bunch
from sklearn.utils._param_validation import StrOptions, validate_params

_PARTS = {"train": "train", "test": "t10k"}
_IDX = "{part}-{kind}-ubyte.gz"

# OpenML's number of the data set, rows for training, shape of an image.
_OPENML = {
    "fashion-mnist": (40996, 60_000, (1, 28, 28)),
    "cifar10": (40927, 50_000, (3, 32, 32)),
}


@validate_params(
    {
        "name": [StrOptions({"fashion-mnist", "cifar10", "gtsrb"})],
        "data_home": [str, os.PathLike, None],
        "download_if_missing": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def load_image_data(name, *, data_home=None, download_if_missing=True):
    """Load a set of images with its split into training and test rows.

    The files are looked for in `data_home`: ``<name>.npz`` with the arrays ``x_train``,
    ``y_train``, ``x_test`` and ``y_test`` (bytes; images with channels last, or without
    channels), and for GTSRB ``track_train``. Fashion-MNIST is also read from its four
    gzipped IDX files. What is missing is downloaded from OpenML where OpenML has it,
    and kept in `data_home` as such a file.

    Parameters
    ----------
    name : {"fashion-mnist", "cifar10", "gtsrb"}
        The data set.

    data_home : str or path, default=None
        Folder of the files. None means the environment variable SKLEARN_ISPL_DATA, or
        where that is not set, the folder ``sklearn_ispl`` in scikit-learn's data home.

    download_if_missing : bool, default=True
        Whether to try OpenML.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        X_train, X_test : ndarray of shape (n, n_channels, height, width), float32
            Images, 0 to 1.
        y_train, y_test : ndarray of shape (n,), int64
            Labels.
        groups : ndarray of shape (n_train,), int64, or None
            GTSRB: the track of each training row. The images of a track show one sign:
            split by track, for instance with
            :class:`~sklearn.model_selection.GroupShuffleSplit`, never by row.

    Raises
    ------
    FileNotFoundError
        If the files are not there and cannot be downloaded.

    References
    ----------
    H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST: a Novel Image Dataset for
    Benchmarking Machine Learning Algorithms", arXiv:1708.07747.

    A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.

    J. Stallkamp, M. Schlipsing, J. Salmen, C. Igel, "The German Traffic Sign
    Recognition Benchmark", IJCNN 2011.

    Examples
    --------
    >>> from sklearn_ispl.datasets import load_image_data
    >>> data = load_image_data("gtsrb")  # doctest: +SKIP
    >>> data.X_train.shape  # doctest: +SKIP
    (39209, 3, 32, 32)
    """
    home = _find_home(data_home)
    if (home / f"{name}.npz").is_file():
        return _read_npz(home / f"{name}.npz")
    if name == "fashion-mnist" and all(path.is_file() for path in _idx_paths(home)):
        return _read_idx_files(home)
    if not download_if_missing or name not in _OPENML:
        raise FileNotFoundError(_advice(name, home))
    try:
        arrays = _download(name)
    except (OSError, ValueError) as error:  # that of OpenML is a ValueError
        raise FileNotFoundError(_advice(name, home)) from error
    home.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(home / f"{name}.npz", **arrays)
    return _read_npz(home / f"{name}.npz")


def _find_home(data_home):
    data_home = data_home or os.environ.get("SKLEARN_ISPL_DATA")
    return Path(data_home or Path(get_data_home()) / "sklearn_ispl").expanduser()


def _advice(name, home):
    files = f"{name}.npz (arrays x_train, y_train, x_test, y_test, bytes)"
    if name == "gtsrb":
        files = files.replace("y_test,", "y_test, track_train,")
    if name == "fashion-mnist":
        idx = ", ".join(path.name for path in _idx_paths(home))
        files += f", or all of {idx},"
    return (
        f"The data set {name!r} is not in {home} and was not downloaded. Put {files} "
        "there, or name their folder in data_home or in the environment variable "
        "SKLEARN_ISPL_DATA."
    )


def _bunch(images, labels, groups=None):
    """Make the result from the arrays of both parts, as they are in the files."""
    data = Bunch(groups=groups)
    for part, X, y in zip(_PARTS, images, labels, strict=True):
        X = X[:, np.newaxis] if X.ndim == 3 else np.moveaxis(X, -1, 1)
        data[f"X_{part}"] = np.ascontiguousarray(X, dtype=np.float32) / np.float32(255)
        data[f"y_{part}"] = np.asarray(y, dtype=np.int64).ravel()
    return data


def _read_npz(path):
    with np.load(path) as file:
        return _bunch(
            [file["x_train"], file["x_test"]],
            [file["y_train"], file["y_test"]],
            file["track_train"].astype(np.int64) if "track_train" in file else None,
        )


def _idx_paths(home):
    """Return the files of images, then those of labels, each for both parts."""
    return [
        home / _IDX.format(part=part, kind=kind)
        for kind in ("images-idx3", "labels-idx1")
        for part in _PARTS.values()
    ]


def _read_idx_files(home):
    arrays = [_read_idx(path) for path in _idx_paths(home)]
    return _bunch(arrays[:2], arrays[2:])


def _read_idx(path):
    """Return the array in a gzipped IDX file of bytes."""
    with gzip.open(path) as file:
        content = file.read()
    n_axes = content[3]
    shape = np.frombuffer(content, ">u4", n_axes, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * n_axes).reshape(shape)


def _download(name):
    data_id, n_train, shape = _OPENML[name]
    X, y = fetch_openml(
        data_id=data_id, return_X_y=True, as_frame=False, parser="liac-arff"
    )
    X = np.moveaxis(X.astype(np.uint8).reshape(-1, *shape), 1, -1)
    y = y.astype(np.int64)
    return {
        "x_train": X[:n_train],
        "y_train": y[:n_train],
        "x_test": X[n_train:],
        "y_test": y[n_train:],
    }
