"""Where a run stands, beside the model in the same file: plain numbers, texts and arrays.

It is one HDF5 group, `npcnn_run`, that Keras passes over: JSON in which arrays are numbered, and
the arrays. No pickle: what a callback wants kept must be made of these parts.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from npcnn.checks import DtypeError, message
from npcnn.layers.parts import seeds
from npcnn.saving.hdf5_safe import Hdf5File
from npcnn.saving.safe_json import parse_json

State = dict[str, Any]
GROUP = "npcnn_run"
_ARRAY, _FLOAT = "__array__", "__float__"


def write(state: State, file: Any) -> None:
    """Write a state into an open h5py file.

    Raises:
        DtypeError: a part is neither number, text, list, dict nor array.
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


def _packed(value: Any, arrays: list[np.ndarray], place: str) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if np.isfinite(value) else {_FLOAT: str(value)}
    if isinstance(value, (list, tuple)):
        return [_packed(item, arrays, f"{place}[{k}]") for k, item in enumerate(value)]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: _packed(item, arrays, f"{place}.{key}") for key, item in value.items()}
    if isinstance(value, np.ndarray) and value.dtype.kind in "fiu":
        arrays.append(value)
        return {_ARRAY: len(arrays) - 1}
    expected = "numbers, texts, lists, dicts with text keys and arrays"
    fix = "return such from get_state()"
    raise DtypeError(message(place, expected, type(value).__name__, fix))


def _unpacked(value: Any, file: Hdf5File) -> Any:
    if isinstance(value, list):
        return [_unpacked(item, file) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {_ARRAY}:
        return file.dataset(f"{GROUP}/array_{value[_ARRAY]}").read()
    if set(value) == {_FLOAT} and value[_FLOAT] in ("inf", "-inf", "nan"):
        return float(value[_FLOAT])
    return {key: _unpacked(item, file) for key, item in value.items()}
