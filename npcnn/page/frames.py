"""A recorded run as the page replays it: the curves whole, the weights of some of its frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from npcnn.checks import ArgumentError, message
from npcnn.page.described import Described
from npcnn.page.packed import Bytes

if TYPE_CHECKING:
    from npcnn.inspection import Recording

Array = np.ndarray

ROOM = 1_500_000  # bytes of weights, two a number


def describe_recording(run: Recording, row: Bytes, page: Described) -> Described:
    """Return steps, losses and gradient norms of all frames, and some frames' weights.

    Weights are rounded to 16 bits; the first frame and the last are always among those kept.
    """
    arrays = [
        (layer, name, _weights(run, layer, name, where["shape"]))
        for layer in page["layers"]
        for name, where in layer["parameters"].items()
    ]
    size = sum(2 * array[0].size for _, _, array in arrays)
    count = int(np.clip(ROOM // max(size, 1), 2, max(2, len(run))))
    kept = np.unique(np.linspace(0, len(run) - 1, count).round().astype(int))
    norms = {
        name.removeprefix("gradient_norm/"): _plain(array)
        for name, array in run.arrays.items()
        if name.startswith("gradient_norm/")
    }
    weights: list[Described] = [{} for _ in page["layers"]]
    with np.errstate(over="ignore"):
        for layer, name, array in arrays:
            weights[layer["place"]][name] = row.add(array[kept].astype(np.float16))
    return {
        "steps": run.steps.tolist(),
        "epochs": run.epochs.tolist(),
        "losses": _plain(run.losses),
        "norms": norms,
        "kept": kept.tolist(),
        "weights": weights,
    }


def _weights(run: Recording, layer: Described, name: str, shape: list[int]) -> Array:
    """Return a parameter in all frames, or raise ArgumentError."""
    column = f"weights/{layer['own']}/{layer.get('names', {}).get(name, name)}"
    found = run.arrays.get(column)
    if found is None or list(found.shape[1:]) != shape:
        got = "none" if found is None else f"one of {found.shape[1:]}"
        expected, fix = f"{column!r} of {tuple(shape)}", "give the recording of this very model"
        raise ArgumentError(message("save_page(recording)", expected, got, fix))
    return found


def _plain(numbers: Array) -> list[float | None]:
    """Return numbers as JSON has them: what is none is null."""
    return [float(f"{v:.6g}") if np.isfinite(v) else None for v in numbers.astype(float)]
