"""Models in files: `.keras` and `.h5`, as Keras reads and writes them."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable, Iterator
from typing import IO, TYPE_CHECKING, Any

from npcnn import names, registry
from npcnn.arguments import AModel, Config, Path, Times, checked
from npcnn.checks import (
    ArgumentError,
    FileError,
    NpcnnError,
    check_name,
    message,
    shown,
)
from npcnn.checks import path as check_path
from npcnn.files import WEIGHTS, MissingFileError, atomic_write, extension, open_regular
from npcnn.registry import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from npcnn.saving.budget import Budget

if TYPE_CHECKING:
    from npcnn.model import Model
    from npcnn.saving.objects import deserialize_keras_object, serialize_keras_object
    from npcnn.saving.state import Parts

__all__ = [
    "CustomObjectScope", "custom_object_scope", "deserialize_keras_object", "get_custom_objects",
    "get_registered_name", "get_registered_object", "load_model", "model_from_json",
    "register_keras_serializable", "save_model", "serialize_keras_object",
]  # fmt: skip

if not TYPE_CHECKING:
    _OBJECTS = dict.fromkeys(
        ("serialize_keras_object", "deserialize_keras_object"), "npcnn.saving.objects"
    )
    __getattr__ = names.lookup(__name__, __all__, _OBJECTS)


@checked
def save_model(
    model: AModel,
    filepath: Path,
    overwrite: bool = True,
    zipped: bool | None = None,
    *,
    run: Config | None = None,
) -> None:
    """Write a built model, with compile settings and optimizer state if it is compiled.

    Args:
        model: built; it need not be compiled.
        filepath: ends in `.keras` or `.h5`; an old file is replaced by the whole new one or kept.
        overwrite: False to raise an error if there is a file.
        zipped: taken; the extension decides.
        run: where a run stands, for `fit(resume_from=…)`; Keras passes over it.

    Raises:
        ArgumentError: another extension. StateError: shapes not known. FileError: cannot write.

    >>> import pathlib, tempfile
    >>> from npcnn import Sequential, layers
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "model.h5"
    >>> save_model(Sequential([layers.Input((4,)), layers.Dense(3)]), path)
    >>> load_model(path).output_shape
    (None, 3)
    """
    from npcnn.saving import keras_h5, keras_zip

    kind = extension(filepath, "save(filepath)")
    _spare(filepath, overwrite, "save()")
    write = keras_zip.write_model if kind == ".keras" else keras_h5.write_model
    _write(model, filepath, "save()", lambda stream: write(model, stream, run))


def save_weights(model: Model, filepath: Any, overwrite: bool = True) -> None:
    """Write parameters (and optimizer state, as Keras does) to a `.weights.h5` file.

    Raises:
        ArgumentError: another extension. StateError: shapes not known. FileError: cannot write.
    """
    from npcnn.saving import keras_zip

    name = check_path(filepath, "save_weights(filepath)")
    if not name.lower().endswith(WEIGHTS):
        fix = "save() writes whole models"
        expected = f"a name ending in {WEIGHTS}"
        raise ArgumentError(message("save_weights(filepath)", expected, shown(name), fix))
    _spare(name, overwrite, "save_weights()")
    _write(model, filepath, "save_weights()", lambda stream: keras_zip.write_weights(model, stream))


def export(model: Model, filepath: Any) -> None:
    """Write what a model infers to a `.onnx` file."""
    from npcnn.onnx import save_onnx

    save_onnx(model, filepath)


@checked
def load_model(
    filepath: Path,
    custom_objects: registry.Objects | None = None,
    compile: bool = True,
    safe_mode: bool = True,
    *,
    budget: Times = 1,
) -> Model:
    """Return the model in a `.keras` or `.h5` file of Keras's or npcnn's.

    It is compiled, its optimizer where it stopped, if the file holds that and npcnn has the like;
    else a warning says what it lacks.

    Args:
        filepath: the file.
        custom_objects: name, as the file has it → class of the program's own, for what is not
            registered (`npcnn.utils.register_keras_serializable`); no file decides what code runs.
        compile: False to leave the model uncompiled.
        safe_mode: taken; reading is always safe.
        budget: how many times the usual bytes, objects and names reading may take.

    Raises:
        ArgumentError: another extension. FileError: no such file. FormatError: the file is
        damaged, holds a layer or an option that npcnn lacks, or takes more than the budget.

    >>> import pathlib, tempfile
    >>> from npcnn import Sequential, layers
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "model.keras"
    >>> Sequential([layers.Input((4,)), layers.Dense(3)]).save(path)
    >>> load_model(path).count_params()
    15
    """
    with (
        registry.custom_object_scope(custom_objects),
        opened_parts(filepath, "load_model(filepath)", budget) as parts,
    ):
        return parts.model(compile)


def load_weights(
    model: Model, filepath: Any, skip_mismatch: bool = False, budget: float = 1,
    by_name: bool = False,
) -> None:  # fmt: skip
    """Overwrite the parameters of a built model with those of a file of the same architecture.

    Args:
        model: built; its architecture is the file's.
        filepath: `.weights.h5`, a whole model's `.keras` or `.h5`, or Keras 2's `.h5` of weights.
        skip_mismatch: whether a layer of which the file has other parameters keeps its own, with a
            warning.
        budget: as in `load_model`.
        by_name: whether layers take those of their names, and others keep their own; of the older
            `.h5` alone, which has names, as in Keras.

    Raises:
        ArgumentError: by_name of another file.
        FileError, FormatError: as `load_model`; no parameter has been changed then.
    """
    from npcnn.saving import keras_h5, keras_zip, own_variables, state
    from npcnn.saving.hdf5_safe import Hdf5File
    from npcnn.symbolic import leaves_of

    model._require_built("load_weights()")
    with _opened(filepath, "load_weights(filepath)", budget) as (stream, where, allowed):
        if stream.read(4) == b"PK\3\4":
            parts = keras_zip.read_parts(stream, where, allowed)
            file, older = parts.file, False
        else:
            file = Hdf5File(stream, where, allowed)
            older = file.is_group("model_weights") or file.attribute("", "layer_names") is not None
        if by_name and not older:
            fix = "leave it out: weights go by their places there"
            raise ArgumentError(message("load_weights(by_name)", "an older .h5", where, fix))
        paths = keras_zip.paths_in(file, model)
        if older:
            found = keras_h5.find_weights(file, model, skip_mismatch, by_name)
        else:
            found = keras_zip.find_weights(file, paths, skip_mismatch)
        arrays = state.read_all(found)
        model.set_weights(
            [
                arrays.get(id(layer), {}).get(name, value)
                for layer in leaves_of(model, by_weights=True)
                for name, value in layer.own_arrays()
            ]
        )
        own_variables.load(file, paths)


def to_json(model: Model) -> str:
    """Return the architecture (and compile settings) as Keras 3's JSON, without weights."""
    from npcnn.saving import keras_compile, keras_config

    config = keras_config.full_model_config(model)
    if model.compiled:
        config["compile_config"] = keras_compile.compile_config(model)
    return registry.as_json(config, "to_json()")


