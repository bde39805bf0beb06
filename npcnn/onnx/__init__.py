"""Models as ONNX files, which other programs run and write: `model.export`, `load_onnx`.

Out: `writer` puts a graph together; `nodes`, `composed`, `convolutions`, `merging`, `normalizing`
and `warping` say what each layer becomes. In: `reader` goes along the graph, `fused` finds patterns
of nodes, `read_nodes`, `read_pictures` and `read_arithmetic` say what each node becomes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from npcnn import names
from npcnn.arguments import AModel, Path, checked
from npcnn.checks import ArgumentError, NpcnnError, message, shown
from npcnn.checks import path as check_path
from npcnn.files import atomic_write

if TYPE_CHECKING:
    from npcnn.model import Model

__all__ = ["load_onnx", "save_onnx"]

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


@checked
def load_onnx(path: Path) -> Model:
    """Return the model in an ONNX file, if npcnn has layers for all its nodes.

    It is a Sequential where one layer follows the other, else a functional model. Pictures go into
    it, and come out of it, as everywhere here: (N, H, W, C), also where the file has them channels
    first. It is to be compiled before it learns on.

    Args:
        path: the file.

    Raises:
        FormatError: the file is damaged, or has a node that npcnn has nothing for.
        FileError: no such file. ImportError: the package onnx is not installed.
    """
    from npcnn.onnx.reader import read

    return read(path)
