import gzip
import os
import struct
import tracemalloc

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import npcnn
from npcnn import layers
from npcnn.checks import ArgumentError, DtypeError, FileError, FormatError
from npcnn.datasets import read_idx, write_idx
from npcnn.mapped import is_mapped

DTYPES = ("u1", "i1", "i2", "i4", "f4", "f8")


def idx_bytes(code, sizes, content):
    return bytes([0, 0, code, len(sizes)]) + struct.pack(f">{len(sizes)}I", *sizes) + content


@pytest.fixture
def file(tmp_path):
    def write(content, name="some.idx"):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


@pytest.mark.parametrize("name", ["a.idx", "a.idx.gz"])
@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    array=hnp.arrays(
        dtype=st.sampled_from(DTYPES),
        shape=hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=5),
    )
)
def test_what_was_written_is_read(tmp_path_factory, name, array):
    path = tmp_path_factory.mktemp("idx") / name
    write_idx(path, array)
    back = read_idx(path)
    assert back.dtype == array.dtype
    assert back.dtype.isnative
    assert back.flags.writeable
    np.testing.assert_array_equal(back, array)


@pytest.mark.parametrize(
    ("code", "content", "expected"),
    [
        (0x08, b"\x00\xff", np.array([0, 255], "u1")),
        (0x09, b"\x00\xff", np.array([0, -1], "i1")),
        (0x0B, b"\x01\x02\xff\xfe", np.array([258, -2], "i2")),
        (0x0C, b"\x00\x01\x00\x00\xff\xff\xff\xff", np.array([65536, -1], "i4")),
        (0x0D, b"\x3f\x80\x00\x00\xc0\x00\x00\x00", np.array([1, -2], "f4")),
        (0x0E, b"\x3f\xf0" + bytes(6) + b"\xc0\x00" + bytes(6), np.array([1, -2], "f8")),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_every_dtype_is_big_endian(file, code, content, expected, packed):
    raw = idx_bytes(code, [2], content)
    # The name says nothing about compression: only the content counts.
    back = read_idx(file(gzip.compress(raw) if packed else raw))
    assert back.dtype == expected.dtype
    np.testing.assert_array_equal(back, expected)


def test_the_file_is_as_published(tmp_path):
    write_idx(tmp_path / "a", np.arange(6, dtype="<i2").reshape(2, 3)[:, ::-1])
    content = struct.pack(">6h", 2, 1, 0, 5, 4, 3)
    assert (tmp_path / "a").read_bytes() == idx_bytes(0x0B, [2, 3], content)


def test_the_same_array_is_compressed_to_the_same_bytes(tmp_path):
    for name in ("one.gz", "two.gz"):
        write_idx(tmp_path / name, np.arange(9, dtype=np.uint8))
    assert (tmp_path / "one.gz").read_bytes() == (tmp_path / "two.gz").read_bytes()
    assert gzip.decompress((tmp_path / "one.gz").read_bytes())[:4] == b"\0\0\x08\x01"


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "got an empty file"),
        (b"\0\0\x08", "expected an IDX file"),
        (b"PK\x03\x04rest", "the first bytes 50 4b 03 04"),
        (b"\0\0\x0a\x01" + bytes(8), "expected an IDX file"),
        (b"\0\0\x08\x00", "expected 1 to 32 dimensions, got 0"),
        (b"\0\0\x08\xff" + bytes(2000), "expected 1 to 32 dimensions, got 255"),
        (b"\0\0\x08\x02\0\0\0\x01", "expected 2 sizes of 4 bytes, got 4 bytes"),
        (idx_bytes(8, [5], b"abcd"), "expected 5 bytes of elements for shape (5,), got 4"),
        (idx_bytes(8, [3], b"abcd"), "expected 3 bytes of elements for shape (3,), got"),
        (idx_bytes(0x0C, [2], b"abcd"), "expected 8 bytes of elements for shape (2,), got 4"),
        (idx_bytes(8, [0, 2**32 - 1, 2**32 - 1, 2**32 - 1], b""), "sizes that an array can have"),
    ],
)
def test_wrong_content_is_one_clear_error(file, content, text, packed):
    path = file(gzip.compress(content) if packed else content)
    with pytest.raises(FormatError) as caught:
        read_idx(path)
    line = str(caught.value)
    assert text in line
    assert line.startswith(f"read {path}: expected ")
    assert line.endswith("; get the file again or name another one.")
    assert "\n" not in line


