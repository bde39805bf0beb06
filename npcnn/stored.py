"""What a model, and a run of it, does with files; npcnn/saving has what these stand for."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Literal, Self

from npcnn import registry, saving
from npcnn.arguments import Config, Path, checked
from npcnn.registry import Objects, custom_object_scope
from npcnn.subclasses import is_ours

if TYPE_CHECKING:
    from npcnn.model import Model


def own_config(model: Any) -> dict[str, Any]:
    """Return the arguments that a model of a class of the program's was made with."""
    args, kwargs = model._arguments
    bound = inspect.signature(type(model)).bind(*args, **kwargs)
    bound.apply_defaults()
    open_ended = [p.name for p in bound.signature.parameters.values() if p.kind is p.VAR_KEYWORD]
    given = {k: v for k, v in {**bound.arguments, **kwargs}.items() if k not in open_ended}
    common = {"name": model.name, "trainable": model.trainable}
    registry.require_json(model.label, given)
    return accepted(type(model), {**common, **given})


def accepted(cls: Any, config: dict[str, Any]) -> dict[str, Any]:
    """Return those of some arguments that a class takes; of an older file's, name and dtype."""
    taken = inspect.signature(cls).parameters.values()
    named = {one.name for one in taken}
    every = any(one.kind is one.VAR_KEYWORD for one in taken)
    common = ("name", "trainable") if every else ()
    plain = {k: v for k, v in config.items() if k not in ("dtype", "name", "trainable")}
    own = {k: v for k, v in config.items() if k in named or k in common}
    return {**plain, **own}


class StoredRun:
    """A run's half that writes and reads files."""

    resumed: Any = None  # a checkpoint to go on from

    def describe(self: Any) -> None:
        """Note what it is begun with, which a file of it will be compared with."""
        from npcnn.saving import checkpoint

        checkpoint.describe(self)

    def save(self: Any, filepath: str) -> None:
        """Write the model and where the run stands."""
        from npcnn.saving import checkpoint

        checkpoint.save_run(self, filepath)

    def resume(self: Any, filepath: Any) -> None:
        """Go on, once it begins, from where the run stood that a file is of."""
        from npcnn.saving.checkpoint import Resumed

        self.resumed = Resumed(self, filepath)


class Stored:
    """A model's half that writes and reads files."""

    call_body: Any
    is_written: bool
    _arguments: tuple[tuple[Any, ...], dict[str, Any]]

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Keep the arguments of a class of the program's, which files may need."""
        self = super().__new__(cls)
        self._arguments = args, kwargs
        return self

    @checked
    def save(self: Any, filepath: Path, overwrite: bool = True, zipped: bool | None = None) -> None:
        """Write the model to a `.keras` or `.h5` file that Keras reads as well.

        The arguments and errors are those of `saving.save_model`.

        >>> import pathlib, tempfile
        >>> from npcnn import Sequential, layers, load_model
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "model.keras"
        >>> Sequential([layers.Dense(2, input_shape=(3,))]).save(path)
        >>> load_model(path).output_shape
        (None, 2)
        """
        saving.save_model(self, filepath, overwrite, zipped)

    @checked
    def save_weights(self: Any, filepath: Path, overwrite: bool = True) -> None:
        """Write the weights to a `.weights.h5` file that Keras reads as well.

        Args:
            filepath: ends in `.weights.h5`; an old file is replaced by the whole new one or kept.
            overwrite: False to raise an error if there is a file.

        Raises:
            ArgumentError: another extension. StateError: shapes not known. FileError: cannot write.

        >>> import pathlib, tempfile
        >>> from npcnn import Sequential, layers
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "model.weights.h5"
        >>> model, other = (Sequential([layers.Dense(2, input_shape=(3,))]) for _ in range(2))
        >>> model.save_weights(path)
        >>> other.load_weights(path)
        >>> bool((model.get_weights()[0] == other.get_weights()[0]).all())
        True
        """
        saving.save_weights(self, filepath, overwrite)

    @checked
    def load_weights(
        self: Any, filepath: Path, skip_mismatch: bool = False, by_name: bool = False, *,
        budget: float = 1.0,
    ) -> None:  # fmt: skip
        """Take the weights of a file of the same architecture; nothing else is changed.

        With `skip_mismatch` a layer of which the file has other parameters keeps its own.
        With `by_name` layers take those of their names from an older `.h5`, others keep their own.
        `budget` says how many times the usual bytes, objects and names reading may take.

        Raises:
            StateError: shapes not known.
            ArgumentError: by_name of another file than an older `.h5`.
            FileError, FormatError: no file, or none that fits; no parameter has been changed then.
        """
        saving.load_weights(self, filepath, skip_mismatch, budget, by_name)

    @checked
    def export(self: Any, filepath: Path, format: Literal["onnx"] = "onnx") -> None:
        """Write what the model infers to a `.onnx` file (`npcnn.onnx.save_onnx`)."""
        saving.export(self, filepath)

    def to_json(self: Any) -> str:
        """Return the architecture as Keras's JSON; `npcnn.model_from_json` reads it.

        >>> from npcnn import Sequential, layers, model_from_json
        >>> model_from_json(Sequential([layers.Dense(2, input_shape=(3,))]).to_json()).output_shape
        (None, 2)
        """
        return saving.to_json(self)

    def get_config(self: Any) -> dict[str, Any]:
        """Return the architecture: name, layers with their arguments, and what calls what."""
        from npcnn.saving.keras_config import model_config

        return own_config(self) if self.call_body is not None else model_config(self)

    @classmethod
    @checked
    def from_config(cls, config: Config, custom_objects: Objects | None = None) -> Model:
        """Return a model of the architecture that `get_config` returned, with new weights.

        `custom_objects` has the program's own classes by the names in the config.

        >>> from npcnn import Sequential, layers
        >>> model = Sequential([layers.Dense(2, input_shape=(3,))])
        >>> Sequential.from_config(model.get_config()).output_shape
        (None, 2)
        """
        from npcnn.saving.assembly import fresh_model

        if "layers" not in config and not is_ours(cls):
            made: Any = cls(**accepted(cls, config))
            return made
        where = f"{cls.__name__}.from_config"
        with custom_object_scope(custom_objects):
            return fresh_model({"class_name": cls.__name__, "config": config}, where)

    def get_compile_config(self: Any) -> dict[str, Any]:
        """Return optimizer, loss and metrics as files have them; {} if there are none."""
        from npcnn.saving.keras_compile import compile_config

        return compile_config(self) if self.compiled else {}

    @checked
    def compile_from_config(self: Any, config: Config) -> None:
        """Compile with what `get_compile_config` returned, or warn and do not."""
        from npcnn.saving import keras_compile

        where = f"{type(self).__name__}.compile_from_config(config)"
        settings = keras_compile.read_compile(config, where, max(1, len(self.ends[1])))
        keras_compile.compiled(self, settings, where)
