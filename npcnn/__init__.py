"""npcnn: a convolutional network engine written from scratch, under Keras's names.

``import npcnn as keras`` runs a Keras program that stays within the layers it has.
"""

from __future__ import annotations

import sys

from npcnn import beside, blas  # noqa: F401  (first: they look before NumPy is loaded)

# isort: split
try:
    from typing import TYPE_CHECKING

    from npcnn import (
        backend,
        callbacks,
        config,
        constraints,
        initializers,
        layers,
        losses,
        metrics,
        models,
        names,
        ops,
        optimizers,
        random,
        regularizers,
        saving,
        utils,
    )
    from npcnn.backend import get_backend, use_backend
    from npcnn.checks import NpcnnError, NpcnnWarning
    from npcnn.initializers import Initializer
    from npcnn.layers import Input, Layer
    from npcnn.losses import Loss
    from npcnn.metrics import Metric
    from npcnn.models import Model, Sequential, load_model, model_from_json
    from npcnn.optimizers import Optimizer
    from npcnn.random import set_random_seed
    from npcnn.regularizers import Regularizer
    from npcnn.threads import get_num_threads, set_num_threads
    from npcnn.variables import Variable
except Exception as error:  # whatever a file raises that was taken for a library
    beside.explain(error)
    raise
beside.warn()

if TYPE_CHECKING:
    from npcnn import datasets, distribution, gradient_check, inspection, page, plots, preprocessing
    from npcnn.inspection import (
        Diagnostics,
        Recorder,
        load_recording,
        overfit_one_batch,
        step_through,
        trace,
    )
    from npcnn.onnx import load_onnx
    from npcnn.page import save_page
    from npcnn.sweeping import sweep

__version__ = "0.1.0"
keras = sys.modules[__name__]  # ``import npcnn as tf`` serves a program that writes tf.keras

__all__ = [
    "Diagnostics", "Initializer", "Input", "Layer", "Loss", "Metric", "Model", "NpcnnError",
    "NpcnnWarning", "Optimizer", "Recorder", "Regularizer", "Sequential", "Variable", "activations",
    "backend", "callbacks", "config", "constraints", "datasets", "distribution", "get_backend",
    "get_num_threads", "gradient_check", "initializers", "inspection", "layers", "load_model",
    "load_onnx", "load_recording", "losses", "metrics", "model_from_json", "models", "ops",
    "optimizers", "overfit_one_batch", "page", "plots", "preprocessing", "random", "regularizers",
    "save_page", "saving", "set_num_threads", "set_random_seed", "step_through", "sweep", "trace",
    "use_backend", "utils",
]  # fmt: skip

if not TYPE_CHECKING:
    # What looks inside, or at data, is imported when it is first asked for.
    _LATE = {name: "npcnn.inspection" for name in __all__ if name not in globals()}
    for _name in ("datasets", "distribution", "gradient_check", "page", "plots", "preprocessing"):
        _LATE[_name] = f"npcnn.{_name}"
    _LATE["load_onnx"], _LATE["save_page"] = "npcnn.onnx", "npcnn.page"
    _LATE["sweep"] = "npcnn.sweeping"
    __getattr__ = names.lookup(__name__, __all__, _LATE)

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
