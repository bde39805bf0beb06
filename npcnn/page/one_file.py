"""The page as one file: HTML, styles, program, network and samples, and nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import re
import zlib
from typing import Any

from npcnn.arguments import AModel, ARecording, Arrays, Listed, Path, checked
from npcnn.checks import ArgumentError, StateError, message, shown
from npcnn.feeding.door import Data
from npcnn.feeding.sources import is_stream
from npcnn.files import atomic_write
from npcnn.page.described import describe
from npcnn.page.frames import describe_recording
from npcnn.page.packed import Bytes, as_json
from npcnn.page.program import bundle, read
from npcnn.page.samples import describe_samples, first_samples


@checked
def save_page(
    model: AModel,
    path: Path,
    x: Data | None = None,
    y: Arrays | None = None,
    recording: ARecording | None = None,
    class_names: Listed | None = None,
) -> None:
    """Write a page that shows a model from the inside: one file, to be opened in any browser.

    One draws a digit or picks a sample, sees what every layer makes of it, and clicks a number for
    the sum that made it, down to the pixels. The page computes by itself, in JavaScript; of layers
    that it does not know it shows what npcnn computed for the first samples.

    Args:
        model: built; the loss that it was compiled with is what the page goes backward from.
        path: of the file, by custom ….html; written whole or not at all.
        x: samples to pick from, as `fit` takes them; the first 1,000 at most. Batches (x, y), such
            as `image_dataset_from_directory` yields, bring their targets and classes along.
        y: their classes, as numbers or one-hot rows, or other targets.
        recording: of the model's training (`load_recording`), to be replayed in the page; as many
            of its frames as there is room for.
        class_names: what the classes are called, in their order; numbers by default.

    Raises:
        StateError: the model is not built.
        ArgumentError: x or the recording does not fit the model, or y does not fit x.
        FileError: the file cannot be written.

    >>> import pathlib, tempfile
    >>> from npcnn import Sequential, layers
    >>> model = Sequential([layers.Input((8, 8, 1)), layers.Conv2D(2, 3), layers.Flatten()])
    >>> name = pathlib.Path(tempfile.mkdtemp()) / "page.html"
    >>> save_page(model, name)
    >>> name.read_text("utf-8").startswith("<!DOCTYPE html>")
    True
    """
    with atomic_write(path) as temporary:
        page = page_of(model, x, y, recording, class_names)
        temporary.write_text(page, encoding="utf-8")


def page_of(
    model: Any, x: Any = None, y: Any = None, recording: Any = None, class_names: Any = None
) -> str:
    """Return the page's text."""
    if not model.built:
        fix = "call build(input_shape), or use it on data first"
        raise StateError(message("save_page(model)", "a built model", "one that is not", fix))
    row = Bytes()
    description = describe(model, row)
    if is_stream(x):
        class_names = getattr(x, "class_names", None) if class_names is None else class_names
        x, y = first_samples(x)
    description["class_names"] = names_of(class_names, description, "save_page(class_names)")
    if x is None and y is not None:
        fix = "give both, or neither"
        raise ArgumentError(message("save_page(x)", "the samples that y belongs to", "None", fix))
    if x is not None:
        description["samples"] = describe_samples(model, x, y, row, description)
    if recording is not None:
        description["recording"] = describe_recording(recording, row, description)
    return assembled(description, row)


def names_of(given: Any, description: dict[str, Any], where: str) -> list[str]:
    """Return what the classes of the first output are called; nothing for numbers."""
    if given is None:
        return []
    names = list(given)
    last = description["outputs"][0] - len(description["inputs"])
    units = description["calls"][last]["shape"][-1] if last >= 0 else len(names)
    texts = all(isinstance(name, str) for name in names)
    if not texts or len(names) != max(units, 2):  # one unit tells two classes apart
        expected, fix = f"{max(units, 2)} names", "name each class, in their order"
        got = str(len(names)) if texts else shown(given)
        raise ArgumentError(message(where, expected, got, fix))
    return names


def assembled(description: dict[str, Any], row: Bytes, live: bool = False) -> str:
    """Return the page around a description and its bytes; a live one may talk to its server."""
    program = bundle()
    digest = base64.b64encode(hashlib.sha256(program.encode()).digest()).decode()
    parts = {
        "policy": f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; "
        "img-src data: blob:; form-action 'none'; base-uri 'none'" + "; connect-src 'self'" * live,
        "style": read("page.css"),
        "network": as_json(description).replace("<", "\\u003c"),
        "numbers": base64.b64encode(zlib.compress(row.content(), 9)).decode(),
        "program": program,
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], read("page.html"))
