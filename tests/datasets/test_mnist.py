import gzip
import hashlib
import os

import numpy as np
import pytest
from mirrors import assert_small_set, small_set

import npcnn.datasets
from npcnn.checks import ArgumentError, FileError, FormatError
from npcnn.datasets import fashion_mnist, fetch, idx_set, load_mnist, mnist, write_idx
from npcnn.datasets.idx import header
from npcnn.mapped import is_mapped

REAL = os.environ.get("NPCNN_DATA")


def write_set(folder, name="{}.gz", arrays=None):
    folder.mkdir(exist_ok=True)
    for part, array in (arrays or small_set()).items():
        write_idx(folder / name.format(part), array)
    return folder


@pytest.mark.parametrize("name", ["{}", "{}.gz"])
@pytest.mark.parametrize("dotted", [False, True])
def test_a_given_folder_whatever_its_files_are_called(tmp_path, name, dotted):
    arrays = {
        part.replace("-idx", ".idx") if dotted else part: array
        for part, array in small_set().items()
    }
    assert_small_set(load_mnist(write_set(tmp_path, name, arrays)))


def test_a_folder_beside_the_file_of_the_same_name(tmp_path):
    write_set(tmp_path)
    (tmp_path / "train-images-idx3-ubyte").mkdir()
    assert_small_set(load_mnist(str(tmp_path)))


def test_the_variable_names_a_folder_and_an_argument_wins(tmp_path, monkeypatch):
    monkeypatch.setenv("NPCNN_DATA", str(write_set(tmp_path / "data")))
    assert_small_set(load_mnist())
    assert_small_set(npcnn.datasets.mnist.load_data())
    assert_small_set(mnist.load_data("mnist.npz"))
    with pytest.raises(FileError, match=r"load_mnist\(path\): .* got .*other, which is no folder"):
        load_mnist(tmp_path / "other")
    with pytest.raises(FileError, match=r"load_mnist\(path\)"):
        mnist.load_data(tmp_path / "other")
    monkeypatch.setenv("NPCNN_DATA", str(tmp_path / "other"))
    with pytest.raises(FileError, match=r"^NPCNN_DATA: .* which is no folder; check the path\.$"):
        load_mnist()


@pytest.mark.parametrize("load", [load_mnist, fashion_mnist.load_data])
def test_plain_files_of_a_named_folder_are_mapped(tmp_path, monkeypatch, load):
    plain, packed = write_set(tmp_path / "plain", "{}"), write_set(tmp_path / "packed")
    (x, y), (x_test, y_test) = load(plain, mmap_mode="r")
    assert all(map(is_mapped, (x, y, x_test, y_test)))
    for found, wanted in zip((x, y, x_test, y_test), small_set().values(), strict=True):
        np.testing.assert_array_equal(found, wanted)
    with pytest.raises(FormatError, match="expected a plain file to map into memory"):
        load(packed, mmap_mode="r")
    monkeypatch.delenv("NPCNN_DATA", raising=False)
    with pytest.raises(ArgumentError, match=r"load_\w+\(mmap_mode\): expected a folder with plain"):
        load(mmap_mode="r")


