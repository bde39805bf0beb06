"""What a layer keeps in files itself: its class's `save_own_variables` and `load_own_variables`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from npcnn.layers.base import Layer
from npcnn.saving.hdf5_safe import Hdf5File

if TYPE_CHECKING:
    from npcnn.layers.parameters import Parameters


def says(layer: Parameters) -> bool:
    """Return whether a layer's class says itself what it keeps."""
    kind = type(layer)
    own = (kind.save_own_variables, kind.load_own_variables)
    return own != (Layer.save_own_variables, Layer.load_own_variables)


def written(layer: Parameters) -> dict[str, np.ndarray]:
    """Return name → array of what the layer puts into a file."""
    store: dict[str, Any] = {}
    layer.save_own_variables(store)
    return {str(name): np.asarray(value) for name, value in store.items()}


def load(file: Hdf5File, layers: Sequence[tuple[Any, str]]) -> None:
    """Hand the layers that say so what the file holds of them.

    Args:
        file: an open `.keras` file's weights.
        layers: all of a model, built, with their paths.
    """
    for layer, path in layers:
        folder = f"{path}/vars"
        if says(layer) and file.is_group(folder):
            found = {name: file.dataset(f"{folder}/{name}") for name in file.names(folder)}
            total = sum(dataset.nbytes for dataset in found.values())
            if total > file.size:
                got = f"{total} bytes"
                raise file.error(f"at most {file.size} bytes of {layer.label}'s own", got)
            layer.load_own_variables({name: one.read() for name, one in found.items()})
