"""Where a run stands, beside the model in the same file: plain numbers, texts and arrays.

It is one HDF5 group, `npcnn_run`, that Keras passes over: JSON in which arrays are numbered, and
the arrays. No pickle: what a callback wants kept must be made of these parts.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from npcnn.checks import DtypeError, message, shown
from npcnn.layers.parts import seeds
from npcnn.saving.hdf5_safe import Hdf5File
from npcnn.saving.safe_json import MAX_DEPTH, MAX_DIGITS, parse_json

State = dict[str, Any]
GROUP = "npcnn_run"
_ARRAYS = "arrays of truths, integers, floats or complex numbers of at most 64 bits a part"
OWN = _ARRAY, _FLOAT, _COMPLEX = "__array__", "__float__", "__complex__"
_SORT = "sort"  # beside the number of an array that the file holds as another: b or c


def write(state: State, file: Any) -> None:
    """Write a state into an open h5py file.

    Raises:
        DtypeError: a part is none of these, or would not be read again: too long, too deep.
    """
    arrays: list[np.ndarray] = []
    text = json.dumps(_packed(state, arrays, "checkpoint"), allow_nan=False)
    group = file.create_group(GROUP)
    group["state"] = np.frombuffer(text.encode(), np.uint8)
    for k, array in enumerate(arrays):
        group[f"array_{k}"] = array


def write_seeds(model: Any, file: Any) -> None:
    """Write how far the seed generators have come that a model's layers hold, if there are any."""
    states = [one.get_state() for one in seeds(model)]
    if states:
        file.create_group("npcnn_seeds")["state"] = np.array(states, np.uint32)


def read(file: Hdf5File) -> State | None:
    """Return the state in a file, None if it has none; FormatError if it is damaged."""
    if not file.is_group(GROUP):
        return None
    text = file.dataset(f"{GROUP}/state").read().tobytes()
    # As long as it is: the curves of a long run are, and the budget grows with the file.
    state = parse_json(text, f"{file.where}, {GROUP}", file.budget, len(text))
    return _unpacked(state, file)


def _packed(value: Any, arrays: list[np.ndarray], place: str, depth: int = 1) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int) and abs(value) < 10 ** (MAX_DIGITS - 1):
        return value
    if isinstance(value, float):
        return value if np.isfinite(value) else {_FLOAT: str(value)}
    if isinstance(value, complex):
        return {_COMPLEX: [str(value.real), str(value.imag)]}
    if type(value) in (np.ndarray, np.memmap) and _fits(value.dtype):
        sort = value.dtype.kind
        pair = np.stack([value.real, value.imag], -1) if sort == "c" else value
        arrays.append(value.view(np.uint8) if sort == "b" else pair)
        return {_ARRAY: len(arrays) - 1} | ({_SORT: sort} if sort in "bc" else {})
    if depth < MAX_DEPTH - 1:  # an array within it is one deeper
        if isinstance(value, (list, tuple)):
            below = enumerate(value)
            return [_packed(item, arrays, f"{place}[{k}]", depth + 1) for k, item in below]
        if isinstance(value, dict) and all(isinstance(k, str) and k not in OWN for k in value):
            named = value.items()
            return {k: _packed(item, arrays, f"{place}.{k}", depth + 1) for k, item in named}
    keys = f"keys being texts other than {', '.join(OWN)}"
    expected = (
        f"None, numbers of fewer than {MAX_DIGITS} digits, texts, {_ARRAYS}, and lists and "
        f"dicts of such at most {MAX_DEPTH - 2} deep, {keys}"
    )
    got = shown(value) if isinstance(value, (int, list, dict)) else type(value).__name__
    if isinstance(value, np.ndarray):
        got = f"{got if type(value) is not np.ndarray else 'one'} of dtype {value.dtype.name}"
    fix = f"return such from get_state(){_instead(value)}"
    raise DtypeError(message(place, expected, got, fix))


def _instead(value: Any) -> str:
    """Return what to write in a value's place, as the end of a sentence."""
    if type(value) is np.ndarray:
        kind = value.dtype.kind
        known = {
            "f": "as float64: array.astype('float64')",
            "c": "as complex128: array.astype('complex128')",
            **dict.fromkeys("mM", "as numbers: array.astype('int64')"),
            "S": "as texts: array.astype(str).tolist()",
        }
        return f", {known.get(kind, 'an array as its tolist()')}"
    if isinstance(value, np.ndarray):
        return ", an array as its tolist()"
    if isinstance(value, np.floating):
        return ", as float(number)"
    if isinstance(value, np.complexfloating):
        return ", as complex(number)"
    return ", as a list: list(value)" if isinstance(value, (bytes, bytearray)) else ""


def _fits(dtype: np.dtype) -> bool:
    """Return whether an array of this dtype is read again as it was."""
    return dtype.kind in "fiubc" and dtype.itemsize <= (16 if dtype.kind == "c" else 8)


def _unpacked(value: Any, file: Hdf5File) -> Any:
    if isinstance(value, list):
        return [_unpacked(item, file) for item in value]
    if not isinstance(value, dict):
        return value
    if _ARRAY in value:
        found = file.dataset(f"{GROUP}/array_{value[_ARRAY]}").read()
        if value.get(_SORT) == "b":
            return found.astype(bool)
        if value.get(_SORT) == "c":
            if found.shape[-1:] != (2,) or found.dtype.kind != "f":
                raise file.damaged(f"{GROUP}/array_{value[_ARRAY]}")
            whole = np.empty(found.shape[:-1], np.result_type(found.dtype, np.complex64))
            whole.real, whole.imag = found[..., 0], found[..., 1]  # a sum would lose infinities
            return whole
        return found
    if set(value) == {_FLOAT} and value[_FLOAT] in ("inf", "-inf", "nan"):
        return float(value[_FLOAT])
    if set(value) == {_COMPLEX}:
        return _complex(value[_COMPLEX], file)
    return {key: _unpacked(item, file) for key, item in value.items()}


def _complex(parts: Any, file: Hdf5File) -> complex:
    try:
        real, imag = (float(part) for part in parts if isinstance(part, str))
    except (TypeError, ValueError) as error:
        raise file.damaged(f"{GROUP}/state") from error
    return complex(real, imag)
