import gzip
import hashlib
import io
import os
import pickle
import tarfile
import tracemalloc

import numpy as np
import pytest
from mirrors import Mirrors

from npcnn.checks import ArgumentError, FileError, FormatError
from npcnn.datasets import cifar, cifar10, cifar100, fetch

MODULES = [cifar10, cifar100]


def small(module, train=6, test=4):
    """Return the archive with few records, and their bytes by file."""
    archive = module.ARCHIVE._replace(records=train, test_records=test)
    rng = np.random.default_rng(3)
    files = {}
    for name in (*archive.train, *archive.test):
        n = train if name in archive.train else test
        records = rng.integers(0, 256, (n, len(archive.labels) + 3072), dtype=np.uint8)
        for column, classes in enumerate(archive.labels):
            records[:, column] = rng.integers(0, classes, n)
        files[name] = records
    return archive, files


def packed(files, **others):
    """Return a .tar.gz of files in a folder, as published."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name, content in {**files, **others}.items():
            content = bytes(content)
            member = tarfile.TarInfo(f"cifar-binary/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


@pytest.fixture(params=MODULES, ids=["cifar10", "cifar100"])
def data(request, monkeypatch, tmp_path):
    """A module whose archive is a small one, the files of that, and its packed bytes."""
    archive, files = small(request.param)
    content = packed(files, **{"readme.html": b"<p>"})
    archive = archive._replace(sha256=hashlib.sha256(content).hexdigest(), size=len(content))
    monkeypatch.setattr(request.param, "ARCHIVE", archive)
    monkeypatch.setattr(fetch, "cache_folder", lambda name: tmp_path / "cache" / name)
    for name in ("NPCNN_DATA", "NPCNN_MIRROR", "http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    return request.param, files, content


def assert_is(loaded, files, module):
    """Hold images and labels against a plain loop over the records."""
    archive = module.ARCHIVE
    for (x, y), names in zip(loaded, (archive.train, archive.test), strict=True):
        assert x.dtype == y.dtype == np.uint8
        records = np.concatenate([files[name] for name in names])
        assert x.shape == (len(records), 32, 32, 3)
        assert y.shape == (len(records), 1)
        column = len(archive.labels) - 1  # the fine ones
        for i, record in enumerate(records):
            assert y[i, 0] == record[column]
            for row, column_, channel in ((0, 0, 0), (0, 1, 0), (1, 0, 1), (31, 31, 2), (7, 9, 1)):
                place = len(archive.labels) + channel * 1024 + row * 32 + column_
                assert x[i, row, column_, channel] == record[place]


def test_an_archive_in_a_folder(data, tmp_path, monkeypatch):
    module, files, content = data
    (tmp_path / module.ARCHIVE.file).write_bytes(content)
    assert_is(module.load_data(path=tmp_path), files, module)
    (tmp_path / "all").mkdir()
    tmp_path.joinpath("all", module.ARCHIVE.name).mkdir()
    (tmp_path / "all" / module.ARCHIVE.name / module.ARCHIVE.file).write_bytes(content)
    monkeypatch.setenv("NPCNN_DATA", str(tmp_path / "all"))
    assert_is(module.load_data(), files, module)


@pytest.mark.parametrize("within", ["", "cifar-10-batches-bin", "cifar-100-binary"])
def test_files_that_lie_open(data, tmp_path, within):
    module, files, _ = data
    (tmp_path / within).mkdir(exist_ok=True)
    for name, records in files.items():
        (tmp_path / within / name).write_bytes(bytes(records))
    assert_is(module.load_data(path=tmp_path), files, module)


def test_a_download_into_the_cache_once(data, tmp_path, monkeypatch):
    module, files, content = data
    mirrors = Mirrors()
    try:
        archive = module.ARCHIVE._replace(
            mirrors=(f"{mirrors.url}/first/", f"{mirrors.url}/second/")
        )
        monkeypatch.setattr(module, "ARCHIVE", archive)
        other = packed({name: records[::-1] for name, records in files.items()})
        mirrors.content[f"/first/{archive.file}"] = (other[: len(content)], len(content))
        mirrors.content[f"/second/{archive.file}"] = (content, len(content))
        assert_is(module.load_data(), files, module)
        assert len(mirrors.asked) == 2
        assert_is(module.load_data(), files, module)
        assert len(mirrors.asked) == 2
        cached = tmp_path / "cache" / archive.name / archive.file
        cached.write_bytes(content[:-20])  # damaged: fetched again
        assert_is(module.load_data(), files, module)
        assert len(mirrors.asked) == 4
        assert os.listdir(cached.parent) == [archive.file]
    finally:
        mirrors.close()


def test_labels_of_both_kinds():
    with pytest.raises(ArgumentError, match=r"\(label_mode\): expected one of fine, coarse, got"):
        cifar100.load_data("course")


def test_coarse_labels(monkeypatch, tmp_path):
    archive, files = small(cifar100)
    monkeypatch.setattr(cifar100, "ARCHIVE", archive)
    for name, records in files.items():
        (tmp_path / name).write_bytes(bytes(records))
    (_, fine), _ = cifar100.load_data(path=tmp_path)
    (_, coarse), (_, test) = cifar100.load_data("coarse", tmp_path)
    np.testing.assert_array_equal(coarse, files["train.bin"][:, :1])
    np.testing.assert_array_equal(fine, files["train.bin"][:, 1:2])
    assert len(test) == 4


def test_pickles_are_never_opened(data, tmp_path):
    module, files, _ = data
    started = tmp_path / "started"

    class Program:
        def __reduce__(self):
            return os.mkdir, (str(started),)

    program = pickle.dumps(Program())
    for name in ("data_batch_1", "test_batch", "train", "test", "meta"):
        (tmp_path / name).write_bytes(program)
    with pytest.raises(FileError, match="get the binary version; that for Python is made of pickl"):
        module.load_data(path=tmp_path)
    for name in files:
        (tmp_path / name).write_bytes(program)
    with pytest.raises(FormatError, match=r"records of 3,07. bytes, got"):
        module.load_data(path=tmp_path)
    assert not started.exists()


@pytest.mark.parametrize(
    ("spoil", "text"),
    [
        (lambda files, name: files.pop(name), "got none of"),
        (lambda files, name: files.update({name: files[name][1:]}), "records of 3,07. bytes, got"),
        (lambda files, name: files[name].fill(255), "expected labels from 0 to"),
    ],
)
def test_archives_that_do_not_fit(data, tmp_path, spoil, text):
    module, files, _ = data
    for name in (module.ARCHIVE.train[0], module.ARCHIVE.test[0]):
        spoiled = {key: value.copy() for key, value in files.items()}
        spoil(spoiled, name)
        (tmp_path / module.ARCHIVE.file).write_bytes(packed(spoiled))
        with pytest.raises(FormatError, match=text) as caught:
            module.load_data(path=tmp_path)
        assert name in str(caught.value)
        assert "\n" not in str(caught.value)


def test_spoilt_archives_are_one_line(data, tmp_path):
    module, _, content = data
    rng = np.random.default_rng(0)
    plain = gzip.decompress(content)
    for trial in range(300):
        spoiled = bytearray(plain if trial % 2 else content)
        for _ in range(rng.integers(1, 4)):
            at = rng.integers(len(spoiled) if trial % 3 else 1024)
            spoiled[at] = rng.integers(256)
        if trial % 5 == 0:
            del spoiled[rng.integers(len(spoiled)) :]
        packed_again = gzip.compress(spoiled, 1) if trial % 2 else bytes(spoiled)
        (tmp_path / module.ARCHIVE.file).write_bytes(packed_again)
        try:
            (x, _), _ = module.load_data(path=tmp_path)
        except FormatError as error:
            x = str(error)
        assert "\n" not in x if isinstance(x, str) else x.dtype == np.uint8


def test_an_archive_that_unpacks_without_end_is_bounded(data, tmp_path):
    module, _, _ = data
    head = tarfile.TarInfo("x/large.bin")
    head.size = 200_000_000
    with gzip.open(tmp_path / module.ARCHIVE.file, "wb", compresslevel=1) as file:
        file.write(head.tobuf())
        for _ in range(200):
            file.write(bytes(1_000_000))
    tracemalloc.start()
    with pytest.raises(FormatError, match=r"got none of|whole .tar.gz"):
        module.load_data(path=tmp_path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000


def test_files_that_cannot_be_read_are_one_line(data, tmp_path, monkeypatch):
    module, files, _ = data
    for name, records in files.items():
        (tmp_path / name).write_bytes(bytes(records))

    def refused(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(cifar, "open", refused, raising=False)
    with pytest.raises(FileError, match="readable files, got Permission denied; check the files'"):
        module.load_data(path=tmp_path)


def test_what_is_known_of_the_archives():
    for module in MODULES:
        archive = module.ARCHIVE
        assert len(archive.sha256) == 64
        assert len(archive.mirrors) >= 2
        assert any("cn-north" in mirror for mirror in archive.mirrors)  # reached from China
        assert archive.records * len(archive.train) == 50_000
        width = len(archive.labels) + cifar.PIXELS
        assert archive.size < 60_000 * width