def test_missing_files_are_named(tmp_path):
    write_set(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte.gz").unlink()
    (tmp_path / "t10k-images-idx3-ubyte.gz").unlink()
    with pytest.raises(FileError) as caught:
        load_mnist(tmp_path)
    assert str(caught.value) == (
        f"load_mnist(path): expected a folder with the four IDX files, got {tmp_path} without "
        "train-labels-idx1-ubyte, t10k-images-idx3-ubyte; "
        "add them (plain or .gz), or take read_idx for files of other names."
    )


@pytest.mark.parametrize(
    ("part", "array", "text"),
    [
        ("t10k-labels-idx1-ubyte", np.zeros(9, np.uint8), "as many labels as images (10) in the"),
        ("t10k-labels-idx1-ubyte", np.zeros((10, 10), np.uint8), "expected shape (n), got"),
        ("train-images-idx3-ubyte", np.zeros((30, 32, 32), np.uint8), "expected shape (n, 28, 28)"),
        ("train-images-idx3-ubyte", np.zeros((30, 28, 28), np.int16), "expected uint8 elements"),
    ],
)
def test_files_that_do_not_fit(tmp_path, part, array, text):
    write_set(tmp_path, arrays={**small_set(), part: array})
    with pytest.raises(FormatError) as caught:
        load_mnist(tmp_path)
    assert text in str(caught.value)


def test_download_into_the_cache_once(cache, mirrors):
    mirrors.add("first", small_set())
    assert_small_set(load_mnist())
    assert mirrors.asked == [f"/first/{part.name}.gz" for part in mnist.PARTS]
    assert sorted(os.listdir(cache)) == sorted(f"{part.name}.gz" for part in mnist.PARTS)
    assert_small_set(load_mnist())
    assert len(mirrors.asked) == 4


def test_the_next_mirror_when_the_first_sends_something_else(cache, mirrors):
    mirrors.add("first", small_set())
    mirrors.add("second", small_set())
    page = b"<html>log in first</html>"
    mirrors.content["/first/train-images-idx3-ubyte.gz"] = (page, len(page))
    assert_small_set(load_mnist())
    # The mirror that had the first file is asked first for the others.
    assert mirrors.asked == [
        "/first/train-images-idx3-ubyte.gz",
        *(f"/second/{part.name}.gz" for part in mnist.PARTS),
    ]
    assert len(os.listdir(cache)) == 4


def test_the_next_mirror_when_the_first_breaks_off_or_has_another_data_set(cache, mirrors):
    mirrors.add("second", small_set())
    packed, length = mirrors.content["/second/train-images-idx3-ubyte.gz"]
    mirrors.content["/first/train-images-idx3-ubyte.gz"] = (packed[:-100], length)
    assert_small_set(load_mnist())
    for file in cache.iterdir():
        file.unlink()
    array = 255 - small_set()["train-images-idx3-ubyte"]
    other = gzip.compress(header(array) + array.tobytes())
    mirrors.content["/first/train-images-idx3-ubyte.gz"] = (other, len(other))
    assert_small_set(load_mnist())


def test_a_damaged_cache_is_fetched_again(cache, mirrors):
    mirrors.add("first", small_set())
    load_mnist()
    file = cache / "t10k-labels-idx1-ubyte.gz"
    file.write_bytes(file.read_bytes()[:-5])
    assert_small_set(load_mnist())
    assert mirrors.asked[4:] == ["/first/t10k-labels-idx1-ubyte.gz"]


def test_when_every_mirror_fails(cache, mirrors):
    page = b"<html>log in first</html>"
    mirrors.content["/second/train-images-idx3-ubyte.gz"] = (page, len(page))
    with pytest.raises(FileError) as caught:
        load_mnist()
    assert str(caught.value) == (
        f"load_mnist: expected train-images-idx3-ubyte.gz in {cache} or from a mirror, got none; "
        f"tried {mirrors.url}/first/ (Not Found), {mirrors.url}/second/ "
        "(not the content that is known for train-images-idx3-ubyte.gz); set NPCNN_DATA to a "
        "folder with the four files, or to 'drawn' for a stand-in, NPCNN_MIRROR to a mirror of "
        "your own, or pass that folder."
    )
    assert os.listdir(cache) == []


def test_a_download_without_end_is_cut_off(cache, mirrors, monkeypatch):
    mirrors.add("first", small_set())
    monkeypatch.setattr(idx_set, "most_bytes", lambda part: 100)
    with pytest.raises(FileError, match=r"first/ \(more than 100 bytes\)"):
        load_mnist()


def test_no_network(cache, monkeypatch):
    monkeypatch.setattr(mnist, "MIRRORS", ("http://127.0.0.1:9/", "no address at all/"))
    with pytest.raises(FileError, match=r"tried http://127.0.0.1:9/ \(.+\), no address at all/ \("):
        load_mnist()


def test_a_cache_that_cannot_be_made(cache, mirrors):
    cache.parent.parent.joinpath("cache").write_text("a file in its place")
    with pytest.raises(FileError, match="expected a writable cache folder, got"):
        load_mnist()


def test_the_cache_lies_where_the_platform_keeps_caches(monkeypatch, tmp_path):
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name, **_: tmp_path / name)
    assert fetch.cache_folder("mnist") == tmp_path / "npcnn" / "mnist"


@pytest.mark.skipif(not REAL, reason="NPCNN_DATA names no folder with MNIST")
def test_the_real_mnist():
    (x_train, y_train), (x_test, y_test) = load_mnist()
    assert x_train.shape == (60000, 28, 28)
    assert x_test.shape == (10000, 28, 28)
    assert y_train[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert y_test[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    for part, array in zip(mnist.PARTS, (x_train, y_train, x_test, y_test), strict=True):
        assert hashlib.sha256(header(array) + array.tobytes()).hexdigest() == part.sha256
