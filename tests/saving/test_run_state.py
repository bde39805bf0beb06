import io
import math

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from models import small_data, small_model

from npcnn.callbacks import Callback, ModelCheckpoint
from npcnn.checks import DtypeError, FormatError
from npcnn.saving import run_state
from npcnn.saving.hdf5_safe import Hdf5File

NUMBERS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.complex_numbers()
    | st.text(st.characters(codec="utf-8"))
)
STATES = st.dictionaries(
    st.text(st.characters(codec="utf-8")).filter(lambda key: key not in run_state.OWN),
    st.recursive(
        NUMBERS,
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from("abc"), inner),
        max_leaves=12,
    ),
)


def there_and_back(state):
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        run_state.write(state, file)
    return run_state.read(Hdf5File(stream, "a file"))


@given(STATES)
def test_a_state_comes_back_as_it_was(state):
    assert repr(there_and_back(state)) == repr(state)  # nan is not nan, but reads alike


def nested(depth):
    return [nested(depth - 1)] if depth else 1


@pytest.mark.parametrize("value", [10**99 - 1, 1 - 10**99, nested(29)])
def test_at_the_bounds_it_still_comes_back(value):
    assert there_and_back({"a": value}) == {"a": value}


@pytest.mark.parametrize("kind", [np.random.PCG64, np.random.MT19937, np.random.Philox])
def test_a_generators_state_comes_back(kind):
    generator = np.random.Generator(kind(3))
    generator.normal()
    state = there_and_back({"generator": generator.bit_generator.state})["generator"]
    expected = generator.normal()
    other = np.random.Generator(kind(4))
    other.bit_generator.state = state
    assert other.normal() == expected


def test_numbers_that_json_has_not_and_arrays_come_back():
    arrays = [np.arange(6, dtype=np.int64).reshape(2, 3), np.array(-np.inf, np.float32)]
    back = there_and_back({"a": [math.inf, -math.inf, math.nan, {"b": arrays}], "n": np.float32(2)})
    assert back["a"][:2] == [math.inf, -math.inf]
    assert math.isnan(back["a"][2])
    assert back["n"] == 2
    for got, expected in zip(back["a"][3]["b"], arrays, strict=True):
        np.testing.assert_array_equal(got, expected)
        assert (got.dtype, got.shape) == (expected.dtype, expected.shape)


@pytest.mark.parametrize(
    "value",
    [{1: 2}, {"__array__": 0}, {"__float__": "nan"}, {"__complex__": []}, 10**99, nested(30),
     {1}, b"x", np.array(["a"]), np.array([None])],
)  # fmt: skip
def test_what_would_not_come_back_is_refused(value):
    with pytest.raises(DtypeError, match=r"checkpoint\.a(\[0\])+: expected None, numbers"):
        there_and_back({"a": [value]})


SORTS = [*"?bhilqBHILQefdFD", ">i4", ">f8"]


@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 1, 2)])
@pytest.mark.parametrize("sort", SORTS)
def test_an_array_of_numbers_comes_back_whatever_its_dtype(sort, shape):
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(sort)
    if array.dtype.kind == "c":
        array.imag = -np.inf
    back = there_and_back({"a": [array.T]})["a"][0]
    np.testing.assert_array_equal(back, array.T)
    assert type(back) is np.ndarray
    assert (back.dtype, back.shape) == (array.dtype, array.T.shape)


@pytest.mark.parametrize(
    ("array", "got"),
    [(np.ma.masked_array([1.0, 2], [True, False]), "MaskedArray of dtype float64"),
     (np.array(["a"]), "one of dtype str32"), (np.array([None]), "one of dtype object"),
     (np.array(["2026-01-01"], "M8[D]"), r"one of dtype datetime64\[D\]"),
     *([(np.ones(2, "g"), f"one of dtype {np.dtype('g').name}")] * (np.dtype("g").itemsize > 8))],
)  # fmt: skip
def test_an_array_that_would_come_back_otherwise_is_refused_by_its_dtype(array, got):
    with pytest.raises(DtypeError, match=f"arrays of truths, .*, got {got}; return such"):
        there_and_back({"a": array})


@pytest.mark.parametrize(
    ("value", "fix"),
    [(np.ones(2, "M8[D]"), r"as numbers: array\.astype\('int64'\)"),
     (np.ones(2, "m8[s]"), r"as numbers: array\.astype\('int64'\)"),
     (np.array([b"a"]), r"as texts: array\.astype\(str\)\.tolist\(\)"),
     (np.array(["a"]), r"an array as its tolist\(\)"),
     (np.ma.masked_array([1.0], [True]), r"an array as its tolist\(\)"),
     (b"ab", r"as a list: list\(value\)"),
     *([(np.ones(2, "g"), r"as float64: array\.astype\('float64'\)"),
        (np.ones(2, "G"), r"as complex128: array\.astype\('complex128'\)"),
        (np.ones(1, "g")[0], r"as float\(number\)"),
        (np.ones(1, "G")[0], r"as complex\(number\)")] * (np.dtype("g").itemsize > 8))],
)  # fmt: skip
def test_what_is_refused_is_told_what_to_return_instead(value, fix):
    with pytest.raises(DtypeError, match=rf"; return such from get_state\(\), {fix}\.$"):
        there_and_back({"a": value})
    ways = {
        "M": lambda a: a.astype("int64"), "m": lambda a: a.astype("int64"),
        "S": lambda a: a.astype(str).tolist(), "U": lambda a: a.tolist(),
    }  # fmt: skip
    if type(value) is np.ndarray and value.dtype.kind in ways:
        told = ways[value.dtype.kind](value)
        np.testing.assert_array_equal(there_and_back({"a": told})["a"], told)


@pytest.mark.parametrize("value", [1 + 2j, np.complex64(1 + 2j), complex(-0.0, math.inf)])
def test_a_complex_number_comes_back(value):
    back = there_and_back({"a": [value]})["a"][0]
    assert type(back) is complex
    assert repr(back) == repr(complex(value))


@pytest.mark.parametrize("parts", ['["1"]', '["1", "x"]', "5", '["1", 2]'])
def test_a_spoilt_complex_number_is_damage(parts):
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        run_state.write({"a": 1}, file)
        del file["npcnn_run/state"]
        text = f'{{"a": {{"__complex__": {parts}}}}}'
        file["npcnn_run/state"] = np.frombuffer(text.encode(), np.uint8)
    with pytest.raises(FormatError, match="state"):
        run_state.read(Hdf5File(stream, "a file"))


def test_a_spoilt_pair_is_damage():
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        run_state.write({"a": np.ones(2, "F")}, file)
        del file["npcnn_run/array_0"]
        file["npcnn_run/array_0"] = np.ones(3)
    with pytest.raises(FormatError, match="array_0"):
        run_state.read(Hdf5File(stream, "a file"))


@pytest.mark.parametrize("state", [[1], 5, None, "t"])
def test_a_state_that_is_no_dict_is_refused_when_it_is_written(tmp_path, state):
    class Bad(Callback):
        def get_state(self):
            return state

    x, y = small_data(10)
    path = tmp_path / "run.keras"
    with pytest.raises(DtypeError, match=r"^Bad\.get_state\(\): expected a dict, got "):
        small_model().fit(x, y, verbose=0, callbacks=[ModelCheckpoint(path), Bad()])
    assert not path.exists()
