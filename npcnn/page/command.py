"""What `python -m npcnn explore` does: a model and data from files, then the server."""

from __future__ import annotations

from typing import Any

import numpy as np

from npcnn import datasets, models, utils
from npcnn.checks import ArgumentError, FileError, message
from npcnn.page.server import explore

Array = np.ndarray
Pair = tuple[Array, Array]


def explore_file(path: str, data: str, scale: float, port: int, open_browser: bool) -> None:
    """Load a model and data, and serve the page.

    Args:
        path: of the model.
        data: 'mnist', or the path of an .npz with x, y, x_test and y_test.
        scale: what x is divided by.
        port: as for `explore`.
        open_browser: likewise.
    """
    model = models.load_model(path)
    known, unseen = _mnist() if data == "mnist" else _arrays(data)
    (x, y), (x_test, y_test) = (_fitting(model, pair, scale) for pair in (known, unseen))
    explore(model, x, y, (x_test, y_test), port, open_browser)


def _mnist() -> tuple[Pair, Pair]:
    (x, y), (x_test, y_test) = datasets.load_mnist()
    return (x[..., np.newaxis], y), (x_test[..., np.newaxis], y_test)


def _arrays(path: str) -> tuple[Pair, Pair]:
    where = f"explore --data {path}"
    try:
        with np.load(path, allow_pickle=False) as file:
            found: dict[str, Array] = {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError) as error:
        got = getattr(error, "strerror", None) or "another file"
        raise FileError(message(where, "an .npz of arrays", got, "check the path")) from None
    if not {"x", "y"} <= set(found):
        got = ", ".join(found) or "none"
        raise ArgumentError(message(where, "arrays x and y", got, "np.savez(path, x=x, y=y)"))
    first = found["x"], found["y"]
    return first, (found.get("x_test", first[0]), found.get("y_test", first[1]))


def _fitting(model: Any, pair: Pair, scale: float) -> Pair:
    """Return samples divided by the scale, and targets as the model's loss wants them."""
    x, y = pair
    if scale != 1:
        x = (x / scale).astype(np.float32)
    loss = model.objective.losses[0] if model.compiled else None
    if y.ndim == 1 and loss is not None and loss.name == "categorical_crossentropy":
        y = utils.to_categorical(y, model.output_shape[-1])
    return x, y