@pytest.mark.parametrize("packed", [False, True])
def test_sizes_that_the_file_cannot_hold_take_no_memory(file, packed):
    content = idx_bytes(8, [2**32 - 1, 2**32 - 1], b"abc")
    path = file(gzip.compress(content) if packed else content)
    tracemalloc.start()
    with pytest.raises(FormatError, match="18,446,744,065,119,617,025 bytes of elements"):
        read_idx(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


def test_a_bomb_is_unpacked_no_further_than_its_header_says(file):
    path = file(gzip.compress(idx_bytes(8, [10], bytes(64_000_000)), compresslevel=1))
    tracemalloc.start()
    with pytest.raises(FormatError, match=r"expected 10 bytes of elements .* got more"):
        read_idx(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


def test_damaged_gzip(file):
    packed = bytearray(gzip.compress(idx_bytes(8, [1000], bytes(range(250)) * 4)))
    with pytest.raises(FormatError, match="expected a whole gzip file"):
        read_idx(file(packed[:-9]))
    packed[-6] ^= 1  # the checksum
    with pytest.raises(FormatError, match="CRC check failed"):
        read_idx(file(packed))
    packed[14] ^= 0xFF
    with pytest.raises(FormatError):
        read_idx(file(packed))


def test_dtype_and_shape_asked_for(file):
    path = file(idx_bytes(8, [2, 3], b"abcdef"))
    assert read_idx(path, dtype=np.uint8, shape=(None, 3)).tolist() == [
        [97, 98, 99],
        [100, 101, 102],
    ]
    with pytest.raises(FormatError, match=r"expected shape \(n, 4\), got \(2, 3\)"):
        read_idx(path, shape=(None, 4))
    with pytest.raises(FormatError, match=r"expected shape \(n\), got \(2, 3\)"):
        read_idx(path, shape=(None,))
    with pytest.raises(FormatError, match="expected int16 elements, got uint8"):
        read_idx(path, dtype="int16")


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(FileError, match=r"nothing.idx: expected a readable file, got No such file"):
        read_idx(tmp_path / "nothing.idx")
    with pytest.raises(FileError, match="expected a file, got a folder or device; name the file"):
        read_idx(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_refused_rather_than_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileError, match="got a folder or device"):
        read_idx(tmp_path / "pipe")


def test_arrays_that_idx_cannot_hold(tmp_path):
    with pytest.raises(DtypeError, match=r"expected uint8, .* got int64; convert it"):
        write_idx(tmp_path / "a", np.arange(3, dtype=np.int64))
    with pytest.raises(DtypeError, match="got bool"):
        write_idx(tmp_path / "a", np.array([True]))
    with pytest.raises(ArgumentError, match=r"expected 1 to 32 dimensions, .* got shape \(\)"):
        write_idx(tmp_path / "a", np.uint8(3))
    with pytest.raises(FileError, match="expected a writable place"):
        write_idx(tmp_path / "no folder" / "a", np.zeros(3, np.uint8))
    assert list(tmp_path.iterdir()) == []


def test_a_compressed_file_that_says_honestly_how_much_it_holds_is_bounded(file, tmp_path):
    path = tmp_path / "large.idx.gz"
    with gzip.open(path, "wb", compresslevel=6) as packed:
        packed.write(idx_bytes(8, [100_000_000], b""))
        for _ in range(100):
            packed.write(bytes(1_000_000))
    assert path.stat().st_size < 100_000
    tracemalloc.start()
    with pytest.raises(FormatError) as caught:
        read_idx(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000
    assert "bytes of elements in a compressed file of" in str(caught.value)
    assert "got 100,000,000; pass max_bytes=100000000 to read_idx if you trust" in str(caught.value)
    assert read_idx(path, max_bytes=100_000_000).size == 100_000_000
    with pytest.raises(FormatError, match="at most 99,999,999 bytes of elements"):
        read_idx(path, max_bytes=99_999_999)
    with pytest.raises(ArgumentError, match=r"read_idx\(max_bytes\): expected a positive integer"):
        read_idx(path, max_bytes=-1)
    read_idx(file(idx_bytes(8, [4], b"abcd")), max_bytes=1)  # not compressed: it has what it says


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    array=hnp.arrays(
        dtype=st.sampled_from(DTYPES),
        shape=hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=5),
    )
)
def test_what_was_written_is_mapped(tmp_path_factory, array):
    path = tmp_path_factory.mktemp("idx") / "a.idx"
    write_idx(path, array)
    back = read_idx(path, mmap_mode="r")
    assert (back.shape, back.dtype.newbyteorder("=")) == (array.shape, array.dtype)
    np.testing.assert_array_equal(back, array)
    if array.size:
        assert is_mapped(back)
        assert not back.flags.writeable


def test_what_cannot_be_mapped_is_one_line(file, tmp_path):
    write_idx(tmp_path / "a.gz", np.arange(9, dtype=np.uint8))
    for content, text in (
        ((tmp_path / "a.gz").read_bytes(), "got one compressed by gzip; unpack it with gunzip"),
        (idx_bytes(8, [5], b"abcd"), "expected 5 bytes of elements for shape (5,), got 4"),
        (idx_bytes(8, [2], b"abcd"), "expected 2 bytes of elements for shape (2,), got 4"),
        (idx_bytes(8, [0, *[2**32 - 1] * 3], b""), "sizes that an array can have"),
        (b"", "got an empty file"),
    ):
        with pytest.raises(FormatError) as caught:
            read_idx(file(content), mmap_mode="r")
        assert text in str(caught.value)
        assert "\n" not in str(caught.value)
    with pytest.raises(ArgumentError, match="mmap_mode"):
        read_idx(file(idx_bytes(8, [1], b"a")), mmap_mode="r+")
    with pytest.raises(FormatError, match="expected int32 elements, got uint8"):
        read_idx(file(idx_bytes(8, [1], b"a")), mmap_mode="r", dtype=np.int32)


def test_what_is_mapped_can_be_learnt_from(tmp_path, rng, backend):
    pictures = rng.integers(0, 256, (20, 6, 6), np.uint8)
    write_idx(tmp_path / "x.idx", pictures)
    found = []
    for x in (pictures, read_idx(tmp_path / "x.idx", mmap_mode="r")):
        npcnn.set_random_seed(1)
        model = npcnn.Sequential([layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(2)])
        model.compile("adam", "mean_squared_error")
        history = model.fit(x, np.zeros((20, 2)), 8, 2, verbose=0, validation_split=0.2)
        found.append((history.history, model.predict(x, verbose=0).tolist()))
    assert found[0] == found[1]