@checked
def model_from_json(
    json_string: Any, custom_objects: registry.Objects | None = None, *, budget: Times = 1
) -> Model:
    """Return a model of the architecture in Keras's JSON, with new initial weights.

    Args:
        json_string: what `to_json` returned, here or in Keras.
        custom_objects: as in `load_model`.
        budget: how many times the usual values, and bytes of weights (64 MiB), it may take.

    Raises:
        DtypeError: no text. FormatError: no such JSON, npcnn has nothing for a part of it, or it
        takes more than the budget.

    >>> from npcnn import Sequential, layers
    >>> model_from_json(Sequential([layers.Input((4,)), layers.Dense(3)]).to_json()).output_shape
    (None, 3)
    """
    from npcnn.checks import DtypeError
    from npcnn.saving import assembly, keras_compile
    from npcnn.saving.safe_json import parse_json

    where = "model_from_json"
    if not isinstance(json_string, (str, bytes)):
        got = type(json_string).__name__
        raise DtypeError(message(where, "a text", got, "give what to_json() returned"))
    allowed = Budget(where, len(json_string), budget)
    config = parse_json(json_string, where, allowed)
    with registry.custom_object_scope(custom_objects):
        model = assembly.fresh_model(config, where, allowed)
        settings = keras_compile.read_compile(
            config.get("compile_config"), where, len(model.ends[1]) or 1
        )
    keras_compile.compiled(model, settings, where)
    return model


@contextlib.contextmanager
def opened_parts(path: Any, where: str, budget: float = 1) -> Iterator[Parts]:
    """Open a whole model's file, checked, while its values are being read."""
    from npcnn.saving import keras_h5, keras_zip

    kind = extension(path, where)
    read = keras_zip.read_parts if kind == ".keras" else keras_h5.read_parts
    with _opened(path, where, budget) as (stream, name, allowed):
        yield read(stream, name, allowed)


@contextlib.contextmanager
def _opened(path: Any, where: str, times: float) -> Iterator[tuple[IO[bytes], str, Budget]]:
    """Yield a file, its name and its budget; what the system says of it is a FileError."""
    name = check_path(path, where)
    try:
        with open_regular(name) as stream:
            yield stream, name, Budget(name, os.fstat(stream.fileno()).st_size, times)
    except NpcnnError:
        raise
    except (OSError, MemoryError) as error:
        got = getattr(error, "strerror", None) or str(error) or type(error).__name__
        fix = "check the name and its folder, and that memory suffices"
        kind = MissingFileError if isinstance(error, FileNotFoundError) else FileError
        raise kind(message(f"read {name}", "a file that can be read", got, fix)) from error


def _spare(path: Any, overwrite: bool, call: str) -> None:
    if not overwrite and os.path.exists(path):
        fix = "name another file or leave overwrite out"
        raise FileError(message(f"{call[:-2]} {path}", "a new file", "one that exists", fix))


def _write(model: Model, path: Any, call: str, write: Callable[[IO[bytes]], None]) -> None:
    """Write by way of memory, so that HDF5 meets no disk that is full."""
    model._require_built(call)
    check_name(model.name, f"Model.{call}, the model's name")
    for layer in [*model.made_of(), *model.leaves]:
        check_name(layer.name, f"Model.{call}, a layer's name")
    measured = [measure.metric for measure in model.measures]
    named: list[Any] = [model.optimizer, *measured] if model.compiled else []
    for part in named:
        check_name(part.name, f"Model.{call}, the name of {type(part).__name__}", "")
    stream = io.BytesIO()
    write(stream)
    with atomic_write(path) as temporary:
        temporary.write_bytes(stream.getbuffer())
