"""npcnn: a convolutional network engine written from scratch, under Keras's names.

``import npcnn as keras`` runs a Keras program that stays within the layers it has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from npcnn import (
    callbacks,
    config,
    datasets,
    gradient_check,
    initializers,
    layers,
    losses,
    metrics,
    models,
    optimizers,
    utils,
)
from npcnn.backend import get_backend, use_backend
from npcnn.checks import NpcnnError, NpcnnWarning
from npcnn.layers import Input
from npcnn.models import Sequential, load_model, model_from_json
from npcnn.random import set_random_seed
from npcnn.threads import get_num_threads, set_num_threads

if TYPE_CHECKING:
    from npcnn.inspection import (
        Diagnostics,
        Recorder,
        load_recording,
        overfit_one_batch,
        step_through,
        trace,
    )

__version__ = "0.1.0"

__all__ = [
    "Diagnostics",
    "Input",
    "NpcnnError",
    "NpcnnWarning",
    "Recorder",
    "Sequential",
    "callbacks",
    "config",
    "datasets",
    "get_backend",
    "get_num_threads",
    "gradient_check",
    "initializers",
    "layers",
    "load_model",
    "load_recording",
    "losses",
    "metrics",
    "model_from_json",
    "models",
    "optimizers",
    "overfit_one_batch",
    "set_num_threads",
    "set_random_seed",
    "step_through",
    "trace",
    "use_backend",
    "utils",
]

_INSPECTION = {
    "Diagnostics", "Recorder", "load_recording", "overfit_one_batch", "step_through", "trace",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import what looks inside when it is first asked for."""
    if name in _INSPECTION:
        from npcnn import inspection

        return getattr(inspection, name)
    raise AttributeError(f"module 'npcnn' has no attribute {name!r}")
