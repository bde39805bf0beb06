"""The reader of HDF5, held against h5py on files that h5py wrote."""

import io
import os

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npcnn.checks import FormatError
from npcnn.saving.hdf5_safe import Hdf5File
from npcnn.saving.safe_json import MAX_BYTES, parse_json

names = st.text(st.characters(codec="ascii", exclude_characters="/.\0"), min_size=1, max_size=12)
few = st.text(st.characters(exclude_characters="/.\0", exclude_categories=["Cs"]), min_size=1)
dtypes = st.sampled_from(["<f4", "<f8", ">f4", "<f2", "<i4", "<i8", "|u1"])
shapes = st.lists(st.integers(0, 4), max_size=3).map(tuple)


@given(
    groups=st.dictionaries(
        names, st.dictionaries(names, st.tuples(dtypes, shapes), max_size=20), max_size=12
    ),
    foreign=st.dictionaries(few, st.just(("<f4", (2,))), max_size=8),
    texts=st.dictionaries(names, st.text(max_size=50).filter(lambda t: "\0" not in t), max_size=8),
    many=st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
                  min_size=1, max_size=8),
)  # fmt: skip
def test_agrees_with_h5py(groups, foreign, texts, many):
    groups = {**groups, "foreign": foreign}
    stream = io.BytesIO()
    values = {}
    with h5py.File(stream, "w") as file:
        for group, datasets in groups.items():
            inner = file.create_group(f"g/{group}")
            for name, (dtype, shape) in datasets.items():
                value = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)
                inner[name] = values[f"g/{group}/{name}"] = value
        file.attrs["many"] = many
        file.attrs["fixed"] = np.array([t.encode()[:9] for t in ("a", "bc")])
        file.attrs["none"] = []
        for name, text in texts.items():
            file.attrs[f"t{name}"] = text
    read = Hdf5File(stream, "file")
    if groups:
        assert set(read.names("g")) == set(groups)
    for group, datasets in groups.items():
        assert set(read.names(f"g/{group}")) == set(datasets)
        assert read.is_group(f"g/{group}")
    for path, value in values.items():
        dataset = read.dataset(path)
        assert (dataset.shape, dataset.dtype) == (value.shape, value.dtype)
        np.testing.assert_array_equal(dataset.read(), value)
    assert read.attribute("", "many") == many
    assert read.attribute("", "fixed") == ["a", "bc"]
    assert read.attribute("", "none") == []
    assert read.attribute("", "other") is None
    for name, text in texts.items():
        assert read.attribute("", f"t{name}") == [text]


def test_long_texts_and_many_names():
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        file.attrs["long"] = "é" * 300_000
        for k in range(700):
            file.create_group(f"layer{k}")
    read = Hdf5File(stream, "file")
    assert read.attribute("", "long") == ["é" * 300_000]
    assert len(read.names("")) == 700


@pytest.mark.parametrize("options", [{"libver": "latest"}, {"track_order": True}])
def test_newer_forms_are_refused(options):
    stream = io.BytesIO()
    with h5py.File(stream, "w", **options) as file:
        file.create_group("a")["b"] = np.ones(3)
    with pytest.raises(FormatError, match=r"file: expected .*(newer|version 79)"):
        Hdf5File(stream, "file").dataset("a/b")


def test_a_file_that_is_cut_while_it_is_read(tmp_path):
    path = tmp_path / "file.h5"
    with h5py.File(path, "w") as file:
        file["a"] = np.arange(5000.0)
    with open(path, "rb", buffering=0) as stream:
        read = Hdf5File(stream, "file")
        dataset = read.dataset("a")
        os.truncate(path, 3000)
        with pytest.raises(FormatError, match="a file that makes sense"):
            dataset.read()
        with pytest.raises(FormatError, match="a file that makes sense"):
            read.values(2900, 200)


def test_every_byte_matters_little():
    """Each byte set to 255 in turn: a value or FormatError, nothing else."""
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        file.attrs["text"] = "some text"
        file.create_group("a")["b"] = np.arange(5.0)
    data = stream.getvalue()
    seen = {"value": 0, "error": 0}
    for at in range(len(data)):
        spoilt = bytearray(data)
        spoilt[at] = 255
        try:
            read = Hdf5File(io.BytesIO(bytes(spoilt)), "file")
            read.attribute("", "text")
            read.dataset("a/b").read()
            seen["value"] += 1
        except FormatError:
            seen["error"] += 1
    assert seen["value"] > 500
    assert seen["error"] > 100


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[1]", "a JSON object, got list"),
        ("{", "JSON in UTF-8"),
        (b"\xff{}", "JSON in UTF-8"),
        ('{"a": NaN}', "the number NaN"),
        ('{"a": 1e999}', "the number 1e999, beyond"),
        ('{"a": ' + "9" * 5000 + "}", "an integer of 5000 digits"),
        ('{"a":' * 33 + "1" + "}" * 33, "at most 32 deep"),
        ('{"a":' * 100_000, "at most 32 deep|JSON in UTF-8"),
        (" " * (MAX_BYTES + 1), "JSON of at most"),
    ],
)
def test_json_is_bounded(text, expected):
    with pytest.raises(FormatError, match=expected) as caught:
        parse_json(text, "here")
    assert "\n" not in str(caught.value)
