"""What `python -m npcnn explore` does: a model and data from files, then the server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from npcnn import datasets, models, utils
from npcnn.checks import ArgumentError, FileError, message
from npcnn.feeding.sources import parts
from npcnn.page.server import explore

Array = np.ndarray
Pair = tuple[Array, Array]


def explore_file(
    path: str, data: str, scale: float, classes: str, port: int, open_browser: bool
) -> None:
    """Load a model and data, and serve the page.

    Args:
        path: of the model.
        data: 'mnist', or the path of an .npz with x, y, x_test and y_test, or of a folder that
            holds a folder of pictures for each class.
        scale: what x is divided by.
        classes: what the classes are called, with commas between, or the path of a file with one
            in each line; nothing for what the data call them.
        port: as for `explore`.
        open_browser: likewise.
    """
    model = models.load_model(path)
    named: list[str] = []
    if data == "mnist":
        known, unseen = _mnist()
    elif Path(data).is_dir():
        known, named = _folder(model, data)
        unseen = known
    else:
        known, unseen = _arrays(data)
    (x, y), (x_test, y_test) = (_fitting(model, pair, scale) for pair in (known, unseen))
    names = _listed(classes) if classes else named
    explore(model, x, y, (x_test, y_test), port, open_browser, names or None)


def _listed(classes: str) -> list[str]:
    """Return names from between commas, or from a file's lines.

    >>> _listed("cat, dog")
    ['cat', 'dog']
    """
    path, names = Path(classes), classes.split(",")
    if path.suffix == ".txt" or path.is_file():
        try:
            names = path.read_text("utf-8-sig").splitlines()
        except (OSError, ValueError) as error:
            got = getattr(error, "strerror", None) or "another file"
            where, fix = f"explore --classes {classes}", "check the path"
            raise FileError(message(where, "a text with a name in each line", got, fix)) from None
    return [name.strip() for name in names if name.strip()]


def _mnist() -> tuple[Pair, Pair]:
    (x, y), (x_test, y_test) = datasets.load_mnist()
    return (x[..., np.newaxis], y), (x_test[..., np.newaxis], y_test)


def _folder(model: Any, path: str) -> tuple[Pair, list[str]]:
    """Return pictures of the size and colours that a model takes, mixed, and what they show."""
    shape = model.input_shape
    if not (isinstance(shape, tuple) and len(shape) == 4 and shape[-1] in (1, 3, 4)):
        where, fix = f"explore --data {path}", "give an .npz"
        raise ArgumentError(message(where, "a model of pictures", str(shape), fix))
    colours: Any = {1: "grayscale", 3: "rgb", 4: "rgba"}[shape[-1]]
    batches = utils.image_dataset_from_directory(
        path, image_size=shape[1:3], color_mode=colours, seed=0, verbose=False
    )
    pairs = [parts(batch, "explore")[:2] for batch in batches]
    x, y = (np.concatenate([np.asarray(pair[k]) for pair in pairs]) for k in range(2))
    return (x, y), list(batches.class_names)


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
