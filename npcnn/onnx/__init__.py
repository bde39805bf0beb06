"""Models as ONNX files, which other programs run: `model.export("model.onnx")`.

One way: `writer` puts a graph together, `nodes` and `convolutions` say what each layer becomes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from npcnn import names
from npcnn.arguments import AModel, checked
from npcnn.checks import ArgumentError, NpcnnError, message, shown
from npcnn.checks import path as check_path
from npcnn.files import atomic_write

__all__ = ["save_onnx"]

if not TYPE_CHECKING:
    __getattr__ = names.lookup(__name__, __all__)


def _onnx_path(value: Any, where: str) -> Any:
    name = check_path(value, where)
    if not name.lower().endswith(".onnx"):
        fix = "end the file's name so; save() writes .keras and .h5"
        raise ArgumentError(message(where, "a name ending in .onnx", shown(value), fix))
    return name


class MissingLibraryError(NpcnnError, ImportError):
    """A library that a call needs is not installed."""


@checked
def save_onnx(model: AModel, path: Annotated[Any, _onnx_path]) -> None:
    """Write a built model as an ONNX file, as it infers: without dropout, in float32.

    Pictures go in as they do here, (N, H, W, C) with any N; within, layers of pictures compute
    channels first, as ONNX has them, with a transposition where one is needed and nowhere else.

    Args:
        model: built.
        path: ends in `.onnx`; an old file is replaced by the whole new one or kept.

    Raises:
        ArgumentError: another extension, or a layer that has no form in ONNX here.
        StateError: shapes not known. FileError: cannot write.
        ImportError: the package onnx is not installed.

    Source: https://onnx.ai/onnx/operators, opset 17.
    """
    from npcnn.onnx.writer import onnx_bytes

    written = onnx_bytes(model)
    with atomic_write(path) as temporary:
        temporary.write_bytes(written)
