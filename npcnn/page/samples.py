"""The samples that go into a page: as bytes where they are bytes, and no more than a page holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from npcnn.checks import ArgumentError, as_numbers, message
from npcnn.data import check_inputs
from npcnn.feeding.sources import parts
from npcnn.page.described import known
from npcnn.page.packed import Bytes
from npcnn.spy import shadow_graph
from npcnn.training import walk

if TYPE_CHECKING:
    from npcnn.model import Model

Array = np.ndarray
Described = dict[str, Any]

MOST = 1000  # samples in a page …
ROOM = 1_200_000  # … and bytes of them; base64 makes four of three
FEW = 20  # samples of which the page holds what Python computed, where it cannot by itself


def first_samples(batches: Any) -> tuple[Any, Any]:
    """Return x and y, or None for y, of as many batches as a page holds.

    >>> first_samples([(np.zeros((2, 3)), [0, 1]), (np.ones((1, 3)), [2])])[1]
    array([0, 1, 2])
    """
    numbered = hasattr(batches, "num_batches")
    each = (batches[k] for k in range(batches.num_batches)) if numbered else batches
    xs: list[Any] = []
    ys: list[Any] = []
    for batch in each:
        x, y, _ = parts(batch, "save_page")
        xs.append(as_numbers(x, "save_page(x)"))
        ys += [] if y is None else [as_numbers(y, "save_page(y)")]
        if sum(map(len, xs)) >= MOST:
            break
    if not xs:
        raise ArgumentError(message("save_page(x)", "a batch", "none", "look at what yields them"))
    return np.concatenate(xs), np.concatenate(ys) if ys else None


def describe_samples(model: Model, x: Any, y: Any, row: Bytes, page: Described) -> Described:
    """Return what the page holds of x and y: as many of the first ones as there is room for."""
    inputs, _ = model.shapes_for(x, "save_page(x)")
    arrays = check_inputs(x, inputs, model, "save_page(x)")
    targets = _targets(y, len(arrays[0]))
    if targets is not None:
        _check_classes(targets, page)
    packed = [_packed(array) for array in arrays]
    size = sum(array[:1].nbytes for array, _ in packed)
    count = max(1, min(MOST, len(arrays[0]), ROOM // size))
    low, high = (float(reach(arrays[0].astype(np.float32))) for reach in (np.min, np.max))
    return {
        "count": count,
        "of": len(arrays[0]),
        "range": [low, high],
        "inputs": [row.add(array[:count], divide) for array, divide in packed],
        "targets": None if targets is None else targets[:count].tolist(),
        "computed": _computed(model, [array[:FEW] for array in arrays], row, page),
    }


def _packed(array: Array) -> tuple[Array, float | None]:
    """Return samples as bytes and what these were divided by; float32 if they never were bytes."""
    numbers = array.astype(np.float32)
    for divide in (1.0, 255.0):
        whole = np.rint(numbers * np.float32(divide))
        if whole.min() < 0 or whole.max() > 255:
            continue
        if np.array_equal(whole / np.float32(divide), numbers):
            return whole.astype(np.uint8), divide
    return numbers, None


def _targets(y: Any, count: int) -> Array | None:
    """Return class numbers (n,), or rows of targets (n, k) where they are no classes."""
    if y is None:
        return None
    found = as_numbers(y, "save_page(y)")
    if len(found) != count:
        fix = "give a target for each sample"
        raise ArgumentError(message("save_page(y)", f"{count} targets", str(len(found)), fix))
    rows = found.reshape(count, -1)
    if rows.shape[1] == 1 and found.dtype.kind in "iub":
        return rows[:, 0].astype(int)
    if rows.shape[1] > 1 and ((rows == 0) | (rows == 1)).all() and (rows.sum(axis=1) == 1).all():
        return rows.argmax(axis=1)
    return rows.astype(float)


def _check_classes(targets: Array, page: Described) -> None:
    """Raise ArgumentError for class numbers that the first output has no unit for."""
    last = page["outputs"][0] - len(page["inputs"])
    shape = page["calls"][last]["shape"] if last >= 0 else []
    if targets.ndim > 1 or len(shape) != 1 or shape[0] == 1:
        return
    low, high = int(targets.min()), int(targets.max())
    if low < 0 or high >= shape[0]:
        got, fix = str(low if low < 0 else high), "number the classes from 0"
        expected = f"class numbers 0 to {shape[0] - 1}"
        raise ArgumentError(message("save_page(y)", expected, got, fix))


def _computed(model: Model, xs: list[Array], row: Bytes, page: Described) -> Described:
    """Return where the page finds what layers gave that it cannot compute, by their calls."""
    wanted = [k for k, call in enumerate(page["calls"]) if not known(page["layers"][call["layer"]])]
    if not wanted:
        return {}
    of_value = {value: k for k, value in enumerate(page["places"])}
    graph = shadow_graph(model.graph)
    values: list[Any] = [
        *(x.astype(model.dtype) for x in xs),
        *(None for _ in graph.calls),
    ]
    places = {of_value[page["calls"][k]["output"]]: k for k in wanted}
    return {
        str(places[call.output]): row.add(y)
        for call, y in walk(graph, values, keep=False)
        if call.output in places
    }
