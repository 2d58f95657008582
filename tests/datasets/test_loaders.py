"""Loaders: what is read, from where, and what is said when nothing is there."""

import gzip

import numpy as np
import pytest
from sklearn.datasets._openml import OpenMLError

from sklearn_ispl.datasets import _loaders, load_image_data


@pytest.fixture
def arrays():
    rng = np.random.RandomState(0)
    return {
        "x_train": rng.randint(256, size=(6, 4, 5, 3), dtype=np.uint8),
        "y_train": np.arange(6),
        "x_test": rng.randint(256, size=(3, 4, 5, 3), dtype=np.uint8),
        "y_test": np.arange(3),
    }


def write_idx(path, array):
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    with gzip.open(path, "wb") as file:
        file.write(header + array.astype(np.uint8).tobytes())


@pytest.mark.parametrize("where", ["argument", "environment", "scikit-learn"])
def test_npz(arrays, tmp_path, monkeypatch, where):
    home, data_home = tmp_path, None
    if where == "argument":
        data_home = tmp_path
    elif where == "environment":
        monkeypatch.setenv("SKLEARN_ISPL_DATA", str(tmp_path))
    else:
        monkeypatch.delenv("SKLEARN_ISPL_DATA", raising=False)
        monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path))
        home = tmp_path / "sklearn_ispl"
        home.mkdir()
    np.savez(home / "cifar10.npz", **arrays)
    data = load_image_data("cifar10", data_home=data_home)
    assert data.X_train.shape == (6, 3, 4, 5) and data.X_train.dtype == np.float32
    assert data.X_train.flags.c_contiguous
    np.testing.assert_array_equal(
        np.round(data.X_test[:, 2] * 255), arrays["x_test"][..., 2]
    )
    np.testing.assert_array_equal(data.y_train, np.arange(6))
    assert data.groups is None


def test_groups_are_the_tracks(arrays, tmp_path):
    np.savez(tmp_path / "gtsrb.npz", track_train=np.arange(6) // 2, **arrays)
    data = load_image_data("gtsrb", data_home=tmp_path)
    np.testing.assert_array_equal(data.groups, [0, 0, 1, 1, 2, 2])


def test_idx(arrays, tmp_path):
    for part in ("train", "test"):
        images = arrays[f"x_{part}"][..., 0]
        name = {"train": "train", "test": "t10k"}[part]
        write_idx(tmp_path / f"{name}-images-idx3-ubyte.gz", images)
        write_idx(tmp_path / f"{name}-labels-idx1-ubyte.gz", arrays[f"y_{part}"])
    data = load_image_data("fashion-mnist", data_home=tmp_path)
    np.testing.assert_array_equal(
        np.round(data.X_train[:, 0] * 255), arrays["x_train"][..., 0]
    )
    np.testing.assert_array_equal(data.y_test, np.arange(3))


def test_download_is_kept(tmp_path, monkeypatch):
    def fetch(data_id, **options):
        assert data_id == 40996
        rng = np.random.RandomState(0)
        return rng.randint(256, size=(60_002, 784)).astype(float), np.full(60_002, "3")

    monkeypatch.setattr(_loaders, "fetch_openml", fetch)
    data = load_image_data("fashion-mnist", data_home=tmp_path / "new")
    assert data.X_test.shape == (2, 1, 28, 28) and set(data.y_train) == {3}
    monkeypatch.setattr(_loaders, "fetch_openml", None)  # must not be called again
    again = load_image_data("fashion-mnist", data_home=tmp_path / "new")
    np.testing.assert_array_equal(again.X_test, data.X_test)


@pytest.mark.parametrize(
    "name, hint",
    [
        ("gtsrb", r"Put gtsrb\.npz .*track_train"),
        ("cifar10", r"Put cifar10\.npz"),
        ("fashion-mnist", "train-images-idx3-ubyte.gz"),
    ],
)
@pytest.mark.parametrize("error", [OSError, OpenMLError])
def test_missing_files_say_what_to_put_where(name, hint, error, tmp_path, monkeypatch):
    def unreachable(**options):
        raise error("no network")

    monkeypatch.setattr(_loaders, "fetch_openml", unreachable)
    with pytest.raises(FileNotFoundError, match=hint) as caught:
        load_image_data(name, data_home=tmp_path)
    assert str(tmp_path) in str(caught.value)
    assert "SKLEARN_ISPL_DATA" in str(caught.value)


def test_one_idx_file_is_not_enough(arrays, tmp_path):
    write_idx(tmp_path / "train-images-idx3-ubyte.gz", arrays["x_train"][..., 0])
    with pytest.raises(FileNotFoundError, match="all of .*t10k-labels-idx1-ubyte.gz"):
        load_image_data("fashion-mnist", data_home=tmp_path, download_if_missing=False)


def test_unknown_name(tmp_path):
    with pytest.raises(ValueError, match="'name' parameter.*'mnist'"):
        load_image_data("mnist", data_home=tmp_path)
