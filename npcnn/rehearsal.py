"""A step of a model that is only described: what a second process makes, to see what to compile.

See `npcnn/kernels/run/assistant.py`.
"""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np

from npcnn.checks import NpcnnError
from npcnn.models import model_from_json


def make_step(task: dict[str, Any]) -> None:
    """Make a step, of learning or of prediction, on two samples of the model that a task has."""
    model = model_from_json(task["model"], budget=1e6)
    # a normalisation is refused as long as it knows nothing of the data
    model.set_weights([np.full_like(weight, 0.5) for weight in model.get_weights()])
    xs = [np.zeros((2, *tensor.shape[1:]), model.dtype) for tensor in model.inputs]
    shapes = [(2, *tensor.shape[1:]) for tensor in model.outputs]
    with np.errstate(all="ignore"):
        if not task["learns"]:
            model.predict(xs, verbose=0)
            return
        ys = [np.zeros(shape, model.dtype) for shape in shapes]
        for y in ys:
            y[..., 0] = 1
        labels = [np.zeros(shape[:-1], np.int64) for shape in shapes]
        for given in (ys, labels):  # the loss wants rows or class numbers
            with contextlib.suppress(NpcnnError):
                model.fit(xs, given if len(given) > 1 else given[0], verbose=0)
                return
