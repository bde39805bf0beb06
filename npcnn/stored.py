"""What a model does with files; npcnn/saving has what these stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from npcnn.arguments import Path, checked

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
    def load_weights(self: Any, filepath: Path, *, budget: float = 1.0) -> None:
        """Take the weights of a file of the same architecture; nothing else is changed.

        `budget` says how many times the usual bytes, objects and names reading may take.
        """
        from npcnn import saving

        saving.load_weights(self, filepath, budget)

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
    def from_config(cls, config: dict[str, Any]) -> Model:
        """Return a model of the architecture that `get_config` returned, with new weights."""
        from npcnn.saving.assembly import fresh_model

        where = f"{cls.__name__}.from_config"
        return fresh_model({"class_name": cls.__name__, "config": config}, where)
