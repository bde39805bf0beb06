"""Models in files: `.keras` and `.h5`, as Keras reads and writes them."""

from __future__ import annotations

import io
import json
import os
from typing import TYPE_CHECKING, Any

from npcnn.checks import ArgumentError, FileError, StateError, message
from npcnn.files import atomic_write

if TYPE_CHECKING:
    from npcnn.model import Sequential


def extension(path: Any, call: str) -> str:
    """Return '.keras' or '.h5', or raise ArgumentError."""
    name = os.fspath(path) if isinstance(path, (str, os.PathLike)) else repr(path)
    for known in (".keras", ".h5"):
        if str(name).lower().endswith(known):
            return known
    fix = "end the file's name in one of them"
    raise ArgumentError(message(f"{call}(path)", "a name ending in .keras or .h5", str(name), fix))


def save_model(model: Sequential, path: Any, run: dict[str, Any] | None = None) -> None:
    """Write a built model, with compile settings and optimizer state if it is compiled.

    Args:
        path: ends in `.keras` or `.h5`; an old file is replaced by the whole new one or kept.
        run: where a run stands, for `fit(resume_from=…)`.

    Raises:
        ArgumentError: another extension. StateError: shapes not known. FileError: cannot write.
    """
    from npcnn.saving import keras_h5

    extension(path, "save")
    if not model.built:
        fix = "give the first layer input_shape=…, call build(input_shape) or fit on data"
        raise StateError(message("Sequential.save()", "a built model", "no shapes", fix))
    stream = io.BytesIO()
    keras_h5.write_model(model, stream, run)
    with atomic_write(path) as temporary:
        temporary.write_bytes(stream.getbuffer())


def load_model(path: Any) -> Sequential:
    """Return the model in a `.keras` or `.h5` file of Keras's or npcnn's.

    It is compiled, its optimizer where it stopped, if the file holds that and npcnn has the like;
    else a warning says what it lacks.

    Raises:
        ArgumentError: another extension. FileError: no such file. FormatError: the file is
        damaged, or holds a layer or an option that npcnn lacks.
    """
    from npcnn.saving import keras_h5

    extension(path, "load_model")
    with _opened(path) as stream:
        return keras_h5.read_model(stream, os.fspath(path))


def _opened(path: Any) -> Any:
    try:
        return open(path, "rb")
    except OSError as error:
        got = error.strerror or str(error)
        fix = "check the name and its folder"
        raise FileError(message(f"read {path}", "a file that can be read", got, fix)) from error
