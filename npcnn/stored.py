"""What a model does with files; npcnn/saving has what these stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from npcnn.arguments import Config, Path, checked
from npcnn.registry import Objects, custom_object_scope

if TYPE_CHECKING:
    from npcnn.model import Model


class Stored:
    """A model's half that writes and reads files."""

    @checked
    def save(self: Any, filepath: Path, overwrite: bool = True, zipped: bool | None = None) -> None:
        """Write the model to a `.keras` or `.h5` file that Keras reads as well."""
        from npcnn import saving

        saving.save_model(self, filepath, overwrite, zipped)

    @checked
    def save_weights(self: Any, filepath: Path, overwrite: bool = True) -> None:
        """Write the weights to a `.weights.h5` file that Keras reads as well."""
        from npcnn import saving

        saving.save_weights(self, filepath, overwrite)

    @checked
    def load_weights(
        self: Any, filepath: Path, skip_mismatch: bool = False, *, budget: float = 1.0
    ) -> None:
        """Take the weights of a file of the same architecture; nothing else is changed.

        With `skip_mismatch` a layer of which the file has other parameters keeps its own.
        `budget` says how many times the usual bytes, objects and names reading may take.
        """
        from npcnn import saving

        saving.load_weights(self, filepath, skip_mismatch, budget)

    @checked
    def export(self: Any, filepath: Path, format: Literal["onnx"] = "onnx") -> None:
        """Write what the model infers to a `.onnx` file (`npcnn.onnx.save_onnx`)."""
        from npcnn.onnx import save_onnx

        save_onnx(self, filepath)

    def to_json(self: Any) -> str:
        """Return the architecture as Keras's JSON; `npcnn.model_from_json` reads it."""
        from npcnn import saving

        return saving.to_json(self)

    def get_config(self: Any) -> dict[str, Any]:
        """Return the architecture: name, layers with their arguments, and what calls what."""
        from npcnn.saving.keras_config import model_config

        return model_config(self)

    @classmethod
    @checked
    def from_config(cls, config: Config, custom_objects: Objects | None = None) -> Model:
        """Return a model of the architecture that `get_config` returned, with new weights.

        `custom_objects` has the program's own classes by the names in the config.
        """
        from npcnn.saving.assembly import fresh_model

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
